"""Contamination: says whether a text holds an item of the user's test sets.

Two papers on training data say what counts. A text holds a test item if both share 13 words in a
row (GPT-3, arXiv 2005.14165, appendix C), or if the text has at least 70% of the item's 8-grams
(PaLM, arXiv 2204.02311, section 8). Fewer shared 8-grams are a weak overlap, most often a common
phrase: it is reported, and nothing is dropped for it. A text holds an item of fewer than 8 words if
it equals the item, signs included, apart from the sign that ends it.

Items that were reworded, reordered or renamed share few words in a row. They are found by MinHash
and an exact comparison (`evolinstruct.similarity`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import astuple, dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import chain, groupby, islice
from typing import Literal

from evolinstruct.similarity import Similarity, jaccard, shingles_of, tokens
from evolinstruct.words import UNSPACED

# The words that are compared

Gram = tuple[str, ...]
_IS_UNSPACED = re.compile(f"[{UNSPACED}]").match


class _Signs(dict[int, str | None]):
    """What becomes of each character, found when the character is first met."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Cf":
            becomes = None  # joiners and soft hyphens stand inside words
        elif category[0] not in "LNM":
            becomes = " "
        else:
            becomes = f" {char} " if _IS_UNSPACED(char) else char
        self[code] = becomes
        return becomes


_SIGNS = _Signs()


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared: lower case, no signs, one Unicode form.

    Letters, digits and the marks on them make words. All else divides them, even `_`, so that code
    and prose compare alike. In scripts that write without spaces each character is a word.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.casefold().translate(_SIGNS).split()


def grams(words: Sequence[str], length: int) -> Iterator[Gram]:
    """Return an iterator over the n-grams of that length, in their order."""
    return zip(*[words[start:] for start in range(length)], strict=False)


# Shared n-grams

GRAM = 8
"""Words in the n-grams that are looked for first."""
WORDS = 13
"""Words in a row: a text that shares so many with an item holds it (GPT-3)."""
SHARE = 0.7
"""Share of an item's 8-grams: a text that has so many of them holds it (PaLM)."""
_ITEM_BITS = 24
_ITEM = (1 << _ITEM_BITS) - 1
_HASH = (1 << 64 - _ITEM_BITS) - 1
_SPARSE = 8
"""Bytes of the table for each n-gram, or up to twice that; each n-gram has two places there."""
_MOST_BITS = 26
_APART = 13
_MOST = 100
"""Items that are looked at for one n-gram: an n-gram that more of them share says little."""

Kind = Literal["long", "share", "whole", "weak"]
"""The text has a long n-gram of the item, enough of its 8-grams, all of it, or some 8-grams."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a text has in common with a test item.

    Attributes:
        item: the number of the item.
        kind: how they overlap.
        gram: the first n-gram of the text that both have, as it is compared.
        share: the share of the item's different 8-grams that the text has.
    """

    item: int
    kind: Kind
    gram: str
    share: float

    @property
    def is_strong(self) -> bool:
        """Whether the text holds the item; a weak overlap may be a common phrase."""
        return self.kind != "weak"

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The sort key of an overlap: the one that says most has the greatest."""
        return self.is_strong, self.share, -self.item


class Index:
    """The n-grams of test items, which are known by their numbers from 0.

    One pass over the 8-grams of a text says whether any item has one of them; only those items are
    compared exactly. It takes eight bytes for each 8-gram of an item, sorted, and a table of bytes
    that answers at once for nearly all 8-grams which no item has.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Index the texts of the items."""
        self._texts = texts
        self._short: dict[str, list[int]] = {}
        self._sizes = array("I", bytes(4 * len(texts)))
        found = array("Q")
        for number, text in enumerate(texts):
            words = words_of(text)
            if len(words) >= GRAM:
                postings = {_posting(gram, number) for gram in grams(words, GRAM)}
                self._sizes[number] = len(postings)
                found.extend(postings)
            else:
                self._short.setdefault(_whole(text), []).append(number)
        self._postings = array("Q", sorted(found))
        self._mask = (1 << min(_MOST_BITS, (len(found) * _SPARSE).bit_length())) - 1
        self._table = bytearray(self._mask + 1)
        for posting in found:
            value = posting >> _ITEM_BITS
            self._table[value & self._mask] = self._table[value >> _APART & self._mask] = 1

    def find(self, text: str, words: int, share: float) -> Overlap | None:
        """Return the overlap that says most of a text, or None.

        Args:
            text: any text.
            words: words in a row that make an overlap strong; 8 or more.
            share: share of an item's 8-grams that makes an overlap strong.
        """
        found = self.overlaps(text, words, share)
        return max(found, key=lambda overlap: overlap.rank, default=None)

    def overlaps(self, text: str, words: int, share: float) -> list[Overlap]:
        """Return all strong overlaps of a text, in the order of the items, else a weak one if any.

        The arguments are those of `find`.
        """
        there = words_of(text)
        if len(there) < GRAM:
            whole = _whole(text)
            return [Overlap(item, "whole", whole, 1.0) for item in self._short.get(whole, ())]
        table, mask = self._table, self._mask
        hashes = [value & _HASH for value in map(hash, grams(there, GRAM))]
        seen = [each for each in hashes if table[each & mask] and table[each >> _APART & mask]]
        if not seen:
            return []
        items = {value: found for value in set(seen) if (found := [*self._with(value)])}
        if not items:
            return []
        return self._looked_at(_Text(there, words), hashes, items, share)

    def _looked_at(
        self,
        text: _Text,
        hashes: Sequence[int],
        items: Mapping[int, Sequence[int]],
        share: float,
    ) -> list[Overlap]:
        """Compare the items that have an 8-gram of the text, found by the 8-gram's hash."""
        counts = Counter(chain.from_iterable(items.values()))
        row = _longest_row(value in items for value in hashes)
        if row > text.length - GRAM:
            likely = sorted(counts)
        else:
            likely = [item for item in sorted(counts) if counts[item] / self._sizes[item] >= share]
        found = [self._overlap(item, text, share) for item in likely]
        strong = [overlap for overlap in found if overlap is not None and overlap.is_strong]
        return strong or self._weak(counts, text, share)

    def _weak(self, counts: Counter[int], text: _Text, share: float) -> list[Overlap]:
        by_share = sorted(counts, key=lambda item: (-counts[item] / self._sizes[item], item))
        found = (self._overlap(item, text, share) for item in by_share)
        return list(islice((overlap for overlap in found if overlap is not None), 1))

    def _with(self, value: int) -> Iterator[int]:
        """Yield the items that have an 8-gram of this hash."""
        postings = self._postings
        start = bisect_left(postings, value << _ITEM_BITS)
        for posting in postings[start : start + _MOST]:
            if posting >> _ITEM_BITS != value:
                return
            yield posting & _ITEM

    def _overlap(self, number: int, text: _Text, share: float) -> Overlap | None:
        item = words_of(self._texts[number])
        own = set(grams(item, GRAM))
        common = own & text.short
        if not common:
            return None  # only their hashes are equal
        found = len(common) / len(own)
        if long := text.long & set(grams(item, text.length)):
            return Overlap(number, "long", text.first(long, text.length), found)
        kind: Kind = "share" if found >= share else "weak"
        return Overlap(number, kind, text.first(common, GRAM), found)


class _Text:
    """A text that shares an n-gram with an item, or seems to."""

    def __init__(self, words: Sequence[str], length: int) -> None:
        self.words = words
        self.length = length

    @cached_property
    def short(self) -> Set[Gram]:
        return set(grams(self.words, GRAM))

    @cached_property
    def long(self) -> Set[Gram]:
        return set(grams(self.words, self.length))

    def first(self, wanted: Set[Gram], length: int) -> str:
        """Return the first n-gram of the text that is among those."""
        return " ".join(next(gram for gram in grams(self.words, length) if gram in wanted))


def _longest_row(hits: Iterable[bool]) -> int:
    """Return the length of the longest row of hits."""
    return max((sum(row) for is_hit, row in groupby(hits) if is_hit), default=0)


def _whole(text: str) -> str:
    """Return a short text as it is compared: with its signs, which alone tell 2+2 from 2-2."""
    return " ".join(tokens(text))


def _posting(gram: Gram, item: int) -> int:
    return (hash(gram) & _HASH) << _ITEM_BITS | item


# Alike without shared n-grams

LIKENESS = 0.8
"""The share of word shingles that makes a text like an item, unless told otherwise."""


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
    """The sketches of test items, which are known by their numbers from 0."""

    def __init__(self, texts: Sequence[str], threshold: float) -> None:
        """Index the texts of the items, to find those that are at least so alike."""
        self._texts = texts
        self._threshold = threshold
        self._likeness = Similarity(threshold)
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


# The test items of a run


@dataclass(frozen=True, slots=True)
class Item:
    """A test item: a question of a test set.

    Attributes:
        file: the name of the file, without its folders.
        place: its place in the file, such as ``line 12``.
        text: the question with its input.
    """

    file: str
    place: str
    text: str


class Items:
    """All test items of a run.

    Attributes:
        all: the items, in the order of their files.
        digest: of the items, their places and the names of their files: where it is equal, the same
            overlaps are found.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        """Take the items; their indexes are made when they are first needed."""
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
        """Return an index that finds the items which are at least so like a text."""
        if threshold not in self._near:
            self._near[threshold] = NearIndex([item.text for item in self.all], threshold)
        return self._near[threshold]

    def per_file(self) -> Counter[str]:
        """Return how many items each file has, in the order of the files."""
        return Counter(item.file for item in self.all)


NONE = Items(())
"""No test items: nothing overlaps with them."""
