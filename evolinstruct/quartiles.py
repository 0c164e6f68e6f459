"""Quartiles of numbers that were counted, and how many of them lie within a band.

Numbers are counted rather than listed: quartiles are exact however many numbers there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BAND = (10, 20)
"""So many words an in-depth prompt asks a rewrite to add, unless its pack says otherwise (paper,
section 3.1)."""


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The least, the quartiles and the most of some numbers, and how many there are."""

    count: int
    least: float
    lower: float
    median: float
    upper: float
    most: float

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Quartiles | None:
        """Return the quartiles of counted numbers, None if there are none.

        Between two numbers they are interpolated, as the inclusive method of Python's
        `statistics.quantiles` does.
        """
        total = sum(counts.values())
        if not total:
            return None
        numbers = sorted(counts)
        return cls(total, *(_at(numbers, counts, share * (total - 1) / 4) for share in range(5)))


def _at(numbers: list[int], counts: Mapping[int, int], position: float) -> float:
    """Return the number at a position, from 0, of all numbers in order."""
    whole = int(position)
    passed = 0
    for place, number in enumerate(numbers):
        passed += counts[number]
        if passed > whole + 1 or (passed > whole and position == whole):
            return float(number)
        if passed > whole:
            return number + (numbers[place + 1] - number) * (position - whole)
    return float(numbers[-1])


@dataclass(frozen=True, slots=True)
class Band:
    """How many evolutions grew by fewer words than the band, by as many as it asks, and by more."""

    below: int
    within: int
    above: int

    @classmethod
    def of(cls, added: Mapping[int, int], asked: tuple[int, int]) -> Band | None:
        """Sort counted growths by what was asked for, in words; return None if there are none."""
        least, most = asked
        below = sum(count for words, count in added.items() if words < least)
        above = sum(count for words, count in added.items() if words > most)
        total = sum(added.values())
        return cls(below, total - below - above, above) if total else None

    @property
    def outside(self) -> float:
        """The share of evolutions outside the band."""
        return (self.below + self.above) / (self.below + self.within + self.above)
