"""The test items that texts are held against, and what is prepared of them once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import cached_property
from hashlib import blake2b

from evolinstruct.contamination.index import Index
from evolinstruct.contamination.near import NearIndex


@dataclass(frozen=True, slots=True)
class Item:
    """A question of a test set.

    Attributes:
        file: the name of the file, without its folders.
        place: where it stands there, such as ``line 12``.
        text: the question, its input joined in.
    """

    file: str
    place: str
    text: str


class Items:
    """All test items of a run.

    Attributes:
        all: the items, in the order of their files.
        digest: changes with the items, their places and the names of their files: equal digests
            give equal findings.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        """Take the items; nothing is prepared yet."""
        self.all = tuple(items)
        digest = blake2b(digest_size=8)
        for item in self.all:
            digest.update(json.dumps(astuple(item)).encode())
        self.digest = digest.hexdigest()
        self._near: dict[float, NearIndex] = {}

    @cached_property
    def index(self) -> Index:
        """The n-grams of the items."""
        return Index([item.text for item in self.all])

    def near(self, threshold: float) -> NearIndex:
        """Return what finds the items that are at least so much like a text."""
        if threshold not in self._near:
            self._near[threshold] = NearIndex([item.text for item in self.all], threshold)
        return self._near[threshold]

    def per_file(self) -> Counter[str]:
        """Return how many items each file has, in their order."""
        return Counter(item.file for item in self.all)


NONE = Items(())
"""No items: nothing overlaps with them."""
