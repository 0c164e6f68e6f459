"""Vectors of 8-bit whole numbers, and how alike two of them are.

A vector is scaled so that its largest part is 127, and rounded. The product of two such vectors is
exact in 32-bit floating point, whatever order it is summed in: no partial sum is larger than the
product of their lengths, which is at most 2**24. So the same vectors are alike to the same degree
on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

_LARGEST = 127
_LONGEST = 4_000
"""A vector's length at most, before rounding: with it, up to 36,000 dimensions keep to 2**12."""
_BLOCK = 4_096


def quantised(found: NDArray[np.floating]) -> NDArray[np.int8]:
    """Return vectors of any length as whole numbers; one that is nothing but zeros stays so."""
    exact = found.astype(np.float64)
    top = np.abs(exact).max(axis=1, initial=0, keepdims=True)
    length = np.sqrt((exact * exact).sum(axis=1, keepdims=True))
    scale = np.minimum(_LARGEST / np.maximum(top, 1e-300), _LONGEST / np.maximum(length, 1e-300))
    return np.rint(exact * np.where(top > 0, scale, 0)).astype(np.int8)


class Vectors:
    """Vectors, a row each.

    Attributes:
        rows: of shape (vectors, dimensions).
    """

    def __init__(self, rows: NDArray[np.int8], inverse_lengths: Floats | None = None) -> None:
        """Take rows; their inverse lengths too, where they are known."""
        self.rows = rows
        self._inverse_lengths = inverse_lengths

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: slice | NDArray[np.integer]) -> Vectors:
        return Vectors(self.rows[which], self.inverse_lengths[which])

    @property
    def inverse_lengths(self) -> Floats:
        """One over each vector's length; 0 for one of zeros."""
        if self._inverse_lengths is None:
            self._inverse_lengths = np.empty(len(self), np.float32)
            for start, end in blocks(len(self)):
                self._inverse_lengths[start:end] = _inverse_lengths(self.rows[start:end])
        return self._inverse_lengths

    @cached_property
    def floats(self) -> Floats:
        """The same whole numbers in floating point, which multiplies faster."""
        return self.rows.astype(np.float32)

    def likeness(self, other: Vectors) -> Floats:
        """Return how alike each is to each other one, from -1 to 1: the cosine of their angle."""
        products: Floats = self.floats @ other.floats.T
        products *= self.inverse_lengths[:, None]
        products *= other.inverse_lengths[None, :]
        np.minimum(products, 1, out=products)
        return products


def blocks(count: int, size: int = _BLOCK) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of blocks that are small enough to be widened in memory."""
    for start in range(0, count, size):
        yield start, min(start + size, count)


def _inverse_lengths(rows: NDArray[np.int8]) -> NDArray[np.float64]:
    wide = rows.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide).astype(np.float64))
    return np.asarray(np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0))


def one_thread() -> AbstractContextManager[object]:
    """Keep matrix products to one thread while the block lasts.

    Then floating-point sums have one order, however many cores there are, and a busy machine is
    not slowed down by threads that wait for each other.
    """
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
