"""Calls are spread over servers; one that dies is set aside, and the rest goes on."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from evolinstruct.errors import CallError, CallRejected, ServiceRefused, TryAgain
from evolinstruct.llm.balancer import Balancer
from evolinstruct.llm.base import CallContext, CallId, ClientOptions, Reply, Request, Usage
from evolinstruct.llm.circuit_breaker import CircuitBreaker
from evolinstruct.llm.openai import OpenAIClient
from evolinstruct.llm.retry import Retry
from tests.loopback import drop, echo, serve

DEAD = TryAgain("connection_error", "gone")


class Server:
    """Answers with its name, or with what it is told to raise; can be made to wait."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = 0

    async def complete(self, request: Request) -> Reply:
        self.asked += 1
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        return Reply(self.name, "stop", Usage(), "m")

    async def aclose(self) -> None:
        return


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ask(prompt: str = "hello") -> Request:
    subject = CallContext(1, "deepen", "in-depth", None, prompt)
    return Request(CallId("c" * 16, "evolve"), subject, (("user", prompt),), "m")


def spread(*servers: Server, clock: Clock | None = None, failures: int = 3) -> Balancer:
    named = [(server.name, server) for server in servers]
    return Balancer(named, failures=failures, first_pause=5.0, now=clock or Clock())


async def answers(client: Balancer, number: int) -> list[str]:
    """Ask one call after the other; return who answered, or the error's name."""
    found = []
    for _ in range(number):
        try:
            found.append((await client.complete(ask())).text)
        except CallError as error:
            found.append(error.error)
    return found


def test_idle_servers_take_turns() -> None:
    async def turns() -> list[str]:
        return await answers(spread(Server("a"), Server("b"), Server("c")), 6)

    assert Counter(asyncio.run(turns())) == {"a": 2, "b": 2, "c": 2}


def test_a_call_goes_where_the_fewest_are_under_way() -> None:
    async def beside_a_slow_one() -> tuple[int, int]:
        slow, fast = Server("slow"), Server("fast")
        client = spread(slow, fast)
        slow.gate.clear()
        waiting = [asyncio.create_task(client.complete(ask())) for _ in range(2)]
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await answers(client, 10)
        slow.gate.set()
        await asyncio.gather(*waiting)
        return slow.asked, fast.asked

    assert asyncio.run(beside_a_slow_one()) == (1, 11)


def test_a_server_that_fails_in_a_row_is_set_aside_and_told() -> None:
    async def one_dead() -> tuple[list[str], list[str]]:
        dead = Server("dead")
        dead.trouble = DEAD
        client = spread(dead, Server("alive"))
        return await answers(client, 20), client.take_notices()

    found, notices = asyncio.run(one_dead())
    assert Counter(found) == {"connection_error": 3, "alive": 17}
    assert notices == [
        "dead is set aside after 3 failures in a row (connection_error: gone);"
        " it is tried again from time to time."
    ]


def test_a_server_that_asks_for_a_wait_that_nobody_keeps_is_set_aside_at_once() -> None:
    async def one_spent() -> tuple[list[str], list[str]]:
        spent = Server("spent")
        spent.trouble = over = TryAgain("daily_limit", "enough", status=429)
        over.not_waited = 18_120.0
        client = spread(spent, Server("alive"))
        return await answers(client, 20), client.take_notices()

    found, notices = asyncio.run(one_spent())
    assert Counter(found) == {"daily_limit": 1, "alive": 19}
    assert notices == [
        "spent is set aside because it asks for a long wait (daily_limit: enough);"
        " it is tried again from time to time."
    ]


def test_it_is_tried_again_with_one_call_after_its_pause_and_used_when_it_answers() -> None:
    async def back() -> list[object]:
        clock, weak = Clock(), Server("weak")
        weak.trouble = DEAD
        client = spread(weak, Server("alive"), clock=clock)
        await answers(client, 20)
        client.take_notices()
        clock.now = 6.0
        still_dead = Counter(await answers(client, 10))
        clock.now = 12.0  # its pause is twice as long now
        left_alone = Counter(await answers(client, 10))
        clock.now = 17.0
        weak.trouble = None
        in_use = Counter(await answers(client, 10))
        return [still_dead, left_alone, in_use["weak"] >= 5, client.take_notices()]

    assert asyncio.run(back()) == [
        {"connection_error": 1, "alive": 9},
        {"alive": 10},
        True,
        ["weak answers again and is back in use."],
    ]


@pytest.mark.parametrize(
    "trouble",
    [TryAgain("http_429", "slow down", status=429), CallRejected("too_long", "long")],
    ids=["asks for breaker", "rejects"],
)
def test_a_server_that_answers_is_not_set_aside(trouble: Exception) -> None:
    async def one_busy() -> tuple[int, list[str]]:
        busy = Server("busy")
        busy.trouble = trouble
        client = spread(busy, Server("alive"))
        await answers(client, 40)
        return busy.asked, client.take_notices()

    asked, notices = asyncio.run(one_busy())
    assert (asked >= 15, notices) == (True, [])


def test_failures_between_successes_set_nothing_aside() -> None:
    async def flaky() -> list[str]:
        one = Server("one")
        client = spread(one, Server("other"))
        for _ in range(40):
            one.trouble = DEAD if one.asked % 3 else None
            await answers(client, 1)
        return client.take_notices()

    assert asyncio.run(flaky()) == []


def test_servers_none_of_which_was_ever_there_stop_the_run() -> None:
    async def none() -> None:
        servers = Server("a"), Server("b")
        for server in servers:
            server.trouble = DEAD
        await answers(spread(*servers), 20)

    with pytest.raises(ServiceRefused) as stopped:
        asyncio.run(none())
    assert str(stopped.value) == (
        "None of the servers a, b can be reached (gone);"
        " check that they run and that their base URLs are right."
    )


def test_servers_that_were_there_and_are_gone_are_passing_troubles() -> None:
    async def gone() -> set[str]:
        servers = Server("a"), Server("b")
        client = spread(*servers)
        await answers(client, 4)
        for server in servers:
            server.trouble = DEAD
        return set(await answers(client, 20))

    assert asyncio.run(gone()) == {"connection_error"}


def test_over_http_no_call_is_lost_when_a_server_dies() -> None:
    async def pause(_: float) -> None:
        await asyncio.sleep(0)

    async def found(urls: list[str]) -> list[str]:
        made = [ClientOptions(url, "m", "key-loopback", 30.0, alone=False) for url in urls]
        balancer = Balancer([(one.base_url or "", OpenAIClient(one)) for one in made])
        client = Retry(balancer, CircuitBreaker("m"), sleep=pause)
        calls = (client.complete(ask(f"p{i}")) for i in range(100))
        replies = await asyncio.gather(*calls)
        await client.aclose()
        return [reply.text for reply in replies]

    with serve(echo) as good, serve(lambda _: drop()) as bad:
        assert asyncio.run(found([bad.url, good.url])) == [f"echo: p{i}" for i in range(100)]
        assert bad.counts.asked.total() > 0
