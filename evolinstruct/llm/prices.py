"""Prices: dollars per million tokens by model, from the shipped table or from the user, who wins.

Prices are exact decimals. Tokens that a service had in its cache may have a price of their own.
A price that nobody has named is unknown, which is never 0. The table is data, with its date, in
``prices.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from evolinstruct.settings import DEFAULT

_FILE = Path(__file__).with_name("prices.toml")
_DATED = re.compile(r"[-@](20\d{2}-\d{2}-\d{2}|20\d{6}|\d{2}-\d{2}|00\d)$")
_TO_DOLLARS = Decimal("1e-6")


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens.

    Attributes:
        input: a token of the prompt.
        output: a token of the reply, its reasoning included.
        cached: a token of the prompt that the service had in its cache; None: the same as others.
    """

    input: Decimal
    output: Decimal
    cached: Decimal | None = None

    def cost(self, prompt: int, completion: int, cached: int = 0) -> Decimal:
        """Return the dollars for so many tokens, `cached` of the prompt's from the cache."""
        if self is FREE:  # an exact sum takes time, and a free client is asked very often
            return _NOTHING
        cached = min(cached, prompt) if self.cached is not None else 0
        due = self.input * (prompt - cached) + self.output * completion
        return (due + (self.cached or 0) * cached) * _TO_DOLLARS


def cost_of(
    price: Price | None, prompt: int, completion: int, cached: int | None = None
) -> Decimal | None:
    """Return the dollars for so many tokens, None where the price is unknown."""
    return None if price is None else price.cost(prompt, completion, cached or 0)


_NOTHING = Decimal(0)
FREE = Price(_NOTHING, _NOTHING)


def date() -> str:
    """Return the day on which the table was right, as ``2025-08-01``."""
    return str(_file()["date"])


def find(model: str) -> Price | None:
    """Return the price of a model, or None where it is unknown.

    A name is looked up whole, then without the date at its end, then both without a provider's
    name before it, as in ``openai/gpt-4o-mini-2024-07-18``.
    """
    table = _table()
    for name in (model, model.rpartition("/")[2]):
        for known in (name, _DATED.sub("", name)):
            if known in table:
                return table[known]
    return None


class Tariff:
    """The prices of a run.

    Attributes:
        free: whether the client costs nothing, whatever the model.
    """

    def __init__(self, given_in: Mapping[str, Decimal], given_out: Mapping[str, Decimal]) -> None:
        """Take the user's prices, by purpose."""
        self.free = False
        self._in = given_in
        self._out = given_out
        self._known: dict[tuple[str, str], Price | None] = {}

    def price(self, purpose: str, model: str) -> Price | None:
        """Return what a token of a purpose's calls costs, None where that is unknown."""
        key = purpose, model
        if key not in self._known:
            given_in = self._in.get(purpose, self._in.get(DEFAULT))
            given_out = self._out.get(purpose, self._out.get(DEFAULT))
            self._known[key] = _settled(FREE if self.free else find(model), given_in, given_out)
        return self._known[key]


def _settled(
    known: Price | None, given_in: Decimal | None, given_out: Decimal | None
) -> Price | None:
    """Return a price where the user may have named one side of it, or both."""
    if given_in is None or given_out is None:
        if known is None:
            return None
        cached = known.cached if given_in is None else None
        into = known.input if given_in is None else given_in
        return Price(into, known.output if given_out is None else given_out, cached)
    return Price(given_in, given_out)


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"), parse_float=Decimal)


@cache
def _table() -> dict[str, Price]:
    services = [models for models in _file().values() if isinstance(models, dict)]
    return {name: Price(**price) for models in services for name, price in models.items()}
