"""Answers that are none: all they hold is talk to whoever asked.

A linear classifier tells them from answers by how much of each kind of talk their sentences are,
and by what the instruction asks for. `training/talk.py` makes its weights from the answers in
`training/talk/pairs.jsonl`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from math import sqrt
from pathlib import Path

from evolinstruct.elimination.asked_for import (
    asks_for_message,
    asks_for_questions,
    asks_for_refusal,
    given_text,
    without_ban,
)
from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import KINDS, Sentence, may_talk, read, sentences
from evolinstruct.words import count_words

SAME = 3.7
"""From so much talk in a given text on, an answer that talks says nothing."""
_WEIGHTS = Path(__file__).parents[1] / "data" / "unanswered.txt"
_SURE = 0.05  # score from which on an answer is none
_LEAST = 0.4  # score of the most telling sentence
_MOST = 8.0  # a score says no more
_NEUTRAL = -4.0  # score of a given text that is plainly no talk
_HEAD, _TAIL = 2000, 1000  # characters of an instruction that are read
_GIVEN = 600  # characters
_BRIEF = 40  # characters: one word in a shorter answer says something
_ALIKE = 0.3, 2.5  # times the length of a given text: its translation, or the like
_PLAIN = -1.0  # score of a sentence that answers
_IN_ORDER = ("ask", "refuse", "defer"), ("meta",), ("polite",)


@lru_cache(maxsize=64)
def find_talk(answer: Answer) -> tuple[str, Sentence] | None:
    """Return the kind of talk that stands for an answer, and the sentence that tells most.

    None if the answer may well be one.
    """
    if count_words(answer.response[:_BRIEF]) == 1 or not may_talk(answer.response):
        return None
    said = read(answer.response)
    if max([sentence.talk for sentence in said], default=-_MOST) < _LEAST:
        return None
    if (score := _weights()["bias"] + _weigh(signs(answer.response, said))) < _SURE:
        return None
    excused = excuses(answer)
    if excused["given_talk"] >= SAME or score + _weigh(excused) < _SURE:
        return None
    kind, sentence = _most_telling(said)
    is_civil = excused["asks_for_message"] or min(each.talk for each in said) < _PLAIN
    return None if kind == "polite" and is_civil else (kind, sentence)


def signs(response: str, said: Sequence[Sentence]) -> dict[str, float]:
    """Return what is read of an answer that may be none, by name; `said` are its sentences."""
    length = sum([sentence.words for sentence in said]) or 1
    columns = zip(*[sentence.scores for sentence in said], strict=True)
    most = {kind: _bounded(max(column)) for kind, column in zip(KINDS, columns, strict=True)}
    return most | {
        "talk": sum([_bounded(each.talk) * each.words for each in said]) / length,
        "words": sqrt(sqrt(count_words(response))),
        "sentences": sqrt(sqrt(len(said))),
        "questions": sum([each.words for each in said if each.asks]) / length,
    }


def excuses(answer: Answer) -> dict[str, float]:
    """Return what in the instruction may call for an answer that sounds like talk, by name."""
    instruction = answer.instruction
    if len(instruction) > _HEAD + _TAIL:
        instruction = f"{instruction[:_HEAD]}\n{instruction[-_TAIL:]}"
    instruction = without_ban(instruction)
    text = given_text(instruction)
    given = sentences(text[:_GIVEN])
    least, most = _ALIKE
    return {
        "given_talk": max(
            [_bounded(sentence.talk) for sentence in given if sentence.talk > _NEUTRAL],
            default=_NEUTRAL,
        )
        - _NEUTRAL,
        "as_long_as_given": float(least * len(text) <= len(answer.response) <= most * len(text)),
        "asks_for_message": float(asks_for_message(instruction)),
        "asks_for_questions": float(asks_for_questions(instruction)),
        "asks_for_refusal": float(asks_for_refusal(instruction)),
    }


def _weigh(found: Mapping[str, float]) -> float:
    weights = _weights()
    return sum([weights[name] * value for name, value in found.items()])


def _bounded(score: float) -> float:
    return max(-_MOST, min(_MOST, score))


def _most_telling(said: Sequence[Sentence]) -> tuple[str, Sentence]:
    """Return the kind of talk and the sentence; promises and thanks count if there is no other.

    What ends in a question asks, whatever it promises before.
    """
    for kinds in _IN_ORDER:
        score, place, kind = max(
            (sentence.scores[KINDS.index(kind)], place, kind)
            for place, sentence in enumerate(said)
            for kind in kinds
        )
        if score >= _LEAST:
            break
    if kind != "refuse" and said[-1].asks:
        return "ask", said[-1]
    return kind, said[place]


@cache
def _weights() -> Mapping[str, float]:
    lines = _WEIGHTS.read_text(encoding="utf-8").splitlines()
    return {name: float(weight) for name, weight in (line.split() for line in lines)}
