"""Rounds: has the calls of a generation answered in batches, before the generation is carried out.

Each instruction is played through its step against the journal. Where that lacks a call, the call
is noted and the instruction is dropped; when all have been played, what is noted goes out in
batches, and when one of them has come, all are played again. In the end the journal lacks nothing.
So what waits takes no memory, and a command may end while batches are under way.

The gate lets through in pool order, up to the first proposal that is not known yet: whatever is
asked is asked by the ordinary run, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from evolinstruct.errors import StopRun, WaitingForBatch
from evolinstruct.evolution import Evolution
from evolinstruct.gate import Gate
from evolinstruct.llm.batches import Batches
from evolinstruct.llm.journal.client import NotInJournalError
from evolinstruct.records import Member
from evolinstruct.run.forecast import at_once
from evolinstruct.run.in_order import GRACE

_IN_A_ROW = 16
"""Instructions that are played before others have a turn."""
_SOON, _LATE = 0.2, 60.0  # seconds between looks
_SHARE = 0.1  # of the time waited so far: what takes long is not known to the second

_T = TypeVar("_T")


class Rounds:
    """Fills the journal for one generation after the other; a session may stop it."""

    def __init__(
        self, batches: Batches, evolution: Evolution, gate: Gate | None, *, submits: bool
    ) -> None:
        """Bind the parts.

        Args:
            batches: where calls go.
            evolution: asks the journal alone, and has what it lacks noted.
            gate: the rules that look at the whole pool, if any is on.
            submits: leave when all is sent instead of waiting.
        """
        self._batches = batches
        self._evolution = evolution
        self._gate = gate
        self._submits = submits
        self._is_open = False
        self._task: asyncio.Future[Any] | None = None
        self._error: StopRun | None = None

    async def fill(self, number: int, pool: Callable[[], Iterator[Member]]) -> AsyncGenerator[None]:
        """Have all calls of a generation answered; yields whenever there is something to be told.

        Raises:
            WaitingForBatch: all is sent, and nobody is to wait.
            StopRun: the service or a cap stands in the way, or somebody stopped it.
        """
        if not self._is_open:
            await self._stoppable(self._batches.open())
            self._is_open = True
            yield
        while True:
            await self._stoppable(self._play(number, pool()))
            if not self._batches.missing:
                return
            await self._stoppable(self._batches.send())
            yield
            if self._submits:
                raise WaitingForBatch(
                    f"Waiting for batches: {self._batches.words()}; the same command goes on with"
                    " what has come by then."
                )
            await self._stoppable(self._wait())
            yield

    def stop(self, error: StopRun) -> None:
        """Ask the service nothing more; end what is under way after a while."""
        self._error = self._error or error
        asyncio.get_running_loop().call_later(GRACE, self.abandon)

    def abandon(self) -> None:
        """End what is under way at once."""
        if self._task is not None:
            self._task.cancel()

    async def _stoppable(self, work: Coroutine[Any, Any, _T]) -> _T:
        task: asyncio.Task[_T] = asyncio.create_task(work)
        self._task = task
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            if self._error is not None:
                raise self._error from None
            raise
        finally:
            self._task = None

    async def _play(self, number: int, pool: Iterator[Member]) -> None:
        """Play all of a generation as far as the journal goes, and note what it lacks."""
        self._batches.begin()
        gate = self._gate
        if gate is not None:
            await asyncio.to_thread(gate.begin, number, "")
        step = self._evolution.step(number, None if gate is None else gate.look)
        is_known = True  # what all so far have proposed
        for position, member in enumerate(pool):
            if position % _IN_A_ROW == 0:
                await asyncio.sleep(0)
                if self._error is not None:
                    raise self._error
            try:
                passing = at_once(step.propose(member))
            except NotInJournalError:
                is_known = False
                continue
            if gate is not None:
                if not is_known:
                    continue
                passing = gate.look(passing)
            with suppress(NotInJournalError):
                at_once(step.finish(passing))

    async def _wait(self) -> None:
        """Wait until a batch has ended, and look ever less often."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while not await self._batches.look():
            await self._batches.pause(min(_LATE, max(_SOON, _SHARE * (clock() - began))))
