"""The gate between rewriting and answering: the rules that look at the whole pool.

Proposals pass it one by one, in pool order, before their answers are paid for. Knows what has
passed before, of every family; nothing of calls, of files of lines, and of who waits for whom.

What has passed the gate, on disk, and found by its keys.

Memory is the same for any number of texts: a map of 16 MiB tells which keys are there at all, and
only for those is the disk asked. The file says nothing that the journal does not: it holds whole
generations, each under what it was made from, and where it is missing or damaged it is begun anew.
Knows sketches, not texts, and not when a text is too alike another.

The rules for duplicates: each proposal is held against all that passed before it.

Likeness within a family is the method itself, so texts of other families count only: the seeds, and
every proposal that passed, whatever becomes of its answer. One that is dropped stands for nothing:
what it was too alike is there.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

from evolinstruct.elimination import DUPLICATE, NEAR_DUPLICATE, Objection
from evolinstruct.errors import InputError
from evolinstruct.evolution import Proposal, rejected
from evolinstruct.records import Kept, Line, Rejected
from evolinstruct.similarity import Similarity, Sketch, equal_key, jaccard, tokens

__all__ = ["Gate", "open_gate"]


_SCHEMA = """
CREATE TABLE passed (
    n INTEGER PRIMARY KEY,      -- in the order in which they passed
    id TEXT NOT NULL, family TEXT NOT NULL, words TEXT NOT NULL, keys BLOB NOT NULL
);
CREATE TABLE keys (
    place INTEGER PRIMARY KEY,  -- key * 2^31 + n: one number is found fastest
    size INTEGER NOT NULL       -- of the text: most that share a key are told apart by it
);
CREATE TABLE generations (
    number INTEGER PRIMARY KEY, made_from TEXT NOT NULL,
    first INTEGER NOT NULL, size INTEGER NOT NULL,
    checksum INTEGER NOT NULL   -- of its rows: a disk may garble what SQLite takes for whole
);
"""
_FIND = """
SELECT place FROM keys WHERE place BETWEEN ? AND ? AND size BETWEEN ? AND ? ORDER BY place LIMIT ?
"""
_FORMAT = 1
_BITS = 1 << 27
_BIT = _BITS - 1
_N = (1 << 31) - 1
_GROUP = 8192
"""So many texts wait in memory until they are written: the more, the less their keys cost."""
_LOOKED_AT = 64
"""Texts that are looked at for a key: a key that more of them share says little."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text that has passed.

    Attributes:
        id: of its line.
        family: the id of its seed.
        sketch: what is looked at of it.
    """

    id: str
    family: str
    sketch: Sketch


class Passed:
    """The texts that have passed; one user at a time."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, made anew if it is not there or not whole; None for a temporary one.

        Raises:
            InputError: it cannot be opened.
        """
        self._path = path
        self._there = bytearray(_BITS // 8)
        self._rows: list[tuple[int, str, str, str, bytes]] = []
        self._waiting: dict[int, tuple[tuple[int, int], ...]] = {}
        self._generation: tuple[int, str, int] | None = None
        self._checksum = 0
        with self._explained():
            self._db = self._opened()
            self._db.execute("PRAGMA cache_size = -8000")
            # What a power cut takes is noticed by the checksums, and made anew.
            self._db.execute("PRAGMA synchronous = OFF")
            last = self._db.execute("SELECT ifnull(MAX(n), -1) FROM passed").fetchone()[0]
            self._next = int(last) + 1

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None and self._path.exists():
            db = self._connected()
            if self._is_believed(db):
                return db
            db.close()
            for path in (self._path, self._path.with_name(f"{self._path.name}-journal")):
                path.unlink(missing_ok=True)
            self._there = bytearray(_BITS // 8)
        db = self._connected()
        db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")
        return db

    def _is_believed(self, db: sqlite3.Connection) -> bool:
        """Tell whether the file is whole; a disk that cannot be read or is full is an error."""
        try:
            return self._is_whole(db)
        except sqlite3.OperationalError:
            db.close()
            raise
        except (sqlite3.DatabaseError, TypeError, ValueError):
            return False  # not what was written: of another kind, even

    def _connected(self) -> sqlite3.Connection:
        if self._path is not None:
            self._path.touch()  # with the permissions that other files get: SQLite's are narrower
        # Opened in a thread, as it may be read through; used by one at a time.
        db = sqlite3.connect(self._path or "", isolation_level=None, check_same_thread=False)
        db.text_factory = partial(str, encoding="utf-8", errors="replace")  # the checksum tells
        return db

    def _is_whole(self, db: sqlite3.Connection) -> bool:
        """Tell whether all is as it was written; note which keys are there on the way."""
        if db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:
            return False
        rows = db.execute("SELECT id, family, words, keys, n FROM passed ORDER BY n")
        count = places = total = 0
        described = db.execute("SELECT size, checksum FROM generations ORDER BY number").fetchall()
        for size, checksum in described:
            found = 0
            for *texts, keys, n in islice(rows, size):
                found = _checksum(texts, keys, found)
                sketch = Sketch(texts[-1], tuple(array("I", keys)))
                own = set(sketch.keys)
                self._note(own)
                places += len(own)
                total += sum(own) + (n + sketch.size) * len(own)
                count += 1
            if found != checksum:
                return False
        if count != db.execute("SELECT COUNT(*) FROM passed").fetchone()[0]:
            return False
        summed = f"ifnull(SUM((place >> 31) + (place & {_N}) + size), 0)"
        query = f"SELECT COUNT(*), {summed} FROM keys"  # noqa: S608 - no data in it
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
            self._write()
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
            self._rows.clear()
            self._waiting.clear()
            self._generation = None

    # Texts

    def find(self, sketch: Sketch, within: int) -> Iterator[Text]:
        """Yield the texts that share a key with this one, in the order in which they passed.

        Args:
            sketch: of this one.
            within: the most words and signs that they may have more than it has, or fewer.

        Raises:
            InputError: the file cannot be read.
        """
        there = self._there
        keys = [key for key in sketch.keys if there[(key & _BIT) >> 3] & 1 << (key & 7)]
        if not keys:
            return
        with self._explained():
            sizes = range(sketch.size - within, sketch.size + within + 1)
            numbers = {number for key in keys for number in self._of_key(key, sizes)}
            for number in sorted(numbers):
                yield self._text(number)

    def add(self, line_id: str, family: str, sketch: Sketch) -> None:
        """Add a text to the generation that was begun.

        Raises:
            InputError: the file cannot be written.
        """
        keys = array("I", sketch.keys).tobytes()
        self._checksum = _checksum((line_id, family, sketch.words), keys, self._checksum)
        self._rows.append((self._next, line_id, family, sketch.words, keys))
        own = set(sketch.keys)  # by chance, a text may have one twice
        self._note(own)
        place = (self._next, sketch.size)
        for key in own:
            self._waiting[key] = (*self._waiting.get(key, ()), place)
        self._next += 1
        if len(self._rows) >= _GROUP:
            with self._explained():
                self._write()

    def _text(self, number: int) -> Text:
        waiting = number - (self._next - len(self._rows))
        if waiting >= 0:
            _, line, family, words, keys = self._rows[waiting]
        else:
            query = "SELECT id, family, words, keys FROM passed WHERE n = ?"
            line, family, words, keys = self._db.execute(query, (number,)).fetchone()
        return Text(line, family, Sketch(words, tuple(array("I", keys))))

    def _of_key(self, key: int, sizes: range) -> Iterator[int]:
        first = key << 31
        found = self._db.execute(_FIND, (first, first | _N, sizes[0], sizes[-1], _LOOKED_AT))
        yield from (place & _N for (place,) in found)
        waiting = self._waiting.get(key, ())
        yield from [number for number, size in waiting if size in sizes][:_LOOKED_AT]

    def _write(self) -> None:
        """Write what waits; keys in their order, as the place of each is anywhere."""
        self._db.executemany("INSERT INTO passed VALUES (?, ?, ?, ?, ?)", self._rows)
        places = sorted(
            (key << 31 | n, size) for key, texts in self._waiting.items() for n, size in texts
        )
        self._db.executemany("INSERT INTO keys VALUES (?, ?)", places)
        self._rows.clear()
        self._waiting.clear()

    def _note(self, keys: Iterable[int]) -> None:
        there = self._there
        for key in keys:
            there[(key & _BIT) >> 3] |= 1 << (key & 7)

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


def _checksum(texts: Sequence[str], keys: bytes, before: int) -> int:
    return crc32(keys, crc32("\0".join(texts).encode(), before))


class Gate:
    """Looks at one text after the other, in pool order, generation after generation."""

    def __init__(
        self, path: Path | None, near: Mapping[str, float] | None, *, equal: bool = True
    ) -> None:
        """Open what passed in earlier generations.

        Args:
            path: where it is kept; None for a gate that is of no use later.
            near: the settings of the rule for near-duplicates; None where it is off.
            equal: whether the rule for equal texts is on.

        Raises:
            InputError: the file cannot be opened.
        """
        self._near = near
        self._equal = equal
        self._likeness = Similarity(near["likeness"]) if near else None
        self._passed = Passed(path)

    def holds(self, generation: int, made_from: str) -> bool:
        """Tell whether all that passed in a generation is known, made from the same."""
        return self._passed.holds(generation, made_from)

    def begin(self, generation: int, made_from: str) -> None:
        """Begin a generation; what is known of it and of later ones is forgotten.

        Raises:
            InputError: the file cannot be written.
        """
        self._passed.begin(generation, made_from)

    def end(self) -> None:
        """Keep what passed in the generation that was begun.

        Raises:
            InputError: the file cannot be written.
        """
        self._passed.end()

    def close(self) -> None:
        """Let go of the file."""
        self._passed.close()

    def look(self, passing: Proposal | Line) -> Proposal | Line:
        """Return what a proposal is after the gate: itself, or a rejected line.

        Seeds are the user's own: they pass, and count. What is a line already passes and does not.

        Raises:
            InputError: the file cannot be used.
        """
        line = passing.line if isinstance(passing, Proposal) else passing
        if line.generation == 0 and isinstance(line, Kept):
            self._add(line, self._sketch(line.instruction))
        elif isinstance(passing, Proposal):
            verdict = self.judge(passing.line)
            if verdict is not None:
                return rejected(passing.line, verdict, passing.raw)
        return passing

    def judge(self, line: Kept | Rejected) -> Objection | None:
        """Return why a line is dropped; one that is not counts from now on.

        Raises:
            InputError: the file cannot be used.
        """
        sketch = self._sketch(line.instruction)
        # What is that much longer or shorter differs by as many shingles.
        found = self._passed.find(sketch, within=int(self._near["differing"]) if self._near else 0)
        others = [text for text in found if text.family != line.seed_id]
        verdict = self._verdict(sketch, others)
        if verdict is None:
            self._add(line, sketch)
        return verdict

    def _sketch(self, text: str) -> Sketch:
        if self._likeness is not None:
            return self._likeness.sketch(text)
        words = " ".join(tokens(text))
        return Sketch(words, (equal_key(words),))

    def _add(self, line: Kept | Rejected, sketch: Sketch) -> None:
        self._passed.add(line.id, line.seed_id, sketch)

    def _verdict(self, sketch: Sketch, others: list[Text]) -> Objection | None:
        if self._equal:
            for other in others:
                if other.sketch.words == sketch.words:
                    return Objection(DUPLICATE, f"the same words as {other.id}")
        likeness, name = max(self._near_ones(sketch, others), default=(0.0, ""))
        return Objection(NEAR_DUPLICATE, f"{likeness:.2f} like {name}") if name else None

    def _near_ones(self, sketch: Sketch, others: list[Text]) -> Iterator[tuple[float, str]]:
        """Yield how alike each of the texts is that is too alike, with its id."""
        if self._near is None or not others:
            return
        shingles = sketch.shingles
        for other in others:
            others_own = other.sketch.shingles
            likeness = jaccard(shingles, others_own)
            differing = len(shingles ^ others_own)
            if likeness >= self._near["likeness"] and differing <= self._near["differing"]:
                yield likeness, other.id


def open_gate(path: Path | None, rules: Mapping[str, Mapping[str, Any]]) -> Gate | None:
    """Return the gate for the rules that are on, or None where none of them looks at the pool.

    Args:
        path: where what passes it is kept; None for a gate that is of no use later.
        rules: the settings of each rule that is on, by name.

    Raises:
        InputError: its file cannot be opened.
    """
    near, equal = rules.get(NEAR_DUPLICATE), DUPLICATE in rules
    return Gate(path, near, equal=equal) if equal or near is not None else None
