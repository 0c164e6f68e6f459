"""Lines for people to review: chosen by what they are, drawn or by their scores, with parents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from evolinstruct import defaults
from evolinstruct.analysis.browsing import LineBrowser
from evolinstruct.analysis.families import FamilyStep
from evolinstruct.analysis.runs import Run


@dataclass(frozen=True, slots=True)
class ReviewSample:
    """Which lines of a run somebody reviews.

    Attributes:
        size: at most so many.
        generation: of this generation alone; None for all.
        operation: made by this operation alone; None for all.
        rule: rejected by this rule; None for what was kept.
        lowest: the measure by which the lowest come first; None for a draw.
        seed: what is drawn by, so that several people review the same.
    """

    size: int = defaults.REVIEWED
    generation: int | None = None
    operation: str | None = None
    rule: str | None = None
    lowest: str | None = None
    seed: int = defaults.SEED

    def steps(self, run: Path) -> list[FamilyStep]:
        """Return the lines with their parents, in the order in which they are reviewed.

        Raises:
            UsageError: there is no such operation, rule or measure.
            InputError: the run cannot be read, or has no such generation or score.
        """
        place = {line_id: number for number, line_id in enumerate(self._ids(run))}
        families = Run(run).families() if place else iter(())
        chosen = [step for each in families for step in each.steps if step.line.id in place]
        return sorted(chosen, key=lambda step: place[step.line.id])

    def _ids(self, run: Path) -> Iterator[str]:
        named = {"generation": self.generation, "operation": self.operation, "rule": self.rule}
        browser = LineBrowser(
            run,
            {name: value for name, value in named.items() if value is not None},
            sample=None if self.lowest else self.size,
            seed=self.seed,
            sort=f"-{self.lowest}" if self.lowest else None,
            evolved=True,
        )
        return (entry.line.id for entry in islice(browser.entries(), self.size))
