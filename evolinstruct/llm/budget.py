"""Budget: caps on calls, tokens and money, held before anything is sent.

Whatever is sent first reserves the most that it can take; what the service reports takes its place.
A call that does not fit waits as long as others under way may leave room; the run stops when none
is. So a cap is exceeded only by what a service bills beyond what it was allowed. It stands next to
the client: each attempt is a call of its own, and a call that waits its turn holds no money.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from evolinstruct import defaults
from evolinstruct.errors import (
    DAILY_LIMIT,
    TIER_FULL,
    UNREACHABLE,
    BudgetReached,
    CallError,
    ClientBroken,
    StopRun,
    UsageError,
)
from evolinstruct.llm.base import BATCH, Client, Reply, Request, Usage
from evolinstruct.llm.intake import Intake
from evolinstruct.llm.prices import Price, cost_of
from evolinstruct.llm.usage import Account, Ledger, PriceOf, plus
from evolinstruct.text import dollars

_BYTES_PER_TOKEN = 2  # tables, digits and code reach it; prose has four and more
_PER_MESSAGE = 8  # tokens that a service adds around a message
# never sent, or never processed
_UNBILLED = frozenset({UNREACHABLE, DAILY_LIMIT, TIER_FULL, "too_long", "truncated"})
_REFUSAL = "http_4"  # how the names of all errors with a 4xx status begin


@dataclass(frozen=True, slots=True)
class Caps:
    """What may be spent in a run directory, ever; None for no bound.

    Attributes:
        calls: requests sent, attempts that brought nothing included.
        tokens: in and out together.
        cost: dollars.
    """

    calls: int | None = None
    tokens: int | None = None
    cost: Decimal | None = None


@dataclass(slots=True)
class Spending:
    """A total: what is spent, calls without a known bill at the worst case.

    Attributes:
        calls: requests sent.
        tokens: in and out together.
        cost: dollars; None where a price is unknown.
    """

    calls: int = 0
    tokens: int = 0
    cost: Decimal | None = Decimal(0)

    def add(self, tokens: int, cost: Decimal | None, calls: int = 1) -> None:
        """Count calls on top."""
        self.calls += calls
        self.tokens += tokens
        self.cost = plus(self.cost, cost)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        cost = None if self.cost is None else float(self.cost)
        return {"calls": self.calls, "tokens": self.tokens, "cost": cost}

    def take(self, tokens: int, cost: Decimal | None) -> None:
        """Count a call off."""
        self.add(-tokens, None if cost is None else -cost, calls=-1)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is set aside for a call under way: the most that it can take.

    Attributes:
        request: the call.
        account: pays it.
        prompt: tokens in at most, as estimated.
        completion: tokens out at most, as allowed.
        cost: dollars at most, None where unknown.
    """

    request: Request
    account: Account
    prompt: int
    completion: int
    cost: Decimal | None


class Budget:
    """What a run may spend and has spent; shared by everything that sends.

    Attributes:
        ledger: remembers it, by generation, operation, purpose, model and service tier.
        spent: the total.
        reserved: the most that calls under way can take on top.
    """

    def __init__(self, caps: Caps, price_of: PriceOf) -> None:
        """Begin with nothing spent."""
        self.ledger = Ledger(price_of)
        self.spent = Spending()
        self.reserved = Spending()
        self._caps = caps
        self._price_of = price_of
        self._change = asyncio.Event()
        self._error: StopRun | None = None

    def open(self, path: Path) -> None:
        """Take up what earlier commands spent, and remember all from now on in this file.

        Raises:
            InputError: the file cannot be used.
            UsageError: money is capped, and what some of it was spent for has no known price.
        """
        self.ledger.open(path)
        self.spent = Spending()
        for account in self.ledger.accounts():
            cost = account.most_due
            tokens = account.most_prompt + account.most_completion
            self.spent.add(tokens, cost, account.calls)
            if cost is None and self._caps.cost is not None:
                raise UsageError(
                    f"--max-cost: the run has asked the model {account.model!r}"
                    f" ({account.purpose}), whose price is unknown; name it with --price-in and"
                    " --price-out, in dollars per million tokens."
                )

    async def reserve(self, request: Request) -> Reservation:
        """Set aside the most that a request can take, as soon as that fits.

        A request that is prefetched is not waited for, nor does it stop the run.

        Raises:
            BudgetReached: it does not fit, and nothing is under way that could leave room.
            StopRun: the run stopped meanwhile.
        """
        prompt, completion = most(request)
        # which tier bills it, only the reply will say
        cost = cost_of(self._price_of(request.purpose, request.model, None), prompt, completion)
        while True:
            if self._error is not None:
                # many calls raise this one object: each starts its traceback anew
                raise self._error.with_traceback(None)
            cap = self._in_the_way(prompt + completion, cost)
            if cap is None:
                break
            if request.prefetched is not None:
                raise BudgetReached(cap)
            if not self.reserved.calls:
                # Stop all, not this call alone: whoever waits for room would wait for ever.
                self.stop(BudgetReached(cap))
                continue
            self._change.clear()
            await self._change.wait()
        self.reserved.add(prompt + completion, cost)
        account = self.ledger.account(request, request.service_tier or "")
        account.open(prompt, completion, cost)
        self.ledger.note(account)
        return Reservation(request, account, prompt, completion, cost)

    def settle(self, reserved: Reservation, usage: Usage | None) -> None:
        """Put what a call took in the place of what was set aside for it.

        Without a usage nobody knows what it took, and the worst case stands.
        """
        request, bound = reserved.request, (reserved.prompt, reserved.completion)
        self._release(reserved)
        if usage is None:
            reserved.account.count_lost(*bound, reserved.cost)
            self.spent.add(sum(bound), reserved.cost)
            return
        account, cost = self._count(request, usage, bound)
        taken = usage.within(*bound)
        if taken[0] > bound[0] or taken[1] > bound[1] or (cost or 0) > (reserved.cost or 0):
            self.ledger.note(account)  # the service bills more than it was allowed

    def refuse(self, reserved: Reservation) -> None:
        """Give back the tokens of a call that the service turned down; it stays a call."""
        self._release(reserved)
        reserved.account.refused += 1
        self.spent.add(0, Decimal(0))

    def stop(self, error: StopRun) -> None:
        """Let nothing more through: whatever waits for room ends with the error."""
        self._error = self._error or error
        self._change.set()

    def _count(
        self, request: Request, usage: Usage, bound: tuple[int, int]
    ) -> tuple[Account, Decimal | None]:
        price = self._price_of(request.purpose, request.model, usage.tier)
        account = self.ledger.account(request, usage.tier)
        cost = account.count_reply(usage, *bound, price)
        self.spent.add(sum(usage.within(*bound)), cost)
        return account, cost

    # Calls in batches: what they may take is known from where they are noted, not from a lease

    def batch_price(self, purpose: str, model: str) -> Price | None:
        """Return the price of a call in a batch, None where it is unknown."""
        return self._price_of(purpose, model, BATCH)

    def hold(self, held: Spending) -> None:
        """Set aside the most that all calls in batches can take, in the place of what was."""
        self.reserved = held

    def set_aside(self, tokens: int, cost: Decimal | None) -> str | None:
        """Set aside what one more call in a batch can take.

        Returns:
            What a user is told of the cap that leaves no room for it, else None.
        """
        cap = self._in_the_way(tokens, cost)
        if cap is None:
            self.reserved.add(tokens, cost)
        return cap

    def count_answered(self, request: Request, usage: Usage, bound: tuple[int, int]) -> None:
        """Count a call that was answered in a batch; what it does not report counts at most."""
        self._count(request, replace(usage, tier=BATCH), bound)

    def count_unanswered(self, request: Request, bound: tuple[int, int] | None) -> None:
        """Count a call that a batch did not answer: at most so many tokens, None for none."""
        account = self.ledger.account(request, BATCH)
        if bound is None:
            account.refused += 1
            self.spent.add(0, Decimal(0))
            return
        cost = cost_of(self.batch_price(request.purpose, request.model), *bound)
        account.count_lost(*bound, cost)
        self.spent.add(sum(bound), cost)

    def _release(self, reserved: Reservation) -> None:
        reserved.account.close(reserved.prompt, reserved.completion, reserved.cost)
        self.reserved.take(reserved.prompt + reserved.completion, reserved.cost)
        self._change.set()

    def _in_the_way(self, tokens: int, cost: Decimal | None) -> str | None:
        """Return what a user is told of the cap that so much more would exceed, if there is one."""
        caps, calls = self._caps, self.spent.calls + self.reserved.calls
        if caps.calls is not None and calls + 1 > caps.calls:
            return _reached("--max-calls", f"{caps.calls:,}", f"{calls:,} calls are made")
        taken = self.spent.tokens + self.reserved.tokens
        if caps.tokens is not None and taken + tokens > caps.tokens:
            left = f"{taken:,} are spent, and the next call may take {tokens:,}"
            return _reached("--max-tokens-total", f"{caps.tokens:,}", left)
        return None if caps.cost is None else self._too_dear(caps.cost, cost)

    def _too_dear(self, cap: Decimal, cost: Decimal | None) -> str | None:
        if cost is None or self.spent.cost is None or self.reserved.cost is None:
            return "--max-cost needs the price of every model that is asked; name it"
        paid = self.spent.cost + self.reserved.cost
        if paid + cost <= cap:
            return None
        left = f"{dollars(paid)} is spent, and the next call may cost {dollars(cost)}"
        return _reached("--max-cost", dollars(cap), left)


class BudgetedClient:
    """A client that sends a call only if it fits the budget.

    Attributes:
        intake: looks at all that the client within brings.
    """

    def __init__(self, client: Client, budget: Budget, intake: Intake) -> None:
        """Wrap a client, with the intake for it."""
        self._client = client
        self._budget = budget
        self.intake = intake

    async def complete(self, request: Request) -> Reply:
        """Reserve, ask, settle.

        Raises:
            BudgetReached: a cap leaves no room for this call.
            CallError: as the client within.
            StopRun: as the client within, or the run stopped meanwhile; or a user's own client
                raised or returned what no client may.
        """
        reserved = await self._budget.reserve(request)
        try:
            reply = self.intake.reply(await self._client.complete(request))
        except BaseException as raised:
            error = self.intake.error(raised)
            if _is_free(error):
                self._budget.refuse(reserved)
            else:
                self._budget.settle(reserved, None)
            if error is not raised:
                raise error from error.__cause__
            raise
        self._budget.settle(reserved, reply.usage)
        return reply

    def take_notices(self) -> list[str]:
        """Return what the client within has learned since the last time, a sentence each."""
        try:
            return [*map(str, getattr(self._client, "take_notices", list)())]
        except Exception as error:  # noqa: BLE001 - raised, as what it means
            raise self.intake.error(error) from error.__cause__

    async def aclose(self) -> None:
        """Close the client within."""
        try:
            await self._client.aclose()
        except BaseException as error:  # noqa: BLE001 - raised, as what it means
            raise self.intake.error(error) from error.__cause__


def most(request: Request) -> tuple[int, int]:
    """Return the most tokens that a request can take: in, as estimated, and out, as allowed."""
    prompt = sum(
        _bytes(content) // _BYTES_PER_TOKEN + _PER_MESSAGE for _, content in request.messages
    )
    return prompt, request.max_tokens or defaults.MAX_TOKENS


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _is_free(error: BaseException) -> bool:
    """Tell whether a service surely bills nothing: it was not reached, or it refused the call."""
    if isinstance(error, CallError):
        return error.error in _UNBILLED or error.error.startswith(_REFUSAL)
    return isinstance(error, StopRun) and not isinstance(error, ClientBroken)


def _reached(cap: str, value: str, left: str) -> str:
    return f"{cap} {value} is reached: {left}; the same command with a higher one goes on."
