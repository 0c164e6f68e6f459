"""What is asked of tuning: of which seeds and pack, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from evolinstruct import defaults


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be tuned, and how much is done.

    Attributes:
        seeds: the seed files.
        out: the folder of the tuned pack.
        mini_batch: how many instructions are evolved to be analysed, in each step.
        rounds: how often each of them is evolved.
        development: on how many other instructions a method is tried.
        steps: how often the method is rewritten at most.
        candidates: how many methods are written in a step.
        gain: whether a rewrite that is ranked no harder than its seed fails.
    """

    seeds: tuple[str, ...]
    out: str
    mini_batch: int = defaults.TUNING_BATCH
    rounds: int = defaults.TUNING_ROUNDS
    development: int = defaults.TUNING_DEVELOPMENT
    steps: int = defaults.TUNING_STEPS
    candidates: int = defaults.TUNING_CANDIDATES
    gain: bool = False

    def sizes(self) -> dict[str, int]:
        """Return how much is done, by the names of the flags."""
        return {name: getattr(self, name) for name in SIZES}


SIZES = tuple(each.name for each in fields(Wish) if each.name not in ("seeds", "out"))
"""The names of what says how much is done."""
