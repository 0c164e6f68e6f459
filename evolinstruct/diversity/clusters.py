"""Clusters: groups of like instructions, by spherical k-means in whole numbers.

Centres are vectors of 8 bits like any other, sums are exact, and what is drawn is drawn by
digests: the same vectors are divided in the same way on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from evolinstruct.diversity.vectors import Floats, Numbers, Vectors, blocks, quantised

LEARNED_FROM = 10_000
"""Centres are found on at most so many vectors; every other one joins the centre nearest to it."""
_ROUNDS = 30
_ROUNDING = 1e-5
"""Vectors that lie no further apart are equal but for rounding; only one of them is drawn."""


@dataclass(frozen=True)
class Clusters:
    """Vectors, divided; the largest cluster comes first, and none is empty.

    Attributes:
        centres: a vector for each cluster.
        members: for each vector, the number of its cluster.
        closeness: for each vector, how alike it is to the centre of its cluster.
    """

    centres: Vectors
    members: Numbers
    closeness: Floats

    def __len__(self) -> int:
        return len(self.centres)

    def most_central(self, cluster: int) -> int:
        """Return the place of the vector nearest to a cluster's centre."""
        return int(np.where(self.members == cluster, self.closeness, -2).argmax())


def divided(vectors: Vectors, learned_from: NDArray[np.intp], wanted: int, seed: int) -> Clusters:
    """Divide vectors into clusters: as many as are wanted, or as there are different vectors.

    Args:
        vectors: at least one.
        learned_from: the places of those on which centres are found.
        wanted: how many clusters.
        seed: what the first centres are drawn by.
    """
    sample = vectors[learned_from]
    centres = _first_centres(sample, wanted, seed)
    for _ in range(_ROUNDS):
        moved = _moved(centres, sample)
        if np.array_equal(moved.rows, centres.rows):
            break
        centres = moved
    return _by_size(centres, *_joined(centres, vectors))


def _first_centres(sample: Vectors, wanted: int, seed: int) -> Vectors:
    """Draw vectors, each as likely as it is far from those drawn before (k-means++)."""
    distance = np.ones(len(sample))
    drawn: list[int] = []
    while len(drawn) < wanted and distance.any():
        passed = np.cumsum(distance)
        point = _digest(f"{seed}/{len(drawn)}/centre") * passed[-1]
        drawn.append(min(int(np.searchsorted(passed, point, "right")), len(sample) - 1))
        apart = 1 - sample.likeness(sample[np.asarray(drawn[-1:])])[:, 0]
        distance = np.minimum(distance, np.where(apart > _ROUNDING, apart, 0))
    return sample[np.asarray(drawn)]


def _digest(what: str) -> float:
    """Return a number from 0 to 1 that stands for a text."""
    return int.from_bytes(blake2b(what.encode(), digest_size=6).digest()) / 2**48


def _joined(centres: Vectors, vectors: Vectors) -> tuple[Numbers, Floats]:
    """Return, for each vector, the centre nearest to it, and how alike they are."""
    members = np.empty(len(vectors), np.int64)
    closeness = np.empty(len(vectors), np.float32)
    for start, end in blocks(len(vectors)):
        alike = vectors[start:end].likeness(centres)
        members[start:end] = alike.argmax(axis=1)
        closeness[start:end] = alike.max(axis=1)
    return members, closeness


def _moved(centres: Vectors, sample: Vectors) -> Vectors:
    """Return each centre in the middle of its members; one without members stays."""
    members, _ = _joined(centres, sample)
    is_in = (members[None, :] == np.arange(len(centres))[:, None]).astype(np.float32)
    sums = is_in @ sample.floats  # whole numbers below 2**24
    middle = quantised(sums)
    return Vectors(np.where(sums.any(axis=1, keepdims=True), middle, centres.rows))


def _by_size(centres: Vectors, members: Numbers, closeness: Floats) -> Clusters:
    sizes = np.bincount(members, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")[: int((sizes > 0).sum())]
    place = np.zeros(len(centres), np.int64)
    place[order] = np.arange(len(order))
    return Clusters(centres[order], place[members], closeness)
