"""Languages: tells them apart by common words, and says nothing where these are few or mixed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from itertools import chain

from evolinstruct.words import split_words, word_lists

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SIGNS = ".,:;!?()\"'"
_LOOKED_AT = 1000  # characters
_BORROWED = 2  # words, and no more than it has of its own
_FOREIGN = 4  # a text of one language may have a quarter as many words of another


def lexica() -> Mapping[str, frozenset[str]]:
    """Return the common words of each language."""
    return word_lists("common_words")


@cache
def languages_of() -> Mapping[str, tuple[str, ...]]:
    """Return the languages of each common word."""
    found = defaultdict(list)
    for language, words in lexica().items():
        for word in words:
            found[word].append(language)
    return {word: tuple(languages) for word, languages in found.items()}


@cache
def _all_words() -> frozenset[str]:
    return frozenset(languages_of())


def common_words(text: str) -> frozenset[str]:
    """Return the words of a text, its code left out, that are common in some language."""
    return _common_words(text[:_LOOKED_AT])


@lru_cache(maxsize=64)
def _common_words(text: str) -> frozenset[str]:
    text = text.lower()
    prose = _FENCE.sub(" ", text) if "```" in text else text
    for sign in _SIGNS:
        prose = prose.replace(sign, " ")
    return _all_words().intersection(split_words(prose))


@lru_cache(maxsize=64)
def language_of(words: frozenset[str]) -> str | None:
    """Return the language that has most of some common words."""
    votes = _votes(words)
    return max(votes, key=lambda name: (votes[name], name)) if votes else None


def _votes(words: frozenset[str]) -> Counter[str]:
    known = languages_of()
    return Counter(chain.from_iterable([known[word] for word in words]))


def is_clear(words: frozenset[str], language: str, other: str, least: float) -> bool:
    """Tell whether common words are of one language rather than the other."""
    its, others = lexica()[language] - lexica()[other], lexica()[other] - lexica()[language]
    count = len(words & its)
    return count >= least and count >= _FOREIGN * len(words & others)


_SCRIPTS = {
    name: re.compile(letters)
    for name, letters in {
        "Japanese": "[\u3040-\u30ff]",
        "Chinese": "[\u3400-\u9fff]",
        "Korean": "[\u1100-\u11ff\uac00-\ud7a3]",
        "Arabic": "[\u0600-\u06ff]",
        "Russian": "[\u0400-\u04ff]",
    }.items()
}
"""The letters of languages that are told by them where no word tells."""
_BEYOND_LATIN = re.compile(r"[^\W\d_a-zA-Z\u00aa-\u024f\u1e00-\u1eff]")
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")


def is_latin(text: str) -> bool:
    """Tell whether most letters at the start of a text are Latin."""
    if text.isascii():
        return True
    start = text[:_LOOKED_AT]
    return len(_BEYOND_LATIN.findall(start)) <= len(_LATIN.findall(start))


def tell(text: str) -> str | None:
    """Return the language of a text: by its common words, else by its script, if these tell."""
    words = common_words(text)
    if words and 2 * len(words & lexica()["English"]) >= len(words) and is_latin(text):
        return "English"
    if words:
        votes = _votes(words)
        return max(lexica(), key=lambda name: votes[name])  # of several, the first of the file
    return next((name for name, letters in _SCRIPTS.items() if letters.search(text)), None)


def tell_request(text: str) -> str | None:
    """Return the language of an instruction: of its first line, if that tells, else of all.

    What stands below a request may be material in any language.
    """
    request = text.partition("\n")[0]
    return tell(request) if len(common_words(request)) >= _TOLD else tell(text)


_TOLD = 3  # words


def is_english(text: str) -> bool:
    """Tell whether a text may be English: next to no common words of it are of other languages."""
    if not is_latin(text):
        return False
    words, english = common_words(text), lexica()["English"]
    foreign = words - english
    language = language_of(foreign)
    count, own = len(foreign & lexica()[language]) if language else 0, len(words & english)
    return count <= min(_BORROWED, own) or count * _FOREIGN <= own


def in_another_language(text: str, other: str, least: float = 3) -> bool:
    """Tell whether a text is surely in another language than another one is."""
    own = common_words(text)
    if len(own) < least:
        return False
    there = common_words(other)
    known = language_of(there)
    if known is None or len(own - lexica()[known]) < least:
        return False  # most texts: the other's language has nearly all of their words
    language = language_of(own)
    return (
        language is not None
        and language != known
        and is_clear(own, language, known, least)
        and is_clear(there, known, language, 2)
    )
