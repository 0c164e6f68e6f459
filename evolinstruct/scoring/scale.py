"""The scale: puts texts that were ordered, or compared, at the places that make that likeliest.

A Bradley-Terry model with fixed points: a text at place a is found harder than one at place b with
the chance 1 / (1 + exp(-(a - b))), times a slope. The anchors, whose places are known, tie all
texts to one scale; a weak pull to its middle (the ridge) keeps what was always found hardest from
running away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import exp
from random import Random
from typing import NamedTuple

from evolinstruct.reading import Order

LEAST, MOST = 0.0, 11.0
"""The ends of the scale, one beyond the first and the last anchor."""
_MIDDLE = (LEAST + MOST) / 2
_SLOPE = 1.5  # one anchor apart, a judge sees the harder one four times in five
_RIDGE = 0.02
_SWEEPS = 40
_CLOSE = 1e-4
_MOST_WORK = 3_000_000
"""Comparisons in all replicates of a bootstrap together: a few seconds."""
_REPLICATES = 200
_TAIL = 0.05  # of the replicates on either side of an interval


class Comparison(NamedTuple):
    """How two texts were found to stand to each other.

    Attributes:
        one: the id of a text.
        other: the id of another one.
        won: 1 where the first is harder, 0 where the other is, 0.5 where they are level.
    """

    one: str
    other: str
    won: float


def comparisons(order: Order) -> list[Comparison]:
    """Return what an order says of each two of its texts."""
    ranked = [(text, tier) for tier, texts in enumerate(order) for text in texts]
    return [
        Comparison(one, other, 0.5 if above == below else float(below > above))
        for place, (one, below) in enumerate(ranked)
        for other, above in ranked[place + 1 :]
    ]


def fit(
    found: Iterable[Comparison],
    fixed: Mapping[str, float],
    start: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return the likeliest place of each text that is not fixed.

    Args:
        found: how texts were found to stand to each other.
        fixed: the places of the anchors.
        start: places to begin at: the nearer, the sooner it ends.
        weights: how much each text counts as an opponent; 1 where it is not named.
    """
    against: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for one, other, won in found:
        if one not in fixed:
            against[one].append((other, won))
        if other not in fixed:
            against[other].append((one, 1 - won))
    places = {**dict.fromkeys(against, _MIDDLE), **(start or {}), **fixed}
    for _ in range(_SWEEPS):
        moved = 0.0
        for text, opponents in against.items():
            step = _step(places, text, opponents, weights)
            places[text] += step
            moved = max(moved, abs(step))
        if moved < _CLOSE:
            break
    return {text: min(MOST, max(LEAST, places[text])) for text in against}


def _step(
    places: Mapping[str, float],
    text: str,
    against: Sequence[tuple[str, float]],
    weights: Mapping[str, float] | None,
) -> float:
    """Return by how much a text moves: one step of Newton's, at most one anchor far."""
    here = places[text]
    pull, curve = _RIDGE * (_MIDDLE - here), _RIDGE
    for other, won in against:
        weight = 1.0 if weights is None else weights.get(other, 1.0)
        chance = 1 / (1 + exp(-_SLOPE * (here - places[other])))
        pull += weight * _SLOPE * (won - chance)
        curve += weight * _SLOPE**2 * chance * (1 - chance)
    return max(-1.0, min(1.0, pull / curve))


def intervals(
    found: Sequence[Comparison],
    fixed: Mapping[str, float],
    places: Mapping[str, float],
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return between which places each text lies in nine of ten bootstraps over its opponents.

    In each replicate every text counts as an opponent by a drawn weight (Bayesian bootstrap), so no
    text is left without any. The same seed draws the same weights. An interval holds the place.
    """
    draw = Random(seed)  # noqa: S311 - weights of a bootstrap, no secret
    times = max(20, min(_REPLICATES, _MOST_WORK // max(1, len(found))))
    texts = [*places, *fixed]
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(times):
        weights = {text: draw.expovariate(1.0) for text in texts}
        for text, place in fit(found, fixed, places, weights).items():
            seen[text].append(place)
    return {text: _span(sorted(values), places[text]) for text, values in seen.items()}


def _span(values: Sequence[float], place: float) -> tuple[float, float]:
    cut = int(len(values) * _TAIL)
    return min(values[cut], place), max(values[-1 - cut], place)
