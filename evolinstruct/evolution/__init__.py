"""Evolution: takes one instruction through one generation. The heart of the method.

Who answers, what has passed the gate and where lines go is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping

from evolinstruct import elimination
from evolinstruct.contamination import Items
from evolinstruct.evolution.answering import Answering
from evolinstruct.evolution.asking import Asking
from evolinstruct.evolution.calls import Ask, Calls
from evolinstruct.evolution.outcomes import Proposal, rejected
from evolinstruct.evolution.reviewing import ReviewedStep
from evolinstruct.evolution.step import Admit, Step
from evolinstruct.prompts import Pack
from evolinstruct.run_dir.reviews import NONE, Reviews
from evolinstruct.settings import Recipe

__all__ = ["Admit", "Evolution", "Proposal", "Step", "rejected"]


class Evolution:
    """What every step of a run needs: settings, prompts, rules, reviews, and whom to ask."""

    def __init__(
        self,
        recipe: Recipe,
        pack: Pack,
        weights: Mapping[str, float],
        ask: Ask,
        against: Items | None = None,
        reviews: Reviews = NONE,
    ) -> None:
        """Bind the parts.

        Args:
            recipe: what is asked for.
            pack: the prompts.
            weights: the operations in use, and how often each is drawn.
            ask: who answers.
            against: the test items that no text may hold, where the recipe names any.
            reviews: what people decided about texts that the replies give.

        Raises:
            UsageError: a rule is unknown, or set wrongly.
        """
        calls = Calls(recipe, pack, ask)
        self._asking = Asking(recipe, weights, calls)
        self._answering = Answering(recipe, calls)
        self._rules = elimination.choose(
            recipe.rules, eliminate=recipe.eliminate, test_items=against
        )
        self._reviews = reviews

    def step(self, generation: int, admit: Admit | None = None) -> Step:
        """Return the step through a generation, past a gate if there is one."""
        if generation and self._reviews:
            return ReviewedStep(
                self._reviews, self._asking, self._answering, self._rules, generation, admit
            )
        return Step(self._asking, self._answering, self._rules, generation, admit)
