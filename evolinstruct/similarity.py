"""Similarity: measures how alike two texts are, and finds texts that may be alike among many.

A text is its words and signs, without case and white space. Its shingles are every three of these
in a row. Two texts are as alike as their shingles overlap (Jaccard). MinHash with
locality-sensitive hashing gives each text a few keys; texts that may be alike share one of them.
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
"""Keys of a text beside the key of its words: two alike texts need to share only one of them."""
RECALL = 0.95
"""The chance to find a text that is exactly as alike as the threshold; more alike, more likely."""
_MOST_ROWS = 16
_SEED = 1
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]")
_SIGNS = re.findall(r"[^\w\s]", "".join(map(chr, range(128))))
_APART = [(sign, f" {sign} ") for sign in _SIGNS]  # twice as fast as the pattern
_ENDS = frozenset(".!?;:\u3002\uff01\uff1f")
_KNOWN = "Which text shows that a library hashes as it did? This one, whose sketch is known."


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is compared of a text.

    Attributes:
        words: its words and signs, joined; equal for texts that differ only in case, white space
            and the sign that ends them.
        keys: numbers of 32 bits; equal texts share the first, and alike texts nearly always share
            one of the others.
    """

    words: str
    keys: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many words and signs it has."""
        return self.words.count(" ") + 1

    @property
    def shingles(self) -> frozenset[str]:
        """Its shingles; a text too short for one is a shingle itself."""
        return frozenset(_shingles(self.words.split()))


class Similarity:
    """Makes the sketches by which texts that are so alike are found."""

    def __init__(self, threshold: float) -> None:
        """Choose how many hash values make a key: the more, the fewer texts are found in vain.

        Args:
            threshold: the smallest share of shingles in common that counts, above 0 and up to 1.
        """
        rows = _MOST_ROWS if threshold >= 1 else int(_rows(threshold))
        self._rows = max(1, min(_MOST_ROWS, rows))

    def sketch(self, text: str) -> Sketch:
        """Return the sketch of a text."""
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
    """Return the words and signs of a text in lower case, without the sign that ends it."""
    text = text.casefold()
    if text.isascii():
        for sign, apart in _APART:
            if sign in text:
                text = text.replace(sign, apart)
        found = text.split()
    else:
        whole = text.encode("utf-8", "replace").decode()  # half a surrogate pair cannot be hashed
        found = _TOKEN.findall(normalize("NFKC", whole))
    return found[:-1] if len(found) > 1 and found[-1] in _ENDS else found


def jaccard(one: Set[str], other: Set[str]) -> float:
    """Return the share of two texts' shingles that both of them have."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


@cache
def version() -> str:
    """Return a digest that changes if another version of the library hashes differently."""
    known = Similarity(0.8).sketch(_KNOWN)
    return blake2b(repr(known).encode(), digest_size=8).hexdigest()
