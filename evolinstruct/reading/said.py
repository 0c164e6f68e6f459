"""The words with which models speak about a rewrite, in a dozen languages (remarks.txt)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from evolinstruct.languages import common_words, in_another_language
from evolinstruct.prose import count_prose
from evolinstruct.words import count_words


class _Words(NamedTuple):
    """Words of one kind, of all languages.

    Attributes:
        whole: words as they are.
        stems: beginnings of words.
        heads: the first letters of the stems, as many as the shortest has.
        joined: parts of words, of languages that join them, the longest first.
    """

    whole: frozenset[str]
    stems: tuple[str, ...]
    heads: frozenset[str]
    joined: tuple[str, ...]

    @classmethod
    def of(cls, whole: set[str], stems: set[str], joined: set[str]) -> _Words:
        """Return the words in the order in which they are looked up."""
        shortest = min(map(len, stems), default=0)
        heads = frozenset(stem[:shortest] for stem in stems)
        longest_first = tuple(sorted(joined, key=len)[::-1])
        return cls(frozenset(whole), tuple(sorted(stems)), heads, longest_first)

    def hold(self, word: str) -> bool:
        """Tell whether a word is one of them."""
        return word in self.whole or word.startswith(self.stems)

    def hold_any(self, words: Sequence[str]) -> bool:
        """Tell whether one of the words is one of them."""
        if not self.whole.isdisjoint(words):
            return True
        size = len(next(iter(self.heads), ""))
        return size > 0 and any(
            word.startswith(self.stems) for word in words if word[:size] in self.heads
        )


_JOINING = ("zh", "ja", "ko", "ar", "hi")


@cache
def _kinds() -> dict[str, _Words]:
    """Return the words of each kind."""
    found: dict[str, tuple[set[str], set[str], set[str]]] = {}
    language = ""
    text = files("evolinstruct.reading").joinpath("remarks.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("["):
            language = line.strip("[]")
        elif line and not line.startswith("#"):
            kind, _, words = line.partition(":")
            whole, stems, joined = found.setdefault(kind, (set(), set(), set()))
            for word in words.split():
                if language in _JOINING:
                    joined.add(word)
                elif word.endswith("*"):
                    stems.add(word[:-1])
                else:
                    whole.add(word)
    return {kind: _Words.of(*words) for kind, words in found.items()}


@cache
def _all_joined() -> tuple[str, ...]:
    words = {word for kind in _kinds().values() for word in kind.joined}
    return tuple(sorted(words, key=len, reverse=True))


_TOKEN = re.compile(r"\b(?:[ldj]'(?=\w))|[^\W\d_]+(?:['-][^\W\d_]+)*|\d+")
_ASCII_TOKEN = re.compile(r"[a-z]+(?:['-][a-z]+)*|[0-9]+")
"""The same for lower-case ASCII without elisions, several times as fast."""
_ELISIONS = ("l'", "d'", "j'")
_JOINED_LETTER = re.compile("[\u0600-\u06ff\u0900-\u097f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Said:
    """A piece of a reply, by its words.

    Attributes:
        text: the piece.
        tokens: its words in lower case.
        joins: whether it has letters of a language that joins words.
    """

    __slots__ = ("joins", "text", "tokens")

    def __init__(self, text: str) -> None:
        """Divide the piece into words."""
        self.text = text
        self.tokens = _tokens(text.lower().replace("’", "'"))
        self.joins = not text.isascii() and _JOINED_LETTER.search(text) is not None

    def has(self, *kinds: str) -> bool:
        """Tell whether it has a word of one of the kinds."""
        return any(self._has(kind) for kind in kinds)

    def _has(self, kind: str) -> bool:
        words = _kinds()[kind]
        if words.hold_any(self.tokens):
            return True
        return self.joins and any(word in self.text for word in words.joined)

    def having(self, kind: str) -> list[tuple[str, str]]:
        """Return its words of a kind, each with the word before it."""
        words = _kinds()[kind]
        pairs = zip(["", *self.tokens], self.tokens, strict=False)
        return [(before, token) for before, token in pairs if words.hold(token)]

    def is_made_of(self, *kinds: str) -> bool:
        """Tell whether it has words of these kinds and no others; numbers do not count."""
        if self.joins:
            left = self.text
            for word in _all_joined():
                left = left.replace(word, "")
            return not _JOINED_LETTER.search(left)
        words = [_kinds()[kind] for kind in kinds]
        return bool(self.tokens) and all(
            token.isdigit() or any(kind.hold(token) for kind in words) for token in self.tokens
        )


def _tokens(lowered: str) -> list[str]:
    if lowered.isascii() and not any(map(lowered.__contains__, _ELISIONS)):
        return _ASCII_TOKEN.findall(lowered)
    return [token.rstrip("'") for token in _TOKEN.findall(lowered)]


_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_SCRIPTS = (
    _LATIN,
    re.compile("[\u0400-\u04ff]"),
    re.compile("[\u0600-\u06ff]"),
    re.compile("[\u3040-\u30ff\u3400-\u9fff]"),
    re.compile("[\uac00-\ud7af]"),
)
_LOOKED_AT = 2000  # characters


def is_foreign(text: str, parent: str) -> bool:
    """Tell whether a text is in another language or script than the parent; data is in none."""
    if not parent or not _is_prose(text):
        return False
    return _is_in_another_script(text[:_LOOKED_AT], parent) or in_another_language(text, parent)


def _is_in_another_script(text: str, parent: str) -> bool:
    if text.isascii():
        return len(common_words(text)) >= _WORDS_OF_PROSE and not _LATIN.search(parent)
    counts = [len(script.findall(text)) for script in _SCRIPTS]
    most = max(range(len(counts)), key=counts.__getitem__)
    return counts[most] * 2 > sum(counts) and not _SCRIPTS[most].search(parent)


def _is_prose(text: str) -> bool:
    return 2 * count_prose(text) > count_words(text)


_WORDS_OF_PROSE = 2  # that are common in a language
_STEM, _LONGER = 4, 5  # characters
_JOINED_RUN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")


def content(text: str) -> set[str]:
    """Return the stems of a text's longer words; of joined scripts, pairs of letters."""
    words = {word[:_LONGER] for word in Said(text).tokens if len(word) > _STEM}
    joined = {run[at : at + 2] for run in _JOINED_RUN.findall(text) for at in range(len(run) - 1)}
    return words | joined


def shares_content(text: str, other: str) -> bool:
    """Tell whether a text takes up a longer word of another."""
    lowered = other.lower()
    return any(word[:_STEM] in lowered for word in Said(text).tokens if len(word) > _STEM)
