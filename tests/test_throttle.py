"""The throttle: so many calls at once, in the order they came, and none after the stop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolinstruct.errors import CallFailed, Interrupted, ServiceRefused, TryAgain
from evolinstruct.llm.base import (
    CallContext,
    CallId,
    ClientOptions,
    Prefetched,
    Reply,
    Request,
    Usage,
)
from evolinstruct.llm.openai import OpenAIClient
from evolinstruct.llm.throttle import Throttle, steady
from evolinstruct.llm.throttle.limits import Yielding
from evolinstruct.llm.throttle.pace import Pace
from evolinstruct.purposes import PURPOSES
from tests.loopback import echo, serve, slowly

if TYPE_CHECKING:
    from collections.abc import Callable

STOP = Interrupted("stopped by the user")


def ask(name: str) -> Request:
    subject = CallContext(1, "deepen", "in-depth", None, "p")
    return Request(CallId(name, "evolve"), subject, (("user", name),), "loopback-1")


class Held:
    """A client whose calls end when the test says so."""

    def __init__(self) -> None:
        self.under_way: dict[str, asyncio.Future[Reply]] = {}
        self.sent: list[str] = []
        self.most = 0

    async def complete(self, request: Request) -> Reply:
        name = request.call_id.child_id
        self.sent.append(name)
        self.under_way[name] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self.under_way))
        try:
            return await self.under_way[name]
        finally:
            del self.under_way[name]

    async def aclose(self) -> None:
        self.sent.append("closed")

    def end(self, name: str, error: Exception | None = None) -> None:
        if error is None:
            self.under_way[name].set_result(Reply(name, "stop", Usage(), "m"))
        else:
            self.under_way[name].set_exception(error)


async def settle() -> None:
    """Let every task run as far as it gets."""
    for _ in range(20):
        await asyncio.sleep(0)


def start(throttle: Throttle, names: str) -> dict[str, asyncio.Task[Reply]]:
    return {name: asyncio.create_task(throttle.complete(ask(name))) for name in names}


def ends(tasks: dict[str, asyncio.Task[Reply]]) -> dict[str, object]:
    """Return how each ended: its text, its error, or None where it has not."""
    return {
        name: (task.exception() or task.result().text) if task.done() else None
        for name, task in tasks.items()
    }


def run(scenario: Callable[[], object]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def test_no_more_calls_are_under_way_than_allowed_and_the_first_come_go_first() -> None:
    async def scenario() -> None:
        held = Held()
        throttle = Throttle(held, steady(2))
        tasks = start(throttle, "abcde")
        await settle()
        assert (held.sent, throttle.in_flight) == (["a", "b"], 2)
        held.end("b")
        await settle()
        assert (held.sent, throttle.in_flight) == (["a", "b", "c"], 2)
        for name in "acde":
            held.end(name)
            await settle()
        assert ends(tasks) == {name: name for name in "abcde"}
        assert (held.sent, held.most, throttle.in_flight) == (list("abcde"), 2, 0)

    run(scenario)


def test_a_failed_call_gives_its_place_back_and_stops_nothing() -> None:
    async def scenario() -> None:
        held = Held()
        tasks = start(Throttle(held, steady(1)), "ab")
        await settle()
        failed = CallFailed("http_400", "no", 1)
        held.end("a", failed)
        await settle()
        held.end("b")
        await settle()
        assert ends(tasks) == {"a": failed, "b": "b"}

    run(scenario)


def test_after_a_stop_nothing_is_sent_and_what_is_under_way_goes_on() -> None:
    async def scenario() -> None:
        held = Held()
        throttle = Throttle(held, steady(1))
        tasks = start(throttle, "abc")
        await settle()
        throttle.stop(STOP)
        tasks |= start(throttle, "d")
        await settle()
        assert ends(tasks) == {"a": None, "b": STOP, "c": STOP, "d": STOP}
        assert throttle.in_flight == 1
        held.end("a")
        await settle()
        assert (ends(tasks)["a"], held.sent, throttle.in_flight) == ("a", ["a"], 0)

    run(scenario)


def test_a_call_that_stops_the_run_stops_all_that_wait() -> None:
    async def scenario() -> None:
        held = Held()
        tasks = start(Throttle(held, steady(2)), "abcd")
        await settle()
        refused = ServiceRefused("wrong key")
        held.end("a", refused)
        await settle()
        assert ends(tasks) == {"a": refused, "b": None, "c": refused, "d": refused}
        held.end("b")
        await settle()
        assert (ends(tasks)["b"], held.sent) == ("b", ["a", "b"])

    run(scenario)


def test_the_first_stop_is_the_one_that_counts() -> None:
    async def scenario() -> None:
        throttle = Throttle(Held(), steady(1))
        throttle.stop(STOP)
        throttle.stop(ServiceRefused("later"))
        tasks = start(throttle, "a")
        await settle()
        assert ends(tasks) == {"a": STOP}

    run(scenario)


def test_a_call_given_its_place_in_the_moment_of_the_stop_is_not_sent() -> None:
    async def scenario() -> None:
        held = Held()
        throttle = Throttle(held, steady(1))
        tasks = start(throttle, "ab")
        await settle()
        held.end("a")
        asyncio.get_running_loop().call_soon(throttle.stop, STOP)  # after a, before b
        await settle()
        assert (ends(tasks), throttle.in_flight) == ({"a": "a", "b": STOP}, 0)
        assert held.sent == ["a"]

    run(scenario)


def test_a_call_cancelled_in_the_moment_it_gets_its_place_passes_the_place_on() -> None:
    async def scenario() -> None:
        held = Held()
        throttle = Throttle(held, steady(1))
        tasks = start(throttle, "abc")
        await settle()
        held.end("a")
        asyncio.get_running_loop().call_soon(tasks["b"].cancel)  # after a, before b
        await settle()
        assert (tasks["b"].cancelled(), held.sent, throttle.in_flight) == (True, ["a", "c"], 1)
        held.end("c")
        await settle()

    run(scenario)


def test_a_pause_ends_with_the_run_and_holds_no_place() -> None:
    async def scenario() -> None:
        throttle = Throttle(Held(), steady(1))
        await throttle.pause(0)
        pausing = asyncio.create_task(throttle.pause(3600))
        await settle()
        assert (throttle.in_flight, pausing.done()) == (0, False)
        throttle.stop(STOP)
        await settle()
        assert pausing.exception() is STOP

    run(scenario)


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 4),
    steps=st.lists(st.tuples(st.sampled_from(["end", "cancel"]), st.integers(0, 11)), max_size=24),
)
def test_whoever_gives_up_no_place_is_lost_and_the_order_stands(
    limit: int, steps: list[tuple[str, int]]
) -> None:
    names = "abcdefghijkl"

    async def scenario() -> None:
        held = Held()
        throttle = Throttle(held, steady(limit))
        tasks = start(throttle, names)
        await settle()
        for what, n in steps:
            if what == "cancel":
                tasks[names[n]].cancel()
            elif names[n] in held.under_way and not held.under_way[names[n]].done():
                held.end(names[n])
            if n % 2:  # else the next step comes in the same turn of the loop
                await settle()
        await settle()
        while held.under_way:
            held.end(next(iter(held.under_way)))
            await settle()
        assert all(task.done() for task in tasks.values())
        assert (throttle.in_flight, held.most <= limit) == (0, True)
        assert held.sent == sorted(held.sent)

    run(scenario)


def test_a_server_never_sees_more_calls_at_once_than_the_throttle_allows() -> None:
    async def calls(url: str) -> list[str]:
        client = Throttle(OpenAIClient(ClientOptions(url, "loopback-1", None, 30.0)), steady(8))
        requests = [replace(ask(f"p{n}"), temperature=1.0) for n in range(64)]
        replies = await asyncio.gather(*(client.complete(request) for request in requests))
        await client.aclose()
        return [reply.text for reply in replies]

    with serve(slowly(echo, 0.02)) as server:
        assert asyncio.run(calls(server.url)) == [f"echo: p{n}" for n in range(64)]
        assert server.counts.most_in_flight == 8


def test_a_throttle_that_lets_nothing_through_cannot_be_made() -> None:
    with pytest.raises(ValueError, match=r"^concurrency must be 1 or more, found 0$"):
        Throttle(Held(), steady(0))


def test_closing_closes_the_client_within() -> None:
    held = Held()
    asyncio.run(Throttle(held, steady(1)).aclose())
    assert held.sent == ["closed"]


def test_after_a_429_nothing_is_sent_until_the_service_says_and_the_state_shows_it() -> None:
    async def scenario() -> None:
        held = Held()
        now = 0.0
        throttle = Throttle(held, Pace(lambda: now, 8))
        tasks = start(throttle, "a")
        await settle()
        held.end("a", TryAgain("http_429", "slow down", 7.0, status=429))
        tasks |= start(throttle, "b")
        await settle()
        assert (held.sent, throttle.state.waiting, throttle.state.paused) == (["a"], 1, 7.0)
        now = 7.0
        tasks |= start(throttle, "c")  # looks again, and finds the pause over
        await settle()
        assert (held.sent, throttle.state.in_flight) == (["a", "b"], 1)
        throttle.stop(STOP)
        held.end("b")
        await settle()
        assert ends(tasks)["b"] == "b"
        await throttle.aclose()

    run(scenario)


@pytest.mark.parametrize("error", ["http_429", "daily_limit"])
def test_a_wait_that_is_longer_than_allowed_is_noted_and_not_kept(error: str) -> None:
    async def scenario() -> None:
        held, trouble = Held(), TryAgain(error, "enough", 61.0, status=429)
        throttle = Throttle(held, Pace(lambda: 0.0, 8), max_wait=60.0)
        tasks = start(throttle, "a")
        await settle()
        held.end("a", trouble)
        await settle()
        assert throttle.state.paused < 1
        assert (trouble.retry_after, trouble.not_waited) == (None, 61.0)
        assert ends(tasks)["a"] is trouble

    run(scenario)


def test_a_limit_of_a_day_without_a_time_is_a_wait_without_end() -> None:
    async def scenario() -> None:
        held, trouble = Held(), TryAgain("daily_limit", "enough", status=403)
        start(throttle := Throttle(held, Pace(lambda: 0.0, 8)), "a")
        await settle()
        held.end("a", trouble)
        await settle()
        assert trouble.not_waited == float("inf")
        assert throttle.state.paused < 1

    run(scenario)


def test_the_state_tells_when_the_next_attempt_is_due() -> None:
    async def scenario() -> None:
        throttle = Throttle(Held(), steady(1))
        rests = [asyncio.create_task(throttle.pause(seconds)) for seconds in (90.0, 60.0)]
        await settle()
        assert 59 < throttle.state.resting <= 60
        throttle.stop(STOP)
        assert await asyncio.gather(*rests, return_exceptions=True) == [STOP, STOP]
        assert throttle.state.resting == 0

    run(scenario)


@pytest.mark.parametrize(
    ("error", "status", "limit"),
    [
        ("timeout", None, 1),
        ("connection_error", None, 1),
        ("http_504", 504, 1),
        ("http_408", 408, 1),
        ("http_500", 500, 3),
        ("unreachable", None, 3),
    ],
)
def test_a_call_that_waited_in_vain_lowers_the_limit(
    error: str, status: int | None, limit: int
) -> None:
    async def scenario() -> None:
        held, now, trouble = Held(), 0.0, TryAgain(error, "", status=status)
        throttle = Throttle(held, Pace(lambda: now, 8))
        tasks = start(throttle, "a")
        await settle()
        now = 30.0
        held.end("a", trouble)
        await settle()
        assert (throttle.state.limit, throttle.state.replies, trouble.took) == (limit, 0, 30.0)
        assert ends(tasks)["a"] is trouble

    run(scenario)


# --- who goes first -----------------------------------------------------------------------------


def ahead(name: str, on_sent: Callable[[], None] = lambda: None) -> Request:
    """Return a prefetched request."""
    return ask(name).ahead(Prefetched(on_sent))


def test_of_those_that_wait_the_least_advanced_go_first_and_prefetched_calls_last() -> None:
    async def scenario() -> None:
        held = Held()
        throttle = Throttle(held, steady(1))
        first = ask("first")
        asked = [first, ahead("prefetched"), *(of(purpose) for purpose in reversed(PURPOSES))]
        tasks = [asyncio.create_task(throttle.complete(request)) for request in asked]
        await settle()
        for _ in tasks:
            assert throttle.room == 0
            held.end(held.sent[-1])
            await settle()
        assert held.sent == ["first", *PURPOSES, "prefetched"]

    def of(purpose: str) -> Request:
        return replace(ask(purpose), call_id=CallId(purpose, purpose))

    run(scenario)


def test_there_is_room_to_prefetch_only_where_calls_are_under_way_and_none_waits() -> None:
    async def scenario() -> None:
        told = []
        held = Held()
        throttle = Throttle(held, steady(3))
        throttle.on_room = lambda: told.append(throttle.room)
        assert throttle.room == 0
        tasks = start(throttle, "abcd")
        await settle()
        assert throttle.room == 0  # one waits
        for name in "ab":
            held.end(name)
            await settle()
        assert throttle.room == 1
        assert told[-1] == 1
        for name in "cd":
            held.end(name)
        await asyncio.gather(*tasks.values())
        assert throttle.room == 0

    run(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("refused", [ask, ahead], ids=["the run's own", "prefetched"])
def test_after_a_refusal_nothing_is_prefetched_for_a_while_and_all_else_goes_on(
    refused: Callable[[str], Request],
) -> None:
    async def scenario() -> None:
        held = Held()
        throttle = Throttle(held, steady(5))
        tasks = start(throttle, "a")
        call = asyncio.create_task(throttle.complete(refused("b")))
        await settle()
        assert throttle.room == 3
        held.end("b", TryAgain("http_429", "slow down", status=429))
        with pytest.raises(TryAgain):
            await call
        is_sent = asyncio.Event()
        late = asyncio.create_task(throttle.complete(ahead("late", is_sent.set)))
        tasks |= start(throttle, "cd")
        await settle()
        assert throttle.room == 0
        assert held.sent == ["a", "b", "c", "d"]
        assert throttle.state.limit == 5
        await asyncio.wait_for(is_sent.wait(), 10)  # after a second, by itself
        await settle()
        for name in ("a", "c", "d", "late"):
            held.end(name)
        await asyncio.gather(late, *tasks.values())

    run(scenario)


def test_each_pause_is_longer_until_a_prefetched_call_is_answered() -> None:
    yielding = Yielding()
    ends = []
    for now in (0.0, 0.5, 1.0, 3.0, 7.0):  # the second is of the same burst as the first
        yielding.on_trouble(now, None)
        ends.append(yielding.until)
    assert ends == [1.0, 1.0, 3.0, 7.0, 15.0]
    yielding.on_reply(sent_at=14.0)  # sent before the pause was over: it says nothing
    yielding.on_trouble(15.0, 40.0)
    assert yielding.until == 55.0
    yielding.on_reply(sent_at=55.0)
    yielding.on_trouble(60.0, None)
    assert yielding.until == 61.0
