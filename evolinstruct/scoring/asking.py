"""Asking for a measure: a judge who has its prompt and names its scores."""

from __future__ import annotations

from evolinstruct.judges import Ask, Judge
from evolinstruct.llm.base import CallContext
from evolinstruct.prompts import Measure
from evolinstruct.records import Kept
from evolinstruct.scoring.scores import Way
from evolinstruct.settings import Recipe


class MeasureJudge(Judge):
    """Whoever is asked for one measure.

    Attributes:
        measure: what is asked for.
        way: how its scores are named.
    """

    def __init__(self, ask: Ask, recipe: Recipe, measure: Measure) -> None:
        """Bind the parts."""
        sampling = recipe.sampling("score")
        super().__init__(ask, "score", sampling, measure.render)
        self.measure = measure
        self.way = Way(measure.name, measure.method, str(sampling["model"]), measure.pack)

    def _place(self, about: str) -> str:
        # The way is part of the place, so that a retry of one measure is none of another.
        return " ".join((about, *self.way))


def context_of(line: Kept, **about: object) -> CallContext:
    """Describe a call about one instruction."""
    return CallContext(
        line.generation,
        line.operation,
        None,
        None,
        line.instruction,
        **about,  # type: ignore[arg-type]
    )
