"""A map of two dimensions: the plane in which the clusters lie furthest apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evolinstruct.diversity.clusters import Clusters
from evolinstruct.diversity.vectors import Vectors

_ENOUGH = 3
"""So many centres span a plane; where there are fewer, the vectors themselves do."""
_STEPS = 1_000
_ROUNDING = 1e-9


def places(vectors: Vectors, clusters: Clusters) -> tuple[NDArray[np.int64], float]:
    """Return each vector's place on the map, and how much of the spread the map shows.

    The plane is that of the first two principal components of the clusters' centres, each weighing
    as much as it has members. Places are whole numbers from -1,000 to 1,000, in both directions,
    and fill the map.
    """
    by_centres = len(clusters) >= _ENOUGH
    of = _units(clusters.centres if by_centres else vectors)
    weights = np.bincount(clusters.members) if by_centres else np.ones(len(vectors))
    middle = np.average(of, axis=0, weights=weights)
    _, spread, axes = np.linalg.svd((of - middle) * np.sqrt(weights)[:, None], full_matrices=False)
    found = (_units(vectors) - middle) @ _turned(axes[:2]).T
    if found.shape[1] < 2:  # noqa: PLR2004 - one vector has no plane
        found = np.zeros((len(vectors), 2))
    found -= (found.min(axis=0) + found.max(axis=0)) / 2
    furthest = np.abs(found).max()
    variance = (spread**2).sum()
    if furthest < _ROUNDING or not variance:  # all are equal
        return np.zeros((len(vectors), 2), np.int64), 1.0
    whole = np.rint(found / furthest * _STEPS).astype(np.int64)
    return whole, round(float((spread[:2] ** 2).sum() / variance), 4)


def _units(vectors: Vectors) -> NDArray[np.float64]:
    return np.asarray(vectors.floats * vectors.inverse_lengths[:, None], np.float64)


def _turned(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return axes whose largest part is positive: libraries differ in where they point."""
    largest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(len(axes)), largest])
    return np.asarray(axes * signs[:, None])
