"""Parquet files: read and written a few rows at a time, so that memory stays flat.

The only importer of pyarrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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


def read(name: str, file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row with its number, from 1.

    Args:
        name: the file's name, for errors.
        file: the file, seekable.

    Raises:
        InputError: pyarrow is not installed, or the file is broken.
    """
    arrow = import_extra("pyarrow", _EXTRA, f"{name} is a Parquet file: to read it")
    parquet = import_extra("pyarrow.parquet", _EXTRA, name)
    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=_BATCH_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        # ValueError: a text that is not UTF-8. OverflowError: a date outside Python's range.
        why = "".join(char for char in str(error).partition("\n")[0] if char.isprintable())
        raise InputError(
            f"{name} cannot be read as Parquet after row {number:,}: {why}; write the file again."
        ) from error


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
