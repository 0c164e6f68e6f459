"""Phrases: how often texts repeat each other in words, measured on a sample that a seed draws.

The sample is drawn by digests of the texts. So either all copies of a text are in it or none, and
the share of copies in the sample is that of all texts. Only the sample is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heappush, heapreplace

_LONGEST = 3


@dataclass(frozen=True, slots=True)
class Distinctness:
    """How diverse a sample of texts is.

    Attributes:
        texts: how many texts are in the sample, copies included.
        copies: the share of them that repeat another; white space and case make no difference.
        distinct: the share of different phrases among all, of one, two and three words.
    """

    texts: int
    copies: float
    distinct: tuple[float, ...]


class Phrases:
    """Samples texts that come one by one, and measures the sample."""

    def __init__(self, size: int, seed: int) -> None:
        """Sample at most so many different texts; another seed draws other texts."""
        self._size = size
        self._key = seed.to_bytes(16, "big", signed=True)
        self._heap: list[int] = []  # the negated digests of the sample, the largest first
        self._texts: dict[int, tuple[str, int]] = {}

    def add(self, text: str) -> None:
        """Take in a text."""
        plain = " ".join(text.lower().split())
        self._put(self._digest(plain), plain, 1)

    def __add__(self, other: Phrases) -> Phrases:
        """Return the sample of all texts that either has taken in."""
        both = Phrases(self._size, int.from_bytes(self._key, "big", signed=True))
        for sample in (self, other):
            for digest, (text, count) in sample._texts.items():
                both._put(digest, text, count)
        return both

    def measured(self) -> Distinctness | None:
        """Return how diverse the sample is; None without a text."""
        if not self._texts:
            return None
        total = sum(count for _, count in self._texts.values())
        shares = tuple(self._distinct(length) for length in range(1, _LONGEST + 1))
        return Distinctness(total, 1 - len(self._texts) / total, shares)

    def _digest(self, text: str) -> int:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key)
        return int.from_bytes(digest.digest())

    def _put(self, digest: int, text: str, count: int) -> None:
        if digest in self._texts:
            self._texts[digest] = (text, self._texts[digest][1] + count)
        elif len(self._heap) < self._size:
            heappush(self._heap, -digest)
            self._texts[digest] = (text, count)
        elif digest < -self._heap[0]:
            # A text that leaves never comes back, so the counts of those that stay are complete.
            del self._texts[-heapreplace(self._heap, -digest)]
            self._texts[digest] = (text, count)

    def _distinct(self, length: int) -> float:
        seen, total = set(), 0
        for phrase, count in self._each(length):
            seen.add(phrase)
            total += count
        return len(seen) / total if total else 0.0

    def _each(self, length: int) -> Iterator[tuple[tuple[str, ...], int]]:
        for text, count in self._texts.values():
            words = text.split()
            for start in range(len(words) - length + 1):
                yield tuple(words[start : start + length]), count
