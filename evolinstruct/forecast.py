"""What a run would take, before a call is made.

Knows how many calls an instruction can meet, and plays a run against its journal alone to see
how many replies still apply. Makes no call and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from evolinstruct.evolution import Evolution, Proposal
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.journal import Journal, Journalled
from evolinstruct.recipe import Recipe
from evolinstruct.records import Kept


@dataclass(frozen=True, slots=True)
class Forecast:
    """The most that a run can ask for.

    Attributes:
        seeds: how many instructions it starts from.
        calls: the most calls, by purpose.
        second_looks: the most comparisons asked once more because the verdict was unclear.
        applicable: how many replies of the journal are known to apply.
    """

    seeds: int
    calls: dict[str, int]
    second_looks: int
    applicable: int = 0

    @property
    def at_most(self) -> int:
        """The most calls in all."""
        return sum(self.calls.values()) + self.second_looks

    @property
    def new_at_most(self) -> int:
        """The most calls that the journal cannot spare."""
        return self.at_most - self.applicable

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {**asdict(self), "at_most": self.at_most}


def forecast(recipe: Recipe, seeds: int, unanswered: int, applicable: int = 0) -> Forecast:
    """Return the most that so many seeds, `unanswered` of them without an answer, can take."""
    evolutions = seeds * recipe.generations
    compared = evolutions if recipe.compare else 0
    answered = (evolutions if recipe.answers else 0) + (unanswered if recipe.answer_seeds else 0)
    calls = {"evolve": evolutions, "compare": compared, "answer": answered}
    return Forecast(seeds, calls, second_looks=compared, applicable=applicable)


async def count_applicable(
    seeds: Iterator[Kept],
    recipe: Recipe,
    evolving: Callable[[Client], Evolution],
    journal: Journal,
) -> int:
    """Return how many of the journal's replies a run would use, at the least.

    Each family is followed until the first call that the journal cannot answer.
    """
    client = Journalled(_Nobody(), journal, recipe.client)
    evolution = evolving(client)
    for seed in seeds:
        try:
            await _follow(seed, recipe, evolution)
        except _NotInJournalError:
            continue
    return client.replayed.total()


async def _follow(seed: Kept, recipe: Recipe, evolution: Evolution) -> None:
    if recipe.answer_seeds and seed.output is None:
        await evolution.answer(Proposal(seed))
    newest = seed
    for generation in range(1, recipe.generations + 1):
        result = await evolution.propose(newest, generation)
        if isinstance(result, Proposal):
            settled = await evolution.answer(result) if recipe.answers else result.line
            newest = settled if isinstance(settled, Kept) else newest


class _NotInJournalError(Exception):
    pass


class _Nobody:
    """A client that has no answer to anything."""

    async def complete(self, request: Request) -> Reply:
        raise _NotInJournalError(request.purpose)

    async def aclose(self) -> None:
        return
