"""The scale: puts texts that were ordered, or compared, at the places that make that likeliest.

A Bradley-Terry model with fixed points: a text at place a is found harder than one at place b with
the chance 1 / (1 + exp(-(a - b))), times a slope. The anchors, whose places are known, tie all
texts to one scale; a weak pull to its middle (the ridge) keeps what was always found hardest from
running away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import exp, sqrt
from typing import NamedTuple

from evolinstruct.draws import SAMPLES, draw_times
from evolinstruct.intervals import SURE
from evolinstruct.reading import Order

LEAST, MOST = 0.0, 11.0
"""The ends of the scale, one beyond the first and the last anchor."""
MIDDLE = (LEAST + MOST) / 2
"""Where a text stands of which nothing is known."""
SLOPE = 1.5  # one anchor apart, a judge sees the harder one four times in five
_RIDGE = 0.02
_SWEEPS = 40
_CLOSE, _NEAR = 1e-4, 1e-2


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
    close: float = _CLOSE,
) -> dict[str, float]:
    """Return the likeliest place of each text that is not fixed.

    Args:
        found: how texts were found to stand to each other.
        fixed: the places of the anchors.
        start: places to begin at: the nearer, the sooner it ends.
        close: how little texts have to move for it to end.
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
        if moved < close:
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
    found: Collection[Comparison],
    fixed: Mapping[str, float],
    places: Mapping[str, float],
    seed: int,
) -> dict[str, tuple[float, float]]:
    """Return between which places each text lies, nine times in ten.

    The error is the larger one of two, because each misses something: by what its opponents tell of
    a text, it does not grow where a judge errs more than the model says; by a bootstrap, it is too
    small for what was always found hardest or easiest.

    Args:
        found: how texts were found to stand to each other.
        fixed: the places of the anchors.
        places: those of the texts, as `fit` returns them.
        seed: what the bootstrap is drawn from.
    """
    pairs: defaultdict[tuple[str, str], list[Comparison]] = defaultdict(list)
    for each in found:  # the second order adds little that is new: both count together
        pairs[min(each.one, each.other), max(each.one, each.other)].append(each)
    told = _errors_told(pairs, fixed, places)
    drawn = _errors_drawn(pairs, fixed, places, seed)
    spans = {}
    for text, place in places.items():
        half = SURE * max(told[text], drawn[text])
        spans[text] = max(LEAST, place - half), min(MOST, place + half)
    return spans


_Pairs = Mapping[tuple[str, str], list[Comparison]]


def _errors_told(
    pairs: _Pairs, fixed: Mapping[str, float], places: Mapping[str, float]
) -> dict[str, float]:
    """Return the standard error of each place, by the information of its pairs."""
    known = {**places, **fixed}
    information = dict.fromkeys(known, _RIDGE)
    for one, other in pairs:
        chance = 1 / (1 + exp(-SLOPE * (known[one] - known[other])))
        for text in (one, other):
            information[text] += SLOPE**2 * chance * (1 - chance)
    return {text: 1 / sqrt(information[text]) for text in places}


def _errors_drawn(
    pairs: _Pairs, fixed: Mapping[str, float], places: Mapping[str, float], seed: int
) -> dict[str, float]:
    """Return the standard error of each place, by a bootstrap over the pairs."""
    times = [draw_times(seed, ":".join(pair)) for pair in pairs]
    squares = dict.fromkeys(places, 0.0)
    for sample in range(SAMPLES):
        drawn = zip(pairs.values(), times, strict=True)
        found = (each for said, often in drawn for each in said * often[sample])
        moved = fit(found, fixed, places, _NEAR)
        for text, place in places.items():
            squares[text] += (moved.get(text, MIDDLE) - place) ** 2
    return {text: sqrt(square / SAMPLES) for text, square in squares.items()}
