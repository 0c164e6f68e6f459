"""Stage: a stream of items, asked about many at once, that ends in one result for each, in order.

Scoring is one. What comes early waits for its turn, so no result depends on which call ended first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from evolinstruct.run.in_order import HELD, InOrder

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _End:
    """Stands behind the last result."""


class Stage(InOrder[_Result | _End], Generic[_Item, _Result]):
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
        super().__init__(held)
        self._work = work
        self._slots = asyncio.Semaphore(ahead)

    async def results(self, items: Iterator[_Item]) -> AsyncGenerator[_Result]:
        """Yield the result of each item, in their order.

        Raises:
            Exception: what stopped it, after the last result that was complete in order.
        """
        self._feeding(self._feed(items))
        position = 0
        try:
            while not isinstance(result := await self._results.take(position), _End):
                yield result
                position += 1
        finally:
            await self._end()

    async def _feed(self, items: Iterator[_Item]) -> None:
        position = 0
        for item in items:
            await self._slots.acquire()
            self._begin(self._carried_out(position, item), self._slots)
            position += 1
        self._results.put(position, _End())

    async def _carried_out(self, position: int, item: _Item) -> None:
        self._results.put(position, await self._work(item))
