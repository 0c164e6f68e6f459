"""Words: counts the words of a text, and compares two texts word by word.

Words are separated by white space. In scripts without spaces each character counts as a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Ranges of Thai, Lao, Japanese and Chinese letters, for a regular expression."""
_FIND_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_TOKEN = re.compile(rf"(?:[{UNSPACED}]|[^\s{UNSPACED}]+)\s*|\s+")
_MOST_PAIRS = 4_000_000
"""The most pairs of words that are compared; of longer texts, all that differs is one change."""

_NEW_BELOW = 0.2
"""A text that keeps a smaller share of the earlier words than this is a new text."""


def count_words(text: str) -> int:
    """Return the number of words in a text."""
    if text.isascii() or not _FIND_UNSPACED.search(text):
        return len(text.split())
    return len(_WORD.findall(text))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of text that two texts share, or that only one of them has.

    Attributes:
        kind: whether it stayed, was removed or was added.
        text: its words, each with the white space after it.
    """

    kind: Literal["same", "removed", "added"]
    text: str


def compare_words(before: str, after: str) -> list[Stretch]:
    """Return how one text became the other, as stretches in reading order.

    The stretches that stayed or were added join to the later text, character by character. White
    space alone is no difference. The cost is bounded: in very long texts, everything between the
    common beginning and the common end counts as removed and added.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    old_words, new_words = [word.strip() for word in old], [word.strip() for word in new]
    stretches: list[Stretch] = []
    for tag, start, end, new_start, new_end in _changes(old_words, new_words):
        if tag == "equal":
            stretches.append(Stretch("same", "".join(new[new_start:new_end])))
            continue
        if start < end:
            # A space that only the earlier text has here belongs to what was removed.
            is_joined = start and stretches and not stretches[-1].text[-1:].isspace()
            blank = " " if is_joined and old[start - 1][-1:].isspace() else ""
            stretches.append(Stretch("removed", blank + "".join(old[start:end])))
        if new_start < new_end:
            stretches.append(Stretch("added", "".join(new[new_start:new_end])))
    return stretches


_Change = tuple[str, int, int, int, int]


def is_new_text(before: str, stretches: Sequence[Stretch]) -> bool:
    """Tell whether so little of the earlier text stays that the later one is best shown alone."""
    same = sum(count_words(stretch.text) for stretch in stretches if stretch.kind == "same")
    return same < _NEW_BELOW * count_words(before)


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    """Yield (tag, start, end, new start, new end), as `SequenceMatcher.get_opcodes` does.

    The common beginning and end are compared first, because that is cheap and often all.
    """
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    if head:
        yield "equal", 0, head, 0, head
    if (old_end - head) * (new_end - head) > _MOST_PAIRS:
        yield "replace", head, old_end, head, new_end
    else:
        matcher = SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
        for tag, start, end, new_start, new_stop in matcher.get_opcodes():
            yield tag, start + head, end + head, new_start + head, new_stop + head
    if tail:
        yield "equal", old_end, len(old), new_end, len(new)


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """Return the number of words that both begin with."""
    count = 0
    for word, other in zip(old, new, strict=False):
        if word != other:
            break
        count += 1
    return count
