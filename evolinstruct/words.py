"""The words of a text: how many there are, and which of them a rewrite added and removed.

Words stand between white space; scripts that write without spaces count by the character. Knows
texts only: not whose they are, and not how a difference is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Thai, Lao, Japanese and Chinese letters; each counts as a word."""
_FIND_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_TOKEN = re.compile(rf"(?:[{UNSPACED}]|[^\s{UNSPACED}]+)\s*|\s+")
_COMPARED = 4_000_000
"""So many pairs of words are compared at most: beyond it, what differs is shown whole."""

_NEW_BELOW = 0.2
"""The share of the words that has to stay for a rewrite to be no new text."""


def count_words(text: str) -> int:
    """Return how many words a text has."""
    if text.isascii() or not _FIND_UNSPACED.search(text):
        return len(text.split())
    return len(_WORD.findall(text))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of text that two texts share, or that one of them alone has.

    Attributes:
        kind: what became of it.
        text: the stretch with the white space after each of its words.
    """

    kind: Literal["same", "removed", "added"]
    text: str


def compare_words(before: str, after: str) -> list[Stretch]:
    """Return how one text became the other, in the order in which one reads it.

    What is the same or added is, joined, the later text to the character; white space alone is no
    difference. The cost is bounded: between very long texts, all that lies between their common
    beginning and end counts as removed and added.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    old_words, new_words = [word.strip() for word in old], [word.strip() for word in new]
    stretches: list[Stretch] = []
    for tag, start, end, new_start, new_end in _changes(old_words, new_words):
        if tag == "equal":
            stretches.append(Stretch("same", "".join(new[new_start:new_end])))
            continue
        if start < end:
            # The later text may have no blank here, where the earlier one had.
            is_joined = start and stretches and not stretches[-1].text[-1:].isspace()
            blank = " " if is_joined and old[start - 1][-1:].isspace() else ""
            stretches.append(Stretch("removed", blank + "".join(old[start:end])))
        if new_start < new_end:
            stretches.append(Stretch("added", "".join(new[new_start:new_end])))
    return stretches


_Change = tuple[str, int, int, int, int]


def is_new_text(before: str, stretches: Sequence[Stretch]) -> bool:
    """Tell whether next to nothing of the earlier text stays: a new text, best shown alone."""
    same = sum(count_words(stretch.text) for stretch in stretches if stretch.kind == "same")
    return same < _NEW_BELOW * count_words(before)


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    """Yield (tag, start, end, new start, new end), the common beginning and end taken first."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    old_end, new_end = len(old) - tail, len(new) - tail
    if head:
        yield "equal", 0, head, 0, head
    if (old_end - head) * (new_end - head) > _COMPARED:
        yield "replace", head, old_end, head, new_end
    else:
        matcher = SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
        for tag, start, end, new_start, new_stop in matcher.get_opcodes():
            yield tag, start + head, end + head, new_start + head, new_stop + head
    if tail:
        yield "equal", old_end, len(old), new_end, len(new)


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many words the two begin with alike."""
    count = 0
    for word, other in zip(old, new, strict=False):
        if word != other:
            break
        count += 1
    return count
