"""A stage gives one result for each item, in order, and ends what it began however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing

import pytest

from evolinstruct.errors import InputError, Interrupted
from evolinstruct.run.stage import Stage

Work = Callable[[int], Awaitable[int]]


async def carried_out(stage: Stage[int, int], items: Iterator[int]) -> list[int]:
    return [result async for result in stage.results(items)]


def reversed_by(turns: int) -> Work:
    """Return work that ends the later, the earlier its item is, within each few."""

    async def work(item: int) -> int:
        for _ in range(turns - item % turns):
            await asyncio.sleep(0)
        return item * item

    return work


@pytest.mark.parametrize("ahead", [1, 3, 100])
@pytest.mark.parametrize("held", [1, 1000])
def test_results_come_in_the_order_of_the_items(ahead: int, held: int) -> None:
    stage = Stage(reversed_by(7), ahead, held)
    assert asyncio.run(carried_out(stage, iter(range(50)))) == [n * n for n in range(50)]


def test_no_items_give_no_results() -> None:
    assert asyncio.run(carried_out(Stage(reversed_by(1), 3), iter(()))) == []


def test_so_many_items_are_under_way_at_once_and_no_more() -> None:
    now = most = 0

    async def work(item: int) -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return item

    asyncio.run(carried_out(Stage(work, 4), iter(range(20))))
    assert most == 4


def test_items_are_taken_as_they_are_needed() -> None:
    items = iter(range(1000))

    async def one() -> None:
        async with aclosing(Stage(reversed_by(1), 2).results(items)) as results:
            async for _ in results:
                break

    asyncio.run(one())
    assert next(items) <= 4


@pytest.mark.parametrize("wrong", [0, 6])
def test_an_error_of_the_work_ends_it_after_what_was_complete_in_order(wrong: int) -> None:
    async def work(item: int) -> int:
        await asyncio.sleep(0)
        if item == wrong:
            raise InputError("the disk is full")
        return item

    seen = []

    async def followed() -> None:
        async for result in Stage(work, 3).results(iter(range(100))):
            seen.append(result)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(InputError, match="the disk is full"):
        asyncio.run(followed())
    assert seen == list(range(wrong))


def test_an_error_of_the_items_ends_it_too() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise InputError("line 2 is no line")

    with pytest.raises(InputError, match="line 2"):
        asyncio.run(carried_out(Stage(reversed_by(2), 3), items()))


def test_a_stop_gives_what_is_under_way_its_grace_and_begins_nothing_more() -> None:
    begun: list[int] = []
    seen: list[int] = []

    async def stopped() -> None:
        all_begun, let_go = asyncio.Event(), asyncio.Event()

        async def work(item: int) -> int:
            begun.append(item)
            if len(begun) == 3:
                all_begun.set()
            await let_go.wait()
            return item

        stage = Stage(work, 3)

        async def later() -> None:
            await all_begun.wait()
            stage.stop(Interrupted("stopped"))
            let_go.set()

        waiting = asyncio.create_task(later())
        try:
            async for result in stage.results(iter(range(10))):
                seen.append(result)  # noqa: PERF401
        finally:
            await waiting

    with pytest.raises(Interrupted):
        asyncio.run(stopped())
    assert (begun, seen) == ([0, 1, 2], [0, 1, 2])


def test_what_is_abandoned_ends_at_once_and_nothing_is_left() -> None:
    ended: list[int] = []

    async def work(item: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(item)
        return item

    async def abandoned() -> int:
        stage = Stage(work, 4)

        async def later() -> None:
            await asyncio.sleep(0)
            stage.stop(Interrupted("stopped"), grace=60)
            await asyncio.sleep(0)
            stage.abandon()

        waiting = asyncio.create_task(later())
        with pytest.raises(Interrupted):
            await carried_out(stage, iter(range(10)))
        await waiting
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(abandoned()) == 0
    assert len(ended) <= 4


def test_who_stops_listening_leaves_nothing_running() -> None:
    async def left() -> int:
        stage = Stage(reversed_by(50), 4)
        async with aclosing(stage.results(iter(range(100)))) as results:
            async for _ in results:
                break
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(left()) == 0
