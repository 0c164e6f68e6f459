"""What has been spent in a run directory, ever: a few rows beside the journal, in its file.

The journal says how calls ended; the ledger says what was sent for it, attempts that brought
nothing included. One account for each generation, operation, purpose and model. So that no kill
loses sight of a call, an account's row is written before what is under way outgrows what the row
admits to (its lease), and the lease is taken somewhat larger than needed, so that few calls wait
for a write. What was leased when a program was killed counts as sent without an answer.

Knows tokens. Knows no price and no cap.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from evolinstruct.errors import InputError
from evolinstruct.llm.base import Request, Usage
from evolinstruct.llm.journal.integrity import damaged, digest_of


@dataclass(slots=True)
class Worst:
    """Calls with the most tokens that each can take.

    Attributes:
        calls: how many.
        prompt: tokens in, as estimated.
        completion: tokens out, as allowed.
    """

    calls: int = 0
    prompt: int = 0
    completion: int = 0

    def add(self, prompt: int, completion: int, calls: int = 1) -> None:
        """Count calls with so many tokens in all."""
        self.calls += calls
        self.prompt += prompt
        self.completion += completion

    def figures(self) -> tuple[int, int, int]:
        """Return calls, tokens in and tokens out."""
        return self.calls, self.prompt, self.completion

    def larger(self) -> Worst:
        """Return half as much again, and a call more."""
        room = self.calls // 2 + 1
        each = max(self.calls, 1)
        return Worst(
            self.calls + room,
            self.prompt + -(-self.prompt * room // each),
            self.completion + -(-self.completion * room // each),
        )


@dataclass(slots=True)
class Account:
    """What one generation, operation and purpose has spent with one model.

    Attributes:
        generation: the generation that the calls worked for.
        operation: empty where a seed was answered.
        purpose: evolve, compare, answer.
        model: as asked for.
        replies: calls that brought a reply.
        prompt_tokens: as reported.
        completion_tokens: as reported; reasoning is part of it.
        cached_tokens: of the prompt's; None while none were reported.
        reasoning_tokens: of the completion's; None while none were reported.
        refused: calls that the service turned down, which costs no token.
        unanswered: calls whose bill nobody knows, at the worst case; and the tokens of replies
            that came without a count of them.
        open: calls under way, at the worst case.
    """

    generation: int
    operation: str
    purpose: str
    model: str
    replies: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    refused: int = 0
    unanswered: Worst = field(default_factory=Worst)
    open: Worst = field(default_factory=Worst)

    @property
    def calls(self) -> int:
        """How many calls were sent."""
        return self.replies + self.refused + self.unanswered.calls + self.open.calls

    @property
    def most_prompt(self) -> int:
        """Tokens in, those of calls without a known bill at the worst case."""
        return self.prompt_tokens + self.unanswered.prompt + self.open.prompt

    @property
    def most_completion(self) -> int:
        """Tokens out, likewise."""
        return self.completion_tokens + self.unanswered.completion + self.open.completion

    def count(self, usage: Usage, prompt: int, completion: int) -> None:
        """Count a reply, which could have taken `prompt` and `completion` tokens at most."""
        self.replies += 1
        self.prompt_tokens += usage.prompt_tokens or 0
        self.completion_tokens += usage.completion_tokens or 0
        self.unanswered.prompt += prompt if usage.prompt_tokens is None else 0
        self.unanswered.completion += completion if usage.completion_tokens is None else 0
        self.cached_tokens = _sum(self.cached_tokens, usage.cached_tokens)
        self.reasoning_tokens = _sum(self.reasoning_tokens, usage.reasoning_tokens)

    def bound(self) -> tuple[int, int, int]:
        """Return calls and tokens, what is under way included."""
        return self.calls, self.most_prompt, self.most_completion


@dataclass(frozen=True, slots=True)
class Spent:
    """What one generation, operation, purpose and model took: a row of run.json.

    Attributes:
        generation: the generation that the calls worked for.
        operation: None where seeds were answered.
        purpose: evolve, compare, answer.
        model: as asked for.
        calls: calls sent, whatever became of them and of their instructions.
        replies: those that brought a reply.
        refused: those that the service turned down, which costs nothing.
        unanswered: those whose bill nobody knows.
        prompt_tokens: of the replies.
        completion_tokens: of the replies; reasoning is part of it.
        cached_tokens: of the prompts'; None where the service reported none.
        reasoning_tokens: of the completions'; None where the service reported none.
        unanswered_tokens: the most that can have gone, in and out, where nothing was reported.
        cost: of the replies, in dollars; None where a price is unknown.
        unanswered_cost: the most that those tokens can have cost.
    """

    generation: int
    operation: str | None
    purpose: str
    model: str
    calls: int
    replies: int
    refused: int
    unanswered: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None
    reasoning_tokens: int | None
    unanswered_tokens: int
    cost: float | None
    unanswered_cost: float | None


_OWN = (
    *("generation", "operation", "purpose", "model"),
    *("replies", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"),
    "refused",
)
_WORST = (
    *("unanswered_calls", "unanswered_prompt", "unanswered_completion"),
    *("leased_calls", "leased_prompt", "leased_completion"),
)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS spending (
    generation INTEGER NOT NULL, operation TEXT NOT NULL, purpose TEXT NOT NULL,
    model TEXT NOT NULL, {", ".join(f"{name} INTEGER" for name in (*_OWN[4:], *_WORST))},
    digest INTEGER NOT NULL,
    PRIMARY KEY (generation, operation, purpose, model)
) WITHOUT ROWID
"""
_WRITE = f"INSERT OR REPLACE INTO spending VALUES ({', '.join('?' * (len(_OWN + _WORST) + 1))})"  # noqa: S608 - no data in it
_READ = "SELECT * FROM spending"
_KeyOf = tuple[int, str, str, str]


class Ledger:
    """All accounts of a run; in memory until it is given a file."""

    def __init__(self) -> None:
        """Begin with nothing spent."""
        self._accounts: dict[_KeyOf, Account] = {}
        self._written: dict[_KeyOf, tuple[int, int, int]] = {}
        self._db: sqlite3.Connection | None = None
        self._path: Path | None = None

    def open(self, path: Path) -> None:
        """Read what was spent before, and write to this file from now on.

        Raises:
            InputError: the file cannot be used, or is damaged.
        """
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.text_factory = partial(str, encoding="utf-8", errors="replace")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
            rows = self._db.execute(_READ).fetchall()
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        if any(digest != digest_of(*row) for *row, digest in rows):
            raise damaged(path, "what was spent is not as it was written")
        self._accounts = {row[:4]: _account(row[:-1]) for row in rows}
        self._written = {}
        self.flush()

    def account(self, request: Request) -> Account:
        """Return the account that a request is paid from."""
        subject, model = request.context, request.model
        key = (subject.generation, subject.operation or "", request.purpose, model)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = Account(*key)
        return account

    def accounts(self) -> Iterator[Account]:
        """Yield the accounts in a fixed order."""
        for key in sorted(self._accounts):
            yield self._accounts[key]

    def note(self, account: Account) -> None:
        """See to it that the file admits to all that the account has spent or has under way.

        Raises:
            InputError: the file cannot be written.
        """
        written = self._written.get(_key(account), (0, 0, 0))
        if any(now > then for now, then in zip(account.bound(), written, strict=True)):
            self._write([account], lease=True)

    def flush(self) -> None:
        """Write what is spent as it is, with no more leased than is under way."""
        self._write(list(self._accounts.values()), lease=False)

    def close(self) -> None:
        """Write everything, and let go of the file."""
        if self._db is not None:
            self.flush()
            self._db.close()
            self._db = None

    def _write(self, accounts: list[Account], *, lease: bool) -> None:
        rows, written = [], {}
        for account in accounts:
            leased = account.open.larger() if lease else account.open
            rows.append(_row(account, leased))
            written[_key(account)] = _bound(account, leased)
        if self._db is not None:
            self._store(self._db, rows)
        self._written.update(written)

    def _store(self, db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
        try:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(_WRITE, rows)
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise self._trouble(error) from error

    def _trouble(self, error: sqlite3.Error) -> InputError:
        return InputError(
            f"What is spent cannot be written to {self._path}: {error};"
            " free disk space or restore the file, then run the same command again."
        )


def _sum(before: int | None, more: int | None) -> int | None:
    return before if more is None else (before or 0) + more


def _key(account: Account) -> _KeyOf:
    return account.generation, account.operation, account.purpose, account.model


def _bound(account: Account, leased: Worst) -> tuple[int, int, int]:
    calls, prompt, completion = account.bound()
    now = account.open
    return (
        calls - now.calls + leased.calls,
        prompt - now.prompt + leased.prompt,
        completion - now.completion + leased.completion,
    )


def _row(account: Account, leased: Worst) -> tuple[object, ...]:
    own = (getattr(account, name) for name in _OWN)
    row = (*own, *account.unanswered.figures(), *leased.figures())
    return (*row, digest_of(*row))


def _account(row: tuple[Any, ...]) -> Account:
    """Return a row's account; what was leased when it was last written is unanswered now."""
    *own, calls, prompt, completion, more_calls, more_prompt, more_completion = row
    account = Account(*own)
    account.unanswered = Worst(
        calls + more_calls, prompt + more_prompt, completion + more_completion
    )
    return account
