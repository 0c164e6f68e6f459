"""Nearness: which of many vectors are so alike to another one, told exactly, with little in memory.

Each vector has a sketch of 256 bits: on which side of 256 planes it lies, which digests draw. Two
vectors differ in a bit as likely as their angle is a part of the half turn, so those that are alike
differ in few. Sketches tell which are looked at; whole numbers decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from hashlib import shake_128
from math import acos, pi, sqrt
from tempfile import TemporaryFile
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

_BITS = 256
_BYTES = _BITS // 8
_SURE = 6
"""Standard deviations: a pair that is just alike enough is missed once in a thousand million."""
_AT_ONCE = 32_768


class NearVectors:
    """Vectors that are added one after the other, and found by what is like them.

    Their sketches lie in a temporary file, so memory is the same for any number of them.
    """

    def __init__(self, least: float) -> None:
        """Say how alike those are that are to be found, above 0 and up to 1."""
        chance = acos(least) / pi
        self._most = int(_BITS * chance + _SURE * sqrt(_BITS * chance * (1 - chance)))
        self._file = TemporaryFile()  # noqa: SIM115 - it goes with this
        finalize(self, self._file.close)
        self._planes: NDArray[np.float32] | None = None

    def clear(self) -> None:
        """Forget all of them."""
        self._file.seek(0)
        self._file.truncate()

    def add(self, vectors: Sequence[bytes]) -> None:
        """Add vectors; the first one ever added has the number 0."""
        if vectors:
            self._file.seek(0, 2)
            self._file.write(self._sketches(vectors).tobytes())

    def candidates(self, vector: bytes) -> list[int]:
        """Return the numbers of those that may be so alike to a vector, in their order."""
        own = self._sketches([vector]).view(np.uint64)
        found: list[int] = []
        start = 0
        self._file.seek(0)
        while part := self._file.read(_AT_ONCE * _BYTES):
            others = np.frombuffer(part, np.uint64).reshape(-1, _BYTES // 8)
            differing = np.bitwise_count(others ^ own).sum(axis=1, dtype=np.uint16)
            found += (start + np.flatnonzero(differing <= self._most)).tolist()
            start += len(others)
        return found

    def _sketches(self, vectors: Sequence[bytes]) -> NDArray[np.uint8]:
        rows = np.frombuffer(b"".join(vectors), np.int8).reshape(len(vectors), -1)
        if self._planes is None:
            self._planes = _planes(rows.shape[1])
        return np.packbits(rows.astype(np.float32) @ self._planes.T > 0, axis=1)


def _planes(dimensions: int) -> NDArray[np.float32]:
    """Return 256 planes: 1 or -1 for each dimension, so that products with them are exact."""
    size = -(-dimensions // 8)
    digests = b"".join(shake_128(f"plane/{n}".encode()).digest(size) for n in range(_BITS))
    bits = np.unpackbits(np.frombuffer(digests, np.uint8).reshape(_BITS, size), axis=1)
    return bits[:, :dimensions].astype(np.float32) * 2 - 1


def is_near(one: bytes, other: bytes, least: Fraction) -> bool:
    """Tell whether the cosine of two vectors is at least so much (above 0), in whole numbers."""
    product, squares = _products(one, other)
    return product > 0 and product * product >= least * least * squares


def cosine(one: bytes, other: bytes) -> float:
    """Return the cosine of two vectors, neither of which is zero."""
    product, squares = _products(one, other)
    return product / sqrt(squares)


def _products(one: bytes, other: bytes) -> tuple[int, int]:
    """Return the product of two vectors, and the product of their squared lengths."""
    a, b = (np.frombuffer(vector, np.int8).astype(np.int64) for vector in (one, other))
    return int(a @ b), int(a @ a) * int(b @ b)
