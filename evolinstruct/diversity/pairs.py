"""Pairs: the texts of different families that are most alike; those of one are so by design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evolinstruct.diversity.vectors import Floats, Numbers, Vectors, blocks

_BLOCK = 1_024
_NOTHING = -2.0  # less than any likeness


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each text, the one of another family that is most like it.

    Attributes:
        places: its place; the text's own where there is no other family.
        likeness: how alike they are; less than -1 where there is none.
    """

    places: Numbers
    likeness: Floats

    def share_above(self, near: float) -> float:
        """Return the share of texts that have one more alike than this."""
        return float((self.likeness > near).mean())

    def pairs(self, count: int) -> list[tuple[int, int]]:
        """Return texts with the one most like them, the most alike pair first.

        Each text is in one pair at most; one whose nearest stands in another pair is left out.
        """
        taken: set[int] = set()
        found: list[tuple[int, int]] = []
        for one in np.argsort(-self.likeness, kind="stable").tolist():
            other = int(self.places[one])
            if len(found) == count or self.likeness[one] == _NOTHING:
                break
            if not {one, other} & taken:
                taken |= {one, other}
                found.append((min(one, other), max(one, other)))
        return found


def neighbours(vectors: Vectors, families: Sequence[str]) -> Neighbours:
    """Find them; every pair is compared.

    Args:
        vectors: those of the texts.
        families: the name of the family of each.
    """
    family = np.unique(np.asarray(families), return_inverse=True)[1]
    places, likeness = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    for start, end in blocks(len(vectors), _BLOCK):
        alike = vectors[start:end].likeness(vectors)
        alike[family[start:end, None] == family[None, :]] = _NOTHING
        places[start:end] = alike.argmax(axis=1)
        likeness[start:end] = alike.max(axis=1)
    return Neighbours(places, likeness)
