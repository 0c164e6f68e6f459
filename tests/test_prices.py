"""Prices are exact decimals from one dated table; what nobody has named is unknown, never 0."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from evolinstruct.llm import prices
from evolinstruct.llm.prices import Price, Tariff

MINI = Price(Decimal("0.15"), Decimal("0.60"), Decimal("0.075"))


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o-mini",
        "openai/gpt-4o-mini",
        "gpt-4o-mini-2024-07-18",
        "openai/gpt-4o-mini-2024-07-18",
    ],
)
def test_a_model_is_found_whole_behind_a_provider_and_before_a_date(name: str) -> None:
    assert prices.find(name) == MINI


def test_a_dated_name_of_its_own_wins_over_the_name_without_its_date() -> None:
    assert prices.find("gpt-4o-2024-05-13") == Price(Decimal("5.00"), Decimal("15.00"))
    assert prices.find("gpt-4o-2024-11-20") == prices.find("gpt-4o")


@pytest.mark.parametrize("name", ["", "my-model", "gpt-4o-mini:free", "gpt-4o-mini-tuned", "date"])
def test_what_the_table_does_not_name_is_unknown(name: str) -> None:
    assert prices.find(name) is None


def test_every_price_is_a_decimal_and_the_table_has_its_date() -> None:
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", prices.date())
    table = tomllib.loads(Path(prices.__file__).with_name("prices.toml").read_text())
    del table["date"]
    for name in (name for models in table.values() for name in models):
        price = prices.find(name)
        assert price is not None
        known = {price.input, price.output, price.input if price.cached is None else price.cached}
        assert {type(value) for value in known} == {Decimal}
        assert min(known) > 0


def test_costs_are_exact_and_cached_tokens_have_their_own_price() -> None:
    assert MINI.cost(3, 7) == Decimal("0.00000465")
    assert MINI.cost(1_000_000, 0, cached=400_000) == Decimal("0.12")
    assert Price(Decimal(1), Decimal(2)).cost(10, 0, cached=4) == Decimal("0.00001")


def test_the_users_price_wins_for_its_purpose_side_by_side() -> None:
    tariff = Tariff({"default": Decimal(1), "answer": Decimal("0.5")}, {"answer": Decimal(9)})
    assert tariff.price("answer", "my-model") == Price(Decimal("0.5"), Decimal(9))
    assert tariff.price("evolve", "gpt-4o-mini") == Price(Decimal(1), Decimal("0.60"))
    assert tariff.price("evolve", "my-model") is None


def test_a_client_that_costs_nothing_costs_nothing() -> None:
    tariff = Tariff({}, {})
    tariff.free = True
    assert tariff.price("evolve", "") == prices.FREE
