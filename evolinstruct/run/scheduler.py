"""Scheduler: takes the pool of one generation through its step, many instructions at once.

Instructions are proposed, pass the gate in pool order if there is one, are answered, and leave in
pool order. What is done early waits for its turn, the nearest in memory and the rest on disk, so
that one slow neighbour costs no memory. Nor does it stall the others: `prefetch` is told how far
each is, and plays it ahead meanwhile.
"""

from __future__ import annotations

import asyncio
import pickle
import sqlite3
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

from evolinstruct.errors import InputError
from evolinstruct.evolution import Admit, Proposal, Step
from evolinstruct.records import Line, Member
from evolinstruct.run.prefetch import Prefetch

_T = TypeVar("_T")

GRACE = 5.0
"""Seconds that calls under way are given when a generation is stopped."""
HELD = 1024
"""Results that wait for their turn in memory; further ones wait on disk."""


_IN_A_ROW = 4
"""So many instructions that may all be in the journal are taken before replies are let in."""


class ReorderBuffer(Generic[_T]):
    """Where results wait until it is their turn: so many in memory, further ones on disk."""

    def __init__(self, held: int) -> None:
        """Hold at most so many results in memory."""
        self._held = held
        self._here: dict[int, _T] = {}
        self._spilled: sqlite3.Connection | None = None
        self._awaited: tuple[int, asyncio.Future[None]] | None = None
        self._error: BaseException | None = None

    def put(self, position: int, result: _T) -> None:
        """Let a result wait."""
        awaited = self._awaited is not None and self._awaited[0] == position
        if awaited or len(self._here) < self._held:
            self._here[position] = result
        else:
            self._spill(position, result)
        if awaited:
            self._wake()

    def close(self, error: BaseException) -> None:
        """Let whoever waits for a result that is not here have the error instead."""
        self._error = error
        self._wake()

    async def take(self, position: int) -> _T:
        """Return the result of a position as soon as it is there; each is taken once."""
        while True:
            if position in self._here:
                return self._here.pop(position)
            if self._spilled is not None and (found := self._fetch(position)) is not None:
                return found
            if self._error is not None:
                raise self._error
            arrival = asyncio.get_running_loop().create_future()
            self._awaited = (position, arrival)
            await arrival

    def _wake(self) -> None:
        if self._awaited is not None and not self._awaited[1].done():
            self._awaited[1].set_result(None)
        self._awaited = None

    def _spill(self, position: int, result: _T) -> None:
        if self._spilled is None:
            # A nameless database lies on disk as soon as it outgrows its small cache.
            self._spilled = sqlite3.connect("", isolation_level=None)
            self._spilled.execute("CREATE TABLE results (position INTEGER PRIMARY KEY, result)")
            self._spilled.execute("BEGIN")
        try:
            row = (position, pickle.dumps(result))
            self._spilled.execute("INSERT INTO results VALUES (?, ?)", row)
        except sqlite3.OperationalError as error:
            raise InputError(
                f"No room for temporary files ({error}); free disk space, or name a directory that"
                " has some in SQLITE_TMPDIR, and run the same command again."
            ) from error

    def _fetch(self, position: int) -> _T | None:
        assert self._spilled is not None  # noqa: S101 - asked only where something spilled
        query = "DELETE FROM results WHERE position = ? RETURNING result"
        rows = self._spilled.execute(query, (position,)).fetchall()
        return pickle.loads(rows[0][0]) if rows else None  # noqa: S301 - our own, never a file


class Scheduler:
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
        self._size = size
        self._step = step
        self._prefetch = prefetch
        self._proposals: ReorderBuffer[Proposal | Line] = ReorderBuffer(held)
        self._outcomes: ReorderBuffer[Line] = ReorderBuffer(held)
        self._proposing = asyncio.Semaphore(ahead)
        self._answering = asyncio.Semaphore(ahead)
        self._is_flowing = asyncio.Event()
        self._is_flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeders: list[asyncio.Task[None]] = []
        self._draining: asyncio.Task[None] | None = None

    async def lines(self, pool: Iterator[Member]) -> AsyncGenerator[Line]:
        """Yield the line in which each member of the pool ends, in pool order.

        Raises:
            Exception: what stopped it, after the last line that was complete in order.
        """
        if self._step.admit is None:
            self._feeders = [self._task(self._feed(pool, self._taken))]
        else:
            admitting = self._task(self._admit_all(self._step.admit))
            self._feeders = [self._task(self._feed(pool, self._proposed)), admitting]
        try:
            for position in range(self._size):
                await self._let_others(position)
                yield await self._outcomes.take(position)
        finally:
            await self._end()

    def stop(self, error: BaseException, grace: float = GRACE) -> None:
        """Start nothing more; give what is under way its grace, then end with the error."""
        for feeder in self._feeders:
            feeder.cancel()
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain(error, grace))

    def abandon(self) -> None:
        """End what is under way at once."""
        for task in self._under_way():
            task.cancel()

    def _under_way(self) -> set[asyncio.Task[None]]:
        return self._tasks | (self._prefetch.end() if self._prefetch is not None else set())

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
        self._outcomes.put(position, line)

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
                self._outcomes.put(position, passed)
                continue
            if self._answering.locked():
                self._is_flowing.clear()  # before the wait: the feeder would fill it with rewrites
            await self._answering.acquire()
            self._is_flowing.set()
            self._begin(self._finished(position, passed), self._answering)

    async def _finished(self, position: int, passed: Proposal) -> None:
        self._outcomes.put(position, await self._step.finish(passed))

    def _begin(self, work: Coroutine[Any, Any, None], slots: asyncio.Semaphore) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, slots))

    def _ended(self, slots: asyncio.Semaphore, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        slots.release()
        self._look(task)

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._look)
        return task

    def _look(self, task: asyncio.Task[None]) -> None:
        """Stop at the first task that ends in an error."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.stop(error)

    async def _drain(self, error: BaseException, grace: float) -> None:
        if under_way := self._under_way():
            await asyncio.wait(under_way, timeout=grace)
        self.abandon()
        if self._tasks:  # cancelled tasks still have to unwind: none may write after this returns
            await asyncio.wait(set(self._tasks))
        self._outcomes.close(error)  # last: what ended within its grace can still be taken

    async def _end(self) -> None:
        # Also where nobody listens any more: a task that is left alone would outlive the run.
        left = [*self._feeders, *self._tasks]
        for task in left:
            task.cancel()
        if self._draining is not None:
            left.append(self._draining)
        await asyncio.gather(*left, return_exceptions=True)
