"""Answers that are none: all they hold is talk to whoever asked.

Boosted trees tell them from answers by how much of each kind of talk their sentences are, by their
wording, and by what the instruction asks for. `python -m training` makes them from the answers in
`training/talk/pairs.jsonl`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

from evolinstruct.elimination import wording
from evolinstruct.elimination.asked_for import (
    asks_for_message,
    asks_for_questions,
    asks_for_refusal,
    asks_for_time,
    asks_for_translation,
    given_text,
    without_ban,
)
from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import KINDS, Classifier, Sentence, shipped, spoken
from evolinstruct.elimination.wording import Wording
from evolinstruct.words import count_words

_SAME = 3.7
"""From so much talk in a given text on, an answer that talks says nothing."""
_TREES = Path(__file__).parents[1] / "data" / "unanswered.txt"
_SURE, _LIKELY = 0.7, 0.4  # sums of the trees from which on an answer is none
_LEAST = 1.0  # score of the most telling sentence
_SHORT, _LEAST_OF_SHORT = 500, 0.5  # characters; the same where there are no more
_LEAST_OF_EXAMPLES = -1.0
_NOTHING_ELSE = 1.5  # score of the least telling sentence
_CLEAR = 2.0  # the same, where words to somebody are asked for: they may sound like anything
_MOST = 8.0  # a score says no more
_NEUTRAL = -4.0  # score of a given text that is plainly no talk
HEAD, _TAIL = 400, 200
"""Characters of an instruction that are read."""
_DIGIT = re.compile(r"\d")
_BRIEF = 40  # characters: one word in a shorter answer says something
_ALIKE = 0.3, 2.5  # times the length of a given text: its translation, or the like
_TRACE = 0.45  # of the most telling score: with less, a kind is but a trace in another one
_PLAIN = -1.0  # score of a sentence that answers
_DEMANDS = asks_for_message, asks_for_questions, asks_for_refusal, asks_for_translation
_UNEXCUSED = dict.fromkeys(
    ("given_talk", "as_long_as_given", "is_question", *(each.__name__ for each in _DEMANDS)), 0.0
) | {"asked": 3.0}
"""Of an instruction that asks for nothing like talk, and sounds like those that get no answer."""
_SUBJECT = re.compile(
    r"\W*(?:subject|betreff|objet|asunto|assunto|тема|件名|主题|主旨|제목|الموضوع)\W{0,3}[:：]",
    re.IGNORECASE,
)
"""The line that opens a letter."""
Tree = float | list[Any]
"""A number, or the name of a sign, a bound, the tree for what is at most that, and the other."""
_IN_ORDER = ("ask", "refuse", "defer"), ("meta",), ("polite",)


@lru_cache(maxsize=64)
def find_talk(answer: Answer) -> tuple[str, Sentence] | None:
    """Return the kind of talk that stands for an answer, and the sentence that tells most.

    None if the answer may well be one.
    """
    heard = hear(answer, _trained())
    if heard is None or not _is_none(heard.found):
        return None
    said = heard.said
    kind, sentence = _most_telling(said)
    if kind == "defer" and _DIGIT.search(sentence.text) and asks_for_time(answer.instruction):
        return None
    if heard.found["asks_for_message"]:
        is_civil = kind not in {"ask", "refuse"} and heard.found["polite"] >= _LEAST
    else:
        is_civil = kind == "polite" and min(each.talk for each in said) < _PLAIN
    return None if is_civil else (kind, sentence)


class Trained(NamedTuple):
    """Classifiers that tell what trees ask for.

    Attributes:
        talk: of sentences.
        sounds: of answers.
        asked: of instructions.
    """

    talk: Classifier
    sounds: Wording
    asked: Wording


class Heard(NamedTuple):
    """What is read of an answer that may be none.

    Attributes:
        said: its sentences.
        found: signs and excuses, by name.
    """

    said: Sequence[Sentence]
    found: Mapping[str, float]


def hear(answer: Answer, trained: Trained, *, is_example: bool = False) -> Heard | None:
    """Return what is read of an answer that may be none; None where it plainly is one.

    Of examples to train with, more may be none, so that what is near is learned, too.
    """
    response = answer.response
    least = _LEAST
    if len(response) <= _SHORT:
        least = _LEAST_OF_EXAMPLES if is_example else _LEAST_OF_SHORT
    if count_words(response[:_BRIEF]) == 1 or not trained.talk.may_talk(response, least):
        return None
    words = spoken(response)
    said = trained.talk.sentences(words)
    if max([sentence.talk for sentence in said], default=-_MOST) < least:
        return None
    found = {**signs(response, said), "sounds": trained.sounds.score(words)}
    if not is_example and not _may_be_none(found):
        return None  # looking for excuses takes longest
    excused = excuses(answer, trained.talk)
    is_message = excused["asks_for_message"] and (
        _SUBJECT.match(response)
        or (not said[-1].asks and max(sentence.talk for sentence in said) < _CLEAR)
    )
    if is_message or excused["given_talk"] >= _SAME:
        return None
    return Heard(
        said, {**found, **excused, "asked": trained.asked.score(answer.instruction[:HEAD])}
    )


def signs(response: str, said: Sequence[Sentence]) -> dict[str, float]:
    """Return what the sentences of an answer that may be none tell, by name."""
    length = sum([sentence.words for sentence in said]) or 1
    columns = zip(*[sentence.scores for sentence in said], strict=True)
    most = {kind: _bounded(max(column)) for kind, column in zip(KINDS, columns, strict=True)}
    return most | {
        "talk": sum([_bounded(each.talk) * each.words for each in said]) / length,
        "most": max(most.values()),
        "least": _bounded(min([sentence.talk for sentence in said])),
        "words": sqrt(sqrt(count_words(response))),
        "sentences": sqrt(sqrt(len(said))),
        "questions": sum([each.words for each in said if each.asks]) / length,
    }


def excuses(answer: Answer, classifier: Classifier) -> dict[str, float]:
    """Return what in the instruction may call for an answer that sounds like talk, by name."""
    instruction = answer.instruction
    if len(instruction) > HEAD + _TAIL:
        instruction = f"{instruction[:HEAD]}\n{instruction[-_TAIL:]}"
    instruction = without_ban(instruction)
    text = given_text(instruction)
    talk = [_bounded(sentence.talk) for sentence in classifier.sentences(text)]
    least, most = _ALIKE
    return {
        "given_talk": max([_NEUTRAL, *talk]) - _NEUTRAL,
        "as_long_as_given": float(least * len(text) <= len(answer.response) <= most * len(text)),
        "is_question": float(instruction.rstrip().endswith(("?", "？", "؟"))),
        **demands(instruction),
    }


def demands(instruction: str) -> dict[str, float]:
    """Return what an instruction asks for that sounds like talk, by name."""
    return {asks_for.__name__: float(asks_for(instruction)) for asks_for in _DEMANDS}


def _is_none(found: Mapping[str, float]) -> bool:
    """Tell whether an answer is none; likely is enough where all of it is talk, unexcused."""
    is_excused = found["given_talk"] or any(found[asks_for.__name__] for asks_for in _DEMANDS)
    is_nothing_else = found["least"] >= _NOTHING_ELSE and not is_excused
    return _is_likely(found, _LIKELY if is_nothing_else else _SURE)


def _may_be_none(found: Mapping[str, float]) -> bool:
    """Tell whether an answer would be none without any excuse."""
    return _is_likely({**found, **_UNEXCUSED}, _LIKELY)


def _is_likely(found: Mapping[str, float], least: float) -> bool:
    return sum([_ask(tree, found) for tree in _trees()]) >= least


def _ask(tree: Tree, found: Mapping[str, float]) -> float:
    """Return what a tree says of signs and excuses."""
    while not isinstance(tree, float):
        name, bound, low, high = tree
        tree = low if found[name] <= bound else high
    return tree


def _bounded(score: float) -> float:
    return max(-_MOST, min(_MOST, score))


def _most_telling(said: Sequence[Sentence]) -> tuple[str, Sentence]:
    """Return the kind of talk and the sentence; promises and thanks count if there is no other.

    What ends in a question asks, whatever it promises before.
    """
    most = max(sentence.talk for sentence in said)
    least = min(_LEAST, most)
    talk = [sentence for sentence in said if sentence.talk >= least]
    columns = dict(
        zip(KINDS, zip(*[sentence.scores for sentence in talk], strict=True), strict=True)
    )
    enough = min(most, max(least, most * _TRACE))
    told = ([kind for kind in kinds if max(columns[kind]) >= enough] for kinds in _IN_ORDER)
    kind = max(next(filter(None, told)), key=lambda kind: sum(columns[kind]))
    if kind != "refuse" and said[-1].asks:
        return "ask", said[-1]
    return kind, talk[columns[kind].index(max(columns[kind]))]


@cache
def _trained() -> Trained:
    return Trained(shipped(), wording.shipped("answers"), wording.shipped("instructions"))


@cache
def _trees() -> Sequence[Tree]:
    lines = _TREES.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
