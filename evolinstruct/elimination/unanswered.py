"""Answers that are none: all they hold is talk to whoever asked.

A linear classifier tells them from answers by how much of each kind of talk their sentences are,
and by what the instruction asks for. `training/talk.py` makes its weights from the answers in
`training/talk/pairs.jsonl`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from math import sqrt
from pathlib import Path

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
from evolinstruct.elimination.talk import KINDS, Classifier, Sentence, shipped
from evolinstruct.words import count_words

SAME = 3.7
"""From so much talk in a given text on, an answer that talks says nothing."""
_WEIGHTS = Path(__file__).parents[1] / "data" / "unanswered.txt"
_SURE = 0.55  # score from which on an answer is none
_LEAST = 1.0  # score of the most telling sentence
_MOST = 8.0  # a score says no more
_NEUTRAL = -4.0  # score of a given text that is plainly no talk
_HEAD, _TAIL = 400, 200  # characters of an instruction that are read
_DIGIT = re.compile(r"\d")
_BRIEF = 40  # characters: one word in a shorter answer says something
_ALIKE = 0.3, 2.5  # times the length of a given text: its translation, or the like
_PLAIN = -1.0  # score of a sentence that answers
_DEMANDS = asks_for_message, asks_for_questions, asks_for_refusal, asks_for_translation
_SUBJECT = re.compile(
    r"\W*(?:subject|betreff|objet|asunto|assunto|тема|件名|主题|主旨|제목|الموضوع)\W{0,3}[:：]",
    re.IGNORECASE,
)
"""The line that opens a letter."""
_IN_ORDER = ("ask", "refuse", "defer"), ("meta",), ("polite",)


@lru_cache(maxsize=64)
def find_talk(answer: Answer) -> tuple[str, Sentence] | None:
    """Return the kind of talk that stands for an answer, and the sentence that tells most.

    None if the answer may well be one.
    """
    classifier = shipped()
    if count_words(answer.response[:_BRIEF]) == 1 or not classifier.may_talk(answer.response):
        return None
    said = classifier.read(answer.response)
    if max([sentence.talk for sentence in said], default=-_MOST) < _LEAST:
        return None
    excused = excuses(answer, classifier)
    is_letter = excused["asks_for_message"] and _SUBJECT.match(answer.response)
    if is_letter or excused["given_talk"] >= SAME:
        return None
    if _score(together(signs(answer.response, said), excused)) < _SURE:
        return None
    kind, sentence = _most_telling(said)
    if kind == "defer" and _DIGIT.search(sentence.text) and asks_for_time(answer.instruction):
        return None
    is_civil = excused["asks_for_message"] or min(each.talk for each in said) < _PLAIN
    return None if kind == "polite" and is_civil else (kind, sentence)


def signs(response: str, said: Sequence[Sentence]) -> dict[str, float]:
    """Return what is read of an answer that may be none, by name; `said` are its sentences."""
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
    if len(instruction) > _HEAD + _TAIL:
        instruction = f"{instruction[:_HEAD]}\n{instruction[-_TAIL:]}"
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


def together(found: Mapping[str, float], excused: Mapping[str, float]) -> dict[str, float]:
    """Return signs, excuses and their products: an excuse does not excuse each kind alike."""
    products = {
        f"{kind}*{name}": found[kind] * value for kind in KINDS for name, value in excused.items()
    }
    return {**found, **excused, **products}


def _score(found: Mapping[str, float]) -> float:
    weights = _weights()
    return weights["bias"] + sum([weights[name] * value for name, value in found.items()])


def _bounded(score: float) -> float:
    return max(-_MOST, min(_MOST, score))


def _most_telling(said: Sequence[Sentence]) -> tuple[str, Sentence]:
    """Return the kind of talk and the sentence; promises and thanks count if there is no other.

    What ends in a question asks, whatever it promises before.
    """
    talk = [sentence for sentence in said if sentence.talk >= _LEAST]
    columns = dict(
        zip(KINDS, zip(*[sentence.scores for sentence in talk], strict=True), strict=True)
    )
    told = ([kind for kind in kinds if max(columns[kind]) >= _LEAST] for kinds in _IN_ORDER)
    kind = max(next(filter(None, told)), key=lambda kind: sum(columns[kind]))
    if kind != "refuse" and said[-1].asks:
        return "ask", said[-1]
    return kind, talk[columns[kind].index(max(columns[kind]))]


@cache
def _weights() -> Mapping[str, float]:
    lines = _WEIGHTS.read_text(encoding="utf-8").splitlines()
    return {name: float(weight) for name, weight in (line.split() for line in lines)}
