"""The instructions of tuning: a development set that methods are tried on, and mini-batches."""

from __future__ import annotations

from evolinstruct.errors import UsageError
from evolinstruct.filters import draw_sample
from evolinstruct.records import Kept
from evolinstruct.run.seed_lines import SeedLines


class Sample:
    """Draws instructions from seeds; what methods are tried on is never learnt from.

    Attributes:
        development: what every method is tried on.
    """

    def __init__(self, seeds: SeedLines, development: int, batch: int, seed: int) -> None:
        """Draw the development set.

        Raises:
            UsageError: there are too few seeds.
            InputError: a seed file is wrong.
        """
        self._seeds = seeds
        self._batch = batch
        self._seed = seed
        self.development = draw_sample(
            seeds.read(), development, seed, lambda line: f"{line.id}/development"
        )
        self._held = {line.id for line in self.development}
        others = sum(line.id not in self._held for line in seeds.read())
        if others < batch:
            raise UsageError(
                f"Tuning needs {development:,} instructions to try methods on and {batch:,} others"
                f" to learn from, and there are {len(self._held) + others:,} seeds; add seeds, or"
                " lower --development or --mini-batch."
            )

    def batch(self, step: int) -> list[Kept]:
        """Return the mini-batch of a step.

        Raises:
            InputError: a seed file can no longer be read.
        """
        others = (line for line in self._seeds.read() if line.id not in self._held)
        return draw_sample(others, self._batch, self._seed, lambda line: f"{line.id}/step-{step}")
