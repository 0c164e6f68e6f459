"""The n-grams of test items, and the items that a text overlaps with.

One pass over the 8-grams of a text says whether any item has one of them; items that have one are
then looked at exactly. Small: a sorted number of eight bytes for each 8-gram of an item, and a
byte table that answers for nearly all that no item has. Knows texts by their numbers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice
from typing import Literal

from evolinstruct.contamination.normal import Gram, grams, words_of
from evolinstruct.likeness import tokens

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
