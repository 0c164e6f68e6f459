"""The one layer that asks again, in front of a real client and a server with faults."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tenacity import wait_none

from evolinstruct.errors import CallFailed, CallRejected, Interrupted, ServiceRefused, TryAgain
from evolinstruct.llm.base import CallContext, CallId, Client, ClientOptions, Reply, Request, Usage
from evolinstruct.llm.circuit_breaker import CircuitBreaker
from evolinstruct.llm.openai import OpenAIClient
from evolinstruct.llm.retry import BACK_OFF, Retry, Wait
from tests.loopback import Answer, error, in_turn, reply, serve

ASK = Request(
    CallId("c" * 16, "evolve"),
    CallContext(1, "deepen", "in-depth", None, "p"),
    (("user", "p"),),
    "m",
)
NO_WAIT = wait_none()
REPLY = Reply("hi", "stop", Usage(10, 5), "loopback-1")


class Clock:
    """Stands for the waiting: notes each wait and takes no time."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


class Scripted:
    """A client whose calls end one after the other as told."""

    def __init__(self, *ends: Reply | BaseException) -> None:
        self.ends = list(ends)
        self.closed = 0

    async def complete(self, request: Request) -> Reply:
        end = self.ends.pop(0)
        if isinstance(end, Reply):
            return end
        raise end

    async def aclose(self) -> None:
        self.closed += 1


def retry(client: Client, **options: Any) -> Retry:
    return Retry(client, CircuitBreaker("m"), **options)


def waits(*answers: Answer, wait: Wait = NO_WAIT, total: float = 300.0) -> tuple[object, ...]:
    """Ask a server that answers so; return the outcome, the waits and the requests it saw."""
    clock = Clock()

    async def call(client: Client) -> object:
        try:
            return await client.complete(ASK)
        except (CallFailed, CallRejected) as ended:
            return ended.error, ended.message, getattr(ended, "attempts", None)
        finally:
            await client.aclose()

    with serve(in_turn(*answers)) as server:
        inner = OpenAIClient(ClientOptions(server.url, "loopback-1", None, 30.0))
        client = retry(inner, total_seconds=total, wait=wait, sleep=clock.sleep)
        found = asyncio.run(call(client))
        return found, clock.waits, server.counts.asked.total()


def test_a_call_that_succeeds_is_sent_once_and_waits_for_nothing() -> None:
    assert waits(reply("hi")) == (REPLY, [], 1)


def test_a_passing_trouble_is_asked_again() -> None:
    assert waits(error(500), error(429), reply("hi")) == (REPLY, [0.0, 0.0], 3)


def test_the_wait_that_the_service_asks_for_is_kept() -> None:
    asked = error(429, headers={"retry-after": "7"})
    assert waits(asked, reply("hi")) == (REPLY, [7.0], 2)


def test_the_back_off_comes_on_top_of_the_wait_asked_for() -> None:
    asked = error(429, headers={"retry-after-ms": "1500"})
    assert waits(asked, reply("hi"), wait=lambda _: 0.25) == (REPLY, [1.75], 2)


def test_after_the_last_attempt_the_call_has_failed_and_counts_its_attempts() -> None:
    assert waits(error(503, "overloaded")) == (("http_503", "overloaded", 6), [0.0] * 5, 6)


def test_the_last_trouble_is_the_one_that_is_told() -> None:
    answers = [error(500, "first")] * 5 + [error(429, "last")]
    assert waits(*answers) == (("http_429", "last", 6), [0.0] * 5, 6)


def test_no_attempt_starts_after_the_total_time() -> None:
    found = waits(error(500, "late"), wait=lambda _: 301.0)
    assert found == (("http_500", "late", 1), [], 1)


def test_a_wait_that_the_service_asks_for_is_not_counted_in_the_total_time() -> None:
    asked = error(429, "later", headers={"retry-after": "301"})
    assert waits(asked, reply("hi")) == (REPLY, [301.0], 2)


def test_the_time_that_the_first_attempt_took_counts_too() -> None:
    late = replace(error(500, "late"), latency=0.2)
    found = waits(late, wait=lambda _: 0.1, total=0.25)
    assert found == (("http_500", "late", 1), [], 1)


def test_the_wait_for_a_turn_to_be_sent_is_not_counted() -> None:
    class Crowded(Scripted):
        """Sends a call after others, and says how long it was under way."""

        async def complete(self, request: Request) -> Reply:
            await asyncio.sleep(0.1)
            return await super().complete(request)

    late = TryAgain("timeout", "late")
    late.took = 0.0
    client = retry(Crowded(late, late, REPLY), total_seconds=0.05, wait=NO_WAIT)
    assert asyncio.run(client.complete(ASK)) == REPLY


def test_a_final_failure_after_passing_ones_counts_every_attempt() -> None:
    answers = (error(500), error(500), error(400, "no"))
    assert waits(*answers) == (("http_400", "no", 3), [0.0, 0.0], 3)


def test_what_cannot_pass_is_not_asked_again() -> None:
    assert waits(error(400, "no")) == (("http_400", "no", 1), [], 1)
    assert waits(error(400, "no", code="content_filter")) == (
        ("refused_by_service", "no", None),
        [],
        1,
    )


def test_waits_double_at_random_and_stay_within_a_minute() -> None:
    clock = Clock()
    client = retry(
        Scripted(*[TryAgain("timeout", "late")] * 40, REPLY),
        attempts=41,
        total_seconds=1e9,
        wait=BACK_OFF,
        sleep=clock.sleep,
    )
    assert asyncio.run(client.complete(ASK)) == REPLY
    bounds = [min(60.0, 2.0 * 2**n) for n in range(40)]
    assert all(0 <= wait <= bound for wait, bound in zip(clock.waits, bounds, strict=True))
    assert len(set(clock.waits)) > 30


@pytest.mark.parametrize("passing", [0, 2])
def test_a_stop_of_the_run_goes_through_untouched(passing: int) -> None:
    stop = ServiceRefused("no key")
    troubles = [TryAgain("timeout", "late")] * passing
    client = retry(Scripted(*troubles, stop), wait=NO_WAIT, sleep=Clock().sleep)
    with pytest.raises(ServiceRefused) as caught:
        asyncio.run(client.complete(ASK))
    assert caught.value is stop


def test_a_stop_while_waiting_ends_the_waiting() -> None:
    async def stopped(_: float) -> None:
        raise Interrupted("stopped")

    client = retry(Scripted(TryAgain("timeout", "late")), sleep=stopped)
    with pytest.raises(Interrupted, match=r"^stopped$"):
        asyncio.run(client.complete(ASK))


@pytest.mark.parametrize("troubles", [0, 1])
def test_a_cancelled_call_is_cancelled_whether_it_is_sent_or_waits(troubles: int) -> None:
    async def cancelled() -> bool:
        reached = asyncio.Event()

        class Endless(Scripted):
            async def complete(self, request: Request) -> Reply:
                if self.ends:
                    return await super().complete(request)
                return await wait_on(0)

        async def wait_on(_: float) -> Reply:
            reached.set()
            await asyncio.Event().wait()
            raise AssertionError

        inner = Endless(*[TryAgain("timeout", "late")] * troubles)
        task = asyncio.create_task(retry(inner, sleep=wait_on).complete(ASK))  # type: ignore[arg-type]
        await reached.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(cancelled())


def test_many_calls_at_once_keep_their_own_counts() -> None:
    async def ends() -> list[object]:
        def client(n: int) -> Retry:
            troubles = [TryAgain("timeout", str(n))] * n
            return retry(Scripted(*troubles, REPLY), wait=NO_WAIT, sleep=asyncio.sleep)

        calls = (client(n).complete(ASK) for n in range(8))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    found = asyncio.run(ends())
    assert found[:6] == [REPLY] * 6
    assert [(e.error, e.message, e.attempts) for e in found if isinstance(e, CallFailed)] == [
        ("timeout", "6", 6),
        ("timeout", "7", 6),
    ]


def test_closing_closes_the_client_within() -> None:
    inner = Scripted()
    asyncio.run(retry(inner).aclose())
    assert inner.closed == 1
