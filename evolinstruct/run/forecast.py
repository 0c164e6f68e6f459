"""Forecast: the most calls that a run can make, and how many the journal already answers.

Plays a run against its journal alone, through the same step as the run. Makes no call and writes
nothing.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import Any, TypeVar, cast

from evolinstruct.errors import CallError
from evolinstruct.evolution import Evolution, Step
from evolinstruct.evolution.answering import most_asked
from evolinstruct.evolution.calls import Ask
from evolinstruct.gate import Gate
from evolinstruct.llm.base import Reply, Request
from evolinstruct.llm.journal import Journal
from evolinstruct.llm.journal.client import JournalledClient, NoClient, NotInJournalError
from evolinstruct.prompts import Pack
from evolinstruct.purposes import BEFORE_ANSWER, PURPOSES, asked_by_runs
from evolinstruct.records import Kept, Member
from evolinstruct.run.estimate import Estimate
from evolinstruct.settings import Recipe

_T = TypeVar("_T")
_USUAL = Recipe()
"""What these settings have asked is told even where it is switched off."""


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
        receivers: what each server would get texts for, by its host, where that was asked for too.
    """

    seeds: int
    calls: dict[str, int]
    second_looks: int
    second_tries: int
    applicable: int = 0
    estimate: Estimate | None = field(default=None, compare=False)
    receivers: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)

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
            "receivers": dict(self.receivers),
            "expected": None if self.estimate is None else self.estimate.to_json(),
        }


def forecast(
    recipe: Recipe,
    pack: Pack,
    seeds: int,
    unanswered: int,
    applicable: int = 0,
    anew: int = 0,
) -> Forecast:
    """Return the most that a run can take.

    Args:
        recipe: what is asked for.
        pack: the prompts.
        seeds: how many instructions it starts from.
        unanswered: how many of them have no answer.
        applicable: how many replies of the journal are known to apply.
        anew: how many instructions are answered once more, because people edited them.
    """
    rewrites = seeds * recipe.generations
    calls = {}
    for name, row in asked_by_runs(pack.checks).items():
        asked = rewrites * row.is_asked_of_rewrites(recipe)
        asked += unanswered * row.is_asked_of_seeds(recipe)
        if name not in BEFORE_ANSWER:
            asked += anew * row.is_asked_of_rewrites(recipe)
        if asked or row.is_asked_of_rewrites(_USUAL):
            calls[name] = asked * most_asked(name, recipe, pack)
    compared = sum(calls[name] for name in calls if PURPOSES[name].reply == "verdict")
    unclear = compared * recipe.may_vary("compare")
    return Forecast(seeds, calls, unclear, sum(calls.values()) - compared, applicable)


def count_applicable(
    seeds: Iterator[Kept],
    generations: int,
    evolving: Callable[[Ask], Evolution],
    client: str,
    journal: Journal,
    gate: Gate | None,
) -> Counter[tuple[int, str]]:
    """Return how many of the journal's replies a run would use, by generation and purpose.

    It is the least: each family is followed until the first call that the journal cannot answer.

    Args:
        seeds: what the run starts from.
        generations: how many it is to have.
        evolving: makes what evolves instructions, from whom to ask.
        client: the name of the client, which is part of the journal's keys.
        journal: the replies that there are.
        gate: a gate that nothing has passed, if the run is to have one.
    """
    counting = _Counting(JournalledClient(NoClient(), journal, client))
    evolution = evolving(counting.complete)
    with ExitStack() as files:
        pool: Iterator[Member] = map(Member, seeds)
        for number in range(generations + 1):
            step = evolution.step(number, None if gate is None else gate.look)
            pool = _spooled(_followed(pool, step, gate), files)
    return counting.found


def _followed(pool: Iterator[Member], step: Step, gate: Gate | None) -> Iterator[Member]:
    """Yield each family that the journal knows all of so far."""
    if gate is not None:
        gate.begin(step.generation, made_from="")
    for member in pool:
        # A family that meets a call without a reply leaves the pool: what follows is not known.
        with suppress(NotInJournalError):
            yield member.after(at_once(step.take(member)))
    if gate is not None:
        gate.end()


def at_once(step: Coroutine[Any, Any, _T]) -> _T:
    """Return what a step comes to that asks a journal alone, so that nothing in it waits.

    Raises:
        NotInJournalError: the journal lacks a reply.
    """
    try:
        step.send(None)
    except StopIteration as done:
        return cast("_T", done.value)
    step.close()
    raise NotInJournalError


def _spooled(pool: Iterator[Member], files: ExitStack) -> Iterator[Member]:
    """Bring a pool to the disk, to be read again."""
    spool = files.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
    for member in pool:
        pickle.dump(member, spool)
    end = spool.tell()
    spool.seek(0)
    return (pickle.load(spool) for _ in iter(lambda: spool.tell() < end, False))  # noqa: S301


class _Counting:
    """A client that counts the calls which end, by generation and purpose."""

    def __init__(self, client: JournalledClient) -> None:
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

    def _count(self, request: Request) -> None:
        self.found[request.context.generation, request.purpose] += 1
