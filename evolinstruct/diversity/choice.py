"""Choice: which vectors to take, so that no two are alike or all others have one nearby."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evolinstruct.diversity.vectors import Floats, Vectors, blocks, one_thread

APART = 0.9
"""A vector is taken if it is at most so alike to each that was taken before (Deita, 2023)."""
_BLOCK = 512


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
    chosen: list[int] = []
    following = first
    with one_thread():
        for _ in range(min(count, len(vectors))):
            chosen.append(following)
            one = vectors[np.asarray([following])]
            np.maximum(nearest, vectors.likeness(one)[:, 0], out=nearest)
            nearest[following] = 2  # more than anything: it is not chosen again
            following = int(nearest.argmin())
    return chosen
