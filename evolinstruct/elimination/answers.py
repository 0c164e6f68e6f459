"""Rules for texts that answer nothing: they ask back, refuse, put off, break off, loop or echo.

Talk to whoever asked is told from an answer by the classifiers in `talk` and `unanswered`. Auto
Evol-Instruct (arXiv 2406.00770) drops answers that ask back; its three patterns are English.
"""

from __future__ import annotations

from collections.abc import Iterable

from evolinstruct.elimination.asked_for import (
    MESSAGE,
    REFUSAL,
    asks_for_part,
    asks_for_repetition,
    demands,
)
from evolinstruct.elimination.endings import break_off, may_be_signed
from evolinstruct.elimination.loops import find_loop
from evolinstruct.elimination.rule import Answer, Parameter, Rule
from evolinstruct.elimination.unanswered import find_talk
from evolinstruct.text import shorten
from evolinstruct.words import count_words

_EDGE = 40
_SHOWN = 80  # characters of evidence


# Talk


def _asks_back(answer: Answer, *, words: float = 400) -> str | None:
    return _talks(answer, words, "ask")


def _refuses(answer: Answer, *, words: float = 400) -> str | None:
    return _talks(answer, words, "refuse")


def _puts_off(answer: Answer, *, words: float = 400) -> str | None:
    return _talks(answer, words, "defer", "polite", "meta")


def _talks(answer: Answer, words: float, *kinds: str) -> str | None:
    """Return the most telling sentence if an answer of at most so many words is such talk."""
    found = find_talk(answer)
    if found is None or found[0] not in kinds or count_words(answer.response) > words:
        return None
    return shorten(" ".join(found[1].text.split()), _SHOWN)


# Endings and loops


def _breaks_off(answer: Answer) -> str | None:
    evidence = break_off(answer.response)
    if evidence is None or asks_for_part(answer.instruction):
        return None
    is_letter = not demands(answer.instruction).isdisjoint((MESSAGE, REFUSAL))
    return None if is_letter and may_be_signed(answer.response) else evidence


def _loops(answer: Answer, *, times: float = 4) -> str | None:
    loop = find_loop(answer.response, times)
    if loop is None or asks_for_repetition(answer.instruction):
        return None
    unit, count = loop
    if answer.instruction.count(unit.strip()) > 1:
        return None
    return f'"{shorten(" ".join(unit.split()), _SHOWN)}" {count} times'


# Echoes

_LONG_ECHO = 6  # words: a shorter instruction may well be its own answer


def _echoes(answer: Answer, *, more: float = 3) -> str | None:
    said, asked = answer.response, answer.instruction
    if len(asked) - _EDGE > len(said) or len(said) > len(asked) + 2 * _EDGE:
        return None  # the lengths of most answers say enough
    if not _has_words(said.lower(), asked.lower().split()):
        return None  # most of the others lack a word
    said, asked = _bare(said), _bare(asked)
    if count_words(asked) < _LONG_ECHO or asked not in said:
        return None
    if count_words(said) - count_words(asked) > more:
        return None
    return "the answer is the instruction" + (" and a few words more" if said != asked else "")


def _has_words(text: str, words: Iterable[str]) -> bool:
    """Tell whether a text holds all of some words that have no sign in them."""
    return all(word in text for word in words if word.isalnum())


def _bare(text: str) -> str:
    """Return the words of a text, without case and punctuation."""
    return " ".join("".join([c if c.isalnum() else " " for c in text.lower()]).split())


RULES: tuple[Rule[Answer], ...] = (
    Rule(
        name="asks_back",
        meaning="The answer asks for something instead of answering, and the instruction asked for"
        " no question or message.",
        cause="the instructions refer to a text or data that they do not hold: read some of them,"
        " and look at which operations made them",
        stage="answer",
        parameters=(
            Parameter("words", 400, 1, 10_000, "looks at answers of at most so many words"),
        ),
        check=_asks_back,
    ),
    Rule(
        name="response_refuses",
        meaning="The answer refuses, in one of ten languages, and the instruction asked for no"
        " refusal or apology.",
        cause="the instructions ask for things that the model cannot or will not do: read some of"
        " them, or let another model answer",
        stage="answer",
        parameters=(
            Parameter("words", 400, 1, 10_000, "looks at answers of at most so many words"),
        ),
        check=_refuses,
    ),
    Rule(
        name="response_defers",
        meaning="The answer is only polite, or points to a file, a place or a time instead of"
        " answering.",
        cause="the instructions refer to files or earlier messages, or the model is made for chats:"
        " read some of them, or let another model answer",
        stage="answer",
        parameters=(
            Parameter("words", 400, 1, 10_000, "looks at answers of at most so many words"),
        ),
        check=_puts_off,
    ),
    Rule(
        name="response_cut_off",
        meaning="The answer breaks off: in a sentence, a list, a table or a block of code.",
        cause="the service cuts replies off without saying so: look at the raw replies and raise"
        " --max-tokens",
        stage="answer",
        check=_breaks_off,
    ),
    Rule(
        name="response_loops",
        meaning="The answer repeats the same words or sentences again and again.",
        cause="the model runs into a loop: its temperature is too low, or it is too small",
        stage="answer",
        parameters=(
            Parameter(
                "times", 4, 3, 100, "drops so many rounds of a loop or more, of at least 16 words"
            ),
        ),
        check=_loops,
    ),
    Rule(
        name="response_echoes",
        meaning="The answer repeats the instruction and adds next to nothing.",
        cause="the answering model does not follow instructions, or its chat template is wrong:"
        " look at the raw replies",
        stage="answer",
        parameters=(Parameter("more", 3, 0, 100, "words that it may add to the instruction"),),
        check=_echoes,
    ),
)
"""In the order in which they look."""
