"""Intervals: between which values a figure lies nine times in ten, for what it is measured on."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt

from evolinstruct.quartiles import Quartiles

SURE = 1.645
"""Standard errors on either side of a figure: nine times in ten, of a normal distribution."""
Interval = tuple[float, float]


def of_share(share: float, times: int) -> Interval:
    """Return the interval of a share of so many, after Wilson."""
    square = SURE**2
    middle = (share + square / (2 * times)) / (1 + square / times)
    half = SURE * sqrt(share * (1 - share) / times + square / (4 * times**2)) / (1 + square / times)
    return max(0.0, middle - half), min(1.0, middle + half)


def of_median(found: Quartiles) -> Interval:
    """Return the interval of a median, after McGill, Tukey and Larsen.

    Its standard error is that of a normal distribution with the same quartiles. Whole numbers that
    were counted stand for what lies half a step around them, so that it is never narrower.
    """
    error = 1.2533 * (found.upper - found.lower) / 1.349 / sqrt(found.count)
    half = max(SURE * error, 0.5)
    return found.median - half, found.median + half


def do_meet(intervals: Iterable[Interval]) -> bool:
    """Tell whether intervals share a value; none or one of them does."""
    found = list(intervals)
    return not found or max(low for low, _ in found) <= min(high for _, high in found)
