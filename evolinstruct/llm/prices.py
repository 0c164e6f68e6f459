"""Prices: dollars per million tokens, by model, server and service tier; what is unknown is not 0.

The user's word comes first: `--price-in` and `--price-out`, then the user's own table (`--prices`).
Everything else is in the table that the package `genai-prices` brings along. Nothing is ever
downloaded for it: a price changes with a newer version of the package. A model has a price only at
a server that the table knows; what a server of one's own charges, no table can tell.
"""

from __future__ import annotations

import time
import tomllib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolinstruct.errors import InputError
from evolinstruct.llm.base import BATCH
from evolinstruct.purposes import asks_sandbox
from evolinstruct.settings import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from genai_prices.data_snapshot import DataSnapshot

    from evolinstruct.settings import Execution

PACKAGE = "genai-prices"
GIVEN = "--price-in and --price-out"
OF_CLIENT = "the client, which costs nothing"
OF_SANDBOX = "the sandbox, which costs nothing"

_TO_DOLLARS = Decimal("1e-6")
_NOTHING = Decimal(0)
_MOST = Decimal(10**6)  # dollars per million tokens
# What tokens in and out do not tell: a price for each call, other prices for parts of a reply.
_BEYOND_TOKENS = ("requests_kcount", "output_reasoning_mtok", "output_citation_mtok")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens.

    Attributes:
        input: a token of the prompt.
        output: a token of the reply, its reasoning included.
        cached: a token of the prompt that the service had in its cache; None: the same as others.
        written: a token of the prompt that it puts into its cache; None: the same as others.
        steps: the prices of all tokens of a call whose prompt is longer than so many tokens, the
            shortest first.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    written: Decimal | None = None
    steps: tuple[tuple[int, Price], ...] = ()

    def for_prompt(self, tokens: int) -> Price:
        """Return the price of calls whose prompts have so many tokens each, without steps."""
        reached = [price for start, price in self.steps if tokens > start]
        return reached[-1] if reached else replace(self, steps=())

    def cost(self, prompt: int, completion: int, cached: int = 0, written: int = 0) -> Decimal:
        """Return the dollars for one call.

        Args:
            prompt: its tokens in, with those of the cache.
            completion: its tokens out.
            cached: how many of the prompt's the service had in its cache.
            written: how many of the prompt's it put there.
        """
        if self is FREE:  # an exact sum takes time, and a free client is asked very often
            return _NOTHING
        price = self.for_prompt(prompt) if self.steps else self
        cached = min(cached, prompt) if price.cached is not None else 0
        written = min(written, prompt - cached) if price.written is not None else 0
        due = price.input * (prompt - cached - written) + price.output * completion
        due += (price.cached or 0) * cached + (price.written or 0) * written
        return due * _TO_DOLLARS

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, for run.json and scripts; decimals are strings."""
        found: dict[str, Any] = {"input": str(self.input), "output": str(self.output)}
        found["cached"] = None if self.cached is None else str(self.cached)
        if self.written is not None:
            found["written"] = str(self.written)
        if self.steps:
            found["steps"] = [{"above": start, **price.to_json()} for start, price in self.steps]
        return found


FREE = Price(_NOTHING, _NOTHING)


def cost_of(
    price: Price | None,
    prompt: int,
    completion: int,
    cached: int | None = None,
    written: int | None = None,
) -> Decimal | None:
    """Return the dollars for one call, None where the price is unknown."""
    return None if price is None else price.cost(prompt, completion, cached or 0, written or 0)


def dearest(prices: Sequence[Price]) -> Price:
    """Return a price at which no call costs less than at any of these."""
    starts = sorted({start for price in prices for start, _ in price.steps})
    steps = ((start, [price.for_prompt(start + 1) for price in prices]) for start in starts)
    dearer = tuple((start, _highest(group)) for start, group in steps)
    return replace(_highest(prices), steps=dearer)


def _highest(prices: Iterable[Price]) -> Price:
    rates = [(max(price.input, price.written or _NOTHING), price.output) for price in prices]
    return Price(max(into for into, _ in rates), max(out for _, out in rates))


# Tables


class PackagedTable:
    """The table of the package `genai-prices`, as installed; loaded when first needed.

    Attributes:
        name: what run.json calls it.
    """

    name = PACKAGE

    @cached_property
    def version(self) -> str:
        """The version of the package."""
        return metadata.version(PACKAGE)

    @cached_property
    def _data(self) -> DataSnapshot:
        # Not the package's shared data: another part of the process may have had that downloaded.
        from genai_prices.data import providers  # noqa: PLC0415 - slow, and seldom needed
        from genai_prices.data_snapshot import DataSnapshot  # noqa: PLC0415

        return DataSnapshot(providers, from_auto_update=False)

    def find(self, model: str, server: str | None, tier: str, at: datetime) -> Price | None:
        """Return a model's price, None where the table does not know the server or the model.

        Args:
            model: its name.
            server: the base URL; None for a client that has but one server.
            tier: the name of the service tier; empty for the ordinary one.
            at: when the call is made.
        """
        usage = {"input_tokens": 1, "output_tokens": 1}
        context = {"processing" if tier == BATCH else "service_tier": tier} if tier else None
        try:
            with warnings.catch_warnings(action="ignore"):
                found = self._data.calc(usage, model, None, server, at, context).model_price
        except LookupError:
            return None
        rates = [found.input_mtok, found.output_mtok, found.cache_read_mtok, found.cache_write_mtok]
        if None in rates[:2] or any(getattr(found, name) for name in _BEYOND_TOKENS):
            return None
        starts = sorted({step.start for rate in rates for step in getattr(rate, "tiers", ())})
        steps = [(start, _price(_above(rate, start) for rate in rates)) for start in starts]
        return replace(_price(getattr(rate, "base", rate) for rate in rates), steps=tuple(steps))


def _price(rates: Iterable[Any]) -> Price:
    into, out, cached, written = rates
    return Price(into, out, cached, written)


def _above(rate: Any, start: int) -> Any:
    """Return a rate of the package where the prompt has more tokens than `start`."""
    reached = [step.price for step in getattr(rate, "tiers", ()) if step.start <= start]
    return reached[-1] if reached else getattr(rate, "base", rate)


class OwnTable:
    """The user's own table: a TOML file with a table for each model, and in it one for each tier.

    A table names ``input`` and ``output``, and ``cached`` if tokens of a cache cost less.

    Attributes:
        name: of the file, as run.json has it.
    """

    version = None

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            InputError: it cannot be read, or is no such table.
        """
        self.name = path.name
        self._path = path
        self._prices = dict(self._rows(_toml(path)))

    def find(self, model: str, server: str | None, tier: str, at: datetime) -> Price | None:  # noqa: ARG002
        """Return a model's price: in the tier if the file has one there, else the ordinary one."""
        return self._prices.get((model, tier), self._prices.get((model, "")))

    def _rows(self, found: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Price]]:
        for model, rates in found.items():
            tiers = {k: v for k, v in rates.items() if isinstance(v, dict)}
            ordinary = {k: v for k, v in rates.items() if k not in tiers}
            for tier, price in {"": ordinary, **tiers}.items():
                yield (model, tier), self._price(f"{model}.{tier}" if tier else model, price)

    def _price(self, place: str, rates: Mapping[str, Any]) -> Price:
        known = ("input", "output", "cached")
        for name in (*rates, "input", "output"):
            if name not in known:
                raise self._error(place, f"has the unknown key {name!r}; known: {', '.join(known)}")
            if name not in rates:
                raise self._error(place, f"has no {name!r}; name it in dollars per million tokens")
            if not _is_rate(rates[name]):
                raise self._error(
                    place, f"has the {name} {rates[name]}; write a number of 0 or more"
                )
        values = {name: Decimal(value) for name, value in rates.items()}
        return Price(values["input"], values["output"], values.get("cached"))

    def _error(self, place: str, what: str) -> InputError:
        return InputError(f"The prices {self._path}: {place!r} {what}.")


def _is_rate(value: object) -> bool:
    if type(value) is not int and not isinstance(value, Decimal):
        return False
    return Decimal(value).is_finite() and 0 <= value <= _MOST


def _toml(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise InputError(
            f"The prices {path} cannot be read: {error.strerror}; correct --prices."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"The prices {path} are not UTF-8 text; save them so.") from error
    except (ValueError, ArithmeticError, RecursionError) as error:  # of numbers beyond bounds too
        raise InputError(f"The prices {path} are not TOML: {error}.") from error
    for name, value in found.items():
        if not isinstance(value, dict):
            raise InputError(
                f"The prices {path}: {name!r} is no table; write a table for each model,"
                ' such as ["my-model"] with input and output below.'
            )
    return found


# The prices of a run


@dataclass(frozen=True, slots=True)
class Applied:
    """A price that was used.

    Attributes:
        table: where it is from.
        version: of the table; None where it has none.
        model: whose price it is.
        tier: of which tier; empty for the ordinary one.
        price: the price.
    """

    table: str
    version: str | None
    model: str
    tier: str
    price: Price

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, for run.json."""
        about = {"table": self.table, "version": self.version, "model": self.model}
        return {**about, "tier": self.tier or None, **self.price.to_json()}


_Key = tuple[str, str, str | None]


class Tariff:
    """The prices of a run.

    Attributes:
        free: whether the client costs nothing, whatever the model.
        used: the prices at which calls were reckoned so far, each once.
    """

    def __init__(
        self,
        execution: Execution,
        servers: Mapping[str, Sequence[str | None]],
        by_model: Mapping[tuple[str, str], Sequence[str | None]] = {},
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take the user's prices and tiers, and the base URLs that calls are sent to.

        Args:
            execution: has the user's prices and tiers.
            servers: those of each purpose.
            by_model: those of each model of a purpose, where it has several.
            now: tells the time.

        Raises:
            InputError: the user's own table is wrong.
        """
        self.free = False
        self.used: dict[Applied, None] = {}
        self._execution = execution
        self._servers = servers
        self._by_model = by_model
        own = [OwnTable(Path(execution.prices))] if execution.prices else []
        self._tables: list[OwnTable | PackagedTable] = [*own, PACKAGED]
        self._tiers = {tier for purpose in servers for tier in execution.tiers(purpose)}
        self._now = now
        self._minute = 0.0
        self._known: dict[_Key, Applied | None] = {}
        self._noted: set[_Key] = set()

    def price(self, purpose: str, model: str, tier: str | None = "") -> Price | None:
        """Return the price of a purpose's calls now, None where it is unknown.

        Args:
            purpose: what the calls are for.
            model: who is asked.
            tier: the service tier, empty for the ordinary one. None where only the reply will tell:
                then it is the dearest price that may apply, which is one of the ordinary tier, of
                those that are asked for, and of those in which replies were billed.
        """
        found = self._found((purpose, model, tier))
        return None if found is None else found.price

    def likely_cost(
        self, purpose: str, model: str, calls: int, prompt: int, completion: int
    ) -> Decimal | None:
        """Return what calls that are still to be made are likely to cost, None if that is unknown.

        Args:
            purpose: what they are for.
            model: who is asked, in the first of the tiers that the user names.
            calls: how many, with prompts about equally long.
            prompt: tokens in, of all of them together.
            completion: tokens out.
        """
        price = self.price(purpose, model, self._first_tier(purpose))
        if price is None:
            return None
        return price.for_prompt(round(prompt / max(calls, 1))).cost(prompt, completion)

    def source(self, purpose: str, model: str) -> str | None:
        """Return in words where the price of such calls is from; None where it is unknown."""
        found = self._found((purpose, model, self._first_tier(purpose)))
        return None if found is None else " ".join(filter(None, (found.table, found.version)))

    def _first_tier(self, purpose: str) -> str:
        return next(iter(self._execution.tiers(purpose)), "")

    def apply(self, purpose: str, model: str, tier: str | None) -> Price | None:
        """Return the same, and remember what is applied to a reply."""
        key = purpose, model, tier
        found = self._found(key)
        if tier is not None and key not in self._noted:
            self._noted.add(key)
            self._note(tier, found)
        return None if found is None else found.price

    def _note(self, tier: str, found: Applied | None) -> None:
        if found is not None and found.price is not FREE:
            self.used[found] = None
        if tier and tier not in self._tiers:  # it may bill the next call, too
            self._tiers.add(tier)
            self._known = {}

    def _found(self, key: _Key) -> Applied | None:
        minute = self._now() // 60  # some prices depend on the time of day
        if minute != self._minute:
            self._minute, self._known, self._noted = minute, {}, set()
        if key not in self._known:
            purpose, model, tier = key
            one = self._applied(purpose, model, tier or "")
            self._known[key] = one if tier is not None else self._dearest(one, purpose, model)
        return self._known[key]

    def _dearest(self, ordinary: Applied | None, purpose: str, model: str) -> Applied | None:
        others = [self._applied(purpose, model, tier) for tier in sorted(self._tiers)]
        if ordinary is None or ordinary.price is FREE or None in others:
            return ordinary
        prices = [ordinary.price, *(other.price for other in others if other is not None)]
        return replace(ordinary, price=dearest(prices))

    def _applied(self, purpose: str, model: str, tier: str) -> Applied | None:
        if asks_sandbox(purpose):
            return Applied(OF_SANDBOX, None, model, "", FREE)
        given_in = self._given(self._execution.price_in, purpose)
        given_out = self._given(self._execution.price_out, purpose)
        if given_in is not None and given_out is not None:
            return Applied(GIVEN, None, model, "", Price(given_in, given_out))
        found = (
            Applied(OF_CLIENT, None, model, "", FREE)
            if self.free
            else self._listed(purpose, model, tier)
        )
        if found is None or (given_in is None and given_out is None):
            return found
        return replace(found, price=_overridden(found.price, given_in, given_out))

    @staticmethod
    def _given(prices: Mapping[str, Decimal], purpose: str) -> Decimal | None:
        return prices.get(purpose, prices.get(DEFAULT))

    def _listed(self, purpose: str, model: str, tier: str) -> Applied | None:
        """Return the price that the first table has which knows the model.

        Of servers that share the calls, the dearest counts.
        """
        at = datetime.fromtimestamp(self._minute * 60, UTC)
        of_purpose = self._servers.get(purpose, (None,))
        servers = self._by_model.get((purpose, model), of_purpose)
        for table in self._tables:
            found = [table.find(model, server, tier, at) for server in servers]
            prices = [price for price in found if price is not None]
            if prices and len(prices) == len(found):
                price = prices[0] if len(set(prices)) == 1 else dearest(prices)
                return Applied(table.name, table.version, model, tier, price)
        return None


PACKAGED = PackagedTable()
"""One for all runs of a process: it takes 0.15 s to load."""


def _overridden(known: Price, given_in: Decimal | None, given_out: Decimal | None) -> Price:
    """Return a price of which the user names one side."""
    steps = tuple((start, _overridden(price, given_in, given_out)) for start, price in known.steps)
    if given_in is not None:  # for all of a prompt, whatever of it is in a cache
        known = replace(known, input=given_in, cached=None, written=None)
    output = known.output if given_out is None else given_out
    return replace(known, output=output, steps=steps)
