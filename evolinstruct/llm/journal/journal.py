"""The journal: finds outcomes, stores them in groups, retires them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evolinstruct.databases import closed_on_error, transaction
from evolinstruct.llm.base import Alternatives, CallId, Request, Usage
from evolinstruct.llm.journal.batch_book import BatchBook, Batched
from evolinstruct.llm.journal.database import (
    LOGPROBS_TABLE,
    open_to_read,
    open_to_write,
    unusable,
)
from evolinstruct.llm.journal.integrity import count_lost_pages, damaged, digest_of
from evolinstruct.llm.journal.outcome import Outcome, Place
from evolinstruct.llm.journal.sync import PeriodicSync

_INSERT = f"INSERT INTO calls VALUES ({', '.join('?' * 17)})"  # noqa: S608 - no data in it
# A call that was cut off and the one with more tokens have one key: each is found by its own bound.
_FIND = """
SELECT rowid, * FROM calls WHERE key = ? ORDER BY max_tokens IS ? DESC, rowid DESC LIMIT 1
"""
_HAS_RETIRED = "SELECT 1 FROM retired LIMIT 1"
_HAS_LOGPROBS = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'logprobs'"
_INSERT_LOGPROBS = "INSERT OR REPLACE INTO logprobs VALUES (?, ?, ?, ?)"
_FIND_LOGPROBS = "SELECT said, digest FROM logprobs WHERE key = ? AND max_tokens = ?"
_PREFETCHED = "INSERT OR IGNORE INTO prefetched VALUES (?, ?)"
_USED = "DELETE FROM prefetched WHERE key = ?"
_UNUSED = "SELECT COUNT(*) FROM prefetched"
_REPLIES = """
SELECT (SELECT ifnull(MAX(rowid), 0) FROM calls)
     - (SELECT COUNT(*) FROM calls WHERE outcome != 'reply')
"""
_RETRY = "INSERT INTO retries VALUES (?1, ?2, 0, digest_of(?1, ?2, 0))"
_RETIRE = """
INSERT OR REPLACE INTO retired
SELECT *, digest_of(child_id, purpose, generation, next_attempt, retry) FROM (
    SELECT place.child_id, place.purpose, place.generation,
           MAX(call.attempt) + 1 AS next_attempt, ? AS retry
    FROM calls AS call CROSS JOIN places AS place
    WHERE place.child_id = call.child_id AND place.purpose = call.purpose
    AND call.key NOT IN (SELECT key FROM prefetched)  -- attempts that no line has used do not count
    GROUP BY place.child_id, place.purpose
)
"""
# What came of a failure elsewhere, and was merged. The first condition is that of an index.
_OVERRULED = """
SELECT COUNT(*) FROM calls AS failure CROSS JOIN calls AS later
ON later.key = failure.key AND later.max_tokens IS failure.max_tokens
WHERE failure.outcome != 'reply' AND failure.outcome = 'failed' AND later.outcome != 'failed'
AND later.rowid > failure.rowid AND failure.generation <= ?
"""
_END_RETRIES = """
UPDATE retries SET is_over = 1, digest = digest_of(id, what, 1) WHERE NOT is_over
"""


class Journal:
    """The outcomes of one run, in a file. One event loop at a time.

    Attributes:
        number: drawn when the file was made; tells it from any other journal.
        book: which calls are in which batch.
        lost_pages: pages that were committed and are lost after a power cut or a disk fault.
    """

    def __init__(self, path: Path, *, must_exist: bool = False, only_read: bool = False) -> None:
        """Open the journal, or make it.

        Args:
            path: of the file.
            must_exist: refuse a missing or empty file instead of making a journal.
            only_read: refuse the same; store nothing. A run may be writing the file meanwhile.

        Raises:
            InputError: the file cannot be opened, is damaged, or is not a journal of this version.
        """
        self._path = path
        self._waiting: list[tuple[tuple[object, ...], asyncio.Future[None]]] = []
        self._prefetched: list[tuple[bytes, int]] = []
        self._used: list[tuple[bytes]] = []
        self._logprobs: list[tuple[object, ...]] = []
        self._unused = 0
        log = path.with_name(path.name + "-wal")
        self._sync = PeriodicSync(log)
        self.lost_pages = 0
        try:
            if only_read:
                self._db = open_to_read(path)
            else:
                self._db = open_to_write(path, must_exist=must_exist)
            with closed_on_error(self._db):
                if not only_read:
                    self.lost_pages = count_lost_pages(self._db, log)
                    self._unused = int(self._db.execute(_UNUSED).fetchone()[0])
                self.book = BatchBook(self._db, path)
                self.number = int(self._db.execute("PRAGMA application_id").fetchone()[0])
                self._earlier = self.outcomes()
                self._has_retired = bool(self._db.execute(_HAS_RETIRED).fetchone())
                self._has_logprobs = bool(self._db.execute(_HAS_LOGPROBS).fetchone()[0])
        except (sqlite3.Error, UnicodeDecodeError) as error:  # of a message, where that is garbled
            raise unusable(path, error) from error

    # Outcomes

    def find(self, key: bytes, max_tokens: int | None = None) -> Outcome | None:
        """Return the newest outcome under the key, one with this bound if there is one, or None.

        Raises:
            InputError: the file is damaged.
        """
        row = self._fetch(_FIND, key, max_tokens)
        if row is None:
            return None
        number, _, *said, digest = row
        if digest != digest_of(key.hex(), *said):
            raise damaged(self._path, "an outcome is not as it was written")
        kind, text, word, model, bound, attempts, *tokens = said[5:]
        logprobs = self._find_logprobs(key, bound) if self._has_logprobs else ()
        is_earlier = number <= self._earlier
        usage = Usage(*tokens)
        return Outcome(kind, text, word, model, bound, attempts, usage, logprobs, is_earlier)

    def _find_logprobs(self, key: bytes, bound: int | None) -> tuple[Alternatives, ...]:
        row = self._fetch(_FIND_LOGPROBS, key, bound or 0)
        if row is None:
            return ()
        said, digest = row
        if digest != digest_of(key.hex(), bound or 0, said):
            raise damaged(self._path, "the logprobs of a reply are not as they were written")
        return tuple(
            tuple((token, logprob) for token, logprob in each) for each in json.loads(said)
        )

    def _fetch(self, query: str, *values: object) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error
        return row

    async def store(self, key: bytes, request: Request, outcome: Outcome) -> None:
        """Return when the outcome is committed; calls that end together share one commit."""
        stored = asyncio.get_running_loop().create_future()
        self._commit_soon()
        self._waiting.append((_row(key, request, outcome), stored))
        if request.prefetched is not None:
            self._prefetched.append((key, outcome.max_tokens or 0))
        if outcome.logprobs:
            self._logprobs.append(_logprobs_row(key, outcome))
        await stored

    def take_in(
        self,
        outcomes: Iterable[tuple[Batched, Outcome]],
        again: Sequence[Batched] = (),
    ) -> None:
        """Store outcomes of calls in batches, and note which are to be asked again: all or nothing.

        Raises:
            InputError: the file cannot be written.
        """
        self._commit()
        answered = [*outcomes]
        rows = [_row(call.key, call.request, outcome) for call, outcome in answered]
        try:
            with transaction(self._db):
                self._db.executemany(_INSERT, rows)
                self.book.apply([call for call, _ in answered], again)
            self._sync.note_write()
        except (sqlite3.Error, OSError) as error:
            raise unusable(self._path, error) from error

    def use(self, key: bytes) -> None:
        """Note that a line uses what lies under a key: it was not prefetched in vain."""
        if self._unused:
            self._commit_soon()
            self._used.append((key,))

    def unused(self) -> int:
        """Return how many prefetched outcomes no line has used so far."""
        self._commit()
        return self._unused

    def _commit_soon(self) -> None:
        # A commit for each outcome would cost more than all else. The loop's next round commits
        # whatever this round brought, so nobody waits longer than that.
        if not self._waiting and not self._used:
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        if not self._waiting and not self._used:
            return
        waiting, self._waiting = self._waiting, []
        trouble: Exception | None = None
        try:
            self._write([row for row, _ in waiting])
            self._sync.note_write()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must have it
            known = isinstance(error, sqlite3.Error | OSError)
            trouble = unusable(self._path, error) if known else error
        for _, stored in waiting:
            if stored.done():  # its caller was cancelled; the outcome is kept all the same
                continue
            if trouble:
                stored.set_exception(trouble)
            else:
                stored.set_result(None)

    def _write(self, rows: list[tuple[object, ...]]) -> None:
        prefetched, self._prefetched = self._prefetched, []
        used, self._used = self._used, []
        logprobs, self._logprobs = self._logprobs, []
        with transaction(self._db):
            self._db.executemany(_INSERT, rows)
            if prefetched:
                self._unused += self._db.executemany(_PREFETCHED, prefetched).rowcount
            if used:
                self._unused -= self._db.executemany(_USED, used).rowcount
            if logprobs:
                self._db.execute(LOGPROBS_TABLE)
                self._db.executemany(_INSERT_LOGPROBS, logprobs)
        self._has_logprobs = self._has_logprobs or bool(logprobs)

    # Retirement

    def retire(self, what: str, places: Iterable[Place]) -> int:
        """Retire the outcomes of places: from now on they are asked again, as other draws.

        A command that is repeated before the run has ended means the same retry, and retires
        nothing more: see `end_retries`.

        Args:
            what: the user's word for the kind of outcome.
            places: whose outcomes; places that nothing was asked for are left out.

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
            raise unusable(self._path, error) from error

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
            retry = int(db.execute("SELECT ifnull(MAX(id), 0) + 1 FROM retries").fetchone()[0])
            db.execute(_RETRY, (retry, what))
            if db.execute(_RETIRE, (retry,)).rowcount > 0:
                db.execute("COMMIT")
                self._has_retired = True
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")
            db.execute("DROP TABLE places")
        return retry

    def end_retries(self) -> None:
        """Note that the run has ended: a retry from now on is a new one."""
        try:
            self._db.execute(_END_RETRIES)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def retired(self, generation: int) -> list[tuple[int, int]]:
        """Return (retry, how many of its outcomes) for all that bears on a generation."""
        query = "SELECT retry, COUNT(*) FROM retired WHERE generation <= ? GROUP BY retry"
        return list(self._db.execute(query, (generation,)))

    def overruled(self, generation: int) -> int:
        """Return how many failures that bear on a generation have an outcome of a shard now."""
        return int(self._db.execute(_OVERRULED, (generation,)).fetchone()[0])

    def newest(self, call_id: CallId) -> CallId:
        """Return the call id with its attempt counted from what was retired for its place."""
        if not self._has_retired:
            return call_id
        query = "SELECT next_attempt FROM retired WHERE child_id = ? AND purpose = ?"
        row = self._db.execute(query, (call_id.child_id, call_id.purpose)).fetchone()
        return call_id if row is None else replace(call_id, attempt=call_id.attempt + row[0])

    # Counts

    def outcomes(self) -> int:
        """Return how many outcomes of calls the journal holds."""
        return int(self._db.execute("SELECT ifnull(MAX(rowid), 0) FROM calls").fetchone()[0])

    def replies(self) -> int:
        """Return how many replies the journal holds, without rejections and failures."""
        return int(self._db.execute(_REPLIES).fetchone()[0])

    def close(self) -> None:
        """Write what waits and let go of the file."""
        self._commit()
        self._sync.close()
        self._db.close()


def _row(key: bytes, request: Request, outcome: Outcome) -> tuple[object, ...]:
    call_id, context, usage = request.call_id, request.context, outcome.usage
    said = (
        *(call_id.child_id, call_id.purpose, call_id.attempt),
        *(context.generation, context.operation),
        *(outcome.kind, outcome.text, outcome.word, outcome.model),
        *(outcome.max_tokens, outcome.attempts, usage.prompt_tokens, usage.completion_tokens),
        *(usage.cached_tokens, usage.reasoning_tokens),
    )
    return key, *said, digest_of(key.hex(), *said)


def _logprobs_row(key: bytes, outcome: Outcome) -> tuple[object, ...]:
    said = outcome.max_tokens or 0, json.dumps(outcome.logprobs)
    return key, *said, digest_of(key.hex(), *said)
