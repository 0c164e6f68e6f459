"""Stage: a stream of items, asked about many at once, that ends in one result for each, in order.

Scoring is one. What comes early waits for its turn, so no result depends on which call ended first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from evolinstruct.run.scheduler import GRACE, HELD, ReorderBuffer

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _End:
    """Stands behind the last result."""


class Stage(Generic[_Item, _Result]):
    """Takes items through their work, so many at once; a session may stop it."""

    def __init__(
        self, work: Callable[[_Item], Awaitable[_Result]], ahead: int, held: int = HELD
    ) -> None:
        """Prepare.

        Args:
            work: asks about an item and returns its result.
            ahead: how many items are under way at once.
            held: how many results wait in memory for their turn; further ones wait on disk.
        """
        self._work = work
        self._results: ReorderBuffer[_Result | _End] = ReorderBuffer(held)
        self._slots = asyncio.Semaphore(ahead)
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeder: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None

    async def results(self, items: Iterator[_Item]) -> AsyncGenerator[_Result]:
        """Yield the result of each item, in their order.

        Raises:
            Exception: what stopped it, after the last result that was complete in order.
        """
        self._feeder = asyncio.create_task(self._feed(items))
        self._feeder.add_done_callback(self._look)
        position = 0
        try:
            while not isinstance(result := await self._results.take(position), _End):
                yield result
                position += 1
        finally:
            await self._end()

    def stop(self, error: BaseException, grace: float = GRACE) -> None:
        """Begin nothing more; give what is under way its grace, then end with the error."""
        if self._feeder is not None:
            self._feeder.cancel()
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain(error, grace))

    def abandon(self) -> None:
        """End what is under way at once."""
        for task in self._tasks:
            task.cancel()

    async def _feed(self, items: Iterator[_Item]) -> None:
        position = 0
        for item in items:
            await self._slots.acquire()
            task = asyncio.create_task(self._carried_out(position, item))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
            position += 1
        self._results.put(position, _End())

    async def _carried_out(self, position: int, item: _Item) -> None:
        self._results.put(position, await self._work(item))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        self._look(task)

    def _look(self, task: asyncio.Task[None]) -> None:
        """Stop at the first task that ends in an error."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.stop(error)

    async def _drain(self, error: BaseException, grace: float) -> None:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=grace)
        self.abandon()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        self._results.close(error)  # last: what ended within its grace can still be taken

    async def _end(self) -> None:
        left = [task for task in (self._feeder, self._draining, *self._tasks) if task is not None]
        for task in left:
            if task is not self._draining:
                task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
