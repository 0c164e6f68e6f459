"""The batch book: which calls are in which batch, in tables beside the journal's.

A call is known by its custom id, the digest of its key and its most tokens: the same in every
command, so that a result can never be put to another call. A batch is noted before anything of it
is sent, so that none is forgotten. What is answered goes, in the commit that brings its outcome.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from evolinstruct.databases import transaction
from evolinstruct.llm.base import CallContext, CallId, Request
from evolinstruct.llm.journal.database import unusable
from evolinstruct.llm.journal.integrity import damaged, digest_of

_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY AUTOINCREMENT,  -- never a second time: files are named by it
    place TEXT NOT NULL,        -- server and model
    source TEXT,                -- the service's name for the file of calls, once it is there
    id TEXT,                    -- the service's name for the batch, once it is made
    size INTEGER NOT NULL,      -- calls
    digest INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS batched (
    custom_id TEXT PRIMARY KEY,
    key BLOB NOT NULL,
    purpose TEXT NOT NULL, model TEXT NOT NULL,
    said TEXT NOT NULL,         -- what else was asked, as JSON
    prompt INTEGER NOT NULL, completion INTEGER NOT NULL,  -- tokens at most
    attempts INTEGER NOT NULL,  -- answers that were none
    digest INTEGER NOT NULL,
    batch INTEGER               -- none: it is to be asked again; no part of the digest
) WITHOUT ROWID;
"""
_EXISTS = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'batched'"
_NUMBER = "SELECT ifnull(MAX(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'batches'"
_AT_ONCE = 500  # names in a statement: SQLite bounds them
_PUT = "INSERT OR REPLACE INTO batched VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FIND = "SELECT * FROM batched WHERE custom_id = ?"
_HELD = """
SELECT purpose, model, COUNT(*), SUM(prompt), SUM(completion) FROM batched
WHERE batch IS NOT NULL GROUP BY purpose, model
"""


def custom_id(key: bytes, max_tokens: int | None) -> str:
    """Return the name of a call in a batch: the digest of its key and its most tokens."""
    return blake2b(key + str(max_tokens).encode(), digest_size=16).hexdigest()


@dataclass(slots=True)
class Batched:
    """A call in a batch.

    Attributes:
        custom_id: its name there.
        key: the journal's.
        request: what was asked; of its messages, none are kept.
        sent: the body, without its messages.
        prompt: tokens in at most.
        completion: tokens out at most.
        attempts: how often it came back without an answer.
        batch: the number of the batch; None where it is to be asked again.
    """

    custom_id: str
    key: bytes
    request: Request
    sent: dict[str, object]
    prompt: int
    completion: int
    attempts: int = 0
    batch: int | None = None

    @property
    def bound(self) -> tuple[int, int]:
        """The most tokens, in and out."""
        return self.prompt, self.completion


@dataclass(frozen=True, slots=True)
class NotedBatch:
    """A batch in the book.

    Attributes:
        number: its number in the run.
        place: the server and model that it goes to.
        source: the service's name for the file of its calls; None while that is not there.
        id: the service's name for the batch; None while it is not made.
        size: how many calls it was made of.
    """

    number: int
    place: str
    source: str | None
    id: str | None
    size: int


class BatchBook:
    """The calls of a run that are in batches. Raises InputError where the file cannot be used."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        """Use the journal's connection; tables are made when something is noted."""
        self._db = db
        self._path = path
        self._is_made = bool(db.execute(_EXISTS).fetchone()[0])

    def find(self, name: str) -> Batched | None:
        """Return the call of a custom id, None where there is none."""
        if not self._is_made:
            return None
        row = self._read(_FIND, name).fetchone()
        return None if row is None else self._call(row)

    def find_all(self, names: Collection[str]) -> dict[str, Batched]:
        """Return the calls of some hundred custom ids; what there is no call of is left out."""
        if not self._is_made:
            return {}
        query = f"SELECT * FROM batched WHERE custom_id {_one_of(names)}"  # noqa: S608
        return {call.custom_id: call for call in map(self._call, self._read(query, *names))}

    def batches(self) -> list[NotedBatch]:
        """Return the batches that have not ended, in the order in which they were noted."""
        if not self._is_made:
            return []
        found = []
        for *row, digest in self._read("SELECT * FROM batches ORDER BY number"):
            if digest != digest_of(*row):
                raise damaged(self._path, "a batch is not as it was written")
            found.append(NotedBatch(*row))
        return found

    def calls(self, batch: int) -> Iterator[Batched]:
        """Yield the calls of a batch that are still in it."""
        query = "SELECT * FROM batched WHERE batch = ?"
        yield from map(self._call, self._read(query, batch))

    def held(self) -> list[tuple[str, str, int, int, int]]:
        """Return (purpose, model, calls, most tokens in, most out) of what is in batches."""
        return list(self._read(_HELD)) if self._is_made else []

    def note(self, place: str, rows: Iterable[Row]) -> NotedBatch | None:
        """Note a batch before it is sent, with its calls as rows; None where there are none."""
        if not self._is_made:
            self._make()
        with _transaction(self._db, self._path):
            number = int(self._db.execute(_NUMBER).fetchone()[0])
            size = self._db.executemany(_PUT, ((*row, number) for row in rows)).rowcount
            if size <= 0:
                return None
            batch = NotedBatch(number, place, None, None, size)
            self._put(batch)
        return batch

    def _make(self) -> None:
        try:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error
        self._is_made = True

    def change(self, batch: NotedBatch) -> None:
        """Note what has become of a batch."""
        with _transaction(self._db, self._path):
            self._put(batch)

    def end(self, batch: NotedBatch) -> int:
        """Forget a batch; return how many of its calls are to be asked again."""
        with _transaction(self._db, self._path):
            self._db.execute("DELETE FROM batches WHERE number = ?", (batch.number,))
            return self._db.execute(
                "UPDATE batched SET batch = NULL WHERE batch = ?", (batch.number,)
            ).rowcount

    def apply(self, answered: Sequence[Batched], again: Sequence[Batched]) -> None:
        """Forget what was answered, and let the others be asked again; within a transaction."""
        names = [call.custom_id for call in answered]
        for begin in range(0, len(names), _AT_ONCE):
            some = names[begin : begin + _AT_ONCE]
            self._db.execute(f"DELETE FROM batched WHERE custom_id {_one_of(some)}", some)  # noqa: S608
        self._db.executemany(_PUT, [(*row(call), None) for call in again])

    def _put(self, batch: NotedBatch) -> None:
        values = (batch.number, batch.place, batch.source, batch.id, batch.size)
        put = "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?, ?)"
        self._db.execute(put, (*values, digest_of(*values)))

    def _read(self, query: str, *values: object) -> sqlite3.Cursor:
        try:
            return self._db.execute(query, values)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def _call(self, row: Sequence[Any]) -> Batched:
        *values, digest, batch = row
        if digest != digest_of(*values):
            raise damaged(self._path, "a call in a batch is not as it was written")
        name, key, purpose, model, said, *counts = values
        place, attempt, generation, operation, temperature, top_p, length, extra, sent = json.loads(
            said
        )
        request = Request(
            CallId(place, purpose, attempt),
            CallContext(generation, operation, None, None, ""),
            (),
            model,
            temperature,
            top_p,
            length,
            extra,
        )
        prompt, completion, attempts = counts
        return Batched(name, key, request, sent, prompt, completion, attempts, batch)


def _one_of(values: Collection[object]) -> str:
    return f"IN ({', '.join('?' * len(values))})"


Row = tuple[Any, ...]
"""A call as the book has it, without the number of its batch."""


def row(call: Batched) -> Row:
    """Return the row of a call."""
    request = call.request
    said = _said(request, call.sent)
    values = (call.custom_id, call.key, request.purpose, request.model, said)
    counted = (*values, call.prompt, call.completion, call.attempts)
    return *counted, digest_of(*counted)


def _said(request: Request, sent: dict[str, object]) -> str:
    call_id, context = request.call_id, request.context
    return json.dumps(
        [
            *(call_id.child_id, call_id.attempt, context.generation, context.operation),
            *(request.temperature, request.top_p, request.max_tokens, dict(request.extra), sent),
        ]
    )


@contextmanager
def _transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    try:
        with transaction(db):
            yield
    except sqlite3.Error as error:
        raise unusable(path, error) from error
