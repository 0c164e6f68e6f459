"""Scheduler: takes the pool of one generation through its step, many instructions at once.

Instructions are proposed, pass the gate in pool order if there is one, are answered, and leave in
pool order. What is done early waits for its turn, the nearest in memory and the rest on disk, so
that one slow neighbour costs no memory. Nor does it stall the others: `prefetch` is told how far
each is, and plays it ahead meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any

from evolinstruct.evolution import Admit, Proposal, Step
from evolinstruct.records import Line, Member
from evolinstruct.run.in_order import HELD, InOrder, ReorderBuffer
from evolinstruct.run.prefetch import Prefetch

_IN_A_ROW = 4
"""So many instructions that may all be in the journal are taken before replies are let in."""


class Scheduler(InOrder[Line]):
    """Carries one pool through its step."""

    def __init__(
        self,
        size: int,
        step: Step,
        ahead: int,
        held: int = HELD,
        prefetch: Prefetch | None = None,
    ) -> None:
        """Prepare for a pool of the given size, `ahead` instructions at once.

        With a gate, so many are under way on either side of it. In memory, at most `held` results
        wait for their turn before the gate, and as many before they leave.
        """
        super().__init__(held)
        self._size = size
        self._step = step
        self._prefetch = prefetch
        self._proposals: ReorderBuffer[Proposal | Line] = ReorderBuffer(held)
        self._proposing = asyncio.Semaphore(ahead)
        self._answering = asyncio.Semaphore(ahead)
        self._is_flowing = asyncio.Event()
        self._is_flowing.set()

    async def lines(self, pool: Iterator[Member]) -> AsyncGenerator[Line]:
        """Yield the line in which each member of the pool ends, in pool order.

        Raises:
            Exception: what stopped it, after the last line that was complete in order.
        """
        if self._step.admit is None:
            self._feeding(self._feed(pool, self._taken))
        else:
            self._feeding(self._admit_all(self._step.admit))
            self._feeding(self._feed(pool, self._proposed))
        try:
            for position in range(self._size):
                await self._let_others(position)
                yield await self._results.take(position)
        except BaseException:
            self.abandon()  # also what is played ahead: whoever leaves is asked for nothing more
            raise
        finally:
            await self._end()

    def _under_way(self) -> set[asyncio.Task[None]]:
        return super()._under_way() | (self._prefetch.end() if self._prefetch else set())

    async def _feed(
        self, pool: Iterator[Member], begin: Callable[[int, Member], Coroutine[Any, Any, None]]
    ) -> None:
        for position, member in enumerate(pool):
            await self._let_others(position)
            await self._is_flowing.wait()
            await self._proposing.acquire()
            self._begin(begin(position, member), self._proposing)

    async def _let_others(self, position: int) -> None:
        """Let replies in now and then: where all is in the journal, nothing else would wait."""
        if position % _IN_A_ROW == 0 and self._prefetch is not None and self._prefetch.is_playing:
            await asyncio.sleep(0)

    async def _taken(self, position: int, member: Member) -> None:
        """Take the whole step: nothing stands between its parts."""
        line = await self._step.take(member)
        self._follow(position, member, line)
        self._results.put(position, line)

    async def _proposed(self, position: int, member: Member) -> None:
        passing = await self._step.propose(member)
        self._follow(position, member, passing)
        self._proposals.put(position, passing)

    def _follow(self, position: int, member: Member, passing: Proposal | Line) -> None:
        if self._prefetch is not None:
            self._prefetch.follow(position, member, passing)

    async def _admit_all(self, admit: Admit) -> None:
        """Let proposals pass the gate one by one, and have each that passes answered.

        While as many are answered as may be, no more are proposed: what has passed comes first,
        and little has to wait. For a proposal that is late, the others go on.
        """
        for position in range(self._size):
            await self._let_others(position)
            passing = await self._proposals.take(position)
            passed = admit(passing)
            if not isinstance(passed, Proposal):
                if passed is not passing and self._prefetch is not None:
                    self._prefetch.drop(position, passed)
                self._results.put(position, passed)
                continue
            if self._answering.locked():
                self._is_flowing.clear()  # before the wait: the feeder would fill it with rewrites
            await self._answering.acquire()
            self._is_flowing.set()
            self._begin(self._finished(position, passed), self._answering)

    async def _finished(self, position: int, passed: Proposal) -> None:
        self._results.put(position, await self._step.finish(passed))
