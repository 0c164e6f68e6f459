"""Rules for texts that answer nothing: they ask back, refuse, put off, break off, loop or echo.

What is said to whoever asked is told from an answer by the classifier in `talk`. Auto Evol-Instruct
(arXiv 2406.00770) drops answers that ask back; its three patterns are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from evolinstruct.elimination.asked_for import (
    asks_for_part,
    asks_for_questions,
    asks_for_refusal,
    asks_for_repetition,
    given_text,
)
from evolinstruct.elimination.endings import break_off
from evolinstruct.elimination.loops import find_loop
from evolinstruct.elimination.rule import Answer, Parameter, Rule
from evolinstruct.elimination.talk import KINDS, Unit, read, units
from evolinstruct.text import shorten
from evolinstruct.words import count_words

ASK, META, REFUSE, DEFER, POLITE, TALK = range(len(KINDS))

_EDGE = 40
_SHOWN = 80  # characters of evidence
_SURE = -0.6  # score of the most telling sentence
_PER_UNIT, _UNITS = 0.06, 30  # the more sentences, the surer: one of many is soon misread
_SURE_OF_TALK = 0.4
_SAME = -0.3  # score of a given text that says such things itself
_ANSWERED = 40  # words that are no talk: enough for an answer
_IDLE = 2  # words that are no talk: too few for an answer
_BEGUN = 15  # words that are no talk: enough for one before a last question


def _sure(said: Sequence[Unit]) -> float:
    return _SURE + _PER_UNIT * min(len(said), _UNITS)


def _best(said: Sequence[Unit], *kinds: int) -> tuple[int, float]:
    """Return which sentence is most of some kinds of talk, and how much."""
    scores = [max(unit.scores[kind] for kind in kinds) for unit in said]
    most = max(scores)
    return scores.index(most), most


def _content(said: Sequence[Unit]) -> int:
    """Return how many words are no talk; questions to whoever asked are."""
    return sum(unit.words for unit in said if not unit.is_talk and unit.text[-1] not in "?？؟")


def _is_given(instruction: str, *kinds: int) -> bool:
    """Tell whether the instruction brings a text along that talks like this itself."""
    said = tuple(units(given_text(instruction)))
    return bool(said) and _best(said, *kinds)[1] >= _SAME


def _shown(unit: Unit) -> str:
    return shorten(" ".join(unit.text.split()), _SHOWN)


# Asking back

_SURE_AT_LAST = 1.0  # score of the last sentences after some that are no talk
_SURE_OF_WORK = 1.5  # score where the instruction asks for a letter or the like


def _asks_back(answer: Answer, *, words: float = 400) -> str | None:
    said = read(answer.response)
    if not said:
        return None
    place, score = _best(said, ASK, META)
    unit = said[place]
    is_sure = score >= _sure(said) and unit.scores[TALK] >= _SURE_OF_TALK
    if not is_sure and not _only_asks(said, answer):
        return None
    is_last = place >= len(said) - 2 and _content(said[:place]) >= _BEGUN
    if is_last and (unit.text[-1] in "?？؟" or score < _SURE_AT_LAST):
        return None  # a question that follows an answer
    if count_words(answer.response) > words:
        return None
    if asks_for_questions(answer.instruction) and _best(said, META)[1] < _SURE_OF_WORK:
        return None
    return None if _is_given(answer.instruction, ASK, META) else _shown(unit)


def _only_asks(said: Sequence[Unit], answer: Answer) -> bool:
    """Tell whether an answer is questions and talk alone, and no words were given to ask about."""
    if said[-1].text[-1] not in "?？؟" or _content(said) > _IDLE:
        return False
    return not given_text(answer.instruction)


# Refusals

_BUT = re.compile(
    r"\s*(?:(?:but|though|although|however|yet|aber|doch|jedoch|mais|cependant|toutefois|pero"
    r"|sin embargo|aunque|mas|porém|embora|но|однако|хотя|لكن|غير أن)\b|但|不过|可是|しかし|ただ"
    r"|하지만|다만|그러나|그래도)",
    re.IGNORECASE,
)
_BUT_BEHIND = re.compile(r"(?:が、|けど、|けれど、|지만,?)\Z")
_SURE_OF_MORE = 1.5  # score of talk that goes on instead of answering
_MOSTLY = 0.8  # share of words that are no talk in an answer with a refusal before it


def _refuses(answer: Answer, *, words: float = 400) -> str | None:
    said = read(answer.response)
    refusals = [unit for unit, behind in zip_longest(said, said[1:]) if not _goes_on(unit, behind)]
    if not refusals:
        return None
    unit = refusals[_best(refusals, REFUSE)[0]]
    if unit.scores[REFUSE] < _sure(said) or unit.scores[TALK] < _SURE_OF_TALK:
        return None
    count = count_words(answer.response)
    content = count - sum(unit.words for unit in said) + _content(said)
    if count > words or (content >= _ANSWERED and content >= _MOSTLY * count):
        return None
    if asks_for_refusal(answer.instruction) or _is_given(answer.instruction, REFUSE):
        return None
    return _shown(unit)


def _goes_on(unit: Unit, behind: Unit | None) -> bool:
    """Tell whether an answer follows: "I cannot see it, but most of them are red"."""
    if behind is None or behind.scores[REFUSE] >= 0 or behind.scores[TALK] >= _SURE_OF_MORE:
        return False
    return bool(_BUT.match(behind.text) or _BUT_BEHIND.search(unit.text))


# Putting off

_RATHER = -0.2  # score of talk from which on a sentence is no answer
_TALKING = 0.4  # share of words that are talk in an answer that points elsewhere
_ALL_TALK = 0.95  # the same in one that is only polite


def _puts_off(answer: Answer, *, words: float = 200) -> str | None:
    said = tuple(unit for unit in read(answer.response) if unit.text[-1] not in ":：")
    if not said:
        return None
    count = count_words(answer.response)
    talk = sum(unit.words for unit in said if unit.scores[TALK] >= _RATHER)
    defers, sure = _best(said, DEFER)
    is_polite = _best(said, POLITE)[1] >= _sure(said) and talk >= _ALL_TALK * count
    if not is_polite and (sure < _sure(said) or talk < _TALKING * count):
        return None
    if count > words or asks_for_refusal(answer.instruction):
        return None
    return None if _is_given(answer.instruction, DEFER, POLITE) else _shown(said[defers])


# Endings and loops


def _breaks_off(answer: Answer) -> str | None:
    evidence = break_off(answer.response)
    return None if evidence is None or asks_for_part(answer.instruction) else evidence


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
            Parameter("words", 200, 1, 10_000, "looks at answers of at most so many words"),
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
