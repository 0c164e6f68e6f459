"""What has passed the gate, on disk, and found by its keys.

Memory is the same for any number of texts: a map of 16 MiB tells which keys are there at all, and
only for those is the disk asked. The file says nothing that the journal does not: it holds whole
generations, each under what it was made from, and where it is missing or damaged it is begun anew.
Knows sketches, not texts, and not when a text is too alike another.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zlib import crc32

from evolinstruct.errors import InputError
from evolinstruct.likeness import Sketch

_SCHEMA = """
CREATE TABLE passed (
    n INTEGER PRIMARY KEY,     -- in the order in which they passed
    id BLOB NOT NULL, family BLOB NOT NULL,
    digest BLOB NOT NULL, shingles BLOB NOT NULL, keys BLOB NOT NULL
);
CREATE TABLE keys (place INTEGER PRIMARY KEY);  -- key * 2^31 + n: one number is found fastest
CREATE TABLE generations (
    number INTEGER PRIMARY KEY, made_from TEXT NOT NULL,
    first INTEGER NOT NULL, size INTEGER NOT NULL,
    checksum INTEGER NOT NULL   -- of its rows: a disk may garble what SQLite takes for whole
);
"""
_FORMAT = 1
_BITS = 1 << 27
_N = (1 << 31) - 1
_GROUP = 4096
"""So many texts' keys are put in order before they are written: a key's place is anywhere."""
_LOOKED_AT = 64
"""Texts that are looked at for a key: a key that more of them share says little."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text that has passed.

    Attributes:
        id: of its line.
        family: the id of its seed.
        digest: equal for equal texts, see `Sketch`.
        shingles: its shingles, see `Sketch`.
    """

    id: str
    family: str
    digest: bytes
    shingles: frozenset[int]


class Passed:
    """The texts that have passed; one user at a time."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, made anew if it is not there or not whole; None for a temporary one.

        Raises:
            InputError: it cannot be opened.
        """
        self._path = path
        self._there = bytearray(_BITS // 8)
        self._waiting: dict[int, tuple[int, ...]] = {}
        self._generation: tuple[int, str, int] | None = None
        self._checksum = 0
        with self._explained():
            self._db = self._opened()
            last = self._db.execute("SELECT ifnull(MAX(n), -1) FROM passed").fetchone()[0]
            self._next = int(last) + 1

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None and self._path.exists():
            try:
                db = self._connected()
                if self._is_whole(db):
                    return db
                db.close()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                pass
            self._path.unlink()
            self._there = bytearray(_BITS // 8)
        db = self._connected()
        db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")
        return db

    def _connected(self) -> sqlite3.Connection:
        # Opened in a thread, as it may be read through; used by one at a time.
        db = sqlite3.connect(self._path or "", isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA cache_size = -8000")
        db.execute("PRAGMA synchronous = NORMAL")
        return db

    def _is_whole(self, db: sqlite3.Connection) -> bool:
        """Tell whether all is as it was written; note which keys are there on the way."""
        if db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:
            return False
        rows = db.execute("SELECT id, family, digest, shingles, keys, n FROM passed ORDER BY n")
        count = places = total = 0
        described = db.execute("SELECT size, checksum FROM generations ORDER BY number").fetchall()
        for size, checksum in described:
            found = 0
            for *blobs, n in islice(rows, size):
                found = _checksum(blobs, found)
                texts_keys = array("I", blobs[-1])
                self._note(texts_keys)
                own = set(texts_keys)
                places += len(own)
                total += sum(own) + n * len(own)
                count += 1
            if found != checksum:
                return False
        if count != db.execute("SELECT COUNT(*) FROM passed").fetchone()[0]:
            return False
        query = f"SELECT COUNT(*), ifnull(SUM((place >> 31) + (place & {_N})), 0) FROM keys"  # noqa: S608
        return tuple(db.execute(query).fetchone()) == (places, total)

    # Generations

    def holds(self, generation: int, made_from: str) -> bool:
        """Tell whether a generation is here, made from the same."""
        query = "SELECT 1 FROM generations WHERE number = ? AND made_from = ?"
        return self._db.execute(query, (generation, made_from)).fetchone() is not None

    def begin(self, generation: int, made_from: str) -> None:
        """Begin a generation: what was here of it, and of later ones, is forgotten.

        Raises:
            InputError: the file cannot be written.
        """
        with self._explained():
            self._roll_back()
            self._db.execute("BEGIN IMMEDIATE")
            query = "SELECT MIN(first) FROM generations WHERE number >= ?"
            (first,) = self._db.execute(query, (generation,)).fetchone()
            if first is not None:
                self._db.execute(f"DELETE FROM keys WHERE place & {_N} >= ?", (first,))  # noqa: S608
                self._db.execute("DELETE FROM passed WHERE n >= ?", (first,))
                self._db.execute("DELETE FROM generations WHERE number >= ?", (generation,))
                self._next = int(first)
            self._generation = (generation, made_from, self._next)
            self._checksum = 0

    def end(self) -> None:
        """Keep what has passed of the generation that was begun.

        Raises:
            InputError: the file cannot be written.
        """
        assert self._generation is not None  # noqa: S101 - begun before it ends
        with self._explained():
            self._write_keys()
            number, made_from, first = self._generation
            row = (number, made_from, first, self._next - first, self._checksum)
            self._db.execute("INSERT INTO generations VALUES (?, ?, ?, ?, ?)", row)
            self._db.execute("COMMIT")
        self._generation = None

    def close(self) -> None:
        """Let go of the file; a generation that has not ended is forgotten."""
        self._db.close()

    def _roll_back(self) -> None:
        """Forget a generation that was begun and has not ended."""
        if self._generation is not None:
            self._db.execute("ROLLBACK")
            self._next = self._generation[2]
            self._waiting.clear()
            self._generation = None

    # Texts

    def find(self, sketch: Sketch) -> Iterator[Text]:
        """Yield the texts that share a key with this one, in the order in which they passed.

        Raises:
            InputError: the file cannot be read.
        """
        numbers: set[int] = set()
        with self._explained():
            there = self._there
            for key in sketch.keys:
                if there[(key & (_BITS - 1)) >> 3] & 1 << (key & 7):
                    numbers.update(self._of_key(key))
            for number in sorted(numbers):
                query = "SELECT id, family, digest, shingles FROM passed WHERE n = ?"
                line, family, digest, shingles = self._db.execute(query, (number,)).fetchone()
                yield Text(line.hex(), family.hex(), digest, frozenset(array("I", shingles)))

    def add(self, line_id: str, family: str, sketch: Sketch) -> None:
        """Add a text to the generation that was begun.

        Raises:
            InputError: the file cannot be written.
        """
        keys = sketch.keys
        blobs = (
            bytes.fromhex(line_id),
            bytes.fromhex(family),
            sketch.digest,
            array("I", sketch.shingles).tobytes(),
            array("I", keys).tobytes(),
        )
        self._checksum = _checksum(blobs, self._checksum)
        with self._explained():
            row = (self._next, *blobs)
            self._db.execute("INSERT INTO passed VALUES (?, ?, ?, ?, ?, ?)", row)
            self._note(keys)
            for key in set(keys):  # by chance, a text may have one twice
                self._waiting[key] = (*self._waiting.get(key, ()), self._next)
            self._next += 1
            if len(self._waiting) > _GROUP * len(keys):
                self._write_keys()

    def _of_key(self, key: int) -> Iterator[int]:
        query = "SELECT place FROM keys WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?"
        first = key << 31
        rows = self._db.execute(query, (first, first | _N, _LOOKED_AT))
        yield from (place & _N for (place,) in rows)
        yield from self._waiting.get(key, ())[:_LOOKED_AT]

    def _write_keys(self) -> None:
        places = sorted(key << 31 | n for key, numbers in self._waiting.items() for n in numbers)
        self._db.executemany("INSERT INTO keys VALUES (?)", zip(places, strict=True))
        self._waiting.clear()

    def _note(self, keys: Sequence[int]) -> None:
        there = self._there
        for key in keys:
            there[(key & (_BITS - 1)) >> 3] |= 1 << (key & 7)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise InputError(
                f"{self._path or 'A temporary file'} cannot be used: {error}; free disk space, or"
                " delete the file, which is made anew from the journal, and run the same command"
                " again."
            ) from error


def _checksum(blobs: Sequence[bytes], before: int) -> int:
    return crc32(b"\0".join(blobs), before)
