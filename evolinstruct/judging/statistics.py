"""Statistics of verdicts: win rates with intervals, without the pull of length, and agreement.

The unit is the question: what several judges say of one, or of several pairs, is drawn together.
Intervals hold the true value 95 times in 100. Draws come from digests, so that they stay the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import exp, sqrt, tanh
from random import Random
from statistics import fmean, pstdev
from typing import NamedTuple

from evolinstruct.scoring import scale

DRAWS = 1_000
_OF_STRENGTHS = 300
_SURE = 1.96  # standard errors on either side: 95 times in 100
_POWER = 0.84  # and four times in five a difference of this size is seen
_IMAGINED = (0.0, 1.0)
"""A win and a loss on top of what was said: two wins of two are no proof of never losing."""
_RIDGE = 0.05
_STEPS = 25
_CLOSE = 1e-9
_FEWEST = 10
"""With fewer questions, the pull of length cannot be told."""


class Interval(NamedTuple):
    """A share with the ends of where it may lie."""

    value: float
    low: float
    high: float


def win_rate(points: Sequence[float], key: str) -> Interval:
    """Return the mean of points (1 a win, 0.5 a tie, 0 a loss), by a bootstrap over questions.

    Args:
        points: of each question; one at least.
        key: what the draws are made from.
    """
    random, pool = _random(key), [*points, *_IMAGINED]
    count = len(points)
    means = sorted(sum(random.choices(pool, k=count)) / count for _ in range(DRAWS))
    value = fmean(points)
    return Interval(value, *_ends(means, value))


def _random(key: str) -> Random:
    return Random(int.from_bytes(blake2b(key.encode(), digest_size=8).digest()))  # noqa: S311


def _ends(drawn: Sequence[float], value: float) -> tuple[float, float]:
    """Return the 2.5% and the 97.5% point of what was drawn, in order; the value lies between."""
    cut = len(drawn) // 40
    return min(value, drawn[cut]), max(value, drawn[-1 - cut])


def noise(points: Sequence[float]) -> float:
    """Return how far from one half a win rate may be by chance; the more ties, the less."""
    spread = sum((each - 0.5) ** 2 for each in (*points, *_IMAGINED)) / (len(points) + 2)
    return _SURE * sqrt(spread / len(points))


def visible(questions: int) -> float:
    """Return how far from one half a true win rate must be to be seen four times in five."""
    return min(0.5, (_SURE + _POWER) * 0.5 / sqrt(questions)) if questions else 0.5


# Without the pull of length


def length_controlled(points: Sequence[float], longer: Sequence[float]) -> Interval | None:
    """Return the win rate at equal lengths; None where too little is known.

    A logistic regression of the points on tanh(difference / its spread), as AlpacaEval does it
    (2024), without its terms for models and instructions; errors by the sandwich formula.

    Args:
        points: of each question.
        longer: by how much the first one's text is longer there.
    """
    spread = pstdev(longer) if len(longer) >= _FEWEST else 0.0
    if not spread:
        return None
    pull = [tanh(each / spread) for each in longer]
    level, slope = _regression(points, pull)
    error = _error(points, pull, level, slope)
    return Interval(*(_share(level + side * _SURE * error) for side in (0, -1, 1)))


def _share(logit: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, logit))))


def _curvature(pull: Sequence[float], level: float, slope: float) -> tuple[float, float, float]:
    """Return the three entries of the Hessian, the ridge included."""
    a, b, c = _RIDGE, 0.0, _RIDGE
    for x in pull:
        share = _share(level + slope * x)
        weight = share * (1 - share)
        a, b, c = a + weight, b + weight * x, c + weight * x * x
    return a, b, c


def _regression(points: Sequence[float], pull: Sequence[float]) -> tuple[float, float]:
    """Return level and slope of the likeliest curve, by Newton's method."""
    level = slope = 0.0
    for _ in range(_STEPS):
        errors = [y - _share(level + slope * x) for y, x in zip(points, pull, strict=True)]
        first = sum(errors) - _RIDGE * level
        second = sum(e * x for e, x in zip(errors, pull, strict=True)) - _RIDGE * slope
        a, b, c = _curvature(pull, level, slope)
        scale_ = a * c - b * b
        steps = (c * first - b * second) / scale_, (a * second - b * first) / scale_
        longest = max(1.0, *map(abs, steps))
        level, slope = level + steps[0] / longest, slope + steps[1] / longest
        if max(map(abs, steps)) < _CLOSE:
            break
    return level, slope


def _error(points: Sequence[float], pull: Sequence[float], level: float, slope: float) -> float:
    """Return the standard error of the level."""
    a, b, c = _curvature(pull, level, slope)
    scale_ = a * c - b * b
    total = 0.0
    for y, x in zip(points, pull, strict=True):
        error = y - _share(level + slope * x)
        total += (error * (c - b * x) / scale_) ** 2
    # Where all goes one way, what is left of errors tells nothing, but the curvature does.
    return max(sqrt(total), sqrt(c / scale_) if len(set(points)) == 1 else 0.0)


# Several contestants

Met = Mapping[tuple[str, str], float]
"""The points of the first of each two contestants, on one question."""


def strengths(met: Sequence[Met], key: str) -> dict[str, Interval]:
    """Return each contestant's win rate against an average one: Bradley-Terry over all pairs.

    Args:
        met: what came of each question.
        key: what the draws are made from.
    """
    names = sorted({name for each in met for pair in each for name in pair})
    random = _random(key)
    drawn = [_places(random.choices(met, k=len(met)), names) for _ in range(_OF_STRENGTHS)]
    return {
        name: Interval(value, *_ends(sorted(each[name] for each in drawn), value))
        for name, value in _places(met, names).items()
    }


def _places(met: Sequence[Met], names: Sequence[str]) -> dict[str, float]:
    points: dict[tuple[str, str], list[float]] = {}
    for each in met:
        for pair, won in each.items():
            points.setdefault(pair, []).append(won)
    found = scale.fit(
        [scale.Comparison(*pair, fmean(won), len(won)) for pair, won in points.items()], {}
    )
    middle = fmean(found.get(name, scale.MIDDLE) for name in names)
    return {name: _share(scale.SLOPE * (found.get(name, scale.MIDDLE) - middle)) for name in names}
