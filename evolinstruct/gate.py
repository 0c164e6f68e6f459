"""The gate between rewriting and answering: drops rewrites that duplicate an earlier text.

Proposals pass it one by one, in pool order, before anyone pays for their answers. Each is held
against the seeds and against every proposal that passed before it, whatever became of its answer.
A dropped proposal does not count: the text that it duplicates is there already. Texts of one family
are alike by design, so only equal ones are held against each other: a rewrite that goes back to the
seed is nothing new.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from evolinstruct.elimination import DUPLICATE, NEAR_DUPLICATE, NEAR_MEANING, Objection
from evolinstruct.elimination.duplicates import Duplicates, PassedText
from evolinstruct.elimination.meaning import Meanings
from evolinstruct.errors import InputError
from evolinstruct.evolution import Proposal, rejected
from evolinstruct.records import Kept, Line, Rejected
from evolinstruct.similarity import Sketch

__all__ = ["Gate", "open_gate"]

Skips = Callable[[str | None], Collection[str]]
"""Returns the rules that do not apply to what an operation makes."""


def open_gate(
    path: Path | None,
    rules: Mapping[str, Mapping[str, Any]],
    skips: Skips = lambda _: (),
) -> Gate | None:
    """Return the gate for the rules that are on, or None where none of them looks at the pool.

    Args:
        path: the file that remembers what passed; None for a gate that is used once.
        rules: the parameters of each rule that is on, by name.
        skips: the rules that do not apply, by operation.

    Raises:
        InputError: the file cannot be opened, or the extra that a rule needs is not installed.
    """
    near, meaning = rules.get(NEAR_DUPLICATE), rules.get(NEAR_MEANING)
    equal = DUPLICATE in rules
    if not equal and near is None and meaning is None:
        return None
    meanings = None if meaning is None else Meanings(meaning["likeness"])
    return Gate(path, near, equal=equal, meanings=meanings, skips=skips)


# What has passed, on disk
#
# The file holds whole generations, each under what it was made from and with a digest of its rows.
# It says nothing that the journal does not: if it is missing or not as it was written, it is begun
# anew, and the generations that it lacks are replayed. The index by keys is never read back from a
# disk: it lies in a temporary database and is made from the rows. Memory is the same for any number
# of texts: a map of 16 MiB tells whether a key is there at all, and only then is the disk asked.

_FORMAT = 3
_SCHEMA = f"""
CREATE TABLE passed (
    n INTEGER PRIMARY KEY,      -- in the order in which they passed, from 0
    id TEXT NOT NULL, family TEXT NOT NULL, words TEXT NOT NULL, keys BLOB NOT NULL,
    vector BLOB NOT NULL        -- of its meaning, where a rule compares that; else empty
);
CREATE TABLE generations (
    number INTEGER PRIMARY KEY, made_from TEXT NOT NULL, size INTEGER NOT NULL,
    digest TEXT NOT NULL        -- of its rows: a disk may garble what SQLite takes for whole
);
PRAGMA user_version = {_FORMAT};
"""
_INDEX = """
CREATE TABLE temp.keys (
    place INTEGER PRIMARY KEY,  -- key * 2^31 + n: one number is found fastest
    size INTEGER NOT NULL       -- words of the text: tells most that share a key apart
);
PRAGMA temp.cache_size = -8000;
"""
_FIND = """
SELECT place FROM temp.keys
WHERE place BETWEEN ? AND ? AND size BETWEEN ? AND ? ORDER BY place LIMIT ?
"""
_UNUSABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_BUSY,
}
"""Errors that say nothing of what the file holds: a new file would be of no more use."""
_BITS = 1 << 27
_BIT = _BITS - 1
_N = (1 << 31) - 1
_GROUP = 8192
"""Texts that wait in memory until they are written: the more, the less their keys cost."""
_LOOKED_AT = 64
"""Texts that are looked at for a key: a key that more of them share says little."""

_Row = tuple[int, str, str, str, bytes, bytes]


class Gate:
    """Looks at one text after the other, in pool order, generation after generation.

    Each method raises InputError where the file cannot be read or written.
    """

    def __init__(
        self,
        path: Path | None,
        near: Mapping[str, float] | None,
        *,
        equal: bool = True,
        meanings: Meanings | None = None,
        skips: Skips = lambda _: (),
    ) -> None:
        """Open the file that remembers what passed, or begin it anew if it is not whole.

        Args:
            path: the file; None for a temporary one.
            near: the parameters of the rule for near-duplicates; None where it is off.
            equal: whether the rule for equal texts is on.
            meanings: the rule for texts that mean the same; None where it is off.
            skips: the rules that do not apply, by operation.
        """
        self._duplicates = Duplicates(near, equal=equal)
        self._meanings = meanings
        self._skips = skips
        self._path = path
        self._generation: tuple[int, str, int] | None = None
        self._digest = blake2b()
        with self._explained():
            self._db = self._opened()
            # A power cut may garble what was written last; the digest tells.
            self._db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -4000;")
            query = "SELECT ifnull(MAX(n), -1) + 1 FROM passed"
            self._next = int(self._db.execute(query).fetchone()[0])
        self._is_indexed = False

    def look(self, passing: Proposal | Line) -> Proposal | Line:
        """Return what becomes of a proposal: the proposal itself, or a rejected line.

        A seed always passes, and counts. Any other line neither counts nor changes.
        """
        line = passing.line if isinstance(passing, Proposal) else passing
        if line.generation == 0 and isinstance(line, Kept):
            self._add(line, self._duplicates.sketch(line.instruction), self._vector(line))
        elif isinstance(passing, Proposal):
            objection = self.find_objection(passing.line)
            if objection is not None:
                return rejected(passing.line, objection, passing.raw)
        return passing

    def find_objection(self, line: Kept | Rejected) -> Objection | None:
        """Return why a line is dropped; a line without an objection has passed."""
        sketch = self._duplicates.sketch(line.instruction)
        passed, skips = list(self._candidates(sketch)), self._skips(line.operation)
        objection = self._duplicates.find_objection(line.seed_id, sketch, passed, skips)
        if objection is not None:
            return objection
        vector = self._vector(line)
        if NEAR_MEANING not in skips and (objection := self._same_meaning(line, vector)):
            return objection
        self._add(line, sketch, vector)
        return None

    def _vector(self, line: Kept | Rejected) -> bytes:
        return b"" if self._meanings is None else self._meanings.vector(line.instruction)

    def _same_meaning(self, line: Kept | Rejected, vector: bytes) -> Objection | None:
        if self._meanings is None:
            return None
        with self._explained():
            texts = [self._text(number) for number in self._meanings.candidates(vector)]
        others = [(text.id, text.vector) for text in texts if text.family != line.seed_id]
        return self._meanings.find_objection(vector, others)

    # The file

    def _opened(self) -> sqlite3.Connection:
        db = self._connected()
        try:
            if _is_whole(db):
                return db
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNUSABLE:
                db.close()
                raise
        except (TypeError, ValueError):
            pass  # values of another type than was written
        db.close()
        if self._path is not None:
            for path in (self._path, self._path.with_name(f"{self._path.name}-journal")):
                path.unlink(missing_ok=True)
        db = self._connected()
        db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        return db

    def _connected(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.touch()  # with the permissions that other files get: SQLite's are narrower
        # A thread may open it, because reading it through takes a while; one user at a time.
        db = sqlite3.connect(self._path or "", isolation_level=None, check_same_thread=False)
        db.text_factory = partial(str, encoding="utf-8", errors="replace")  # the digest tells
        return db

    # Generations

    def holds(self, generation: int, made_from: str) -> bool:
        """Tell whether all texts that passed in a generation are known, made from the same."""
        query = "SELECT 1 FROM generations WHERE number = ? AND made_from = ?"
        with self._explained():
            return self._db.execute(query, (generation, made_from)).fetchone() is not None

    def begin(self, generation: int, made_from: str) -> None:
        """Begin a generation; forget what passed in it and in later ones before."""
        with self._explained():
            if self._generation is not None:
                self._db.execute("ROLLBACK")
                self._is_indexed = False
            query = "SELECT size FROM generations WHERE number < ?"
            first = sum(size for (size,) in self._db.execute(query, (generation,)))
            if first != self._next:
                self._next, self._is_indexed = first, False
            if not self._is_indexed:
                self._index()
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("DELETE FROM passed WHERE n >= ?", (self._next,))
            self._db.execute("DELETE FROM generations WHERE number >= ?", (generation,))
        self._generation = (generation, made_from, self._next)
        self._digest = blake2b()

    def end(self) -> None:
        """Keep what passed in the generation that was begun."""
        assert self._generation is not None  # noqa: S101 - begun before it ends
        number, made_from, first = self._generation
        with self._explained():
            self._write()
            described = (number, made_from, self._next - first)
            row = (*described, _ended(self._digest, described))
            self._db.execute("INSERT INTO generations VALUES (?, ?, ?, ?)", row)
            self._db.execute("COMMIT")
        self._generation = None

    def close(self) -> None:
        """Close the file; a generation that has not ended is forgotten."""
        self._db.close()

    # Texts

    def _candidates(self, sketch: Sketch) -> Iterator[PassedText]:
        """Yield the texts that share a key with a sketch, in the order in which they passed."""
        there = self._there
        keys = [key for key in sketch.keys if there[(key & _BIT) >> 3] & 1 << (key & 7)]
        if not keys:
            return
        within = self._duplicates.within
        sizes = range(sketch.size - within, sketch.size + within + 1)
        with self._explained():
            numbers = {number for key in keys for number in self._of_key(key, sizes)}
            yield from map(self._text, sorted(numbers))

    def _add(self, line: Kept | Rejected, sketch: Sketch, vector: bytes) -> None:
        """Add a text to the generation that was begun."""
        keys = array("I", sketch.keys).tobytes()
        row = (self._next, line.id, line.seed_id, sketch.words, keys, vector)
        _update(self._digest, row)
        self._rows.append(row)
        place = (self._next, sketch.size)
        for key in self._noted(sketch.keys):
            self._waiting[key] = (*self._waiting.get(key, ()), place)
        self._next += 1
        if self._meanings is not None:
            with self._explained():
                self._meanings.add(vector)
        if len(self._rows) == _GROUP:
            with self._explained():
                self._write()

    def _text(self, number: int) -> PassedText:
        waiting = number - self._next + len(self._rows)
        if waiting >= 0:
            row = self._rows[waiting]
        else:
            row = self._db.execute("SELECT * FROM passed WHERE n = ?", (number,)).fetchone()
            if row is None:
                raise sqlite3.DatabaseError("a row is missing")  # the disk garbled the way to it
        _, line, family, words, keys, vector = row
        return PassedText(line, family, _read_sketch(words, keys), vector)

    def _of_key(self, key: int, sizes: range) -> Iterator[int]:
        first = key << 31
        found = self._db.execute(_FIND, (first, first | _N, sizes[0], sizes[-1], _LOOKED_AT))
        yield from (place & _N for (place,) in found)
        waiting = self._waiting.get(key, ())
        yield from [number for number, size in waiting if size in sizes][:_LOOKED_AT]

    # The index

    def _index(self) -> None:
        """Make the index of the texts below the next one: sorted first, it takes half the time."""
        self._there = bytearray(_BITS // 8)
        self._waiting: dict[int, tuple[tuple[int, int], ...]] = {}
        self._rows: list[_Row] = []
        self._db.executescript(f"DROP TABLE IF EXISTS temp.keys; {_INDEX}")
        self._db.execute("BEGIN")
        self._db.execute("CREATE TABLE temp.unsorted (place INTEGER, size INTEGER)")
        self._db.executemany("INSERT INTO temp.unsorted VALUES (?, ?)", self._places())
        self._db.execute("INSERT INTO temp.keys SELECT * FROM temp.unsorted ORDER BY place")
        self._db.execute("DROP TABLE temp.unsorted")
        self._db.execute("COMMIT")
        if self._meanings is not None:
            query = "SELECT vector FROM passed WHERE n < ? ORDER BY n"
            self._meanings.begin(vector for (vector,) in self._db.execute(query, (self._next,)))
        self._is_indexed = True

    def _places(self) -> Iterator[tuple[int, int]]:
        """Yield a row of the index for each key of each text below the next one."""
        texts = self._db.execute("SELECT n, words, keys FROM passed WHERE n < ?", (self._next,))
        for n, words, keys in texts:
            sketch = _read_sketch(words, keys)
            size = sketch.size
            for key in self._noted(sketch.keys):
                yield key << 31 | n, size

    def _noted(self, keys: Iterable[int]) -> set[int]:
        """Return the keys, each once, and note that they are there."""
        there, own = self._there, set(keys)  # by chance, a text may have a key twice
        for key in own:
            there[(key & _BIT) >> 3] |= 1 << (key & 7)
        return own

    def _write(self) -> None:
        """Write what waits: keys in their order, because the place of each is anywhere."""
        self._db.executemany("INSERT INTO passed VALUES (?, ?, ?, ?, ?, ?)", self._rows)
        places = sorted(
            (key << 31 | n, size) for key, texts in self._waiting.items() for n, size in texts
        )
        self._db.executemany("INSERT INTO temp.keys VALUES (?, ?)", places)
        self._rows.clear()
        self._waiting.clear()

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


def _read_sketch(words: str, keys: bytes) -> Sketch:
    return Sketch(words, tuple(array("I", keys)))


def _is_whole(db: sqlite3.Connection) -> bool:
    """Tell whether every generation is as it was written."""
    if db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:
        return False
    rows = db.execute("SELECT n, id, family, words, keys, vector FROM passed ORDER BY n")
    query = "SELECT number, made_from, size, digest FROM generations ORDER BY number"
    for *described, expected in db.execute(query).fetchall():
        digest = blake2b()
        for row in islice(rows, described[-1]):
            _update(digest, row)
        if _ended(digest, described) != expected:
            return False
    return next(rows, None) is None


def _update(digest: blake2b, row: _Row) -> None:
    n, line, family, words, keys, vector = row
    digest.update(f"{n}\0{line}\0{family}\0{words}\0".encode())
    digest.update(keys)
    digest.update(vector)


def _ended(digest: blake2b, described: Sequence[object]) -> str:
    digest.update(repr(tuple(described)).encode())
    return digest.hexdigest()
