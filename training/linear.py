"""Linear classifiers: softmax regression over features that are there or not, by gradient descent.

The same rows give the same weights on every machine, because only operations are used that all
round alike.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from math import fsum

from evolinstruct.elimination.talk import STEP, ZERO, damping

Row = tuple[str, Sequence[str], float]
"""A kind, features, and a weight."""
Weights = dict[str, list[float]]
"""Of each feature, one for each kind."""
_ENOUGH = 0.01  # a smaller error is none
_MOST = 31  # steps
_TRIFLE = 2  # steps: a feature whose weights are no more says next to nothing


def train(
    rows: Sequence[Row], kinds: Sequence[str], *, bias: float, met: int, rounds: int
) -> Weights:
    """Return the weights of features for each kind; what is of no kind is of none of them.

    Args:
        rows: the examples.
        kinds: those that are told.
        bias: the score of a text without features.
        met: features of fewer rows say nothing.
        rounds: how often each row is looked at.
    """
    found = Counter(feature for _, features, _ in rows for feature in set(features))
    numbers = {feature: number for number, feature in enumerate(found) if found[feature] >= met}
    known = [[numbers[each] for each in features if each in numbers] for _, features, _ in rows]
    weights = [[0.0] * len(found) for _ in kinds]
    order = list(range(len(rows)))
    draw = random.Random(0)
    for turn in range(rounds):
        draw.shuffle(order)
        for row in order:
            kind, features, weight = rows[row]
            scale = damping(len(features))
            scores = [bias + scale * fsum([own[at] for at in known[row]]) for own in weights]
            for own, name, likely in zip(weights, kinds, softmax(scores), strict=True):
                step = (likely - (name == kind)) * weight * scale * (1 - turn / rounds)
                for at in known[row] if abs(step) > _ENOUGH * scale else ():
                    own[at] -= step
    return {feature: [own[number] for own in weights] for feature, number in numbers.items()}


def softmax(scores: Sequence[float]) -> list[float]:
    """Return how likely each kind is; what is of none is left over."""
    powers = [exp(score) for score in scores]
    total = fsum([1.0, *powers])
    return [power / total for power in powers]


def exp(exponent: float) -> float:
    """Return e to a power, nearly: machines differ in the last digit of `math.exp`."""
    power = 1 + max(-30.0, min(30.0, exponent)) / 1024
    for _ in range(10):
        power *= power
    return power


def lines(*classifiers: Weights) -> Iterator[str]:
    """Yield a feature, a tab and a character for each of its weights in some classifiers."""
    none = [[0.0] * len(next(iter(weights.values()))) for weights in classifiers]
    for feature in sorted(set().union(*classifiers)):
        own = [
            weight
            for weights, zeros in zip(classifiers, none, strict=True)
            for weight in weights.get(feature, zeros)
        ]
        steps = [max(-_MOST, min(_MOST, round(weight / STEP))) for weight in own]
        if max(map(abs, steps)) > _TRIFLE:
            yield f"{feature}\t{''.join(chr(ZERO + step) for step in steps)}"
