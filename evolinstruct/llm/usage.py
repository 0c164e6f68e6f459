"""Usage: what was ever spent in a run directory; one row for each kind of call.

The journal says how calls ended. The rows here say what was sent for it, attempts that brought
nothing included. They lie in the table `spending` of the journal's file.

No kill may lose sight of a call, because a cap has to hold over every command of a run. So before a
call goes out, the file must admit to it as one whose bill nobody knows. A write for each call would
cost too much: a row is written with a lease, which is half as much again as is under way and a call
more, and only when the lease is used up is it written again. What was leased when a program was
killed counts as sent and lost: at times too much, never too little.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from evolinstruct.errors import InputError
from evolinstruct.llm.base import Request, Usage
from evolinstruct.llm.journal.database import transaction
from evolinstruct.llm.journal.integrity import damaged, digest_of
from evolinstruct.llm.prices import Price, cost_of


@dataclass(slots=True)
class Account:
    """What one generation, operation and purpose has spent with one model.

    Attributes:
        generation: the generation that the calls worked for.
        operation: empty where a seed was answered.
        purpose: evolve, compare, answer.
        model: as asked for.
        replies: calls that brought a reply.
        prompt_tokens: of the replies, as reported.
        completion_tokens: as reported; reasoning is part of it.
        cached_tokens: of the prompts', billed at a price of their own; None while none is reported.
        reasoning_tokens: of the completions'; None while none is reported.
        refused: calls that the service turned down, which costs no token.
        unanswered_calls: calls whose bill nobody knows.
        unanswered_prompt: the most tokens in of those, and of replies that came without a count.
        unanswered_completion: the most tokens out, likewise.
        open_calls: calls under way; in the file, calls that may be.
        open_prompt: the most tokens in of those.
        open_completion: the most tokens out of those.
        price: of its tokens, None where unknown; not in the file, because prices change.
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
    unanswered_calls: int = 0
    unanswered_prompt: int = 0
    unanswered_completion: int = 0
    open_calls: int = 0
    open_prompt: int = 0
    open_completion: int = 0
    price: Price | None = None

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What tells the row from others."""
        return self.generation, self.operation, self.purpose, self.model

    @property
    def calls(self) -> int:
        """Calls that were sent."""
        return self.replies + self.refused + self.unanswered_calls + self.open_calls

    def bound(self) -> tuple[int, int, int]:
        """Return calls and the most tokens in and out, calls under way included."""
        return self.calls, self.most_prompt, self.most_completion

    @property
    def most_prompt(self) -> int:
        """Tokens in, those of calls without a known bill at the worst case."""
        return self.prompt_tokens + self.unanswered_prompt + self.open_prompt

    @property
    def most_completion(self) -> int:
        """Tokens out, likewise."""
        return self.completion_tokens + self.unanswered_completion + self.open_completion

    def open(self, prompt: int, completion: int) -> None:
        """Count a call as under way, with the most tokens that it can take."""
        self.open_calls += 1
        self.open_prompt += prompt
        self.open_completion += completion

    def close(self, prompt: int, completion: int) -> None:
        """Take back what `open` counted; how the call ended is counted by another method."""
        self.open_calls -= 1
        self.open_prompt -= prompt
        self.open_completion -= completion

    def count_reply(self, usage: Usage, prompt: int, completion: int) -> None:
        """Count a reply; what it does not report counts as the most that it can have taken."""
        self.replies += 1
        self.prompt_tokens += usage.prompt_tokens or 0
        self.completion_tokens += usage.completion_tokens or 0
        self.unanswered_prompt += prompt if usage.prompt_tokens is None else 0
        self.unanswered_completion += completion if usage.completion_tokens is None else 0
        self.cached_tokens = _sum(self.cached_tokens, usage.cached_tokens)
        self.reasoning_tokens = _sum(self.reasoning_tokens, usage.reasoning_tokens)

    def count_lost(self, prompt: int, completion: int, calls: int = 1) -> None:
        """Count calls whose bill nobody knows."""
        self.unanswered_calls += calls
        self.unanswered_prompt += prompt
        self.unanswered_completion += completion

    def leased(self) -> Account:
        """Return a copy that admits to half as many more calls under way and one, as large."""
        more = self.open_calls // 2 + 1
        each = max(self.open_calls, 1)
        return replace(
            self,
            open_calls=self.open_calls + more,
            open_prompt=self.open_prompt + -(-self.open_prompt * more // each),
            open_completion=self.open_completion + -(-self.open_completion * more // each),
        )

    def lose_open(self) -> None:
        """Count what was under way as lost: the program that sent it is gone."""
        self.count_lost(self.open_prompt, self.open_completion, self.open_calls)
        self.open_calls = self.open_prompt = self.open_completion = 0

    @property
    def unanswered_tokens(self) -> int:
        """The most tokens that can have gone, in and out, where nothing was reported."""
        return self.unanswered_prompt + self.unanswered_completion

    @property
    def cost(self) -> float | None:
        """Dollars for what was reported; None where the price is unknown."""
        return self._dollars(self.prompt_tokens, self.completion_tokens, self.cached_tokens)

    @property
    def unanswered_cost(self) -> float | None:
        """Dollars at most for what was not reported; None where the price is unknown."""
        return self._dollars(self.unanswered_prompt, self.unanswered_completion)

    def _dollars(self, prompt: int, completion: int, cached: int | None = None) -> float | None:
        cost = cost_of(self.price, prompt, completion, cached)
        return None if cost is None else round(float(cost), 9)

    def to_json(self) -> dict[str, Any]:
        """Return the row of `run.json`, without what is under way."""
        return {
            "generation": self.generation,
            "operation": self.operation or None,
            "purpose": self.purpose,
            "model": self.model,
            "calls": self.calls - self.open_calls,
            "replies": self.replies,
            "refused": self.refused,
            "unanswered": self.unanswered_calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "unanswered_tokens": self.unanswered_tokens,
            "cost": self.cost,
            "unanswered_cost": self.unanswered_cost,
        }


PriceOf = Callable[[str, str], Price | None]
"""From a purpose and a model to its price, None where that is unknown."""

_STORED = [field.name for field in fields(Account) if field.name != "price"]
_COLUMNS = [name.replace("open_", "leased_") for name in _STORED]
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS spending (
    generation INTEGER NOT NULL, operation TEXT NOT NULL, purpose TEXT NOT NULL,
    model TEXT NOT NULL, {", ".join(f"{name} INTEGER" for name in _COLUMNS[4:])},
    digest INTEGER NOT NULL,
    PRIMARY KEY (generation, operation, purpose, model)
) WITHOUT ROWID
"""
_WRITE = f"INSERT OR REPLACE INTO spending VALUES ({', '.join('?' * (len(_COLUMNS) + 1))})"  # noqa: S608 - no data in it
_READ = "SELECT * FROM spending"
_Key = tuple[int, str, str, str]


class Ledger:
    """All accounts of a run; in memory alone until it is given a file."""

    def __init__(self, price_of: PriceOf) -> None:
        """Begin with nothing spent."""
        self._price_of = price_of
        self._accounts: dict[_Key, Account] = {}
        self._written: dict[_Key, tuple[int, int, int]] = {}
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
            # A garbled text is read all the same: its row's checksum refuses it with a sentence.
            self._db.text_factory = partial(str, encoding="utf-8", errors="replace")
            # A kill loses nothing; a power cut, what came since the journal was synced last.
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
            rows = self._db.execute(_READ).fetchall()
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        if any(digest != digest_of(*row) for *row, digest in rows):
            raise damaged(path, "what was spent is not as it was written")
        self._accounts = {row[:4]: self._priced(*row[:-1]) for row in rows}
        for account in self._accounts.values():
            account.lose_open()
        self._written = {}
        self.flush()

    def account(self, request: Request) -> Account:
        """Return the account that a request is paid from."""
        context = request.context
        key = (context.generation, context.operation or "", request.purpose, request.model)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = self._priced(*key)
        return account

    def _priced(self, *row: Any) -> Account:
        account = Account(*row)
        account.price = self._price_of(account.purpose, account.model)
        return account

    def accounts(self) -> list[Account]:
        """Return the accounts in a fixed order."""
        return [self._accounts[key] for key in sorted(self._accounts)]

    def note(self, account: Account) -> None:
        """Make the file admit to all that the account has spent or has under way.

        Raises:
            InputError: the file cannot be written.
        """
        # In nearly all calls the lease covers it, and nothing is written.
        written = self._written.get(account.key, (0, 0, 0))
        if any(now > then for now, then in zip(account.bound(), written, strict=True)):
            self._write([account], lease=True)

    def flush(self) -> None:
        """Write what is spent as it is, without a lease beyond what is under way."""
        self._write(list(self._accounts.values()), lease=False)

    def close(self) -> None:
        """Write everything, and let go of the file."""
        if self._db is not None:
            try:
                self.flush()
            finally:
                self._db.close()
                self._db = None

    def _write(self, accounts: list[Account], *, lease: bool) -> None:
        rows, written = [], {}
        for account in accounts:
            admitted = account.leased() if lease else account
            row = [getattr(admitted, name) for name in _STORED]
            rows.append((*row, digest_of(*row)))
            written[account.key] = admitted.bound()
        if self._db is not None:
            self._store(self._db, rows)
        self._written.update(written)  # not before: a row that could not be written admits nothing

    def _store(self, db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
        try:
            with transaction(db):
                db.executemany(_WRITE, rows)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _trouble(self, error: sqlite3.Error) -> InputError:
        return InputError(
            f"What is spent cannot be written to {self._path}: {error};"
            " free disk space or restore the file, then run the same command again."
        )


def _sum(before: int | None, more: int | None) -> int | None:
    return before if more is None else (before or 0) + more
