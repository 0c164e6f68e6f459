"""The scale: puts texts that were ordered, or compared, at the places that make that likeliest.

A Bradley-Terry model with fixed points: a text at place a is found harder than one at place b with
the chance 1 / (1 + exp(-(a - b))), times a slope. The anchors, whose places are known, tie all
texts to one scale; a weak pull to its middle (the ridge) keeps what was always found hardest from
running away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import exp, sqrt
from typing import NamedTuple

from evolinstruct.reading import Order

LEAST, MOST = 0.0, 11.0
"""The ends of the scale, one beyond the first and the last anchor."""
MIDDLE = (LEAST + MOST) / 2
"""Where a text stands of which nothing is known."""
SLOPE = 1.5  # one anchor apart, a judge sees the harder one four times in five
_RIDGE = 0.02
_SWEEPS = 40
_CLOSE = 1e-4
_SURE = 1.645  # standard errors on either side: nine times in ten


class Comparison(NamedTuple):
    """How two texts were found to stand to each other.

    Attributes:
        one: the id of a text.
        other: the id of another one.
        won: 1 where the first is harder, 0 where the other is, 0.5 where they are level; of many,
            their mean.
        times: how often they were compared.
    """

    one: str
    other: str
    won: float
    times: float = 1.0


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
) -> dict[str, float]:
    """Return the likeliest place of each text that is not fixed.

    Args:
        found: how texts were found to stand to each other.
        fixed: the places of the anchors.
        start: places to begin at: the nearer, the sooner it ends.
    """
    against: defaultdict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for one, other, won, times in found:
        if one not in fixed:
            against[one].append((other, won, times))
        if other not in fixed:
            against[other].append((one, 1 - won, times))
    places = {**dict.fromkeys(against, MIDDLE), **(start or {}), **fixed}
    for _ in range(_SWEEPS):
        moved = 0.0
        for text, opponents in against.items():
            step = _step(places, text, opponents)
            places[text] += step
            moved = max(moved, abs(step))
        if moved < _CLOSE:
            break
    return {text: min(MOST, max(LEAST, places[text])) for text in against}


def _step(
    places: Mapping[str, float], text: str, opponents: Sequence[tuple[str, float, float]]
) -> float:
    """Return by how much a text moves: one step of Newton's, at most one anchor far."""
    here = places[text]
    pull, curve = _RIDGE * (MIDDLE - here), _RIDGE
    for other, won, times in opponents:
        chance = 1 / (1 + exp(-SLOPE * (here - places[other])))
        pull += times * SLOPE * (won - chance)
        curve += times * SLOPE**2 * chance * (1 - chance)
    return max(-1.0, min(1.0, pull / curve))


def intervals(
    found: Iterable[Comparison], fixed: Mapping[str, float], places: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """Return between which places each text lies, nine times in ten.

    By the information that its opponents give of it, each counted once: the same judge who sees the
    same two texts in the other order adds little that is new.
    """
    known = {**places, **fixed}
    met: defaultdict[str, set[str]] = defaultdict(set)
    for one, other, *_ in found:
        met[one].add(other)
        met[other].add(one)
    spans = {}
    for text, place in places.items():
        chances = (1 / (1 + exp(-SLOPE * (place - known[other]))) for other in sorted(met[text]))
        information = _RIDGE + sum(SLOPE**2 * chance * (1 - chance) for chance in chances)
        half = _SURE / sqrt(information)
        spans[text] = max(LEAST, place - half), min(MOST, place + half)
    return spans
