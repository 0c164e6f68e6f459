"""Rows that wait on disk until all are there: then split by family, and handed out in order.

Which side a family is on and where a row goes depend on a seed and ids alone. Only places are
sorted, on disk, so memory stays flat. Knows nothing of what a row says.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO

from evolinstruct.errors import InputError
from evolinstruct.records import Kept

TRAIN, TEST = "train", "test"


class Spool:
    """Rows on disk; a context manager that leaves nothing behind."""

    def __init__(self, folder: Path, seed: int, *, shuffled: bool) -> None:
        """Open an empty spool in a folder; rows keep their order unless shuffled."""
        self._rows: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed on exit
        self._order = sqlite3.connect("", isolation_level=None)
        self._order.execute("CREATE TABLE rows (rank BLOB, family BLOB, start INT, size INT)")
        self._order.execute("BEGIN")
        self._seed = seed
        self._shuffled = shuffled
        self._count = 0
        self._size = 0
        self._last_test = b""

    def add(self, line: Kept, row: bytes) -> None:
        """Add the row of a line."""
        rank = self._digest(line.id, "export") if self._shuffled else self._count.to_bytes(8)
        place = (rank, self._digest(line.seed_id, TEST), self._size, len(row))
        self._order.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", place)
        self._rows.write(row)
        self._count += 1
        self._size += len(row)

    def _digest(self, name: str, purpose: str) -> bytes:
        return blake2b(f"{self._seed}/{name}/{purpose}".encode(), digest_size=8).digest()

    def split(self, share: float) -> None:
        """Set families apart for testing: this share of them, at least one, never all.

        Raises:
            InputError: there is one family only.
        """
        (families,) = self._order.execute("SELECT COUNT(DISTINCT family) FROM rows").fetchone()
        if families < 2:  # noqa: PLR2004 - one for each side
            raise InputError(
                "--test needs two families at least, and there is one only; export without it."
            )
        chosen = min(max(1, round(share * families)), families - 1)
        (self._last_test,) = self._order.execute(
            "SELECT DISTINCT family FROM rows ORDER BY family LIMIT 1 OFFSET ?", [chosen - 1]
        ).fetchone()

    def rows(self, split: str) -> Iterator[bytes]:
        """Yield the rows of a split, in order."""
        sign = "<=" if split == TEST else ">"
        places = self._order.execute(
            f"SELECT start, size FROM rows WHERE family {sign} ? ORDER BY rank",  # noqa: S608
            [self._last_test],
        )
        for start, size in places:
            self._rows.seek(start)
            yield self._rows.read(size)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._order.close()
        self._rows.close()
