"""What a run would take, before a call is made.

Knows how many calls an instruction can meet, and plays a run against its journal alone to see
how many replies still apply. Makes no call and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from evolinstruct.errors import CallError
from evolinstruct.evolution import Evolution, Proposal
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.journal import Journal
from evolinstruct.llm.journalled import Journalled, Nobody, NotInJournalError
from evolinstruct.recipe import Recipe
from evolinstruct.records import Kept
from evolinstruct.run.estimate import Estimate


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
) -> Counter[tuple[int, str]]:
    """Return how many of the journal's replies a run would use, by generation and purpose.

    It is the least: each family is followed until the first call that the journal cannot answer.
    """
    client = _Counting(Journalled(Nobody(), journal, recipe.client))
    evolution = evolving(client)
    for seed in seeds:
        try:
            # Nothing in it waits, as nobody is asked: one step is the whole way.
            _follow(seed, recipe, evolution).send(None)
        except (NotInJournalError, StopIteration):
            continue
    return client.found


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
        self.found[request.subject.generation, request.purpose] += 1


async def _follow(seed: Kept, recipe: Recipe, evolution: Evolution) -> None:
    if recipe.answer_seeds and seed.output is None:
        await evolution.answer(Proposal(seed))
    newest = seed
    for generation in range(1, recipe.generations + 1):
        result = await evolution.propose(newest, generation)
        if isinstance(result, Proposal):
            settled = await evolution.answer(result) if recipe.answers else result.line
            newest = settled if isinstance(settled, Kept) else newest
