"""Test items that a text is like without sharing words in a row: reworded, reordered, renamed.

By MinHash and an exact look at what it finds (`evolinstruct.likeness`). Knows texts by numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evolinstruct.likeness import Likeness, jaccard, shingles_of

LIKENESS = 0.8
"""So alike a text is to be to an item, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Near:
    """A test item that a text is like.

    Attributes:
        item: the number of the item.
        likeness: the share of their word shingles that both have.
    """

    item: int
    likeness: float


class NearIndex:
    """The sketches of some texts, here called items, known by their numbers from 0."""

    def __init__(self, texts: Sequence[str], threshold: float) -> None:
        """Take up the items, to find those that are at least as alike as the threshold says."""
        self._texts = texts
        self._threshold = threshold
        self._likeness = Likeness(threshold)
        self._by_key: dict[int, list[int]] = {}
        for number, text in enumerate(texts):
            for key in self._likeness.sketch(text).keys:
                self._by_key.setdefault(key, []).append(number)

    def find(self, text: str) -> Near | None:
        """Return the item that a text is most like, the first of equals, or None."""
        sketch = self._likeness.sketch(text)
        numbers = {number for key in sketch.keys for number in self._by_key.get(key, ())}
        shingles = sketch.shingles if numbers else frozenset()
        found = [
            Near(number, jaccard(shingles, shingles_of(self._texts[number])))
            for number in sorted(numbers)
        ]
        best = max(found, key=lambda near: near.likeness, default=None)
        return best if best is not None and best.likeness >= self._threshold else None
