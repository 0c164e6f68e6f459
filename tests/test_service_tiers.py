"""A service tier is asked for, waited for or given up as the user says; the reply says the bill."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.connection_check import check_connections
from evolinstruct.errors import BudgetReached, ServiceRefused
from evolinstruct.llm.base import CallContext, CallId, Reply, Request, Usage
from evolinstruct.llm.budget import Budget, BudgetedClient, Caps
from evolinstruct.llm.intake import Intake
from evolinstruct.llm.prices import Tariff
from evolinstruct.llm.secrets import Secrets
from evolinstruct.settings import Execution, Layer, resolve
from tests.loopback import Answer, Ask, Handler, error, http, serve
from tests.runs import data_files, evolve, tasks, write_seeds
from tests.scripted import Scripted

TOKENS = {"prompt_tokens": 1_000, "completion_tokens": 100}
TABLE = """
[m]
input = 1.00
cached = 0.10
output = 10.00
flex = { input = 0.50, output = 5.00, cached = 0.05 }
"""
SOON = {"retry-after-ms": "1"}
FULL = error(429, "later", code="resource_unavailable", headers=SOON)
LATER = error(498, "capacity exceeded", headers=SOON)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(12))


class Service:
    """Answers in any tier, and remembers in which ones it was asked.

    Attributes:
        asked: how often it was asked in each tier.
    """

    def __init__(self, billed: Handler | None = None) -> None:
        self.asked: Counter[str | None] = Counter()
        self._answer = billed or as_asked

    def __call__(self, ask: Ask) -> Answer:
        self.asked[ask.json.get("service_tier")] += 1
        return self._answer(ask)


def billed_as(tier: str | None, ask: Ask, **usage: object) -> Answer:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": text_for(ask.prompt)}}
    body = {"object": "chat.completion", "model": "m", "usage": {**TOKENS, **usage}}
    return http(200, json.dumps({**body, "choices": [choice], "service_tier": tier}).encode())


def text_for(prompt: str) -> str:
    if "Verdict" in prompt:
        return "Not Equal"
    return f"Say in one sentence of {len(prompt)} words why the sea is salty."


def as_asked(ask: Ask) -> Answer:
    return billed_as(ask.json.get("service_tier"), ask)


def run(seeds: Path, out: Path, service: Service, **settings: object) -> dict[str, Any]:
    """Carry a run out against the service; return its run.json."""
    table = seeds.parent / "prices.toml"
    table.write_text(TABLE)
    with serve(service) as server:
        asked = {"client": "openai", "model": "m", "base_url": server.url, "generations": 1}
        evolve(seeds, out, **{**asked, "prices": str(table), "eliminate": False, **settings})
    found: dict[str, Any] = json.loads((out / "run.json").read_text())
    return found


def dollars(calls: int, into: str = "1", out: str = "10") -> float:
    due = calls * (1_000 * Decimal(into) + 100 * Decimal(out)) / 1_000_000
    return float(due)


def test_a_tier_is_asked_for_by_purpose_and_is_no_part_of_what_is_asked(
    tmp_path: Path, seeds: Path
) -> None:
    service, again = Service(), Service()
    found = run(seeds, tmp_path / "run", service, service_tier={"answer": "flex"})
    calls = {row["purpose"]: 0 for row in found["usage"]}
    for row in found["usage"]:
        calls[row["purpose"]] += row["calls"]
        assert row["tier"] == ("flex" if row["purpose"] == "answer" else None)
    assert service.asked == {"flex": calls["answer"], None: calls["evolve"] + calls["compare"]}
    before = data_files(tmp_path / "run")
    run(seeds, tmp_path / "run", again, service_tier="priority")
    assert (again.asked.total(), data_files(tmp_path / "run")) == (0, before)


def test_what_the_reply_says_was_billed_is_what_counts(tmp_path: Path, seeds: Path) -> None:
    def by_length(ask: Ask) -> Answer:
        return billed_as(("flex", "default", None)[len(ask.prompt) % 3], ask)

    found = run(seeds, tmp_path / "run", Service(by_length), service_tier="flex")
    calls = Counter[str | None]()
    for row in found["usage"]:
        calls[row["tier"]] += row["calls"]
        price = ("0.5", "5") if row["tier"] == "flex" else ("1", "10")
        assert row["cost"] == pytest.approx(dollars(row["calls"], *price))
    assert set(calls) == {"flex", "default", None}
    ordinary = dollars(calls["default"] + calls[None])
    assert found["spent"]["cost"] == pytest.approx(ordinary + dollars(calls["flex"], "0.5", "5"))
    assert found["spent"]["calls"] == calls.total()


def test_run_json_says_by_which_table_and_at_which_prices_a_run_was_reckoned(
    tmp_path: Path, seeds: Path
) -> None:
    found = run(seeds, tmp_path / "run", Service(), service_tier="flex")
    row = {"table": "prices.toml", "version": None, "model": "m", "tier": "flex"}
    assert found["prices"] == [{**row, "input": "0.50", "output": "5.00", "cached": "0.05"}]
    more = run(seeds, tmp_path / "run", Service(), price_in="3", price_out="4", generations=2)
    given = {"table": "--price-in and --price-out", "version": None, "model": "m", "tier": None}
    both = [*found["prices"], {**given, "input": "3", "output": "4", "cached": None}]
    assert more["prices"] == both


def test_cached_tokens_are_priced_and_told(tmp_path: Path, seeds: Path) -> None:
    def cached(ask: Ask) -> Answer:
        return billed_as(None, ask, prompt_tokens_details={"cached_tokens": 600})

    found = run(seeds, tmp_path / "run", Service(cached))
    spent, kept = found["spent"], found["generations"][1]["tally"]["kept"]
    assert spent["tokens_per_kept"] == round(1_100 * spent["calls"] / kept, 1)
    each = (400 * 1 + 600 * Decimal("0.1") + 100 * 10) / 1_000_000
    assert spent["cached_tokens"] == 600 * spent["calls"]
    assert spent["cost"] == pytest.approx(float(each * spent["calls"]))


@pytest.mark.slow
@pytest.mark.parametrize("full", [FULL, LATER], ids=["429", "498"])
def test_a_full_tier_is_waited_for_and_nothing_fails(
    tmp_path: Path, seeds: Path, full: Answer
) -> None:
    service = Service(lambda ask: as_asked(ask) if ask.nth else full)
    few = write_seeds(tmp_path / "few.jsonl", tasks(2))
    found = run(few, tmp_path / "run", service, service_tier="flex")
    assert set(service.asked) == {"flex"}
    assert found["spent"]["refused"] > 0
    assert found["exit_code"] == 0


@pytest.mark.parametrize("full", [FULL, LATER], ids=["429", "498"])
def test_a_full_tier_gives_way_to_the_next_one_if_the_user_names_one(
    tmp_path: Path, seeds: Path, full: Answer
) -> None:
    service = Service(lambda ask: full if ask.json["service_tier"] == "flex" else as_asked(ask))
    found = run(seeds, tmp_path / "run", service, service_tier="flex,default")
    replies = sum(row["replies"] for row in found["usage"])
    assert service.asked == {"flex": replies, "default": replies}
    assert (found["spent"]["refused"], found["spent"]["calls"]) == (replies, 2 * replies)
    assert found["spent"]["cost"] == pytest.approx(dollars(replies))
    assert found["exit_code"] == 0


@pytest.mark.slow
def test_only_a_full_tier_gives_way(tmp_path: Path, seeds: Path) -> None:
    slow = error(429, "slow down", headers={"retry-after-ms": "1"})
    service = Service(lambda ask: as_asked(ask) if ask.nth else slow)
    run(
        write_seeds(seeds.parent / "few.jsonl", tasks(2)),
        tmp_path / "run",
        service,
        service_tier="flex,default",
    )
    assert set(service.asked) == {"flex"}


def test_a_service_without_that_tier_stops_the_run_and_names_the_option(
    tmp_path: Path, seeds: Path
) -> None:
    refusal = {"message": "Unknown parameter: service_tier", "param": "service_tier"}
    body = json.dumps({"error": {**refusal, "type": "invalid_request_error"}}).encode()
    with pytest.raises(ServiceRefused, match=r"parameter 'service_tier' of --service-tier"):
        run(seeds, tmp_path / "run", Service(lambda _: http(400, body)), service_tier="flex")


def test_a_cap_reckons_with_the_dearest_tier_that_may_bill_a_call(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(TABLE)
    execution = Execution(prices=str(tmp_path / "prices.toml"), service_tier="flex")
    tariff = Tariff(execution, {"answer": [None]})
    context = CallContext(1, "deepen", "in-depth", None, "Why?")
    request = Request(
        *(CallId("c", "answer"), context, (("user", "x" * 1_984),), "m"), max_tokens=100
    )
    cheap = Reply("fine", "stop", Usage(1_000, 100, tier="flex"), "m")

    async def asked(cap: Decimal) -> Budget:
        budget = Budget(Caps(cost=cap), tariff.apply)
        client = BudgetedClient(Scripted(lambda _: cheap), budget, Intake(Secrets()))
        await client.complete(request)
        return budget

    with pytest.raises(BudgetReached):
        asyncio.run(asked(Decimal("0.0019")))
    assert asyncio.run(asked(Decimal("0.0020"))).spent.cost == Decimal("0.0010")


def test_a_check_asks_in_the_tier_of_the_run_and_tells_its_price(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(TABLE)
    service = Service()
    with serve(service) as server:
        asked = {"client": "openai", "model": "m", "base_url": server.url, "service_tier": "flex"}
        layer = Layer({**asked, "prices": str(tmp_path / "prices.toml")})
        [found] = check_connections(resolve(layer))
    with serve(lambda _: FULL) as server:
        [full] = check_connections(resolve(Layer({**asked, "base_url": server.url})))
    assert full.problem is not None
    assert full.problem.startswith("The service tier has no room just now (tier_full: ")
    assert service.asked == {"flex": 1}
    assert found.parameters is not None
    assert found.parameters["service_tier"] == "flex"
    assert found.price is not None
    assert found.price.output == 5
