"""Choice: which vectors to take, so that no two are alike or all others have one nearby."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heapreplace

import numpy as np
from numpy.typing import NDArray

from evolinstruct.diversity.vectors import Floats, Vectors, blocks, one_thread

APART = 0.9
"""A vector is taken if it is at most so alike to each that was taken before (Deita, 2023)."""
_BLOCK = 512
_AHEAD = 1_024
_CHOSEN = 2.0  # more than any likeness: what is chosen is not chosen again
_STEPS = 255
Steps = NDArray[np.uint8]


def apart(
    vectors: Vectors, order: Sequence[int], most: float = APART, count: int | None = None
) -> list[int]:
    """Walk vectors in an order; return those that are not too like any that was taken before.

    Every pair that matters is compared, exactly. The walk ends when enough are taken.

    Args:
        vectors: all of them.
        order: their places, the best first.
        most: how alike two that are taken may be.
        count: how many to take; None to walk to the end.
    """
    taken: list[int] = []
    wanted = len(order) if count is None else count
    with one_thread():
        for start, end in blocks(len(order), _BLOCK):
            if len(taken) >= wanted:
                break
            places = np.asarray(order[start:end], np.intp)
            taken += _taken_of(vectors, places, taken, most)[: wanted - len(taken)]
    return taken


def _taken_of(vectors: Vectors, places: np.ndarray, taken: Sequence[int], most: float) -> list[int]:
    """Return which of a few vectors are taken, after those that are taken already."""
    few = vectors[places]
    is_free = np.ones(len(few), bool)
    for start, end in blocks(len(taken)):
        nearest = few.likeness(vectors[np.asarray(taken[start:end])]).max(axis=1)
        is_free &= nearest <= most
    few, places = few[is_free], places[is_free]
    too_alike = few.likeness(few) > most
    open_still = np.ones(len(few), bool)
    chosen = []
    for place in range(len(few)):
        if open_still[place]:
            chosen.append(int(places[place]))
            open_still[place:] &= ~too_alike[place, place:]
    return chosen


def spread(vectors: Vectors, first: int, count: int) -> list[int]:
    """Choose so many vectors that every other one has one of them as near as can be (k-centre).

    Each next one is that which is least like those chosen so far (Gonzalez 1985: no choice leaves
    the furthest vector less than half as far away). Where two are equal, the earlier one is taken.

    Args:
        vectors: all of them.
        first: the place of the one to begin with.
        count: how many; all where there are fewer.
    """
    nearest: Floats = np.full(len(vectors), -2, np.float32)
    count = min(count, len(vectors))
    chosen: list[int] = []
    following = [first]
    with one_thread():
        while len(chosen) < count:
            chosen += following
            _bring_nearer(nearest, vectors, following)
            following = _furthest(nearest, vectors, count - len(chosen))
    return chosen


def _bring_nearer(nearest: Floats, vectors: Vectors, chosen: Sequence[int]) -> None:
    """Note how alike each vector is to the nearest that is chosen, of which these are new."""
    new = vectors[np.asarray(chosen)]
    for start, end in blocks(len(vectors)):
        alike = vectors[start:end].likeness(new).max(axis=1)
        np.maximum(nearest[start:end], alike, out=nearest[start:end])
    nearest[chosen] = _CHOSEN


def _furthest(nearest: Floats, vectors: Vectors, count: int) -> list[int]:
    """Return the next ones to choose, as many as the furthest tell by themselves.

    Whatever is chosen brings the others nearer. So one of the furthest is the next as long as it is
    further than any other one was before.
    """
    order = np.argsort(nearest, kind="stable")
    edge = nearest[order[_AHEAD]] if len(order) > _AHEAD else np.inf
    places = np.sort(order[:_AHEAD])
    few, own = vectors[places], nearest[places]
    chosen: list[int] = []
    while len(chosen) < count and (not chosen or own.min() < edge):
        place = int(own.argmin())
        chosen.append(int(places[place]))
        np.maximum(own, few.likeness(few[place : place + 1])[:, 0], out=own)
        own[place] = _CHOSEN
    return chosen


def cover(vectors: Vectors, count: int) -> list[int]:
    """Choose so many vectors that stand for all of them (facility location).

    Each next one adds most to the sum, over all vectors, of the likeness to the nearest chosen one;
    that comes to at least 63% of the largest sum there is (Nemhauser et al. 1978). Where two add
    equally much, the earlier one is taken. Likeness is counted in 255 steps from 0, which less than
    nothing in common counts as, to 1, so that sums are exact: 8 bits tell no more.

    Args:
        vectors: all of them; few enough that a byte for each pair fits in memory.
        count: how many; all where there are fewer.
    """
    alike = _steps(vectors)
    nearest = np.zeros(len(vectors), np.uint8)
    # What each may add at most, the most first; it adds less, the more is chosen (Minoux 1978).
    adds = [(-int(row.sum(dtype=np.uint32)), place) for place, row in enumerate(alike)]
    heapify(adds)
    chosen: list[int] = []
    while adds and len(chosen) < count:
        _, place = adds[0]
        found = (-_added(alike[place], nearest), place)
        if len(adds) > 1 and min(adds[1:3]) < found:
            heapreplace(adds, found)
        else:
            heappop(adds)
            chosen.append(place)
            np.maximum(nearest, alike[place], out=nearest)
    return chosen


def _added(row: Steps, nearest: Steps) -> int:
    return int((np.maximum(row, nearest) - nearest).sum(dtype=np.uint32))


def _steps(vectors: Vectors) -> Steps:
    """Return how alike each vector is to each, in whole steps from 0 to 255."""
    steps = np.empty((len(vectors), len(vectors)), np.uint8)
    with one_thread():
        for start, end in blocks(len(vectors), _BLOCK):
            alike = vectors[start:end].likeness(vectors[start:])
            alike *= _STEPS
            np.rint(alike.clip(0, out=alike), out=alike)
            steps[start:end, start:] = alike
            steps[start:, start:end] = steps[start:end, start:].T
    return steps
