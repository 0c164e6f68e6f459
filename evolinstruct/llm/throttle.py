"""How many calls are under way at once, and the end of sending.

First come, first served. Knows neither the service nor why a run stops; it only sees to it that
nothing is sent after the stop, and that what is under way may end.
"""

from __future__ import annotations

import asyncio
from collections import deque

from evolinstruct.errors import StopRun
from evolinstruct.llm.base import Client, Reply, Request


class Throttle:
    """A client that lets a bounded number of calls through at a time.

    Attributes:
        in_flight: calls that hold a place now.
    """

    def __init__(self, client: Client, concurrency: int) -> None:
        """Wrap a client.

        Args:
            client: who is asked.
            concurrency: calls under way at most, 1 or more.
        """
        if concurrency < 1:
            raise ValueError(f"concurrency must be 1 or more, found {concurrency}")
        self.in_flight = 0
        self._client = client
        self._limit = concurrency
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._error: StopRun | None = None
        self._ended = asyncio.Event()

    async def complete(self, request: Request) -> Reply:
        """Wait for a place, then ask the client within.

        Raises:
            CallError: as the client within.
            StopRun: as the client within; or the run stopped before the call was sent.
        """
        await self._enter()
        try:
            self._check()  # a stop may have come between the place and this line
            return await self._client.complete(request)
        except StopRun as error:
            self.stop(error)
            raise
        finally:
            self._leave()

    async def aclose(self) -> None:
        """Close the client within."""
        await self._client.aclose()

    def stop(self, error: StopRun) -> None:
        """Send nothing more: every call not yet sent raises the error; the first stop counts."""
        if self._error is not None:
            return
        self._error = error
        self._ended.set()
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(False)
        self._waiting.clear()

    async def pause(self, seconds: float) -> None:
        """Sleep, holding no place: what a retry waits with.

        Raises:
            StopRun: the run stopped meanwhile.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return
        self._check()

    async def _enter(self) -> None:
        """Take a place, waiting for it behind those who came earlier."""
        self._check()
        if self.in_flight < self._limit:  # then nobody waits: a free place is given at once
            self.in_flight += 1
            return
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.result():  # the place came together with the end
                self._leave()
            raise
        if not turn.result():
            self._check()

    def _leave(self) -> None:
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        """Give the free places to those who wait longest."""
        while self._waiting and self.in_flight < self._limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(True)

    def _check(self) -> None:
        if self._error is not None:
            # many calls raise this one object: each starts its traceback anew
            raise self._error.with_traceback(None)
