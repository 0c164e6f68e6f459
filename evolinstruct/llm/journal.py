"""The outcome of every call, stored before it is used.

The journal is the truth of a run: the files of a run are a function of seeds, recipe and journal,
so whatever is in here is never asked, and never paid, a second time. An outcome may be retired on
purpose: its row stays, and the next ask for its place and purpose is another throw of the dice.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from evolinstruct.durability import Durability
from evolinstruct.errors import CallFailed, CallRejected, InputError
from evolinstruct.llm.base import Draw, Reply, Request, Usage

_FORMAT = 1
REPLY, REJECTED, FAILED = "reply", "rejected", "failed"
_SCHEMA = """
CREATE TABLE calls (
    key BLOB NOT NULL,          -- digest of what was asked for
    child_id TEXT NOT NULL, purpose TEXT NOT NULL, attempt INTEGER NOT NULL,
    generation INTEGER NOT NULL, operation TEXT,
    outcome TEXT NOT NULL,      -- reply, rejected, failed
    text TEXT NOT NULL,         -- the reply, or the message
    word TEXT NOT NULL,         -- finish reason, rule, or error
    model TEXT NOT NULL, max_tokens INTEGER, attempts INTEGER NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER,
    cached_tokens INTEGER, reasoning_tokens INTEGER,
    digest INTEGER NOT NULL     -- of key and outcome: a disk may garble what SQLite takes for whole
);
CREATE INDEX calls_by_key ON calls (key);
CREATE INDEX calls_without_reply ON calls (outcome) WHERE outcome != 'reply';
CREATE TABLE retries (id INTEGER PRIMARY KEY, what TEXT NOT NULL, is_over INTEGER NOT NULL);
CREATE TABLE retired (
    child_id TEXT NOT NULL, purpose TEXT NOT NULL, generation INTEGER NOT NULL,
    next_attempt INTEGER NOT NULL,  -- attempts of this place and purpose count from here
    retry INTEGER NOT NULL REFERENCES retries,
    PRIMARY KEY (child_id, purpose)
) WITHOUT ROWID;
"""
_INSERT = f"INSERT INTO calls VALUES ({', '.join('?' * 17)})"  # noqa: S608 - no data in it
_FIND = """
SELECT outcome, text, word, model, max_tokens, attempts,
       prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, digest
FROM calls WHERE key = ? ORDER BY rowid DESC LIMIT 1
"""
_REPLIES = """
SELECT (SELECT ifnull(MAX(rowid), 0) FROM calls)
     - (SELECT COUNT(*) FROM calls WHERE outcome != 'reply')
"""
_RETIRE = """
INSERT OR REPLACE INTO retired
SELECT place.child_id, place.purpose, place.generation, MAX(call.attempt) + 1, ?
FROM calls AS call CROSS JOIN places AS place
WHERE place.child_id = call.child_id AND place.purpose = call.purpose
GROUP BY place.child_id, place.purpose
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended: a reply, a rejection by the service, or a final failure."""

    kind: str
    text: str
    word: str
    model: str
    max_tokens: int | None
    attempts: int
    usage: Usage

    def deliver(self) -> Reply:
        """Return the reply, or raise what the call ended in."""
        if self.kind == REPLY:
            return Reply(self.text, self.word, self.usage, self.model)
        if self.kind == REJECTED:
            raise CallRejected(self.word, self.text)
        raise CallFailed(self.word, self.text, self.attempts)

    def answers(self, request: Request) -> bool:
        """Tell whether it stands for this request: not if cut off, and more is now allowed."""
        if self.word != "length" or self.max_tokens is None:
            return True
        return request.max_tokens is not None and request.max_tokens <= self.max_tokens


@dataclass(frozen=True, slots=True)
class Place:
    """Which outcome is meant: what was last asked for a place in the data set, for a purpose."""

    child_id: str
    purpose: str
    generation: int


class Journal:
    """The journal's file: opened, searched, added to in groups. One event loop at a time."""

    def __init__(self, path: Path, *, must_exist: bool = False, only_read: bool = False) -> None:
        """Open the journal, making it if there is none.

        With `only_read` it must be there, nothing can be stored, and a run may be writing it.

        Raises:
            InputError: it cannot be opened, is no journal, or is from a newer version; or
                `must_exist` is set and it holds no journal.
        """
        must_exist = must_exist or only_read
        self._path = path
        self._waiting: list[tuple[tuple[object, ...], asyncio.Future[None]]] = []
        self._durability = Durability(path.with_name(path.name + "-wal"))
        if must_exist and not path.exists():
            raise InputError(f"The journal {path} is missing; {_LOST}")
        try:
            self._db = self._open_to_read() if only_read else self._open(must_exist)
            self._has_retired = bool(self._db.execute("SELECT 1 FROM retired LIMIT 1").fetchone())
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _open(self, must_exist: bool) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None)
        version = self._version(db, must_exist)
        if version == 0:
            # Whole on the disk before anything that a power cut may take is written.
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")
        db.execute("PRAGMA journal_mode = WAL")
        # A kill loses nothing; a power cut what is younger than a second, see `durability`.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -16000")
        return db

    def _open_to_read(self) -> sqlite3.Connection:
        name = self._path.absolute().as_uri()
        try:
            db = sqlite3.connect(f"{name}?mode=ro", uri=True)
            self._version(db, must_exist=True)
        except sqlite3.OperationalError:
            # Where nothing can be written beside it, nobody is writing it either.
            db = sqlite3.connect(f"{name}?immutable=1", uri=True)
            self._version(db, must_exist=True)
        return db

    def _version(self, db: sqlite3.Connection, must_exist: bool) -> int:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > _FORMAT or (version == 0 and must_exist):
            db.close()
            raise InputError(
                f"The journal {self._path} is from a newer version of evolinstruct;"
                " update evolinstruct, or choose another run directory."
                if version
                else f"The journal {self._path} is empty; {_LOST}"
            )
        return version

    # Outcomes

    def find(self, key: bytes) -> Outcome | None:
        """Return the newest outcome under the key, or None.

        Raises:
            InputError: the file is damaged.
        """
        try:
            row = self._db.execute(_FIND, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        if row is None:
            return None
        if row[-1] != _digest(key, row[:-1]):
            raise InputError(
                f"The journal {self._path} is damaged: an outcome is not as it was written;"
                " restore the file from a copy, then run the same command again."
            )
        kind, text, word, model, max_tokens, attempts, *tokens, _ = row
        return Outcome(kind, text, word, model, max_tokens, attempts, Usage(*tokens))

    async def store(self, key: bytes, request: Request, outcome: Outcome) -> None:
        """Return when the outcome is committed; calls that end together share one commit."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)
        stored = loop.create_future()
        self._waiting.append((_row(key, request, outcome), stored))
        await stored

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        trouble: Exception | None = None
        try:
            self._write([row for row, _ in waiting])
            self._durability.note_write()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must have it
            known = isinstance(error, sqlite3.Error | OSError)
            trouble = self._trouble(error) if known else error
        for _, stored in waiting:
            if stored.done():  # its caller was cancelled; the outcome is kept all the same
                continue
            if trouble:
                stored.set_exception(trouble)
            else:
                stored.set_result(None)

    def _write(self, rows: list[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(_INSERT, rows)
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    # Retirement

    def retire(self, what: str, places: Iterable[Place]) -> int:
        """Retire the outcomes of places; from now on they are asked again, as other draws.

        Repeated before the run has ended, it retires nothing more: see `end_retries`.

        Args:
            what: the user's word for the kind of outcome.
            places: whose outcomes; those that nothing was asked for are left out.

        Returns:
            How many outcomes are retired under that word in the retry that is under way.
        """
        try:
            under_way = self._db.execute(
                "SELECT id FROM retries WHERE what = ? AND NOT is_over", (what,)
            ).fetchone()
            retry = under_way[0] if under_way else self._retire(what, places)
            counted = self._db.execute("SELECT COUNT(*) FROM retired WHERE retry = ?", (retry,))
            return int(counted.fetchone()[0])
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _retire(self, what: str, places: Iterable[Place]) -> int:
        db = self._db
        db.execute(
            "CREATE TEMP TABLE places (child_id, purpose, generation,"
            " PRIMARY KEY (child_id, purpose)) WITHOUT ROWID"
        )
        db.execute("BEGIN IMMEDIATE")
        try:
            rows = ((place.child_id, place.purpose, place.generation) for place in places)
            db.executemany("INSERT OR IGNORE INTO places VALUES (?, ?, ?)", rows)
            retry = db.execute("INSERT INTO retries VALUES (NULL, ?, 0)", (what,)).lastrowid or 0
            if db.execute(_RETIRE, (retry,)).rowcount > 0:
                db.execute("COMMIT")
                self._has_retired = True
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            db.execute("DROP TABLE places")
        return retry

    def end_retries(self) -> None:
        """Note that the run has ended: whoever retries from now on means a new retry."""
        try:
            self._db.execute("UPDATE retries SET is_over = 1 WHERE NOT is_over")
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def retired(self, generation: int) -> list[tuple[int, int]]:
        """Return (retry, how many of its outcomes) for all that bears on a generation."""
        query = "SELECT retry, COUNT(*) FROM retired WHERE generation <= ? GROUP BY retry"
        return list(self._db.execute(query, (generation,)))

    def newest(self, draw: Draw) -> Draw:
        """Return the draw as it counts after what was retired for its place and purpose."""
        if not self._has_retired:
            return draw
        query = "SELECT next_attempt FROM retired WHERE child_id = ? AND purpose = ?"
        row = self._db.execute(query, (draw.child_id, draw.purpose)).fetchone()
        return draw if row is None else replace(draw, attempt=draw.attempt + row[0])

    # Counts

    def replies(self) -> int:
        """Return how many replies the journal holds; rejections and failures are none."""
        return int(self._db.execute(_REPLIES).fetchone()[0])

    def close(self) -> None:
        """Write what waits and let go of the file."""
        if self._waiting:
            self._commit()
        self._durability.close()
        self._db.close()

    def _trouble(self, error: Exception) -> InputError:
        locked = "locked" in str(error)
        advice = "end the other program" if locked else "free disk space or restore the file"
        return InputError(
            f"The journal {self._path} cannot be used: {error};"
            f" {advice}, then run the same command again."
        )


_LOST = (
    "without it all that the run was given would be paid for again."
    " Restore the file, or choose another directory with -o."
)


def _row(key: bytes, request: Request, outcome: Outcome) -> tuple[object, ...]:
    draw, subject, usage = request.draw, request.subject, outcome.usage
    what_came = (
        *(outcome.kind, outcome.text, outcome.word, outcome.model),
        *(outcome.max_tokens, outcome.attempts, usage.prompt_tokens, usage.completion_tokens),
        *(usage.cached_tokens, usage.reasoning_tokens),
    )
    return (
        *(key, draw.child_id, draw.purpose, draw.attempt, subject.generation, subject.operation),
        *what_came,
        _digest(key, what_came),
    )


def _digest(key: bytes, what_came: tuple[object, ...]) -> int:
    return crc32("\0".join(map(str, what_came)).encode(), crc32(key))
