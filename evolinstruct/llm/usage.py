"""Usage: what was ever spent in a run directory; one row for each kind of call.

The journal says how calls ended. The rows here say what was sent for it, attempts that brought
nothing included. They lie in the table `spending` of the journal's file.

What a call cost is reckoned once, at the prices of its day, and stays: prices that change later
change nothing of it. Only what had no known price is reckoned when one is known.

No kill may lose sight of a call, because a cap has to hold over every command of a run. So before a
call goes out, the file must admit to it as one whose bill nobody knows. A write for each call would
cost too much: a row is written with a lease, which is half as much again as is under way and a call
more, and only when the lease is used up is it written again. What was leased when a program was
killed counts as sent and lost: at times too much, never too little.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from evolinstruct.databases import closed_on_error, transaction
from evolinstruct.errors import InputError
from evolinstruct.llm.base import Request, Usage
from evolinstruct.llm.journal.integrity import damaged, digest_of
from evolinstruct.llm.prices import Price, cost_of

_NOTHING = Decimal(0)


@dataclass(slots=True)
class Account:
    """What one generation, operation and purpose has spent with one model in one service tier.

    Attributes:
        generation: the generation that the calls worked for.
        operation: empty where a seed was answered.
        purpose: evolve, compare, answer.
        model: as asked for.
        tier: as replies name it, empty where they name none; of other calls, as asked for.
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
        due: dollars for what was reported; None where a price was unknown.
        unanswered_due: the most dollars for what was not, likewise.
        open_due: the most dollars for the calls under way, likewise.
    """

    generation: int
    operation: str
    purpose: str
    model: str
    tier: str = ""
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
    due: Decimal | None = _NOTHING
    unanswered_due: Decimal | None = _NOTHING
    open_due: Decimal | None = _NOTHING

    @property
    def key(self) -> _Key:
        """What tells the row from others."""
        return self.generation, self.operation, self.purpose, self.model, self.tier

    @property
    def calls(self) -> int:
        """Calls that were sent."""
        return self.replies + self.refused + self.unanswered_calls + self.open_calls

    def bound(self) -> _Bound:
        """Return calls, the most tokens in and out and dollars, calls under way included."""
        return self.calls, self.most_prompt, self.most_completion, self.most_due or _NOTHING

    @property
    def most_prompt(self) -> int:
        """Tokens in, those of calls without a known bill at the worst case."""
        return self.prompt_tokens + self.unanswered_prompt + self.open_prompt

    @property
    def most_completion(self) -> int:
        """Tokens out, likewise."""
        return self.completion_tokens + self.unanswered_completion + self.open_completion

    @property
    def most_due(self) -> Decimal | None:
        """Dollars, likewise; None where a price was unknown."""
        return plus(plus(self.due, self.unanswered_due), self.open_due)

    def open(self, prompt: int, completion: int, cost: Decimal | None) -> None:
        """Count a call as under way, with the most that it can take."""
        self.open_calls += 1
        self.open_prompt += prompt
        self.open_completion += completion
        self.open_due = plus(self.open_due, cost)

    def close(self, prompt: int, completion: int, cost: Decimal | None) -> None:
        """Take back what `open` counted; how the call ended is counted by another method."""
        self.open_calls -= 1
        self.open_prompt -= prompt
        self.open_completion -= completion
        still = plus(self.open_due, None if cost is None else -cost)
        self.open_due = still if self.open_calls else _NOTHING

    def count_reply(
        self, usage: Usage, prompt: int, completion: int, price: Price | None
    ) -> Decimal | None:
        """Count a reply, and return its dollars, None where the price is unknown.

        What it does not report counts as the most that it can have taken.
        """
        known = usage.prompt_tokens or 0, usage.completion_tokens or 0
        whole = usage.within(prompt, completion)
        cache = usage.cached_tokens, usage.written_tokens
        due, cost = (cost_of(price, *tokens, *cache) for tokens in (known, whole))
        self.due = plus(self.due, due)
        self.unanswered_due = plus(self.unanswered_due, minus(cost, due))
        self.replies += 1
        self.prompt_tokens += known[0]
        self.completion_tokens += known[1]
        self.unanswered_prompt += whole[0] - known[0]
        self.unanswered_completion += whole[1] - known[1]
        self.cached_tokens = _sum(self.cached_tokens, usage.cached_tokens)
        self.reasoning_tokens = _sum(self.reasoning_tokens, usage.reasoning_tokens)
        return cost

    def count_lost(
        self, prompt: int, completion: int, cost: Decimal | None, calls: int = 1
    ) -> None:
        """Count calls whose bill nobody knows."""
        self.unanswered_calls += calls
        self.unanswered_prompt += prompt
        self.unanswered_completion += completion
        self.unanswered_due = plus(self.unanswered_due, cost)

    def plus(self, other: Account) -> Account:
        """Return both together, of the same calls."""
        both = [(name, getattr(self, name), getattr(other, name)) for name in _STORED[5:]]
        sums: list[Any] = [
            plus(one, two) if name in _DUE else _sum(one, two) for name, one, two in both
        ]
        return Account(*self.key, *sums)

    def leased(self) -> Account:
        """Return a copy that admits to half as many more calls under way and one, as large."""
        more = self.open_calls // 2 + 1
        each = max(self.open_calls, 1)
        return replace(
            self,
            open_calls=self.open_calls + more,
            open_prompt=self.open_prompt + -(-self.open_prompt * more // each),
            open_completion=self.open_completion + -(-self.open_completion * more // each),
            open_due=None if self.open_due is None else self.open_due + self.open_due * more / each,
        )

    def lose_open(self) -> None:
        """Count what was under way as lost: the program that sent it is gone."""
        self.count_lost(self.open_prompt, self.open_completion, self.open_due, self.open_calls)
        self.open_calls = self.open_prompt = self.open_completion = 0
        self.open_due = _NOTHING

    def reckon(self, price_of: PriceOf) -> None:
        """Put a price on what had none when it was spent, where one is known now."""
        # Of sums: what the mean call would have cost, because long prompts cost more.
        if self.due is None and (price := price_of(self.purpose, self.model, self.tier)):
            price = price.for_prompt(self.prompt_tokens // max(self.replies, 1))
            tokens = self.prompt_tokens, self.completion_tokens
            self.due = price.cost(*tokens, self.cached_tokens or 0)
        if self.unanswered_due is None and (most := price_of(self.purpose, self.model, None)):
            most = most.for_prompt(self.unanswered_prompt // max(self.unanswered_calls, 1))
            self.unanswered_due = most.cost(self.unanswered_prompt, self.unanswered_completion)

    @property
    def unanswered_tokens(self) -> int:
        """The most tokens that can have gone, in and out, where nothing was reported."""
        return self.unanswered_prompt + self.unanswered_completion

    @property
    def cost(self) -> float | None:
        """Dollars for what was reported; None where the price is unknown."""
        return _rounded(self.due)

    @property
    def unanswered_cost(self) -> float | None:
        """Dollars at most for what was not reported; None where the price is unknown."""
        return _rounded(self.unanswered_due)

    def to_json(self) -> dict[str, Any]:
        """Return the row of `run.json`, without what is under way."""
        return {
            "generation": self.generation,
            "operation": self.operation or None,
            "purpose": self.purpose,
            "model": self.model,
            "tier": self.tier or None,
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


PriceOf = Callable[[str, str, str | None], Price | None]
"""From a purpose, a model and a tier, as `Tariff.price` has them, to the price."""

_Key = tuple[int, str, str, str, str]
_Bound = tuple[Decimal | int, ...]
_BLANK: _Bound = (0, 0, 0, 0)
_STORED = [field.name for field in fields(Account)]
_DUE = [name for name in _STORED if name.endswith("due")]
_COLUMNS = [name.replace("open_", "leased_") for name in _STORED]
_DUES = [name for name in _COLUMNS if name.endswith("due")]
_COUNTS = [name for name in _COLUMNS[5:] if name not in _DUES]
_ROW = f"""
    generation INTEGER NOT NULL, operation TEXT NOT NULL, purpose TEXT NOT NULL,
    model TEXT NOT NULL, tier TEXT NOT NULL,
    {", ".join(f"{name} INTEGER" for name in _COUNTS)},
    {", ".join(f"{name} TEXT" for name in _DUES)},  -- dollars, all their decimals
    digest INTEGER NOT NULL,
"""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS spending (
    {_ROW} PRIMARY KEY (generation, operation, purpose, model, tier)
) WITHOUT ROWID
"""
_SHARDS_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS spending_of_shards (
    shard INTEGER NOT NULL,  -- the number of its journal
    {_ROW} PRIMARY KEY (shard, generation, operation, purpose, model, tier)
) WITHOUT ROWID
"""
_WRITE = f"INSERT OR REPLACE INTO spending VALUES ({', '.join('?' * (len(_COLUMNS) + 1))})"  # noqa: S608 - no data in it
_READ = "SELECT * FROM spending"
_HAS_SHARDS = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'spending_of_shards'"
_OF_SHARDS = f"SELECT {', '.join(_COLUMNS)}, digest FROM spending_of_shards"  # noqa: S608 - likewise
_SIZE = "SELECT COUNT(*) FROM pragma_table_info('spending')"
_FORMER_SIZE = len(_COLUMNS) - len(_DUES)  # without tier and dollars, with the digest


class Ledger:
    """All accounts of a run; in memory alone until it is given a file."""

    def __init__(self, price_of: PriceOf) -> None:
        """Begin with nothing spent."""
        self._price_of = price_of
        self._accounts: dict[_Key, Account] = {}
        self._of_shards: list[Account] = []
        self._groups: dict[tuple[object, ...], list[Account]] = {}  # of the same calls, by tier
        self._written: dict[tuple[object, ...], _Bound] = {}
        self._db: sqlite3.Connection | None = None
        self._path: Path | None = None

    def open(self, path: Path) -> None:
        """Read what was spent before, and write to this file from now on.

        Raises:
            InputError: the file cannot be used, or is damaged.
        """
        self._path = path
        try:
            db = sqlite3.connect(path, isolation_level=None)
            with closed_on_error(db):
                # A garbled text is read all the same: its row's checksum refuses it, in a sentence.
                db.text_factory = partial(str, encoding="utf-8", errors="replace")
                # A kill loses nothing; a power cut, what came since the journal was synced last.
                db.execute("PRAGMA synchronous = NORMAL")
                rows = self._read(db, path)
                has_shards = db.execute(_HAS_SHARDS).fetchone()[0]
                of_shards = _whole(db.execute(_OF_SHARDS), path) if has_shards else []
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        self._db = db
        self._accounts, self._groups, self._written = {}, {}, {}
        for account in self._taken_up(rows):
            self._add(account)
        self._of_shards = list(self._taken_up(of_shards))
        self.flush()

    def _taken_up(self, rows: Iterable[list[Any]]) -> Iterator[Account]:
        for account in map(_account, rows):
            account.lose_open()
            account.reckon(self._price_of)
            yield account

    def _read(self, db: sqlite3.Connection, path: Path) -> list[list[Any]]:
        """Return the rows in today's form; those of a former one have neither tier nor dollars.

        Raises:
            InputError: a row is damaged.
            sqlite3.Error: the file cannot be used.
        """
        former = db.execute(_SIZE).fetchone()[0] == _FORMER_SIZE
        db.execute(_SCHEMA)
        rows = _whole(db.execute(_READ), path)
        if former:
            rows = [[*row[:4], "", *row[4:], None, None, None] for row in rows]
            with transaction(db):
                db.execute("DROP TABLE spending")
                db.execute(_SCHEMA)
                db.executemany(_WRITE, [(*row, digest_of(*row)) for row in rows])
        return rows

    def account(self, request: Request, tier: str) -> Account:
        """Return the account that a request is paid from, in a service tier."""
        context = request.context
        key = (context.generation, context.operation or "", request.purpose, request.model, tier)
        account = self._accounts.get(key)
        if account is None:
            account = self._add(Account(*key))
        return account

    def _add(self, account: Account) -> Account:
        self._accounts[account.key] = account
        self._groups.setdefault(account.key[:4], []).append(account)
        return account

    def accounts(self) -> list[Account]:
        """Return the accounts in a fixed order, with what was spent on shards."""
        found = dict(self._accounts)
        for account in self._of_shards:
            known = found.get(account.key)
            found[account.key] = account if known is None else known.plus(account)
        return [found[key] for key in sorted(found)]

    def note(self, account: Account) -> None:
        """Make the file admit to all that the account has spent or has under way.

        Raises:
            InputError: the file cannot be written.
        """
        # In nearly all calls the lease covers it, and nothing is written. The lease of one tier
        # covers its calls that another one billed, too: what counts is the sum of them.
        group = self._groups[account.key[:4]]
        bounds = zip(_bound(group), self._written.get(account.key[:4], _BLANK), strict=True)
        if any(now > then for now, then in bounds):
            self._write([each.leased() if each is account else each for each in group])

    def flush(self) -> None:
        """Write what is spent as it is, without a lease beyond what is under way."""
        self._write(list(self._accounts.values()))

    def close(self) -> None:
        """Write everything, and let go of the file."""
        if self._db is not None:
            try:
                self.flush()
            finally:
                self._db.close()
                self._db = None

    def _write(self, accounts: list[Account]) -> None:
        """Write accounts: of the same calls, those of all tiers."""
        rows, groups = [], dict[tuple[object, ...], list[Account]]()
        for account in accounts:
            row = [_plain(getattr(account, name)) for name in _STORED]
            rows.append((*row, digest_of(*row)))
            groups.setdefault(account.key[:4], []).append(account)
        written = {key: _bound(group) for key, group in groups.items()}
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


def take_spending(db: sqlite3.Connection, path: Path) -> list[Account]:
    """Take in what was spent on a shard, in place of what was known of it; return its accounts.

    Args:
        db: the journal of the run, with the shard's file attached as ``shard``.
        path: the shard's file.

    Raises:
        InputError: a row of the file is damaged.
        sqlite3.Error: the journal cannot be written.
    """
    shard = db.execute("PRAGMA shard.application_id").fetchone()[0]
    rows = _whole(db.execute("SELECT * FROM shard.spending"), path)
    db.execute(_SHARDS_SCHEMA)
    db.execute("DELETE FROM spending_of_shards WHERE shard = ?", (shard,))
    places = ", ".join("?" * (len(_COLUMNS) + 2))
    written = [(shard, *row, digest_of(*row)) for row in rows]
    db.executemany(f"INSERT INTO spending_of_shards VALUES ({places})", written)  # noqa: S608
    return [_account(row) for row in rows]


def _whole(found: Iterable[tuple[Any, ...]], path: Path) -> list[list[Any]]:
    """Return rows without their digests.

    Raises:
        InputError: one is damaged.
    """
    rows = []
    for *row, digest in found:
        if digest != digest_of(*row):
            raise damaged(path, "what was spent is not as it was written")
        rows.append(row)
    return rows


def _bound(group: list[Account]) -> _Bound:
    """Return the bounds of accounts together."""
    if len(group) == 1:
        return group[0].bound()
    return tuple(map(sum, zip(*(account.bound() for account in group), strict=True)))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _account(row: list[Any]) -> Account:
    dues = [None if due is None else Decimal(due) for due in row[-len(_DUES) :]]
    return Account(*row[: -len(_DUES)], *dues)


def plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the sum of two costs, None where one is unknown."""
    return None if one is None or other is None else one + other


def minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return what one cost is above another, None where one is unknown."""
    return None if one is None or other is None else one - other


def _rounded(cost: Decimal | None) -> float | None:
    return None if cost is None else round(float(cost), 9)


def _sum(before: int | None, more: int | None) -> int | None:
    return before if more is None else (before or 0) + more
