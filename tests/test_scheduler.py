"""A generation's lines leave in pool order, however its calls end, and no neighbour waits."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.errors import Interrupted
from evolinstruct.evolution import Admit, Proposal, Step
from evolinstruct.records import Failed, Kept, Line
from evolinstruct.run.in_order import HELD, ReorderBuffer
from evolinstruct.run.scheduler import Scheduler


def member(number: int) -> Kept:
    return Kept(
        *(f"id{number}", f"id{number}", None, 0, None, None),
        *(f"Do {number}.", None, None, None, None, "seeds"),
    )


def pool(size: int) -> Iterator[Kept]:
    return (member(number) for number in range(size))


async def nap(steps: int) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)


class Scripted(Step):
    """A step whose parts are functions; without `answer`, proposals leave as they are."""

    def __init__(self, propose: Any, admit: Admit | None, answer: Any) -> None:
        self.propose = propose
        self.admit = admit
        self._answer = answer

    async def finish(self, passing: Proposal | Line) -> Line:
        if not isinstance(passing, Proposal):
            return passing
        return await self._answer(passing) if self._answer else passing.line


def failed(line: Kept) -> Failed:
    return Failed(line.id, line.seed_id, None, 1, "deepen", "evolve", "timeout", 3, "slow")


@given(
    naps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=30),
    ahead=st.integers(1, 8),
    held=st.integers(1, 4),
)
def test_lines_leave_in_pool_order_whatever_takes_how_long(
    naps: list[tuple[int, int, bool]], ahead: int, held: int
) -> None:
    size = len(naps)

    async def propose(parent: Kept) -> Proposal | Line:
        first, _, fails = naps[int(parent.id[2:])]
        await nap(first)
        return failed(parent) if fails else Proposal(parent)

    async def answer(proposal: Proposal) -> Line:
        await nap(naps[int(proposal.line.id[2:])][1])
        return replace(proposal.line, output="yes")

    async def run() -> list[Line]:
        scheduler = Scheduler(size, Scripted(propose, lambda x: x, answer), ahead, held)
        return [line async for line in scheduler.lines(pool(size))]

    expected = [
        failed(line) if naps[number][2] else replace(line, output="yes")
        for number, line in enumerate(pool(size))
    ]
    assert asyncio.run(run()) == expected


def test_the_gate_sees_every_proposal_in_pool_order() -> None:
    seen = []

    async def propose(parent: Kept) -> Proposal | Line:
        await nap(hash(parent.id) % 7)
        return Proposal(parent)

    def gate(proposal: Proposal | Line) -> Proposal | Line:
        assert isinstance(proposal, Proposal)
        seen.append(proposal.line.id)
        return proposal.line if proposal.line.id == "id3" else proposal

    async def answer(proposal: Proposal) -> Line:
        return replace(proposal.line, output="yes")

    async def run() -> list[Line]:
        scheduler = Scheduler(20, Scripted(propose, gate, answer), 5)
        return [line async for line in scheduler.lines(pool(20))]

    lines = asyncio.run(run())
    assert seen == [f"id{number}" for number in range(20)]
    assert [line.id for line in lines if isinstance(line, Kept) and line.output is None] == ["id3"]


def test_one_slow_neighbour_stalls_no_call_and_its_followers_wait_on_disk() -> None:
    size, answered = 1_000, []

    async def run() -> list[Line]:
        release = asyncio.Event()

        async def propose(parent: Kept) -> Proposal | Line:
            return Proposal(parent)

        async def answer(proposal: Proposal) -> Line:
            if proposal.line.id == "id0":
                await release.wait()
            answered.append(proposal.line.id)
            if len(answered) == size - 1:
                release.set()  # everyone else has been answered: let the slow one end
            return replace(proposal.line, output="yes")

        scheduler = Scheduler(size, Scripted(propose, lambda x: x, answer), ahead=4, held=10)
        return [line async for line in scheduler.lines(pool(size))]

    lines = asyncio.run(run())
    assert answered[-1] == "id0"
    assert [line.id for line in lines] == [f"id{number}" for number in range(size)]


def test_without_a_gate_a_slow_proposal_holds_up_no_other() -> None:
    size, answered = 1_000, []

    async def run() -> list[Line]:
        release = asyncio.Event()

        async def propose(parent: Kept) -> Proposal | Line:
            if parent.id == "id0":
                await release.wait()
            return Proposal(parent)

        async def answer(proposal: Proposal) -> Line:
            answered.append(proposal.line.id)
            if len(answered) == size - 1:
                release.set()  # everyone else has been answered: let the slow one end
            return replace(proposal.line, output="yes")

        scheduler = Scheduler(size, Scripted(propose, None, answer), ahead=4, held=10)
        return [line async for line in scheduler.lines(pool(size))]

    lines = asyncio.run(asyncio.wait_for(run(), 60))
    assert answered[-1] == "id0"
    assert [line.id for line in lines] == [f"id{number}" for number in range(size)]


@given(
    naps=st.lists(st.integers(0, 60), min_size=20, max_size=60),
    dropped=st.sets(st.integers(0, 59)),
)
def test_what_the_gate_drops_is_dropped_however_late_it_gets_there(
    naps: list[int], dropped: set[int]
) -> None:
    def gate(passing: Proposal | Line) -> Proposal | Line:
        assert isinstance(passing, Proposal)
        number = int(passing.line.id[2:])
        return failed(passing.line) if number in dropped else passing

    async def propose(parent: Kept) -> Proposal | Line:
        await nap(naps[int(parent.id[2:])])
        return Proposal(parent)

    async def answer(proposal: Proposal) -> Line:
        return replace(proposal.line, output="yes")

    async def run() -> list[Line]:
        scheduler = Scheduler(len(naps), Scripted(propose, gate, answer), ahead=2)
        return [line async for line in scheduler.lines(pool(len(naps)))]

    assert asyncio.run(run()) == [
        failed(line) if number in dropped else replace(line, output="yes")
        for number, line in enumerate(pool(len(naps)))
    ]


@pytest.mark.slow
def test_what_waits_for_a_slow_neighbour_takes_no_memory() -> None:
    async def run() -> int:
        room: ReorderBuffer[bytes] = ReorderBuffer(HELD)
        tracemalloc.start()
        for position in range(1, 5_000):
            room.put(position, bytes([position % 256]) * 10_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert asyncio.run(run()) < 16_000_000  # of 50 million bytes


def test_without_answers_proposals_leave_as_lines_that_have_none() -> None:
    async def propose(parent: Kept) -> Proposal | Line:
        return Proposal(parent)

    async def run() -> list[Line]:
        scheduler = Scheduler(3, Scripted(propose, lambda x: x, None), 2)
        return [line async for line in scheduler.lines(pool(3))]

    assert asyncio.run(run()) == list(pool(3))


def test_a_stop_lets_calls_under_way_end_and_yields_what_is_complete_in_order() -> None:
    ended = []

    async def run() -> list[str]:
        lines = []

        async def propose(parent: Kept) -> Proposal | Line:
            number = int(parent.id[2:])
            if number == 5:
                raise Interrupted("enough")
            await nap(3)
            ended.append(number)
            return Proposal(parent)

        scheduler = Scheduler(100, Scripted(propose, lambda x: x, None), ahead=8)

        async def follow() -> None:
            async for line in scheduler.lines(pool(100)):
                lines.append(line.id)  # noqa: PERF401 - those before the error count

        with pytest.raises(Interrupted, match="enough"):
            await follow()
        return lines

    lines = asyncio.run(run())
    assert lines == [f"id{number}" for number in range(len(lines))]
    assert set(range(5)) <= set(ended)
    assert len(ended) < 20


def test_a_stop_abandons_calls_that_outlast_their_grace() -> None:
    async def run() -> None:
        async def propose(parent: Kept) -> Proposal | Line:
            await asyncio.Event().wait()
            return Proposal(parent)

        scheduler = Scheduler(10, Scripted(propose, lambda x: x, None), ahead=4)
        asyncio.get_running_loop().call_soon(scheduler.stop, Interrupted("enough"), 0.01)
        with pytest.raises(Interrupted, match="enough"):
            async for _ in scheduler.lines(pool(10)):
                pass

    asyncio.run(asyncio.wait_for(run(), 10))


def test_a_mistake_in_a_step_ends_the_generation_with_it() -> None:
    async def run() -> None:
        async def propose(parent: Kept) -> Proposal | Line:
            raise ZeroDivisionError(parent.id)

        scheduler = Scheduler(10, Scripted(propose, lambda x: x, None), ahead=4)
        with pytest.raises(ZeroDivisionError, match="id0"):
            async for _ in scheduler.lines(pool(10)):
                pass

    asyncio.run(run())


def test_a_waiting_room_gives_each_result_once_from_memory_or_disk() -> None:
    async def run() -> list[str]:
        room: ReorderBuffer[str] = ReorderBuffer(held=2)
        for position in reversed(range(10)):
            room.put(position, f"result {position}")
        return [await room.take(position) for position in range(10)]

    assert asyncio.run(run()) == [f"result {position}" for position in range(10)]
