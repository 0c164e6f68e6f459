"""Caps hold before anything is sent, whatever becomes of it, and over every command of a run."""

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolinstruct.api import prepare
from evolinstruct.errors import (
    BudgetReached,
    CallFailed,
    CallRejected,
    InputError,
    Interrupted,
    TryAgain,
    UsageError,
)
from evolinstruct.llm.base import CallContext, CallId, ClientOptions, Reply, Request, Usage
from evolinstruct.llm.budget import Budget, BudgetedClient, Caps, most
from evolinstruct.llm.intake import Intake
from evolinstruct.llm.journal.integrity import digest_of
from evolinstruct.llm.prices import Price
from evolinstruct.llm.secrets import Secrets
from evolinstruct.llm.usage import Ledger
from evolinstruct.run.summary import Summary
from tests.loopback import echo, serve, storm
from tests.runs import carry_out, data_files, evolve, tasks, write_seeds
from tests.scripted import Script, Scripted, obedient, reply

INTAKE = Intake(Secrets())
DOLLAR = Price(Decimal(1_000_000), Decimal(1_000_000))  # a dollar a token
REQUEST = Request(
    CallId("c", "answer"),
    CallContext(1, "deepen", "in-depth", None, "Why?"),
    (("user", "x" * 184),),  # at most 100 tokens
    "m",
    max_tokens=50,
)
ENDS = [
    Reply("fine", "stop", Usage(60, 20), "m"),
    Reply("fine", "stop", Usage(100, 50), "m"),
    Reply("no count", "stop", Usage(), "m"),
    TryAgain("http_429", "slow down"),
    TryAgain("timeout", "no reply"),
    CallRejected("too_long", "4096 at most"),
    CallRejected("refused_by_service", "filtered"),
    CallFailed("http_400", "no", 1),
    CallFailed("http_500", "down", 1),
]
BILLED = {"slow down": 0, "4096 at most": 0, "no": 0}


def billed(end: Reply | Exception) -> int:
    """Return the tokens that a call which ended so has to be counted with."""
    if isinstance(end, Reply) and end.usage.prompt_tokens is not None:
        return end.usage.prompt_tokens + (end.usage.completion_tokens or 0)
    return BILLED.get(getattr(end, "message", ""), 150)


class Overlapping(Scripted):
    """Lets calls overlap at random, and knows how many are under way."""

    def __init__(self, script: Script, dice: random.Random) -> None:
        super().__init__(script)
        self._dice = dice
        self.under_way = 0
        self.check = lambda: None

    async def complete(self, request: Request) -> Reply:
        self.under_way += 1
        self.check()
        for _ in range(self._dice.randrange(5)):
            await asyncio.sleep(0)
        self.under_way -= 1
        return await super().complete(request)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=40),
    calls=st.none() | st.integers(1, 30),
    tokens=st.none() | st.integers(1, 3000),
    cost=st.none() | st.integers(1, 3000),
    seed=st.integers(0, 99),
)
def test_caps_hold_at_every_moment_and_leave_no_room_unused(
    ends: list[Reply | Exception],
    calls: int | None,
    tokens: int | None,
    cost: int | None,
    seed: int,
) -> None:
    left = iter(ends)
    seen: list[Reply | Exception] = []

    def script(_: Request) -> Reply | Exception:
        seen.append(next(left))
        return seen[-1]

    client = Overlapping(script, random.Random(seed))
    caps = Caps(calls, tokens, None if cost is None else Decimal(cost))
    budget = Budget(caps, lambda *_: DOLLAR)
    bounds = [bound for bound in (tokens, cost) if bound is not None]

    def check() -> None:
        worst = sum(map(billed, seen)) + 150 * client.under_way
        assert all(worst <= bound for bound in bounds)
        assert calls is None or len(seen) + client.under_way <= calls

    client.check = check

    async def asked() -> list[Reply | BaseException]:
        budgeted = BudgetedClient(client, budget, INTAKE)
        requests = [replace(REQUEST, call_id=CallId(str(n), "answer")) for n in range(len(ends))]
        return await asyncio.gather(*map(budgeted.complete, requests), return_exceptions=True)

    ended = asyncio.run(asked())
    stopped = sum(isinstance(end, BudgetReached) for end in ended)
    total = sum(map(billed, seen))
    assert (stopped, client.under_way) == (len(ends) - len(seen), 0)
    assert (budget.spent.calls, budget.spent.tokens, budget.spent.cost) == (
        len(seen),
        total,
        Decimal(total),
    )
    assert (budget.reserved.calls, budget.reserved.tokens, budget.reserved.cost) == (0, 0, 0)
    if stopped:
        assert (calls is not None and len(seen) == calls) or any(total + 150 > b for b in bounds)


def test_a_statement_tells_what_is_known_from_what_is_feared() -> None:
    ends = iter([*ENDS, Reply("", "stop", Usage(60, 20, 30, 5), "m")])
    budget = Budget(Caps(), lambda *_: DOLLAR)

    async def asked() -> None:
        client = BudgetedClient(Scripted(lambda _: next(ends)), budget, INTAKE)
        requests = [REQUEST] * 10
        await asyncio.gather(*map(client.complete, requests), return_exceptions=True)

    asyncio.run(asked())
    assert [account.to_json() for account in budget.ledger.accounts()] == [
        {
            "generation": 1,
            "operation": "deepen",
            "purpose": "answer",
            "model": "m",
            "tier": None,
            "calls": 10,
            "replies": 4,
            "refused": 3,
            "unanswered": 3,
            "prompt_tokens": 220,
            "completion_tokens": 90,
            "cached_tokens": 30,
            "reasoning_tokens": 5,
            "unanswered_tokens": 600,
            "cost": 310.0,
            "unanswered_cost": 600.0,
        }
    ]


def test_a_price_that_is_unknown_makes_a_cost_that_is_unknown() -> None:
    budget = Budget(Caps(), lambda *_: None)
    client = BudgetedClient(Scripted(lambda _: ENDS[0]), budget, INTAKE)
    asyncio.run(client.complete(REQUEST))
    assert budget.spent.cost is None
    [row] = budget.ledger.accounts()
    assert (row.cost, row.unanswered_cost) == (None, None)


def test_the_most_tokens_of_a_text_are_more_than_any_text_takes() -> None:
    assert most(REQUEST) == (100, 50)
    assert most(replace(REQUEST, messages=(("user", "好" * 100),), max_tokens=None)) == (158, 2048)


# Whole runs


class Unsteady(Scripted):
    """Rewrites and answers, but fails now and then, and at the first try half of the time."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Reply | Exception:
        dice = random.Random(f"{request.call_id}")
        if dice.random() < 0.1:
            return dice.choice(ENDS[5:])
        return replace(reply(str(obedient(request))), usage=Usage(500, 200))


UNSTEADY = "tests.test_budget:Unsteady"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(30))


def spent(out: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((out / "run.json").read_text())["spent"]
    return found


def measures(summary: Summary) -> dict[str, Decimal]:
    """Return what each cap counts."""
    taken = summary.spent
    return {
        "max_calls": Decimal(taken.calls),
        "max_tokens_total": Decimal(taken.tokens),
        "max_cost": taken.cost or Decimal(0),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["max_calls", "max_tokens_total", "max_cost"])
def test_a_run_stops_at_its_cap_and_goes_on_with_a_higher_one_to_the_same_bytes(
    tmp_path: Path, seeds: Path, name: str
) -> None:
    asked = {"client": UNSTEADY, "generations": 2, "price_in": "1", "price_out": "1"}
    asked["max_tokens"] = 300
    whole = measures(evolve(seeds, tmp_path / "whole", **asked))
    cap = {name: round(whole[name] * 6 / 10, 3 if name == "max_cost" else None)}
    out = tmp_path / "run"
    job = prepare(seeds, out, **asked, **cap)
    with pytest.raises(BudgetReached, match="--" + name.replace("_", "-")):
        carry_out(job)
    assert (job.summary.exit_code, spent(out)["unanswered"] > 0) == (4, True)
    assert cap[name] * Decimal("0.9") <= measures(job.summary)[name] <= cap[name]
    job = prepare(seeds, out, **asked, **cap)
    with pytest.raises(BudgetReached):
        carry_out(job)
    assert measures(job.summary)[name] <= cap[name]  # it counts all commands together
    evolve(seeds, out, **asked, **{name: "100000000"})
    assert data_files(out) == data_files(tmp_path / "whole")
    assert spent(out) == spent(tmp_path / "whole")


@pytest.mark.slow
def test_every_attempt_counts_also_those_that_were_tried_again(tmp_path: Path) -> None:
    few = write_seeds(tmp_path / "few.jsonl", tasks(3))
    out = tmp_path / "run"
    evolve(few, out, client="tests.test_budget:Stumbling", generations=1)
    found = spent(out)
    assert (found["calls"], found["refused"], found["unanswered"]) == (12, 3, 0)


class Stumbling(Scripted):
    """Asks every first call for an evolution to come again at once."""

    def __init__(self, options: ClientOptions) -> None:
        self._known: set[CallId] = set()
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Exception:
        if request.purpose == "evolve" and request.call_id not in self._known:
            self._known.add(request.call_id)
            return TryAgain("http_429", "slow down", 0.0)
        return obedient(request)


def test_money_without_a_price_is_refused_before_the_first_call(
    tmp_path: Path, seeds: Path
) -> None:
    with pytest.raises(UsageError, match=r"price of the model 'mine' \(evolve\) is unknown"):
        prepare(seeds, tmp_path / "run", client=UNSTEADY, model="mine", max_cost="1")
    with pytest.raises(UsageError, match=r"price of the model 'mine' \(answer\) is unknown"):
        prepare(
            *(seeds, tmp_path / "run"),
            client=UNSTEADY,
            model={"default": "gpt-4o-mini", "answer": "mine"},
            max_cost="1",
        )
    assert not (tmp_path / "run").exists()


def test_money_spent_on_a_model_without_a_price_is_refused_too(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    evolve(seeds, out, client=UNSTEADY, model="mine", generations=1)
    with pytest.raises(UsageError, match="has asked the model 'mine'"):
        evolve(
            *(seeds, out),
            client=UNSTEADY,
            model="gpt-4o-mini",
            generations=1,
            max_cost="1",
            update=True,
        )


# What it cost stays what it cost


def costs(out: Path, generation: int = 1) -> list[float | None]:
    """Return what the rows of a generation cost, as run.json says."""
    usage = json.loads((out / "run.json").read_text())["usage"]
    return [row["cost"] for row in usage if row["generation"] == generation]


def tokens_of(out: Path) -> int:
    return spent(out)["prompt_tokens"] + spent(out)["completion_tokens"]


def test_what_was_spent_stays_what_it_cost_whatever_prices_become(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    evolve(seeds, out, client=UNSTEADY, generations=1, price_in="1", price_out="1")
    before = costs(out)
    assert sum(cost or 0 for cost in before) == pytest.approx(tokens_of(out) / 1_000_000)
    dear = {"client": UNSTEADY, "generations": 2, "price_in": "100", "price_out": "100"}
    summary = evolve(seeds, out, **dear)
    assert costs(out) == before
    assert sum(cost or 0 for cost in costs(out, 2)) > 50 * sum(cost or 0 for cost in before)
    total = measures(summary)["max_cost"]
    assert measures(evolve(seeds, out, **dear))["max_cost"] == total


@pytest.mark.slow
def test_what_had_no_price_gets_the_first_one_that_is_known_and_keeps_it(
    tmp_path: Path, seeds: Path
) -> None:
    out, asked = tmp_path / "run", {"client": UNSTEADY, "generations": 1, "model": "mine"}
    evolve(seeds, out, **asked)
    assert set(costs(out)) == {None}
    for price in ("2", "3"):
        evolve(seeds, out, **asked, price_in=price, price_out=price, answer_seeds=True, update=True)
        assert sum(cost or 0 for cost in costs(out)) == pytest.approx(
            sum(row for row in tokens_by_row(out)) * 2 / 1_000_000
        )


def tokens_by_row(out: Path) -> list[int]:
    usage = json.loads((out / "run.json").read_text())["usage"]
    rows = [row for row in usage if row["generation"] == 1]
    return [row["prompt_tokens"] + row["completion_tokens"] for row in rows]


def make_former(journal: Path) -> None:
    """Put what was spent into the form that it had before tiers and dollars."""
    with closing(sqlite3.connect(journal)) as db, db:
        names = [row[1] for row in db.execute("PRAGMA table_info(spending)")]
        former = [name for name in names[:-1] if name != "tier" and not name.endswith("due")]
        rows = db.execute(f"SELECT {', '.join(former)} FROM spending").fetchall()
        db.execute("DROP TABLE spending")
        db.execute(
            f"CREATE TABLE spending ({', '.join(former)}, digest INTEGER NOT NULL,"
            " PRIMARY KEY (generation, operation, purpose, model)) WITHOUT ROWID"
        )
        marks = ", ".join("?" * (len(former) + 1))
        written = [(*row, digest_of(*row)) for row in rows]
        db.executemany(f"INSERT INTO spending VALUES ({marks})", written)
        db.execute("PRAGMA user_version = 3")
    db.close()


@pytest.mark.slow
def test_an_account_of_a_former_version_is_carried_over(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    asked = {"client": UNSTEADY, "generations": 1, "price_in": "1", "price_out": "2"}
    evolve(seeds, out, **asked)
    before, files = spent(out), data_files(out)
    for _ in range(2):
        make_former(out / "journal.sqlite")
        evolve(seeds, out, **asked, max_cost="9")
        assert (spent(out), data_files(out)) == (before, files)
    more = evolve(seeds, out, **{**asked, "generations": 2}, max_cost="9")
    assert more.exit_code in {0, 3}
    with closing(sqlite3.connect(out / "journal.sqlite")) as db, db:
        assert db.execute("PRAGMA user_version").fetchone() == (4,)
    db.close()


def test_the_file_admits_to_every_call_whichever_tier_bills_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    budget = Budget(Caps(), lambda *_: DOLLAR)
    budget.open(path)
    tiers = iter([*["flex", "default", ""] * 30])
    client = BudgetedClient(
        Scripted(lambda _: Reply("fine", "stop", Usage(60, 20, tier=next(tiers)), "m")),
        budget,
        INTAKE,
    )
    for count in range(1, 61):
        asyncio.run(client.complete(replace(REQUEST, service_tier="flex")))
        with closing(sqlite3.connect(path)) as db, db:
            calls = "replies + unanswered_calls + leased_calls"
            rows = db.execute(f"SELECT {calls}, due, unanswered_due, leased_due FROM spending")
            admitted = [(row[0], sum(map(Decimal, row[1:]))) for row in rows]
        db.close()
        assert sum(calls for calls, _ in admitted) >= count
        assert sum(due for _, due in admitted) >= 80 * count
    assert [row.tier for row in budget.ledger.accounts()] == ["", "default", "flex"]
    budget.ledger.close()


KILLED = """
import sys
from tests.runs import evolve
from pathlib import Path
seeds, out = map(Path, sys.argv[1:])
evolve(seeds, out, client="tests.test_budget:Logging", generations=3, concurrency=8)
"""


class Logging(Unsteady):
    """Writes down each call before it does anything else."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(options)
        self._log = Path("calls.log").open("ab", buffering=0)  # noqa: SIM115 - until it is killed

    async def complete(self, request: Request) -> Reply:
        self._log.write(b"x")
        await asyncio.sleep(0)
        return await super().complete(request)


LONG = [pytest.param(number, marks=pytest.mark.slow) for number in (1, 20, 160)]


@pytest.mark.parametrize("calls", [90, *LONG])
@pytest.mark.slow
def test_a_kill_loses_sight_of_no_call(tmp_path: Path, seeds: Path, calls: int) -> None:
    out, log = tmp_path / "run", tmp_path / "calls.log"
    root = str(Path(__file__).parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(seeds), str(out)], cwd=tmp_path, env={"PYTHONPATH": root}
    )
    try:
        while process.poll() is None and not (log.exists() and log.stat().st_size >= calls):
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    sent = log.stat().st_size
    with closing(sqlite3.connect(out / "journal.sqlite")) as db, db:
        rows = "SELECT SUM(prompt_tokens + completion_tokens) FROM calls"
        journalled = db.execute(rows).fetchone()[0] or 0
    db.close()
    budget = Budget(Caps(), lambda *_: None)
    budget.open(out / "journal.sqlite")
    budget.ledger.close()
    assert sent <= budget.spent.calls <= sent + 60  # the rest is what was leased ahead
    assert budget.spent.tokens >= journalled
    with pytest.raises(BudgetReached):
        evolve(seeds, out, client=UNSTEADY, generations=3, max_calls=1, update=True)


def test_over_http_a_cap_holds_for_what_the_server_counts(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    with serve(storm(echo, 0.15)) as server:
        asked = {"client": "openai", "model": "m", "base_url": server.url, "generations": 1}
        with pytest.raises(BudgetReached):
            evolve(seeds, out, **asked, max_calls=20, concurrency=8)
        assert server.counts.asked.total() == spent(out)["calls"] == 20


def test_calls_that_are_cut_off_count_at_the_worst_case(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    job = prepare(seeds, out, client="tests.test_budget:Hanging", generations=1, concurrency=5)

    async def interrupted() -> None:
        async def watch() -> None:
            await Hanging.asked.wait()
            job.interrupt()
            job.interrupt()

        Hanging.asked = asyncio.Event()
        watching = asyncio.create_task(watch())
        async for _ in job.events():
            pass
        await watching

    with pytest.raises(Interrupted):
        asyncio.run(interrupted())
    found = spent(out)
    assert (found["calls"], found["unanswered"], found["prompt_tokens"]) == (5, 5, 0)
    assert found["unanswered_tokens"] > 5 * 2048


class Hanging(Scripted):
    """Never answers; tells when five have asked."""

    asked: asyncio.Event

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(obedient)
        self._count = 0

    async def complete(self, request: Request) -> Reply:
        self._count += 1
        if self._count == 5:
            Hanging.asked.set()
        await asyncio.Event().wait()
        return await super().complete(request)


def test_a_number_that_cannot_be_stored_leaves_the_file_as_it_was_and_open_to_others(
    tmp_path: Path,
) -> None:
    ledger = Ledger(lambda *_: None)
    ledger.open(tmp_path / "journal.sqlite")
    account = ledger.account(REQUEST, "")
    account.open(2**64, 10, None)
    with pytest.raises(OverflowError):
        ledger.note(account)
    account.close(2**64, 10, None)
    account.open(10, 10, None)
    ledger.note(account)  # would wait in vain for a transaction that was left open
    ledger.close()
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db, db:
        assert db.execute("SELECT leased_calls, leased_prompt FROM spending").fetchone() == (1, 10)
    db.close()


def test_what_could_not_be_written_is_not_taken_for_written(tmp_path: Path) -> None:
    ledger = Ledger(lambda *_: None)
    ledger.open(tmp_path / "journal.sqlite")
    account = ledger.account(REQUEST, "")
    account.open(10, 10, None)
    other = sqlite3.connect(tmp_path / "journal.sqlite")
    other.execute("ALTER TABLE spending RENAME TO elsewhere")
    for _ in range(2):
        with pytest.raises(InputError, match="What is spent cannot be written to "):
            ledger.note(account)
    other.execute("ALTER TABLE elsewhere RENAME TO spending")
    other.close()
    ledger.note(account)
    again = Ledger(lambda *_: None)
    again.open(tmp_path / "journal.sqlite")
    assert [found.calls for found in again.accounts()] >= [1]
    for each in (again, ledger):
        each.close()
