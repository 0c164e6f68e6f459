"""The outcome of every call, stored before it is used.

The journal is the truth of a run: the files of a run are a function of seeds, recipe and journal,
so whatever is in here is never asked, and never paid, a second time. A call is known by what was
asked for, not by what was sent, nor by which server or key served it.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from evolinstruct.errors import CallError, CallFailed, CallRejected, InputError
from evolinstruct.llm.base import Client, Reply, Request, Usage, encodable

_FORMAT = 1
_REPLY, _REJECTED, _FAILED = "reply", "rejected", "failed"
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
    cached_tokens INTEGER, reasoning_tokens INTEGER
);
CREATE INDEX calls_by_key ON calls (key);
"""
_INSERT = f"INSERT INTO calls VALUES ({', '.join('?' * 16)})"  # noqa: S608 - no data in it
_FIND = """
SELECT outcome, text, word, model, max_tokens, attempts,
       prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens
FROM calls WHERE key = ? ORDER BY rowid DESC LIMIT 1
"""
_SPENT = """
SELECT generation, operation, purpose, COUNT(*), SUM(attempts), SUM(prompt_tokens),
       SUM(completion_tokens), SUM(cached_tokens), SUM(reasoning_tokens)
FROM calls GROUP BY generation, operation, purpose ORDER BY generation, operation, purpose
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
        if self.kind == _REPLY:
            return Reply(self.text, self.word, self.usage, self.model)
        if self.kind == _REJECTED:
            raise CallRejected(self.word, self.text)
        raise CallFailed(self.word, self.text, self.attempts)

    def answers(self, request: Request) -> bool:
        """Tell whether it stands for this request: not if cut off, and more is now allowed."""
        if self.word != "length" or self.max_tokens is None:
            return True
        return request.max_tokens is not None and request.max_tokens <= self.max_tokens


@dataclass(frozen=True, slots=True)
class Spent:
    """What the calls of one generation, operation and purpose used, rejected ones included."""

    generation: int
    operation: str | None
    purpose: str
    calls: int
    sent: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None


class Journal:
    """The journal's file: opened, searched, added to in groups. One event loop at a time."""

    def __init__(self, path: Path) -> None:
        """Open the journal, making it if there is none.

        Raises:
            InputError: it is damaged, locked, or from a newer version.
        """
        self._path = path
        self._waiting: list[tuple[tuple[object, ...], asyncio.Future[None]]] = []
        try:
            self._db = self._open()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _FORMAT:
            db.close()
            raise InputError(
                f"The journal {self._path} is from a newer version of evolinstruct;"
                " update evolinstruct, or choose another run directory."
            )
        db.execute("PRAGMA journal_mode = WAL")
        # A kill loses nothing; a power cut loses what the system had not yet written, whole.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -16000")
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORMAT}; COMMIT;")
        return db

    def find(self, key: bytes) -> Outcome | None:
        """Return the newest outcome under the key, or None."""
        try:
            row = self._db.execute(_FIND, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        if row is None:
            return None
        kind, text, word, model, max_tokens, attempts, *tokens = row
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
            self._db.execute("BEGIN")
            self._db.executemany(_INSERT, [row for row, _ in waiting])
            self._db.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must have it
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            trouble = self._trouble(error) if isinstance(error, sqlite3.Error) else error
        for _, stored in waiting:
            if stored.done():  # its caller was cancelled; the outcome is kept all the same
                continue
            if trouble:
                stored.set_exception(trouble)
            else:
                stored.set_result(None)

    def spent(self) -> Iterator[Spent]:
        """Yield what all calls ever made used, by generation, operation and purpose."""
        for row in self._db.execute(_SPENT):
            yield Spent(*row)

    def replies(self) -> int:
        """Return how many outcomes the journal holds."""
        return int(self._db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])

    def close(self) -> None:
        """Write what waits and let go of the file."""
        if self._waiting:
            self._commit()
        self._db.close()

    def _trouble(self, error: sqlite3.Error) -> InputError:
        return InputError(
            f"The journal {self._path} cannot be used: {error};"
            " free disk space or restore the file, then run the same command again."
        )


class Journalled:
    """A client that asks the journal first and tells it every outcome before handing it on."""

    def __init__(self, client: Client, journal: Journal, name: str) -> None:
        """Wrap a client, whose name is part of every key."""
        self._client = client
        self._journal = journal
        self._name = name
        self.calls: Counter[str] = Counter()
        self.replayed: Counter[str] = Counter()

    async def complete(self, request: Request) -> Reply:
        """Return the journal's reply, or ask and store."""
        key = request_key(self._name, request)
        outcome = self._journal.find(key)
        if outcome is not None and outcome.answers(request):
            self.replayed[request.purpose] += 1
            return outcome.deliver()
        self.calls[request.purpose] += 1
        outcome = await self._ask(request)
        await self._journal.store(key, request, outcome)
        return outcome.deliver()

    async def _ask(self, request: Request) -> Outcome:
        try:
            reply = await self._client.complete(request)
        except CallRejected as error:
            return _ended(_REJECTED, error, request, attempts=1)
        except CallFailed as error:
            return _ended(_FAILED, error, request, error.attempts)
        text = encodable(reply.text)
        return Outcome(
            *(_REPLY, text, reply.finish_reason, reply.model), request.max_tokens, 1, reply.usage
        )

    async def aclose(self) -> None:
        """Close the wrapped client; the journal's owner closes the journal."""
        await self._client.aclose()


def _row(key: bytes, request: Request, outcome: Outcome) -> tuple[object, ...]:
    draw, subject, usage = request.draw, request.subject, outcome.usage
    return (
        *(key, draw.child_id, draw.purpose, draw.attempt, subject.generation, subject.operation),
        *(outcome.kind, outcome.text, outcome.word, outcome.model),
        *(outcome.max_tokens, outcome.attempts, usage.prompt_tokens, usage.completion_tokens),
        *(usage.cached_tokens, usage.reasoning_tokens),
    )


def _ended(kind: str, error: CallError, request: Request, attempts: int) -> Outcome:
    return Outcome(
        kind, error.message, error.error, request.model, request.max_tokens, attempts, Usage()
    )


def request_key(client: str, request: Request) -> bytes:
    """Return the digest of what is asked for: client, model, messages, sampling and draw."""
    draw = request.draw
    parts = [
        client,
        request.model,
        repr(request.temperature),
        repr(request.top_p),
        json.dumps(request.extra, sort_keys=True) if request.extra else "",
        draw.child_id,
        draw.purpose,
        str(draw.attempt),
    ]
    for role, content in request.messages:
        parts += (role, content)
    # Each part behind its length: no two lists of parts can run into the same text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
