"""A price is the user's word, or the kept table's for that server and tier; else it is unknown."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.errors import InputError
from evolinstruct.llm.prices import FREE, Price, Tariff, dearest
from evolinstruct.settings import Execution

OPENAI = "https://api.openai.com/v1"
OPENROUTER = "https://openrouter.ai/api/v1"
DEEPSEEK = "https://api.deepseek.com/v1"
NIGHT, DAY = (datetime(2026, 11, 2, hour, tzinfo=UTC).timestamp() for hour in (23, 12))
LONG = 500_000


def tariff(*servers: str | None, at: float = DAY, **execution: object) -> Tariff:
    """Return the tariff of a run that answers at these servers."""
    return Tariff(Execution(**execution), {"answer": servers or (None,)}, now=lambda: at)


def known(found: Tariff, model: str, tier: str | None = "") -> Price:
    price = found.price("answer", model, tier)
    assert price is not None
    return price


# --- the kept table -----------------------------------------------------------------------------


def test_each_model_of_a_purpose_has_the_price_of_its_own_server() -> None:
    local = "http://localhost:8000/v1"
    servers = {"judge": [OPENAI, local]}
    by_model = {("judge", "gpt-4o-mini"): [OPENAI], ("judge", "my-model"): [local]}
    found = Tariff(Execution(), servers, by_model)
    assert found.price("judge", "gpt-4o-mini") == tariff(OPENAI).price("answer", "gpt-4o-mini")
    assert found.price("judge", "my-model") is None


def test_a_model_has_the_price_of_the_server_that_answers() -> None:
    assert known(tariff(OPENAI), "gpt-4o-mini") == known(tariff(), "gpt-4o-mini-2024-07-18")
    assert known(tariff(OPENROUTER), "openai/gpt-4o-mini").input > 0
    assert tariff(OPENROUTER).price("answer", "gpt-4o-mini") is None
    assert tariff("https://my.gateway.example/v1").price("answer", "gpt-4o-mini") is None
    assert tariff("http://localhost:11434/v1").price("answer", "deepseek-r1:8b") is None


@pytest.mark.parametrize("model", ["", "my-model", "gpt-4o-mini:free", "ft:gpt-4o-mini:mine"])
def test_what_the_table_does_not_name_is_unknown(model: str) -> None:
    assert tariff(OPENAI).price("answer", model) is None


def test_of_servers_that_share_the_calls_the_dearest_counts_and_one_unknown_makes_it_unknown() -> (
    None
):
    model = "meta-llama/Llama-3.3-70B-Instruct"
    one, other = (known(tariff(url), model) for url in (OPENROUTER, "https://api.novita.ai/v3"))
    both = known(tariff(OPENROUTER, "https://api.novita.ai/v3"), model)
    assert both.input == max(one.input, other.input)
    assert tariff(OPENROUTER, "http://localhost:8000/v1").price("answer", model) is None


def test_a_tier_has_its_price_and_an_unknown_one_that_of_the_ordinary_tier() -> None:
    at = tariff(OPENAI)
    ordinary, flex = known(at, "gpt-5"), known(at, "gpt-5", "flex")
    assert flex.output < ordinary.output
    assert flex.cached is not None
    assert ordinary.cached is not None
    assert flex.cached < ordinary.cached
    assert known(at, "gpt-5", "default") == known(at, "gpt-5", "bronze") == ordinary


def test_a_long_prompt_makes_its_own_call_dearer_and_no_other() -> None:
    price = known(tariff(), "gemini-2.5-pro")
    short, long = price.for_prompt(1_000), price.for_prompt(LONG)
    assert short.input < long.input
    assert price.cost(1_000, 10) == short.cost(1_000, 10)
    assert price.cost(LONG, 10) == long.cost(LONG, 10)
    assert LONG * price.cost(1, 1) == short.cost(LONG, LONG) < price.cost(LONG, LONG)


def test_a_price_that_depends_on_the_time_of_day_is_that_of_the_call() -> None:
    times = [NIGHT]
    found = Tariff(Execution(), {"answer": [DEEPSEEK]}, now=lambda: times[-1])
    night = known(found, "deepseek-chat")
    times.append(DAY)
    assert known(found, "deepseek-chat").output > night.output


PRICED = """
import sys, threading
from evolinstruct.llm.prices import Tariff
from evolinstruct.settings import Execution

tariff = Tariff(Execution(), {})
assert "genai_prices" not in sys.modules
sys.addaudithook(lambda name, _: sys.exit(name) if name.startswith("socket.") else None)
assert tariff.price("answer", "gpt-4o-mini") is not None
assert tariff.price("answer", "no such model") is None
assert threading.active_count() == 1
import genai_prices.data_snapshot as shared
shared.set_custom_snapshot(shared.DataSnapshot([], from_auto_update=True))
assert tariff.price("answer", "gpt-4.1") is not None
"""


@pytest.mark.slow
def test_the_table_is_loaded_when_a_price_is_needed_and_never_from_a_network() -> None:
    subprocess.run([sys.executable, "-c", PRICED], check=True, cwd=Path(__file__).parent.parent)


# --- what a call costs --------------------------------------------------------------------------

STEP = Price(Decimal(2), Decimal(8), Decimal(1))
MINE = Price(Decimal(1), Decimal(4), Decimal("0.1"), Decimal("1.25"), ((100, STEP),))


def test_costs_are_exact_and_tokens_of_a_cache_have_their_own_price() -> None:
    millionth = Decimal("1e-6")
    assert MINE.cost(10, 2) == 18 * millionth
    assert MINE.cost(100, 0, cached=40, written=20) == 69 * millionth
    assert MINE.cost(101, 1, cached=1, written=20) == 209 * millionth  # all at the step's price
    assert MINE.cost(10, 0, cached=90) == millionth  # no more than there are
    assert Price(Decimal(1), Decimal(2)).cost(10, 0, cached=4, written=4) == 10 * millionth


rates = st.decimals(0, 100, places=3)
prices = st.builds(
    Price,
    *(rates, rates, st.none() | rates, st.none() | rates),
    st.just(()) | st.builds(lambda price: ((50, price),), st.builds(Price, rates, rates)),
)
counts = st.integers(0, 100)


@given(st.lists(prices, min_size=1, max_size=3), counts, counts, counts, counts)
def test_at_the_dearest_price_no_call_costs_less(
    group: list[Price], prompt: int, completion: int, cached: int, written: int
) -> None:
    ceiling = dearest(group).cost(prompt, completion)
    cheap = [price for price in group if (price.cached or 0) <= price.input]
    assert all(price.cost(prompt, completion, cached, written) <= ceiling for price in cheap)


def test_before_the_reply_the_dearest_tier_that_may_bill_it_counts() -> None:
    plain, flex = tariff(OPENAI), tariff(OPENAI, service_tier="flex")
    ordinary = known(plain, "gpt-5")
    for found in (plain, flex):
        most = known(found, "gpt-5", None)
        assert (most.input, most.output) == (ordinary.input, ordinary.output)
    found = tariff(OPENAI, service_tier={"answer": "flex,priority"})
    priority = known(found, "gpt-5", "priority")
    assert known(found, "gpt-5", None).output == priority.output > ordinary.output
    plain.apply("answer", "gpt-5", "priority")  # as a project may be set up to be billed
    assert known(plain, "gpt-5", None).output == priority.output


# --- the user's word ----------------------------------------------------------------------------

TABLE = """
["my-model"]
input = 0.5
cached = 0.05
output = 2
flex = { input = 0.25, output = 1 }

[gpt-4o-mini]
input = 7
output = 9
"""


def written(folder: Path, text: str) -> str:
    path = folder / "prices.toml"
    path.write_text(text)
    return str(path)


def test_the_users_own_table_wins_over_the_kept_one_at_any_server(tmp_path: Path) -> None:
    found = tariff("http://localhost:8000/v1", prices=written(tmp_path, TABLE))
    mine = Price(Decimal("0.5"), Decimal(2), Decimal("0.05"))
    assert known(found, "my-model") == known(found, "my-model", "priority") == mine
    assert known(found, "my-model", "flex") == Price(Decimal("0.25"), Decimal(1))
    assert known(found, "gpt-4o-mini") == Price(Decimal(7), Decimal(9))
    assert known(tariff(OPENAI, prices=written(tmp_path, TABLE)), "gpt-4o").output != 9


def test_a_price_that_is_given_wins_over_every_table_side_by_side(tmp_path: Path) -> None:
    given_in = {"default": "1", "answer": "0.5"}
    found = Tariff(
        Execution(price_in=given_in, price_out={"answer": "9"}, prices=written(tmp_path, TABLE)),
        {"answer": [None], "evolve": [None]},
    )
    assert found.price("answer", "any") == Price(Decimal("0.5"), Decimal(9))
    assert found.price("evolve", "my-model") == Price(Decimal(1), Decimal(2))
    assert found.price("evolve", "any") is None


def test_a_client_that_costs_nothing_costs_nothing() -> None:
    found = tariff()
    found.free = True
    assert found.price("answer", "") == found.apply("answer", "", None) == FREE
    assert not found.used


BAD_TABLES = {
    "input = 1": "'input' is no table; write a table for each model, such as",
    "[m]\ninput = 1": "'m' has no 'output'; name it in dollars per million tokens.",
    "[m]\ninput = 1\nouput = 3": "'m' has the unknown key 'ouput'; known: input, output, cached.",
    "[m]\ninput = -1\noutput = 2": "'m' has the input -1; write a number of 0 or more.",
    "[m]\ninput = nan\noutput = 2": "'m' has the input NaN; write a number of 0 or more.",
    "[m]\ninput = true\noutput = 2": "'m' has the input True; write a number of 0 or more.",
    "[m]\ninput = 1\noutput = 2\nflex = {input = 1}": "'m.flex' has no 'output'",
    "[m]\n": "'m' has no 'input'; name it in dollars per million tokens.",
    "[m": " are not TOML: ",
    "[m]\ninput = 1e99999999999999999999": " are not TOML: ",
}


@pytest.mark.parametrize("text", BAD_TABLES)
def test_a_table_that_is_wrong_is_told_by_file_model_and_key(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        tariff(prices=path)
    assert str(caught.value).startswith(f"The prices {path}")
    assert BAD_TABLES[text] in str(caught.value)


def test_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"none\.toml cannot be read: .*; correct --prices\."):
        tariff(prices="none.toml")
