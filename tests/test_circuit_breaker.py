"""A service that has stopped answering ends the run; a call's own failure does not."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from evolinstruct.errors import (
    CallFailed,
    CallRejected,
    Interrupted,
    ServiceRefused,
    ServiceSilent,
    TryAgain,
)
from evolinstruct.llm.base import CallContext, CallId, Reply, Request, Usage
from evolinstruct.llm.circuit_breaker import CircuitBreaker
from evolinstruct.llm.retry import Retry
from tests.scripted import Script, Scripted

REQUEST = Request(
    CallId("c", "answer"), CallContext(1, "deepen", "in-depth", None, "Why?"), (), "m"
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow(Scripted):
    """Takes a moment, so that calls overlap."""

    async def complete(self, request: Request) -> Reply:
        await asyncio.sleep(0)
        return await super().complete(request)


def numbered(count: int) -> list[Request]:
    return [replace(REQUEST, call_id=CallId(str(number), "answer")) for number in range(count)]


def end(
    breaker: CircuitBreaker, script: Script, requests: list[Request], at_once: int = 1
) -> list[Reply | BaseException]:
    """Ask, so many at once, each once unless the breaker has it asked anew."""

    async def asked() -> list[Reply | BaseException]:
        client = Retry(Slow(script), breaker, attempts=1)
        turn = asyncio.Semaphore(at_once)

        async def one(request: Request) -> Reply:
            async with turn:
                return await client.complete(request)

        return await asyncio.gather(*map(one, requests), return_exceptions=True)

    return asyncio.run(asked())


def failing(_: Request) -> Exception:
    return CallFailed("http_500", "boom", 6)


@pytest.mark.parametrize("at_once", [60, 200])
def test_an_outage_stops_the_run_and_fails_no_call(at_once: int) -> None:
    ends = end(CircuitBreaker("m at h"), failing, numbered(200), at_once)
    assert {type(error) for error in ends} == {ServiceSilent}
    assert str(ends[-1]) == (
        "m at h stopped answering: 50 calls in a row have failed, the last with http_500 (boom);"
        " run the same command again when it answers."
    )


def test_few_calls_at_once_fail_one_by_one_but_never_more_than_the_row() -> None:
    ends = end(CircuitBreaker("m", failures=5), failing, numbered(30))
    assert [type(error) for error in ends] == [CallFailed] * 4 + [ServiceSilent] * 26


@pytest.mark.parametrize("at_once", [1, 7, 100])
@pytest.mark.slow
def test_calls_that_fail_alone_fail_alone(at_once: int) -> None:
    def script(request: Request) -> str | Exception:
        return failing(request) if int(request.call_id.child_id) % 3 == 0 else "fine"

    ends = end(CircuitBreaker("m"), script, numbered(300), at_once)
    assert [type(one) for one in ends] == [CallFailed, Reply, Reply] * 100


def test_a_network_that_is_lost_fails_no_call_however_few_are_under_way() -> None:
    clock = Clock()

    def script(_: Request) -> Exception:
        clock.now += 10
        return CallFailed("unreachable", "no route", 6)

    for at_once in (1, 3):
        ends = end(CircuitBreaker("m", now=clock), script, numbered(5), at_once)
        assert {type(error) for error in ends} == {ServiceSilent}


@pytest.mark.parametrize("error", ["unreachable", "http_503"])
def test_what_failed_while_nobody_was_answered_is_asked_once_more(error: str) -> None:
    async def asked() -> tuple[list[str], list[Reply]]:
        seen: list[str] = []
        over = asyncio.Event()

        class Outage:
            async def complete(self, request: Request) -> Reply:
                name = request.call_id.child_id
                seen.append(name)
                if name == "0":
                    await over.wait()
                elif seen.count(name) == 1:
                    asyncio.get_running_loop().call_soon(over.set)
                    raise CallFailed(error, "down", 6)
                return Reply(name, "stop", Usage(), "m")

            async def aclose(self) -> None: ...

        breaker = CircuitBreaker("m")
        client = Retry(Outage(), breaker)
        return seen, await asyncio.gather(*map(client.complete, numbered(4)))

    seen, replies = asyncio.run(asked())
    assert [reply.text for reply in replies] == ["0", "1", "2", "3"]
    assert sorted(seen) == ["0", "1", "1", "2", "2", "3", "3"]


def test_a_call_that_the_service_turns_down_is_not_asked_again() -> None:
    asked: list[str] = []

    def script(request: Request) -> str | Exception:
        asked.append(request.call_id.child_id)
        return CallFailed("http_400", "too odd", 1) if request.call_id.child_id == "3" else "fine"

    ends = end(CircuitBreaker("m"), script, numbered(9), at_once=3)
    assert [type(one) for one in ends] == [*[Reply] * 3, CallFailed, *[Reply] * 5]
    assert asked.count("3") == 1


def test_a_rejection_is_an_answer() -> None:
    def script(request: Request) -> Exception:
        if int(request.call_id.child_id) % 4 == 3:
            return CallRejected("too_long", "4096 at most")
        return failing(request)

    ends = end(CircuitBreaker("m", failures=4), script, numbered(40))
    assert [type(one) for one in ends] == [*[CallFailed] * 3, CallRejected] * 10


def tick(clock: Clock, seconds: float, script: Callable[[Request], Exception]) -> Script:
    def ticking(request: Request) -> Exception:
        clock.now += seconds
        return script(request)

    return ticking


def test_two_minutes_of_failing_attempts_with_no_success_stop_the_run() -> None:
    clock = Clock()
    script = tick(clock, 31, lambda _: TryAgain("timeout", "no reply within 30 s"))
    ends = end(CircuitBreaker("m", now=clock), script, numbered(6))
    assert [type(error) for error in ends] == [CallFailed] * 4 + [ServiceSilent] * 2
    assert "no call has succeeded for 124 seconds, the last with timeout (no reply" in str(ends[4])


def test_a_success_begins_the_two_minutes_anew_and_idling_is_no_silence() -> None:
    clock = Clock()

    def script(request: Request) -> str | Exception:
        clock.now += 100
        return TryAgain("timeout", "") if int(request.call_id.child_id) % 2 else "fine"

    ends = end(CircuitBreaker("m", now=clock), script, numbered(10))
    assert [type(one) for one in ends] == [Reply, CallFailed] * 5


def test_the_longest_wait_that_the_service_asks_for_is_no_silence() -> None:
    clock = Clock()
    late = TryAgain("http_429", "later", 300.0)
    breaker = CircuitBreaker("m", now=clock)
    breaker.failed(REQUEST.call_id, late)
    clock.now = 301
    breaker.failed(REQUEST.call_id, late)
    clock.now = 602
    with pytest.raises(ServiceSilent, match="no call has succeeded for 602 seconds"):
        breaker.failed(REQUEST.call_id, late)


def endless(seconds: float = 18_120.0, error: str = "http_429") -> TryAgain:
    trouble = TryAgain(error, "enough")
    trouble.not_waited = seconds
    return trouble


def test_three_waits_that_are_not_kept_stop_the_run_unless_a_reply_comes_between() -> None:
    breaker = CircuitBreaker("m at h")
    for _ in range(4):
        breaker.failed(REQUEST.call_id, endless())
        breaker.failed(REQUEST.call_id, endless())
        breaker.answered()
    breaker.failed(REQUEST.call_id, endless())
    breaker.failed(REQUEST.call_id, endless())
    told = r"^M at h asks to wait 5:02:00, until [\d: -]+ \(enough\); run the same command again"
    with pytest.raises(ServiceSilent, match=told):
        breaker.failed(REQUEST.call_id, endless())


def test_a_limit_of_a_day_is_told_as_one() -> None:
    breaker = CircuitBreaker("m", now=Clock())
    for _ in range(2):
        breaker.failed(REQUEST.call_id, endless(3600.0, "daily_limit"))
    told = "^M has reached its limit for a day, and it asks to wait 1:00:00, until "
    with pytest.raises(ServiceSilent, match=told):
        breaker.failed(REQUEST.call_id, endless(3600.0, "daily_limit"))


def refusing(request: Request) -> Exception:
    return CallFailed("http_403", "no entry", 1, "ask for access")


def test_the_first_twenty_calls_that_are_refused_alike_stop_the_run() -> None:
    breaker = CircuitBreaker("m at h", is_new=lambda: True)
    ends = end(breaker, refusing, numbered(30), at_once=25)
    assert {type(error) for error in ends} == {ServiceRefused}
    assert str(ends[0]) == (
        "M at h turned down each of its first 20 calls with http_403 (no entry); ask for access."
    )


@pytest.mark.slow
def test_refusals_after_an_answer_or_of_several_kinds_are_the_calls_own() -> None:
    def mixed(request: Request) -> Exception:
        number = int(request.call_id.child_id)
        return CallFailed(f"http_{400 + number % 2}", "no", 1)

    def later(request: Request) -> str | Exception:
        return "fine" if request.call_id.child_id == "0" else refusing(request)

    for script, answered in ((mixed, 0), (later, 1)):
        breaker = CircuitBreaker("m", is_new=lambda: True, is_first=lambda: True)
        ends = end(breaker, script, numbered(30), at_once=30)
        kinds = [type(one) for one in ends]
        assert (kinds.count(Reply), kinds.count(CallFailed)) == (answered, 30 - answered)


def test_a_call_that_is_held_back_ends_as_the_run_does() -> None:
    async def stopped() -> BaseException:
        breaker = CircuitBreaker("m")
        client = Retry(Scripted(failing), breaker)
        breaker.began()  # another call is under way
        asked = asyncio.create_task(client.complete(REQUEST))
        await asyncio.sleep(0)
        assert not asked.done()
        breaker.stop(Interrupted("enough"))
        [ended] = await asyncio.gather(asked, return_exceptions=True)
        assert isinstance(ended, BaseException)
        return ended

    assert isinstance(asyncio.run(stopped()), Interrupted)


def took(seconds: float) -> TryAgain:
    late = TryAgain("timeout", "no reply within 30 s")
    late.took = seconds
    return late


def test_a_call_that_waited_while_another_was_answered_tells_of_no_silence() -> None:
    clock = Clock()
    breaker = CircuitBreaker("m", now=clock)
    clock.now = 20
    breaker.answered()
    clock.now = 30
    breaker.failed(REQUEST.call_id, took(30))
    clock.now = 160
    breaker.failed(REQUEST.call_id, took(30))  # the first that was sent after the answer
    clock.now = 279
    breaker.failed(REQUEST.call_id, took(30))
    clock.now = 280
    with pytest.raises(ServiceSilent, match="no call has succeeded for 120 seconds"):
        breaker.failed(REQUEST.call_id, took(30))


def test_calls_that_failed_while_others_were_answered_are_no_row() -> None:
    async def judged() -> None:
        breaker = CircuitBreaker("m", failures=3)
        for _ in range(6):
            breaker.answered()
            late = took(30)
            breaker.failed(REQUEST.call_id, late)
            with pytest.raises(CallFailed):
                await breaker.judge(REQUEST.call_id, CallFailed(late.error, late.message, 6))

    asyncio.run(judged())
