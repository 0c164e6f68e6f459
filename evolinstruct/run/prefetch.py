"""Prefetching: asks for what comes next while the run waits for its slowest calls.

A generation ends when its slowest family does. Until then most of what a service could do would
stand idle, so the other families are played ahead, through the generations to come, as if the gate
let each of them pass. Nothing is decided here and no line is written: the calls land in the
journal, and the run, which goes its own way, finds them there. What the gate drops was played in
vain, and begins anew. Those that are least advanced go first, and only where the run leaves
capacity idle.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count

from evolinstruct.evolution import Evolution, Proposal
from evolinstruct.evolution.calls import Ask
from evolinstruct.llm.base import Prefetched, Reply, Request
from evolinstruct.llm.journal.client import NotPrefetchedError
from evolinstruct.purposes import PURPOSES
from evolinstruct.records import Line, Member
from evolinstruct.run.session import Session

HELD = 2_048
"""Families that are held at most; further ones are played when others have been."""
_AT_ONCE = 16
"""Calls that wait to be sent at most: with more, one that is less advanced might come too late."""
_ATTEMPTS = 3
_PLACES = {purpose: place for place, purpose in enumerate(PURPOSES)}

_Rank = tuple[int, int]
"""How far a family is: the generation and the place in it of the call that comes next."""


@dataclass(slots=True, eq=False)
class _Family:
    """A family that is played ahead, or may be.

    Attributes:
        position: its place in the pool.
        generation: the one that the run takes it through.
        member: how it entered that generation.
        passing: what became of it there so far, the gate left out.
        rank: how far it is while it waits to be played; None while it does not.
        task: plays it; None where none does.
    """

    position: int
    generation: int
    member: Member
    passing: Proposal | Line
    rank: _Rank | None = None
    task: asyncio.Task[None] | None = None


_Waiting = tuple[_Rank, int, _Family | asyncio.Future[None]]
"""Who waits, a family that is to begin or one that has a call to make; the order breaks ties."""


def _counts(rank: _Rank, _: int, next_one: _Family | asyncio.Future[None]) -> bool:
    """Tell whether an entry of the queue still says what is to be done."""
    return next_one.rank == rank if isinstance(next_one, _Family) else not next_one.done()


class Prefetch:
    """Plays the families of a run ahead of it."""

    def __init__(
        self,
        session: Session,
        evolving: Callable[[Ask], Evolution],
        size: int,
        generations: int,
        *,
        far: bool = True,
    ) -> None:
        """Bind the parts.

        Args:
            session: whom to ask.
            evolving: makes what evolves instructions, from whom to ask.
            size: how many families there are.
            generations: how many the run is to have.
            far: play through all generations to come, not the next one alone.
        """
        self._session = session
        self._evolution = evolving(self._ask)
        self._generations = generations
        self._far = far
        self._generation = 0
        self._families: dict[int, _Family] = {}
        self._idle: dict[int, None] = {}  # held, though nothing is left to play
        self._through = array("H", [0]) * size  # the generation after the last one played
        self._queue: list[_Waiting] = []
        self._order = count()
        self._beginning: set[asyncio.Task[None] | None] = set()
        self._unsent = 0
        self._playing = 0
        self._is_over = False
        self._is_looking = False
        session.on_room(self._look_soon)

    @property
    def is_playing(self) -> bool:
        """Whether families are under way."""
        return self._playing > 0

    # What the run tells

    def begin(self, generation: int, fail: Callable[[BaseException], None]) -> None:
        """Note that the run begins a generation; `fail` is told what has to end it."""
        self._generation = generation
        self._fail = fail
        self._queue = [entry for entry in self._queue if _counts(*entry)]
        heapify(self._queue)

    def follow(self, position: int, member: Member, passing: Proposal | Line) -> None:
        """Take in what became of a family, short of the gate: it is played from there."""
        is_played = self._through[position] > self._last
        family = self._families.get(position)
        if family is not None:
            family.generation, family.member, family.passing = self._generation, member, passing
        elif not is_played and self._has_room():
            family = _Family(position, self._generation, member, passing)
            self._families[position] = family
        if family is not None and family.task is None and not is_played:
            self._wait(family)

    def drop(self, position: int, line: Line) -> None:
        """Take in that the gate dropped a family's rewrite: it is played anew from that line."""
        self._through[position] = 0
        family = self._families.get(position)
        if family is None:
            return
        if family.task is not None:
            family.task.cancel()
            family.task = None
        family.passing = line
        self._wait(family)

    def end(self) -> set[asyncio.Task[None]]:
        """Begin nothing more; return what is under way."""
        self._is_over = True
        for _, _, next_one in self._queue:
            if isinstance(next_one, asyncio.Future):
                next_one.cancel()
        self._queue.clear()
        return {family.task for family in self._families.values() if family.task is not None}

    async def aclose(self) -> None:
        """End all that is under way; calls that were sent go on without it."""
        tasks = self.end()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Who is held

    @property
    def _last(self) -> int:
        """The last generation to play through now."""
        return self._generations if self._far else min(self._generation + 1, self._generations)

    def _has_room(self) -> bool:
        """Tell whether one more may be held; one that has been played makes way."""
        if len(self._families) == HELD and self._idle:
            position = next(iter(self._idle))
            del self._idle[position], self._families[position]
        return len(self._families) < HELD

    # Who goes next

    def _wait(self, family: _Family) -> None:
        """Let a family wait until nobody is less advanced."""
        if self._is_over:
            return
        self._idle.pop(family.position, None)
        is_ended = not isinstance(family.passing, Proposal)
        rank = (family.generation + is_ended, 0 if is_ended else _PLACES["answer"])
        if family.rank != rank:
            family.rank = rank
            heappush(self._queue, (rank, next(self._order), family))
        self._look()

    def _look_soon(self) -> None:
        """Look in the loop's next round: a call that ends at once leaves nothing idle."""
        if self._queue and not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        """Let those go that are least advanced, as far as the run leaves capacity idle."""
        self._is_looking = False
        if not self._queue or self._is_over:
            return
        room = min(_AT_ONCE, self._session.room)
        while self._queue and len(self._beginning) + self._unsent < room:
            rank, _, next_one = heappop(self._queue)
            if not _counts(rank, 0, next_one):
                continue
            if isinstance(next_one, _Family):
                self._begin(next_one)
            else:
                self._unsent += 1
                next_one.set_result(None)

    def _begin(self, family: _Family) -> None:
        family.rank = None
        self._playing += 1
        family.task = asyncio.create_task(self._play(family))
        self._beginning.add(family.task)
        family.task.add_done_callback(partial(self._ended, family))

    async def _play(self, family: _Family) -> None:
        """Take a family through the generations to come."""
        generation, member = family.generation, family.member
        line = await self._evolution.step(generation).finish(family.passing)
        while generation < self._last:
            member = member.after(line)
            generation += 1
            line = await self._evolution.step(generation).take(member)
        self._through[family.position] = generation + 1

    def _ended(self, family: _Family, task: asyncio.Task[None]) -> None:
        self._playing -= 1
        self._beginning.discard(task)
        if family.task is task:
            family.task = None
            self._idle[family.position] = None
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, NotPrefetchedError):
            self._fail(error)
        self._look()

    # Asking

    async def _ask(self, request: Request) -> Reply:
        """Ask when it is the call's turn.

        Raises:
            CallError: it has no reply, which is in the journal.
            NotPrefetchedError: it has none so far.
        """
        rank = request.context.generation, _PLACES[request.purpose]
        attempt = 0
        while True:
            attempt += 1
            await self._turn(rank)
            mark = Prefetched(self._sent)
            try:
                return await self._session.prefetch(request.ahead(mark))
            except NotPrefetchedError as refusal:
                if not refusal.again or attempt == _ATTEMPTS:
                    raise
            finally:
                mark.sent()

    async def _turn(self, rank: _Rank) -> None:
        """Wait until nobody is less advanced, and there is room.

        Raises:
            NotPrefetchedError: nothing is asked any more.
        """
        self._beginning.discard(asyncio.current_task())
        if self._is_over:
            raise NotPrefetchedError("the run ends")
        turn = asyncio.get_running_loop().create_future()
        heappush(self._queue, (rank, next(self._order), turn))
        self._look()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came in the same round of the loop: another one has it
                self._sent()
            raise

    def _sent(self) -> None:
        self._unsent -= 1
        self._look()
