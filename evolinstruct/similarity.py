"""How alike two texts are: word shingles, compared exactly, and found by MinHash.

A text is seen as its words and signs, without case and white space, and as its shingles: every
three of these in a row. Two texts are as alike as their shingles overlap (Jaccard). Of many texts,
those that may be alike are found by locality-sensitive hashing: they share a key. Knows texts only:
not whose they are, nor how alike is too alike.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from unicodedata import normalize
from zlib import crc32

from rensa import RMinHash

from evolinstruct.words import UNSPACED

SHINGLE = 3
"""Words in a shingle."""
BANDS = 6
"""Keys of a text beside that of its words: two alike texts need to share one of them only."""
RECALL = 0.95
"""The least chance to find a text that is just as alike as the threshold says."""
_MOST_ROWS = 16
_SEED = 1
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]")
_SIGNS = re.findall(r"[^\w\s]", "".join(map(chr, range(128))))
_APART = [(sign, f" {sign} ") for sign in _SIGNS]  # twice as fast as the pattern
_ENDS = frozenset(".!?;:\u3002\uff01\uff1f")
_KNOWN = "Which text shows that a library hashes as it did? This one, whose sketch is known."


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is looked at of a text.

    Attributes:
        words: its words and signs, joined; equal for texts that are equal but for case and white
            space, and for the sign that ends them.
        keys: numbers of 32 bits; the first is shared by equal texts, and texts that are alike share
            one of the others, as good as always.
    """

    words: str
    keys: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many words and signs it has."""
        return self.words.count(" ") + 1

    @property
    def shingles(self) -> frozenset[str]:
        """Its shingles; a text of fewer words than one has is one."""
        return frozenset(_shingles(self.words.split()))


class Similarity:
    """Makes the sketches by which texts of a certain likeness find each other."""

    def __init__(self, threshold: float) -> None:
        """Choose how many hash values make a key: the more, the fewer are found in vain.

        Args:
            threshold: the least share of their shingles that two texts have to have in common,
                above 0 and up to 1.
        """
        rows = _MOST_ROWS if threshold >= 1 else int(_rows(threshold))
        self._rows = max(1, min(_MOST_ROWS, rows))

    def sketch(self, text: str) -> Sketch:
        """Return what is looked at of a text."""
        found = tokens(text)
        minima = RMinHash(self._rows * BANDS, _SEED)
        minima.update(_shingles(found))
        values = array("I", minima.digest()).tobytes()
        width = len(values) // BANDS
        bands = [crc32(values[at * width : (at + 1) * width], at) for at in range(BANDS)]
        words = " ".join(found)
        return Sketch(words, (equal_key(words), *bands))


def equal_key(words: str) -> int:
    """Return the key that equal texts share."""
    return crc32(words.encode(), BANDS)


def shingles_of(text: str) -> frozenset[str]:
    """Return the shingles of a text."""
    return frozenset(_shingles(tokens(text)))


def _shingles(words: Sequence[str]) -> list[str]:
    return [*map(" ".join, zip(words, words[1:], words[2:], strict=False))] or [" ".join(words)]


def _rows(threshold: float) -> float:
    """Return how many rows a band may have for the chance of `RECALL` at the threshold.

    The chance that one of the bands agrees is 1 - (1 - threshold^rows)^bands.
    """
    chance_of_a_band = 1 - (1 - RECALL) ** (1 / BANDS)
    return math.log(chance_of_a_band) / math.log(threshold)


def tokens(text: str) -> list[str]:
    """Return the words and signs of a text, without case; the sign that ends it is left out."""
    text = text.casefold()
    if text.isascii():
        for sign, apart in _APART:
            if sign in text:
                text = text.replace(sign, apart)
        found = text.split()
    else:
        whole = text.encode("utf-8", "replace").decode()  # half a character is none to hash
        found = _TOKEN.findall(normalize("NFKC", whole))
    return found[:-1] if len(found) > 1 and found[-1] in _ENDS else found


def jaccard(one: Set[str], other: Set[str]) -> float:
    """Return which share of the shingles of two texts both of them have."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


@cache
def version() -> str:
    """Return a digest that changes if the library hashes otherwise than it did."""
    known = Similarity(0.8).sketch(_KNOWN)
    return blake2b(repr(known).encode(), digest_size=8).hexdigest()
