"""The rule for rewrites in another language than their parents'.

It tells languages apart by their common words, and says nothing where these are few or mixed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain

from evolinstruct.elimination.drift import script_of
from evolinstruct.elimination.rule import Parameter, Rewrite, Rule
from evolinstruct.words import split_words, word_lists

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SIGNS = ".,:;!?()\"'"
_LOOKED_AT = 1000  # characters
_SAME_START = 12  # characters: a rewrite that begins as its parent does is in its language
_BORROWED = 2  # words
_FOREIGN = 4  # a text of one language may have a quarter as many words of another


def _lexica() -> Mapping[str, frozenset[str]]:
    """Return the common words of each language."""
    return word_lists("common_words")


@cache
def _languages_of() -> Mapping[str, tuple[str, ...]]:
    """Return the languages of each common word."""
    found = defaultdict(list)
    for language, words in _lexica().items():
        for word in words:
            found[word].append(language)
    return {word: tuple(languages) for word, languages in found.items()}


def _common_words(text: str) -> set[str]:
    """Return the words of a text, its code left out, that are common in some language."""
    text = text[:_LOOKED_AT].lower()
    prose = _FENCE.sub(" ", text) if "```" in text else text
    for sign in _SIGNS:
        prose = prose.replace(sign, " ")
    return _languages_of().keys() & set(split_words(prose))


def _language(words: Iterable[str]) -> str | None:
    """Return the language that has most of the words."""
    known = _languages_of()
    votes = Counter(chain.from_iterable([known[word] for word in words]))
    return max(votes, key=lambda name: (votes[name], name)) if votes else None


@cache
def _script(language: str) -> str:
    return script_of(min(_lexica()[language])[0])


def is_english(text: str) -> bool:
    """Tell whether a text may be English: next to no common words of it are of other languages."""
    words, english = _common_words(text), _lexica()["English"]
    foreign = words - english
    language = _language(foreign)
    count = len(foreign & _lexica()[language]) if language else 0
    return count <= _BORROWED or count * _FOREIGN <= len(words & english)


def _language_changed(rewrite: Rewrite, *, words: float = 4) -> str | None:
    parent, child = rewrite.parent, rewrite.child
    if child.startswith(parent[:_SAME_START]):
        return None
    own, there = _common_words(parent), _common_words(child)
    if sum(len(_languages_of()[word]) == 1 for word in own & there) > 1:
        return None  # they share words of one language
    before = _language(own)
    if before is None or 2 * len(there & _lexica()[before]) > len(there):
        return None
    after = _language(there)
    if after is None or _script(before) != _script(after):
        return None  # `script_changed` is about these
    if not _is_clear(own, before, after, words / 2):
        return None  # an instruction to evolve may be short
    return f"{before} became {after}" if _is_clear(there, after, before, words) else None


def _is_clear(words: set[str], language: str, other: str, least: float) -> bool:
    """Tell whether words are of one language rather than the other."""
    lexica = _lexica()
    its, others = lexica[language] - lexica[other], lexica[other] - lexica[language]
    count = len(words & its)
    return count >= least and count >= _FOREIGN * len(words & others)


RULES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name="language_changed",
        meaning="The rewrite is in another language of the same script than its parent, by the"
        " common words of both.",
        cause="the prompts are in another language than the seeds: translate the pack, or use a"
        " model that knows the seeds' language better",
        stage="rewrite",
        parameters=(
            Parameter(
                "words",
                4,
                2,
                1000,
                "so many common words tell the language of a rewrite, half as many its parent's",
            ),
        ),
        check=_language_changed,
    ),
)
