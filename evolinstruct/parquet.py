"""Files of columns: Parquet and Arrow read, Parquet written, a few rows at a time, memory flat.

The only importer of pyarrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from evolinstruct.errors import InputError
from evolinstruct.installation import import_extra

_EXTRA = "parquet"
_GROUP_ROWS = 10_000
_GROUP_BYTES = 4_000_000
"""The most rows, and the most bytes of JSON, of a row group: it waits in memory until written."""
_BATCH_ROWS = 500


def require_pyarrow() -> None:
    """Make sure that Parquet files can be read and written.

    Raises:
        InputError: pyarrow is not installed.
    """
    import_extra("pyarrow", _EXTRA, "Parquet")


PARQUET = b"PAR1"
ARROW = (b"ARROW1", b"\xff\xff\xff\xff")
"""The first bytes of an Arrow file, and of an Arrow stream, which `datasets` saves."""


class Reader:
    """Reads the rows of a file of columns."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        """Open the file.

        Args:
            name: the file's name, for errors.
            file: the file, seekable, at its start.

        Raises:
            InputError: pyarrow is not installed, or the file is broken.
        """
        self._name = name
        self._is_parquet = file.read(len(PARQUET)) == PARQUET
        file.seek(0)
        self._kind = "Parquet" if self._is_parquet else "Arrow"
        self._arrow = import_extra(
            "pyarrow", _EXTRA, f"{name} is {_article(self._kind)} file: to read it"
        )
        self._rows_read = 0
        with self._checked():
            self._file = self._opened(file)
            schema = self._file.schema_arrow if self._is_parquet else self._file.schema
            self.columns: list[str] = schema.names

    def _opened(self, file: BinaryIO) -> Any:
        if self._is_parquet:
            return import_extra("pyarrow.parquet", _EXTRA, self._name).ParquetFile(file)
        ipc = import_extra("pyarrow.ipc", _EXTRA, self._name)
        is_file = file.read(len(ARROW[0])) == ARROW[0]
        file.seek(0)
        return ipc.open_file(file) if is_file else ipc.open_stream(file)

    def rows(self, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield each row with its number, from 1; only the columns that are named.

        Raises:
            InputError: the file is broken.
        """
        with self._checked():
            for batch in self._batches(columns):
                read = [self._plain(batch.column(name)).to_pylist() for name in columns]
                for values in zip(*read, strict=True):
                    self._rows_read += 1
                    yield self._rows_read, dict(zip(columns, values, strict=True))

    def _batches(self, columns: Sequence[str]) -> Iterator[Any]:
        if self._is_parquet:
            yield from self._file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns))
            return
        count = getattr(self._file, "num_record_batches", None)
        batches = self._file if count is None else map(self._file.get_batch, range(count))
        for batch in batches:
            batch.validate(full=True)  # a broken file must not make pyarrow read beyond its memory
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                yield batch.slice(start, _BATCH_ROWS)

    def _plain(self, column: Any) -> Any:
        """Return a column with times as numbers: Python has none of nanoseconds."""
        kind = self._without_times(column.type)
        return column if kind == column.type else column.cast(kind)

    def _without_times(self, kind: Any) -> Any:
        arrow = self._arrow
        if arrow.types.is_temporal(kind):
            return arrow.int32() if kind.bit_width == 32 else arrow.int64()  # noqa: PLR2004 - bits
        if arrow.types.is_struct(kind):
            return arrow.struct([each.with_type(self._without_times(each.type)) for each in kind])
        if arrow.types.is_list(kind):
            return arrow.list_(self._without_times(kind.value_type))
        return kind

    @contextmanager
    def _checked(self) -> Iterator[None]:
        """Report a broken file in a sentence."""
        try:
            yield
        except (self._arrow.ArrowException, OSError, ValueError, OverflowError) as error:
            # ValueError: a text that is not UTF-8.
            why = "".join(char for char in str(error).partition("\n")[0] if char.isprintable())
            raise InputError(
                f"{self._name} cannot be read as {self._kind} after row {self._rows_read:,}: {why};"
                " write the file again."
            ) from error


def _article(kind: str) -> str:
    return f"an {kind}" if kind.startswith("A") else f"a {kind}"


class Writer:
    """Writes a Parquet file by row groups; takes each row as a line of JSON."""

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        """Open the file.

        Args:
            path: where it is written.
            fields: the type of each field: ``str``, ``int``, a list of one, or a mapping.

        Raises:
            InputError: pyarrow is not installed.
        """
        self._arrow = import_extra("pyarrow", _EXTRA, "Parquet")
        parquet = import_extra("pyarrow.parquet", _EXTRA, "Parquet")
        # The default pool keeps the memory of a row group; the system's gives it back.
        self._arrow.set_memory_pool(self._arrow.system_memory_pool())
        self._schema = self._arrow.schema(
            [(name, self._type(kind)) for name, kind in fields.items()]
        )
        self._file = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._size = 0

    def write(self, row: bytes) -> None:
        """Add a row."""
        self._rows.append(json.loads(row))
        self._size += len(row)
        if len(self._rows) >= _GROUP_ROWS or self._size >= _GROUP_BYTES:
            self._end_group()

    def close(self) -> None:
        """End the file."""
        self._end_group()
        self._file.close()

    def _end_group(self) -> None:
        if self._rows:
            self._file.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows, self._size = [], 0

    def _type(self, kind: Any) -> Any:
        match kind:
            case [inner]:
                return self._arrow.list_(self._type(inner))
            case Mapping():
                return self._arrow.struct(
                    [(name, self._type(inner)) for name, inner in kind.items()]
                )
        return self._arrow.int64() if kind is int else self._arrow.string()
