"""Boosted trees: each makes up for what those before it got wrong, by a few questions.

A tree is a number, or a list: the feature that it asks for, a bound, the tree for what is at most
that, and the tree for what is more. The same rows give the same trees on every machine.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum

from evolinstruct.elimination.unanswered import Tree
from training.linear import softmax

Example = tuple[Mapping[str, float], Mapping[str, float], bool, float]
"""Features that all trees may ask for, others, whether it is of the kind, and a weight."""
_Mark = tuple[bool, float]
"""Whether an example is of the kind, and its weight."""
_FIRST, _LAST = 60, 400  # trees
_LEAVES = 12  # of a tree
_LEAST = 15  # examples in a leaf
_PARTS = 32  # of the values of a feature
_RATE = 0.06
_RIDGE = 1.0
_DIGITS = 4


def boost(examples: Sequence[Example]) -> tuple[list[Tree], list[Tree]]:
    """Return trees that ask for some features alone, and those that may ask for all.

    The sum of all is above 0 for what is rather of the kind.
    """
    draw = random.Random(0)
    marks = [(is_one, weight) for *_, is_one, weight in examples]
    scores = [0.0] * len(examples)
    some, others = ([each[part] for each in examples] for part in range(2))
    if twice := some[0].keys() & others[0].keys():
        raise ValueError(f"two features have one name: {', '.join(sorted(twice))}")
    features = [_Feature.of(name, some) for name in some[0]]

    def grow() -> Tree:
        tree = _Tree(marks, scores, draw.sample(features, len(features) // 2))
        for leaf in tree.leaves:
            for row in leaf.rows:
                scores[row] += leaf.value
        return tree.root.to_json()

    first = [grow() for _ in range(_FIRST)]
    features += [_Feature.of(name, others) for name in others[0]]
    return first, [grow() for _ in range(_LAST)]


@dataclass
class _Feature:
    """A feature, and in which part of its values each example has it."""

    name: str
    bounds: list[float]
    parts: list[int]

    @classmethod
    def of(cls, name: str, found: Sequence[Mapping[str, float]]) -> _Feature:
        values = [each[name] for each in found]
        ranked = sorted(set(values))
        if len(ranked) > _PARTS:
            ranked = sorted(values)
            ranked = sorted({ranked[len(ranked) * part // _PARTS] for part in range(_PARTS)})
        bounds = [round((one + other) / 2, _DIGITS) for one, other in pairwise(ranked)]
        return cls(name, bounds, [bisect_left(bounds, value) for value in values])


@dataclass
class _Leaf:
    """Examples that answer a tree's questions alike; with `bound`, they are asked one more."""

    rows: list[int]
    value: float
    gain: float = 0.0
    name: str = ""
    bound: float = 0.0
    parted: tuple[list[int], list[int]] = ([], [])
    below: tuple[_Leaf, _Leaf] | None = None

    def to_json(self) -> Tree:
        if self.below is None:
            return round(self.value, _DIGITS)
        low, high = self.below
        return [self.name, self.bound, low.to_json(), high.to_json()]


class _Tree:
    """A tree, grown where a question gains most."""

    def __init__(
        self, marks: Sequence[_Mark], scores: Sequence[float], features: Sequence[_Feature]
    ) -> None:
        self._features = features
        self._slopes, self._curves = [], []
        for (is_one, weight), score in zip(marks, scores, strict=True):
            likely = softmax([score])[0]
            self._slopes.append((is_one - likely) * weight)
            self._curves.append(likely * (1 - likely) * weight)
        self.root = self._leaf([*range(len(marks))])
        self.leaves = [self.root]
        while len(self.leaves) < _LEAVES:
            best = max(self.leaves, key=lambda leaf: leaf.gain)
            if not best.gain:
                break
            low, high = map(self._leaf, best.parted)
            best.below = low, high
            self.leaves.remove(best)
            self.leaves += [low, high]

    def _leaf(self, rows: list[int]) -> _Leaf:
        slope, curve = (
            fsum(map(self._slopes.__getitem__, rows)),
            fsum(map(self._curves.__getitem__, rows)),
        )
        leaf = _Leaf(rows, _RATE * slope / (curve + _RIDGE))
        asked, part = None, 0
        for feature in self._features:
            gain, after = self._gain(rows, feature, slope, curve)
            if gain > leaf.gain:
                leaf.gain, asked, part = gain, feature, after
        if asked is not None:
            leaf.name, leaf.bound = asked.name, asked.bounds[part]
            leaf.parted = (
                [row for row in rows if asked.parts[row] <= part],
                [row for row in rows if asked.parts[row] > part],
            )
        return leaf

    def _gain(
        self, rows: Sequence[int], feature: _Feature, slope: float, curve: float
    ) -> tuple[float, int]:
        """Return what a question for a feature gains at most, and the last part of its low side."""
        slopes, curves, counts = ([0.0] * (len(feature.bounds) + 1) for _ in range(3))
        for row in rows:
            part = feature.parts[row]
            slopes[part] += self._slopes[row]
            curves[part] += self._curves[row]
            counts[part] += 1
        best, after = 0.0, 0
        whole = slope * slope / (curve + _RIDGE)
        low_slope = low_curve = low = 0.0
        for part in range(len(feature.bounds)):
            low_slope += slopes[part]
            low_curve += curves[part]
            low += counts[part]
            if low < _LEAST or len(rows) - low < _LEAST:
                continue
            high_slope, high_curve = slope - low_slope, curve - low_curve
            gain = low_slope * low_slope / (low_curve + _RIDGE) - whole
            gain += high_slope * high_slope / (high_curve + _RIDGE)
            if gain > best:
                best, after = gain, part
        return best, after
