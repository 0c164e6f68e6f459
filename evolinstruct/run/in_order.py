"""In order: work on many items at once, whose results leave in the order of the items.

What comes early waits for its turn, the nearest in memory and the rest on disk, so that one slow
neighbour costs no memory. A generation and a stage are such work; a session may stop it.
"""

from __future__ import annotations

import asyncio
import pickle
import sqlite3
from collections.abc import Coroutine
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import finalize

from evolinstruct.errors import InputError

_T = TypeVar("_T")

GRACE = 5.0
"""Seconds that calls under way are given when work is stopped."""
HELD = 1024
"""Results that wait for their turn in memory; further ones wait on disk."""


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
            finalize(self, self._spilled.close)
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


class InOrder(Generic[_T]):
    """Tasks under way, and the results that wait for their turn."""

    def __init__(self, held: int) -> None:
        """Begin with none; in memory, at most `held` results wait."""
        self._results: ReorderBuffer[_T] = ReorderBuffer(held)
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeders: list[asyncio.Task[None]] = []
        self._draining: asyncio.Task[None] | None = None

    def stop(self, error: BaseException, grace: float = GRACE) -> None:
        """Begin nothing more; give what is under way its grace, then end with the error."""
        for feeder in self._feeders:
            feeder.cancel()
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain(error, grace))

    def abandon(self) -> None:
        """End what is under way at once."""
        for task in self._under_way():
            task.cancel()

    def _under_way(self) -> set[asyncio.Task[None]]:
        """Return what is given its grace; nothing more begins."""
        return set(self._tasks)

    def _begin(self, work: Coroutine[Any, Any, None], slots: asyncio.Semaphore) -> None:
        """Begin work in a slot that is taken, and is free again when it ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, slots))

    def _ended(self, slots: asyncio.Semaphore, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        slots.release()
        self._look(task)

    def _feeding(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin what brings in work; it ends with the rest."""
        feeder = asyncio.create_task(work)
        feeder.add_done_callback(self._look)
        self._feeders.append(feeder)

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
        self._results.close(error)  # last: what ended within its grace can still be taken

    async def _end(self) -> None:
        # Also where nobody listens any more: a task that is left alone would outlive the work.
        left = [*self._feeders, *self._tasks]
        for task in left:
            task.cancel()
        if self._draining is not None:
            left.append(self._draining)
        await asyncio.gather(*left, return_exceptions=True)
