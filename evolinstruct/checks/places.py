"""Constraints on what stands at which place of a response, and on what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from evolinstruct.checks.constraint import (
    ENDS,
    STARTS,
    Constraint,
    Named,
    OneOf,
    Ordinal,
    at_least,
    constraint,
    ordinal,
)
from evolinstruct.checks.response import Response, bare, first_word_of, words_of
from evolinstruct.languages import common_words, language_of

_FIRST_WORDS = ("Consider", "Imagine", "Picture", "Today", "Often", "Perhaps")
_LAST_WORDS = ("today", "together", "again", "enough", "anyway", "home")
_INSIDE = ("however", "often", "still", "rather", "also", "perhaps")
_LANGUAGES = ("French", "Spanish", "German", "Portuguese")
_SAID = re.compile(r"\W*(\w+)\W*:\W*(\d{1,6})\W*")


@constraint(
    "start sentence_starts",
    rf"\b{STARTS}\b",
    "The response begins with the word “{word}”.",
    "The very first word is “{word}”.",
    arguments={"word": OneOf(_FIRST_WORDS)},
    needs="english",
)
def first_word(response: Response, word: str) -> str | None:
    """Look at the first word."""
    first = response.words[0] if response.words else ""
    return None if first.casefold() == word.casefold() else f"the first word is “{first}”"


@constraint(
    "end last_sentence",
    rf"\b{ENDS}\b",
    "The last word of the response is “{word}”.",
    "The response ends with the word “{word}”; only a punctuation mark may follow it.",
    arguments={"word": OneOf(_LAST_WORDS)},
    needs="english",
)
def last_word(response: Response, word: str) -> str | None:
    """Look at the last word."""
    last = response.words[-1] if response.words else ""
    return None if last.casefold() == word.casefold() else f"the last word is “{last}”"


@constraint(
    "start word_place",
    r"\bword\b",
    "The {number} word of the response is “{word}”.",
    "“{word}” is the {number} word of the response, counted from its beginning.",
    arguments={"number": Ordinal(3, 8), "word": OneOf(_INSIDE)},
    needs="english",
    words=lambda number, **_: (number + 3, float("inf")),
)
def nth_word(response: Response, number: int, word: str) -> str | None:
    """Look at one word."""
    if len(response.words) < number:
        return f"{len(response.words)} words in all"
    found = response.words[number - 1]
    if found.casefold() == word.casefold():
        return None
    return f"the {ordinal(number)} word is “{found}”"


@constraint(
    "sentence_place sentence_starts heads word_length",
    r"\bsentence\b",
    "The {number} sentence begins with “{word}”.",
    "Begin the {number} sentence with the word “{word}”.",
    arguments={
        "number": Ordinal(2, 4),
        "word": OneOf(("Still", "Besides", "Therefore", "Otherwise")),
    },
    needs="english",
    words=at_least(6, "number"),
)
def nth_sentence_begins(response: Response, number: int, word: str) -> str | None:
    """Look at the beginning of one sentence."""
    if len(response.sentences) < number:
        return f"{len(response.sentences)} sentences in all"
    found = first_word_of(response.sentences[number - 1])
    if found.casefold() == word.casefold():
        return None
    return f"the {ordinal(number)} sentence begins with “{found}”"


@constraint(
    "last_sentence end language",
    rf"\b{ENDS}\b.*\bsentence\b",
    "The last sentence is in {language}, and all others are in the language of the task.",
    "Close with one sentence in {language}; nothing else is in that language.",
    arguments={"language": Named(_LANGUAGES)},
    needs="english",
    words=at_least(25),
)
def last_sentence_language(response: Response, language: str) -> str | None:
    """Tell the languages of the last sentence and of what stands before it by common words.

    A short sentence may have none: then it is not in the language of the task, as far as one sees.
    """
    *before, last = response.sentences or [""]
    said = language_of(common_words(last))
    if said not in (language, None) or not words_of(last):
        return f"the last sentence is in {said or 'no words'}"
    others = language_of(common_words(" ".join(before)))
    return None if before and others != language else f"all of it is in {language}"


@constraint(
    "end count_said last_sentence digits signs",
    r"\b(?:word count|number of words|how many words)\b",
    "The last line says “Words: ” and the true number of words in all lines above it.",
    "End with a line “Words: N”, in which N is the number of words above that line.",
    needs="english",
    words=lambda: (20, 150),
)
def says_word_count(response: Response) -> str | None:
    """Count the words above the last line."""
    return _says_count(response, "words", lambda above: len(above.words))


@constraint(
    "end count_said sentences last_sentence digits signs",
    r"\b(?:sentence count|number of sentences|how many sentences)\b",
    "The last line says “Sentences: ” and the true number of sentences above it.",
    "End with a line “Sentences: N”, in which N is the number of sentences above that line.",
    words=lambda: (15, 200),
    needs="english",
)
def says_sentence_count(response: Response) -> str | None:
    """Count the sentences above the last line."""
    return _says_count(response, "sentences", lambda above: len(above.sentences))


def _says_count(response: Response, what: str, count: Callable[[Response], int]) -> str | None:
    above, _, last = response.text.rpartition("\n")
    match = _SAID.fullmatch(bare(last))
    if match is None or match[1].casefold() != what:
        return f"the last line is: {last[:80]}"
    true = count(Response(above))
    return None if int(match[2]) == true else f"it says {match[2]} {what}, and has {true}"


CONSTRAINTS = tuple(each for each in globals().values() if isinstance(each, Constraint))
