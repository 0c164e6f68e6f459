"""What a run would take, before a call is made.

Knows how many calls an instruction can meet, and plays a run against its journal alone to see
how many replies still apply. Makes no call and writes nothing.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any, cast

from evolinstruct.errors import CallError
from evolinstruct.evolution import Evolution, Proposal
from evolinstruct.gate import Gate
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.journal import Journal
from evolinstruct.llm.journal.client import JournalledClient, NoClient, NotInJournalError
from evolinstruct.records import Kept, Line
from evolinstruct.run.estimate import Estimate
from evolinstruct.settings import Recipe


@dataclass(frozen=True, slots=True)
class Forecast:
    """The most that a run can ask for.

    Attributes:
        seeds: how many instructions it starts from.
        calls: the most calls, by purpose.
        second_looks: the most comparisons asked once more because the verdict was unclear.
        second_tries: the most replies asked for once more because they were cut off.
        applicable: how many replies of the journal are known to apply.
        estimate: what it is likely to take, where that was asked for too.
    """

    seeds: int
    calls: dict[str, int]
    second_looks: int
    second_tries: int
    applicable: int = 0
    estimate: Estimate | None = field(default=None, compare=False)

    @property
    def at_most(self) -> int:
        """The most calls in all."""
        return sum(self.calls.values()) + self.second_looks + self.second_tries

    @property
    def new_at_most(self) -> int:
        """The most calls that the journal cannot spare."""
        return self.at_most - self.applicable

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "seeds": self.seeds,
            "calls": self.calls,
            "second_looks": self.second_looks,
            "second_tries": self.second_tries,
            "applicable": self.applicable,
            "at_most": self.at_most,
            "new_at_most": self.new_at_most,
            "expected": None if self.estimate is None else self.estimate.to_json(),
        }


def forecast(recipe: Recipe, seeds: int, unanswered: int, applicable: int = 0) -> Forecast:
    """Return the most that so many seeds, `unanswered` of them without an answer, can take."""
    evolutions = seeds * recipe.generations
    compared = evolutions if recipe.compare else 0
    answered = (evolutions if recipe.answers else 0) + (unanswered if recipe.answer_seeds else 0)
    calls = {"evolve": evolutions, "compare": compared, "answer": answered}
    return Forecast(seeds, calls, compared, evolutions + answered, applicable)


def count_applicable(
    seeds: Iterator[Kept],
    recipe: Recipe,
    evolving: Callable[[Client], Evolution],
    journal: Journal,
    gate: Gate | None,
) -> Counter[tuple[int, str]]:
    """Return how many of the journal's replies a run would use, by generation and purpose.

    It is the least: each family is followed until the first call that the journal cannot answer.

    Args:
        seeds: what the run starts from.
        recipe: its settings.
        evolving: makes what evolves instructions by a client.
        journal: the replies that there are.
        gate: a gate that nothing has passed, if the run is to have one.
    """
    client = _Counting(JournalledClient(NoClient(), journal, recipe.client))
    follower = _Follower(recipe, evolving(client), gate)
    with ExitStack() as files:
        pool = seeds
        for number in range(recipe.generations + 1):
            pool = _spooled(follower.followed(pool, number), files)
    return client.found


def _spooled(lines: Iterator[Kept], files: ExitStack) -> Iterator[Kept]:
    """Bring lines to the disk, to be read again."""
    spool = files.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
    for line in lines:
        pickle.dump(line, spool)
    end = spool.tell()
    spool.seek(0)
    return (pickle.load(spool) for _ in iter(lambda: spool.tell() < end, False))  # noqa: S301


def _at_once(step: Coroutine[Any, Any, Kept]) -> Kept:
    """Return what a step comes to in which nothing waits, as nobody is asked."""
    try:
        step.send(None)
    except StopIteration as done:
        return cast("Kept", done.value)
    step.close()
    raise NotInJournalError


class _Follower:
    """Takes families through a generation, by the journal alone."""

    def __init__(self, recipe: Recipe, evolution: Evolution, gate: Gate | None) -> None:
        self._recipe = recipe
        self._evolution = evolution
        self._gate = gate

    def followed(self, pool: Iterator[Kept], number: int) -> Iterator[Kept]:
        """Yield the newest instruction of each family that the journal knows all of so far."""
        if self._gate is not None:
            self._gate.begin(number, made_from="")
        for member in pool:
            with suppress(NotInJournalError):
                yield _at_once(self._newest(member, number))
        if self._gate is not None:
            self._gate.end()

    async def _newest(self, member: Kept, number: int) -> Kept:
        answers = self._recipe.answers
        proposed: Proposal | Line = member
        if number:
            proposed = await self._evolution.propose(member, number)
        elif self._recipe.answer_seeds:
            answers = True
            proposed = Proposal(member) if member.output is None else member
        if self._gate is not None:
            proposed = self._gate.look(proposed)
        if isinstance(proposed, Proposal):
            proposed = await self._evolution.answer(proposed) if answers else proposed.line
        return proposed if isinstance(proposed, Kept) else member


class _Counting:
    """A client that counts the calls which end, by generation and purpose."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.found: Counter[tuple[int, str]] = Counter()

    async def complete(self, request: Request) -> Reply:
        try:
            reply = await self._client.complete(request)
        except CallError:
            self._count(request)
            raise
        self._count(request)
        return reply

    async def aclose(self) -> None:
        await self._client.aclose()

    def _count(self, request: Request) -> None:
        self.found[request.context.generation, request.purpose] += 1
