"""Whether a text holds a test item: the user's own items, their n-grams, and which of them surface.

What counts is taken from two papers on training data. A text holds an item if the two share 13
words in a row (GPT-3, arXiv 2005.14165, appendix C), or if it has at least 70% of the item's
8-grams (PaLM, arXiv 2204.02311, section 8). Fewer shared 8-grams are a weak overlap, most often a
common phrase: reported, and no reason to drop anything. An item of fewer than 8 words is held by a
text that equals it, its signs included, but for the one that ends it. Words are compared without
case, signs and the form in which Unicode writes them; scripts that write without spaces count by
the character. Knows texts and where
items come from by name; no file, no run and no rule.

A text as the words that are compared: lower case, no signs, one form of each character.

Letters, digits and the marks on them make words; all else divides them, `_` too, so that code and
prose compare alike. Each character of a script that writes without spaces is a word.

The n-grams of test items, and the items that a text overlaps with.

One pass over the 8-grams of a text says whether any item has one of them; items that have one are
then looked at exactly. Small: a sorted number of eight bytes for each 8-gram of an item, and a
byte table that answers for nearly all that no item has. Knows texts by their numbers.

Test items that a text is like without sharing words in a row: reworded, reordered, renamed.

By MinHash and an exact look at what it finds (`evolinstruct.similarity`). Knows texts by numbers.

The test items that texts are held against, and what is prepared of them once.
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

Gram = tuple[str, ...]
_IS_UNSPACED = re.compile(f"[{UNSPACED}]").match


class _Signs(dict[int, str | None]):
    """What becomes of each character, found when it is first met."""

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
    """Return the words of a text as they are compared."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return text.casefold().translate(_SIGNS).split()


def grams(words: Sequence[str], length: int) -> Iterator[Gram]:
    """Return an iterator over every so many words in a row, in their order."""
    return zip(*[words[start:] for start in range(length)], strict=False)


GRAM = 8
"""Words in an n-gram that is looked for first."""
WORDS = 13
"""So many words in a row that a text shares with an item are a strong overlap (GPT-3)."""
SHARE = 0.7
"""So large a share of the 8-grams of an item is one too (PaLM)."""
_ITEM_BITS = 24
_ITEM = (1 << _ITEM_BITS) - 1
_HASH = (1 << 64 - _ITEM_BITS) - 1
_SPARSE = 8
"""Bytes of the table for each n-gram, or up to twice that; it is looked at in two places."""
_MOST_BITS = 26
_APART = 13
_MOST = 100
"""Of an n-gram that more items share, so that it is no question's own, so many are looked at."""

Kind = Literal["long", "share", "whole", "weak"]
"""Shares the longer n-gram; has enough of its 8-grams; equals it; has some of its 8-grams."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a text has in common with a test item.

    Attributes:
        item: the number of the item.
        kind: how they overlap.
        gram: the first n-gram of the text that both have, as it is compared.
        share: how much of the item is in the text: the share of its different 8-grams.
    """

    item: int
    kind: Kind
    gram: str
    share: float

    @property
    def is_strong(self) -> bool:
        """Whether the text holds the item; otherwise they share what may be a common phrase."""
        return self.kind != "weak"

    @property
    def rank(self) -> tuple[bool, float, int]:
        """What is greatest of the overlap that says most."""
        return self.is_strong, self.share, -self.item


class Index:
    """The n-grams of some texts, here called items, known by their numbers from 0."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Take up the items."""
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
        """Return the overlap of a text that says most, or None.

        Args:
            text: any text.
            words: so many in a row, shared with an item, are a strong overlap; 8 or more.
            share: so large a share of the 8-grams of an item is one too.
        """
        found = self.overlaps(text, words, share)
        return max(found, key=lambda overlap: overlap.rank, default=None)

    def overlaps(self, text: str, words: int, share: float) -> list[Overlap]:
        """Return all strong overlaps of a text; if it has none, one weak overlap, if any.

        They come in the order of the items; for what is asked, see `find`.
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
        """Look at the items that have an 8-gram of the text, by the 8-gram's hash."""
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
            return None  # only their hashes are alike
        found = len(common) / len(own)
        if long := text.long & set(grams(item, text.length)):
            return Overlap(number, "long", text.first(long, text.length), found)
        kind: Kind = "share" if found >= share else "weak"
        return Overlap(number, kind, text.first(common, GRAM), found)


class _Text:
    """A text that shares something with some item."""

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
        """Return the first n-gram of the text that is wanted."""
        return " ".join(next(gram for gram in grams(self.words, length) if gram in wanted))


def _longest_row(hits: Iterable[bool]) -> int:
    """Return how many hits there are in a row, at most."""
    return max((sum(row) for is_hit, row in groupby(hits) if is_hit), default=0)


def _whole(text: str) -> str:
    """Return a short text as it is compared: its signs may be all there is, as in 2+2 and 2-2."""
    return " ".join(tokens(text))


def _posting(gram: Gram, item: int) -> int:
    return (hash(gram) & _HASH) << _ITEM_BITS | item


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
