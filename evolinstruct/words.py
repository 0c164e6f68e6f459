"""The words of a text: how many there are, whether they say anything, and what a rewrite changed.

Words are separated by white space; in scripts without spaces, each character counts as a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from typing import Literal

UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Thai, Lao, Japanese and Chinese letters; each counts as a word."""
_FIND_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_TOKEN = re.compile(rf"(?:[{UNSPACED}]|[^\s{UNSPACED}]+)\s*|\s+")
_DATA = Path(__file__).parent / "data"
_COMPARED = 4_000_000
"""At most so many pairs of words are compared; beyond, all that differs counts as one change."""

_PLACEHOLDER = re.compile(
    r"""
    [\W_]* (?:                                              # in brackets, quotes, with a full stop
        no [\W_]* (?:(?:additional|further|specific)\s+)?
            (?:input|output|context|answer|response|data)s?
            (?:\s+(?:is|was))? (?:\s+(?:given|provided|needed|required|necessary|available))?
      | none (?:\s+(?:given|provided|needed|required|necessary|available))?
      | not [\W_]* (?:applicable|available|provided)
      | n\s*[/\\.]\s*a | nan | null | nil
      | (?-i:NA|na)                                         # Na is sodium
    ) [\W_]*
    | [<\[(] \W* (?:empty|blank|missing) \W* [>\])]
    | [-\u2010-\u2015_]+ | \.{3} | \u2026
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_PLACEHOLDER = 50  # characters

_NEW_BELOW = 0.2
"""A rewrite that keeps a smaller share of the words is a new text."""


def count_words(text: str) -> int:
    """Return how many words a text has."""
    return len(split_words(text))


@cache
def word_lists(name: str) -> Mapping[str, frozenset[str]]:
    """Return the lists of words in a file of ours, by their titles."""
    lines = (_DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    titled = (line.partition(":") for line in lines if not line.startswith("#"))
    return {title: frozenset(words.split()) for title, _, words in titled}


def split_words(text: str) -> list[str]:
    """Return the words of a text, with the signs that stand at them."""
    return _WORD.findall(text) if has_unspaced(text) else text.split()


def lowered(text: str) -> str:
    """Return a text in lower case, each character at its place.

    Patterns for lower case find several times as fast as those that ignore it.
    """
    return text.lower() if text.isascii() else text.replace("İ", "i").lower()  # it would be two


def letters_of_a_word(text: str) -> int:
    """Return how many words, as they are counted, say about as much as one word of English.

    Two where most of them are letters of scripts without spaces, else one.
    """
    if not has_unspaced(text):
        return 1
    return 2 if 2 * len(_FIND_UNSPACED.findall(text)) > count_words(text) else 1


def has_unspaced(text: str) -> bool:
    """Tell whether a text holds a letter of a script without spaces."""
    return not text.isascii() and _FIND_UNSPACED.search(text) is not None


def is_placeholder(text: str) -> bool:
    """Tell whether a text only says that there is none, such as ``<noinput>``, ``N/A`` or ``-``."""
    text = text.strip()
    return len(text) <= _LONGEST_PLACEHOLDER and bool(_PLACEHOLDER.fullmatch(text))


LANGUAGES = ("en", "zh", "es", "fr", "de", "pt", "ru", "ja", "ko", "ar")
"""Those with stop words."""
_STOP_WORDS = Path(__file__).parent / "data" / "stopwords"


@cache
def stop_words(language: str = "en") -> frozenset[str]:
    """Return the words of a language that carry no content, lower-case."""
    lines = (_STOP_WORDS / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@cache
def all_stop_words() -> frozenset[str]:
    """Return the words that carry no content in some language."""
    return frozenset().union(*map(stop_words, LANGUAGES))


@dataclass(frozen=True, slots=True)
class DiffPart:
    """A part of a text that two texts share, or that only one of them has.

    Attributes:
        kind: whether it stayed, was removed or was added.
        text: the part, with the white space after each of its words.
    """

    kind: Literal["same", "removed", "added"]
    text: str


def compare_words(before: str, after: str) -> list[DiffPart]:
    """Return how one text became the other, as parts in reading order.

    The parts that stayed or were added are, joined, exactly the later text; white space alone is no
    difference. The cost is bounded: in very long texts, everything between the common beginning and
    the common end counts as removed and added.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    old_words, new_words = [word.strip() for word in old], [word.strip() for word in new]
    parts: list[DiffPart] = []
    for tag, start, end, new_start, new_end in _changes(old_words, new_words):
        if tag == "equal":
            parts.append(DiffPart("same", "".join(new[new_start:new_end])))
            continue
        if start < end:
            # The later text may have no blank here, where the earlier one had.
            is_joined = start and parts and not parts[-1].text[-1:].isspace()
            blank = " " if is_joined and old[start - 1][-1:].isspace() else ""
            parts.append(DiffPart("removed", blank + "".join(old[start:end])))
        if new_start < new_end:
            parts.append(DiffPart("added", "".join(new[new_start:new_end])))
    return parts


_Change = tuple[str, int, int, int, int]


def is_new_text(before: str, parts: Sequence[DiffPart]) -> bool:
    """Tell whether so few words of the earlier text stay that the later is best shown alone."""
    same = sum(count_words(part.text) for part in parts if part.kind == "same")
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
    """Return with how many equal words the two begin."""
    count = 0
    for word, other in zip(old, new, strict=False):
        if word != other:
            break
        count += 1
    return count
