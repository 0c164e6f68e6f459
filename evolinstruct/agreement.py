"""Agreement: how far two who judge the same things say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Agreement(NamedTuple):
    """How far two judges or reviewers agree.

    Attributes:
        things: of how many things both say something.
        same: the share of which they say the same.
        kappa: the same beyond chance, 1 for always (Cohen, 1960); None where chance alone explains
            all.
    """

    things: int
    same: float
    kappa: float | None


def agreement(said: Sequence[tuple[str, str]]) -> Agreement | None:
    """Return how far two agree who each said this of the same things; None of no thing."""
    if not said:
        return None
    count = len(said)
    same = sum(one == other for one, other in said) / count
    ours, theirs = (Counter(each[side] for each in said) for side in (0, 1))
    chance = sum(ours[name] * theirs[name] for name in ours) / count**2
    return Agreement(count, same, (same - chance) / (1 - chance) if chance < 1 else None)
