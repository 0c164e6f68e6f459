"""Families are played ahead while the run waits: the same run, and nothing is asked twice."""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolinstruct.api import prepare
from evolinstruct.errors import (
    BudgetReached,
    CallFailed,
    CallRejected,
    Interrupted,
    ServiceRefused,
    TryAgain,
)
from evolinstruct.llm.base import ClientOptions, Reply, Request
from evolinstruct.purposes import PURPOSES
from evolinstruct.run.events import GenerationStarted, LineWritten
from tests.quick import first_of
from tests.runs import carry_out, check_invariants, data_files, evolve, tasks, write_seeds
from tests.scripted import obedient, reply

Say = Callable[[Request], Awaitable[str | Reply | Exception]]


async def prompt(request: Request) -> str | Reply | Exception:
    """Do what is asked, at once for most calls and late for some."""
    await nap(request)
    return obedient(request)


async def nap(request: Request) -> None:
    """Take as long as the call says itself: seldom a lot."""
    dice = random.Random(f"{request.call_id}")
    await asyncio.sleep(0.002 * dice.lognormvariate(0, 1.2))


class Late:
    """Answers as a test says, and remembers what it was asked."""

    say: ClassVar[Say] = staticmethod(prompt)
    asked: ClassVar[list[Request]] = []

    def __init__(self, options: ClientOptions) -> None:
        type(self).asked.clear()

    async def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        said = await type(self).say(request)
        if isinstance(said, Exception):
            raise said
        return reply(said) if isinstance(said, str) else said

    async def aclose(self) -> None: ...


LATE = "tests.test_prefetch:Late"
NO_GATE = {"rules": {"duplicate": False, "near_duplicate": False}}


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Say], None]:
    return lambda say: monkeypatch.setattr(Late, "say", staticmethod(say))


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(40))


def prefetched() -> list[Request]:
    """Return the calls that the client got before the run needed them."""
    return [request for request in Late.asked if request.prefetched is not None]


def rank(request: Request) -> tuple[int, int]:
    """Return how far the family of a call is."""
    return request.context.generation, list(PURPOSES).index(request.purpose)


def journal(out: Path) -> Counter[tuple[bytes, int]]:
    """Return what was asked, by key and bound."""
    with closing(sqlite3.connect(out / "journal.sqlite")) as db:
        return Counter(db.execute("SELECT key, max_tokens FROM calls").fetchall())


def state(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "run.json").read_text())
    return found


def tallies(out: Path) -> list[dict[str, Any]]:
    return [record["tally"] for record in state(out)["generations"]]


# --- the same run -------------------------------------------------------------------------------


async def chaotic(request: Request) -> str | Reply | Exception:
    """Say anything, and fail at times: a function of the call id and the text."""
    await nap(request)
    draw = request.call_id
    dice = random.Random(f"{draw.child_id}{draw.purpose}{draw.attempt}{request.max_tokens}")
    roll = dice.random()
    if roll < 0.04:
        return CallFailed("http_500", "down", 6)
    if roll < 0.08:
        return CallRejected("too_long", "4096 tokens at most")
    if roll < 0.2:
        return reply("A reply that is cut", "length")
    if roll < 0.4 and draw.purpose != "answer":
        return dice.choice(["It depends.", "Equal", "", "Write a poem on salt.", "Plan a garden."])
    return obedient(request)


@pytest.mark.parametrize("concurrency", first_of(60, 1, 6))
@pytest.mark.parametrize("gate", [{}, NO_GATE], ids=["a gate", "no gate"])
def test_a_run_is_the_same_with_and_without_it_and_asks_nothing_twice(
    tmp_path: Path, seeds: Path, says: Any, concurrency: int, gate: dict[str, Any]
) -> None:
    says(chaotic)
    asked = {"client": LATE, "generations": 4, "answer_seeds": True, **gate}
    evolve(seeds, tmp_path / "plain", prefetch=False, **asked)
    assert prefetched() == []
    evolve(seeds, out := tmp_path / "run", concurrency=concurrency, **asked)
    assert bool(prefetched()) or concurrency < 60
    assert not prefetched() or concurrency > 1
    assert data_files(out) == data_files(tmp_path / "plain")
    assert tallies(out) == tallies(tmp_path / "plain")
    check_invariants(out, 4)
    needed, made = journal(tmp_path / "plain"), journal(out)
    assert set(made.values()) == {1}
    assert needed <= made
    assert state(out)["spent"]["in_vain"] == (made - needed).total()
    assert gate == {} or needed == made


@pytest.mark.slow
@settings(deadline=None, max_examples=6, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 99),
    stops=st.lists(st.tuples(st.integers(0, 80), st.integers(2, 40)), max_size=3),
)
def test_a_run_stopped_anywhere_ends_in_the_same_bytes_also_when_it_is_retried(
    tmp_path_factory: pytest.TempPathFactory, seed: int, stops: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    seeds = write_seeds(folder / "seeds.jsonl", tasks(15))
    asked: dict[str, Any] = {"client": LATE, "generations": 3, "seed": seed}
    before, Late.say = Late.say, staticmethod(chaotic)
    try:
        evolve(seeds, folder / "plain", prefetch=False, **asked)
        for lines, concurrency in stops:
            stopped(seeds, folder / "run", lines, concurrency=concurrency, **asked)
        evolve(seeds, folder / "run", **asked)
        assert data_files(folder / "run") == data_files(folder / "plain")
        vain = (journal(folder / "run") - journal(folder / "plain")).total()
        assert state(folder / "run")["spent"]["in_vain"] == vain
        for what in ("failed", "no_information_gain", "duplicate", "truncated"):
            for name, settings_ in (("plain", {"prefetch": False}), ("run", {})):
                job = prepare(seeds, folder / name, **asked, **settings_)
                carry_out(job, retry=what)
            assert data_files(folder / "run") == data_files(folder / "plain"), what
    finally:
        Late.say = before


def stopped(seeds: Path, out: Path, lines: int, **asked: Any) -> None:
    """Interrupt a run after so many lines, if it has as many."""
    job = prepare(seeds, out, **asked)

    async def some() -> None:
        count = 0
        async for event in job.events():
            count += isinstance(event, LineWritten)
            if count == lines:
                job.interrupt()

    try:
        asyncio.run(some())
    except Interrupted:
        return


# --- nobody waits -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("gate", [{}, NO_GATE], ids=["a gate", "no gate"])
@pytest.mark.parametrize("late", first_of(*PURPOSES))
def test_one_slow_call_holds_up_its_own_family_alone_and_the_least_advanced_go_first(
    tmp_path: Path, seeds: Path, says: Any, gate: dict[str, Any], late: str
) -> None:
    others = 39 * 3 * 3
    family: list[str] = []
    release = asyncio.Event()

    async def say(request: Request) -> str | Reply | Exception:
        await asyncio.sleep(0)  # a round of the loop, and no clock: all calls take as long
        if not family and request.purpose == late:
            family.append(request.call_id.child_id)
            await asyncio.wait_for(release.wait(), 20)
        before = list(PURPOSES).index(late) + 1
        if len(Late.asked) == others + before:
            release.set()  # whatever does not follow from this call has been asked
        return obedient(request)

    says(say)
    evolve(seeds, tmp_path / "run", client=LATE, generations=3, concurrency=4, **gate)
    assert len(Late.asked) == 40 * 3 * 3
    ahead = [rank(request) for request in prefetched()]
    assert ahead == sorted(ahead)
    assert state(tmp_path / "run")["spent"]["in_vain"] == 0


@pytest.mark.slow
def test_with_min_kept_it_goes_no_further_than_one_generation_ahead(
    tmp_path: Path, seeds: Path, says: Any
) -> None:
    for out, bound, further in (("near", {"min_kept": 0.1}, False), ("far", {}, True)):
        now, ahead = [0], list[int]()

        async def say(request: Request, now: list[int] = now, ahead: list[int] = ahead) -> str:
            ahead.append(request.context.generation - now[0])
            await asyncio.sleep(0.3 if len(ahead) == 1 else 0.001)
            return str(obedient(request))

        says(say)
        job = prepare(seeds, tmp_path / out, client=LATE, generations=4, concurrency=20, **bound)

        async def follow(job: Any = job, now: list[int] = now) -> None:
            async for event in job.events():
                if isinstance(event, GenerationStarted):
                    now[0] = event.counts.generation

        asyncio.run(follow())
        assert (max(ahead) > 1) is further


# --- what is asked in vain ----------------------------------------------------------------------


@pytest.mark.slow
def test_what_follows_a_line_that_the_gate_drops_is_counted_also_over_commands(
    tmp_path: Path, seeds: Path, says: Any
) -> None:
    async def say(request: Request) -> str | Reply | Exception:
        await nap(request)
        if request.purpose != "evolve":
            return obedient(request)
        [number] = re.findall(r"\d+", request.context.instruction)
        return f"Plan a walk along river number {int(number) // 2} in a year that is dry."

    says(say)
    asked = {"client": LATE, "generations": 3}
    evolve(seeds, tmp_path / "plain", prefetch=False, **asked)
    evolve(seeds, tmp_path / "run", concurrency=30, **asked)
    stopped(seeds, tmp_path / "broken", 30, concurrency=30, **asked)
    evolve(seeds, tmp_path / "broken", concurrency=30, **asked)
    rejected = tallies(tmp_path / "plain")[1]["rejected"]
    assert rejected["duplicate"] + rejected.get("near_duplicate", 0) > 15
    for name in ("run", "broken"):
        out = tmp_path / name
        assert data_files(out) == data_files(tmp_path / "plain")
        vain = (journal(out) - journal(tmp_path / "plain")).total()
        assert state(out)["spent"]["in_vain"] == vain > 0


# --- trouble ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    first_of(
        lambda: TryAgain("http_429", "slow down", status=429),
        lambda: TryAgain("http_429", "slow down", 0.5, status=429),
        lambda: TryAgain("timeout", "no answer"),
        lambda: CallFailed("http_400", "no", 1),
        lambda: ServiceRefused("No more today."),
    ),
    ids=["429", "429 with a wait", "timeout", "failure", "refusal"],
)
def test_trouble_of_prefetched_calls_is_no_trouble_of_the_run(
    tmp_path: Path, says: Any, error: Callable[[], Exception]
) -> None:
    many = write_seeds(tmp_path / "seeds.jsonl", tasks(100))

    async def say(request: Request) -> str | Reply | Exception:
        await nap(request)
        return obedient(request) if request.prefetched is None else error()

    says(say)
    asked = {"client": LATE, "generations": 3}
    evolve(many, tmp_path / "plain", prefetch=False, **asked)
    limits = set[int]()
    job = prepare(many, tmp_path / "run", concurrency=50, **asked)

    async def follow() -> None:
        async for event in job.events():
            if isinstance(event, GenerationStarted) and event.sending:
                limits.add(event.sending().limit)

    asyncio.run(follow())
    assert job.summary.exit_code == 0
    assert limits == {50}
    assert data_files(tmp_path / "run") == data_files(tmp_path / "plain")
    assert journal(tmp_path / "run") == journal(tmp_path / "plain")
    assert prefetched()
    if isinstance(error(), TryAgain):
        assert len(prefetched()) < 150  # they give way, each time for longer


@pytest.mark.slow
def test_a_cap_that_prefetched_calls_reach_stops_the_run_and_a_higher_one_goes_on(
    tmp_path: Path, seeds: Path, says: Any
) -> None:
    says(prompt)
    asked = {"client": LATE, "generations": 3, "concurrency": 20}
    evolve(seeds, tmp_path / "plain", prefetch=False, **asked)
    out = tmp_path / "run"
    for cap in (150, 200, 300):
        with pytest.raises(BudgetReached):
            evolve(seeds, out, max_calls=cap, **asked)
        assert state(out)["spent"]["calls"] == journal(out).total() == cap
    evolve(seeds, out, **asked)
    assert data_files(out) == data_files(tmp_path / "plain")
    assert journal(out) == journal(tmp_path / "plain")


@pytest.mark.slow
def test_an_interrupt_waits_for_prefetched_calls_that_are_paid_for(
    tmp_path: Path, seeds: Path, says: Any
) -> None:
    sent, slow = list[Request](), asyncio.Event()

    async def say(request: Request) -> str | Reply | Exception:
        if request.context.generation == 1 and request.purpose == "evolve" and not sent:
            sent.append(request)
            await slow.wait()  # so that all others are played ahead
        if request.context.generation == 2:
            sent.append(request)
            if len(sent) == 5:
                job.interrupt()
            await asyncio.sleep(0.2)
        return obedient(request)

    says(say)
    job = prepare(seeds, tmp_path / "run", client=LATE, generations=3, concurrency=8)
    with pytest.raises(Interrupted):
        carry_out(job)
    with closing(sqlite3.connect(tmp_path / "run" / "journal.sqlite")) as db:
        [[count]] = db.execute("SELECT COUNT(*) FROM calls WHERE generation = 2").fetchall()
    assert count == len(sent) - 1 >= 4
    assert state(tmp_path / "run")["spent"]["in_vain"] >= count


def test_a_run_that_is_left_asks_nothing_more(tmp_path: Path, seeds: Path, says: Any) -> None:
    slow, several = list[Request](), asyncio.Event()

    async def say(request: Request) -> str | Reply | Exception:
        if request.context.generation > 1 or len(Late.asked) == 30:
            slow.append(request)
            if len(slow) == 6:
                several.set()
            await asyncio.Event().wait()
        return obedient(request)

    async def leave() -> int:
        job, asked = prepare(seeds, tmp_path / "run", client=LATE, generations=3, concurrency=8), 0
        async with aclosing(job.events()) as events:
            async for event in events:
                if isinstance(event, LineWritten) and event.line.generation == 1:
                    await several.wait()
                    asked = len(Late.asked)
                    break
        for _ in range(1000):  # the loop goes on, as that of a notebook does
            await asyncio.sleep(0)
        return asked

    says(say)
    assert asyncio.run(leave()) == len(Late.asked)


@pytest.mark.slow
def test_latencies_that_triple_for_a_while_change_nothing_but_the_time(
    tmp_path: Path, seeds: Path, says: Any
) -> None:
    async def say(request: Request) -> str | Reply | Exception:
        await nap(request)
        if 100 < len(Late.asked) < 250:
            await nap(request)
            await nap(request)
        return obedient(request)

    says(say)
    evolve(seeds, tmp_path / "plain", client=LATE, generations=3, prefetch=False)
    evolve(seeds, tmp_path / "run", client=LATE, generations=3)
    assert data_files(tmp_path / "run") == data_files(tmp_path / "plain")
    assert journal(tmp_path / "run") == journal(tmp_path / "plain")
