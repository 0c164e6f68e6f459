"""Parquet files, read and written a few rows at a time. The only importer of pyarrow.

Knows rows of texts, numbers, lists and objects. Knows nothing of what they mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from evolinstruct.errors import InputError
from evolinstruct.extras import load

_EXTRA = "parquet"
_ROWS = 10_000
_BYTES = 4_000_000
"""A row group has at most so many rows, or bytes of JSON: it bounds the memory."""
_BATCH = 500


def available() -> None:
    """Make sure that Parquet can be read and written here.

    Raises:
        InputError: pyarrow is missing.
    """
    load("pyarrow", _EXTRA, "Parquet")


def read(name: str, file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row with its number, from 1.

    Raises:
        InputError: pyarrow is missing, or the file is broken.
    """
    arrow = load("pyarrow", _EXTRA, f"{name} is a Parquet file: to read it")
    parquet = load("pyarrow.parquet", _EXTRA, name)
    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=_BATCH):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        # The last two: a text that is not UTF-8, a date that Python does not know.
        why = "".join(char for char in str(error).partition("\n")[0] if char.isprintable())
        raise InputError(
            f"{name} cannot be read as Parquet after row {number:,}: {why}; write the file anew."
        ) from error


class Writer:
    """A Parquet file that grows by row groups; takes each row as a line of JSON."""

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        """Open the file.

        Args:
            path: where it is written.
            fields: the type of each field: ``str``, ``int``, a list of one, or a mapping.

        Raises:
            InputError: pyarrow is missing.
        """
        self._arrow = load("pyarrow", _EXTRA, "Parquet")
        parquet = load("pyarrow.parquet", _EXTRA, "Parquet")
        # The pool that is the default keeps what a row group took; the system's gives it back.
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
        if len(self._rows) >= _ROWS or self._size >= _BYTES:
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
