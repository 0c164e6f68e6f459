"""The whole answers in `training/talk/pairs.jsonl`, and those of the starter seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from evolinstruct.elimination.asked_for import PLACE, demands
from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import Classifier, split, spoken, tokens
from evolinstruct.elimination.unanswered import excuses, hear, signs
from training.sentences import TEXTS, Sentence
from training.trees import Example

_SEEDS = Path(__file__).parents[1] / "seeds" / "starter.jsonl"
_WORD = re.compile(r"[^\W\d_]+")
_FINE = 1.5  # weight of an answer as an example: to lose one is worse than to keep what is none
_ORDINARY = 2.0  # weight of what answers say
_INSTEAD = 2.0  # weight of what is said instead of an answer
_EDGES = 2  # sentences: the first and the last of more may be talk around an answer
_TOPIC = 3  # letters of a word that may name what is asked for
_SEED = 3.0  # weight of a starter seed

Pair = tuple[str, Answer]
"""A kind, and the answer with its instruction."""
PLAIN = "plain"
POLITE = "plain among politeness"
ANSWERS = frozenset({PLAIN, POLITE})
_LABELS = {"fine": PLAIN, "asks_back": "ask", "refuses": "refuse", "defers": "defer"}
_LABELS |= {"polite": POLITE}


def pairs() -> list[Pair]:
    """Return the whole answers."""
    rows = map(json.loads, (TEXTS / "pairs.jsonl").read_text(encoding="utf-8").splitlines())
    return [(_LABELS[row["label"]], Answer(row["instruction"], row["answer"])) for row in rows]


def seeds() -> list[Pair]:
    """Return the starter seeds with their answers."""
    rows = map(json.loads, _SEEDS.read_text(encoding="utf-8").splitlines())
    return [
        (
            PLAIN,
            Answer(
                "\n".join(filter(None, [row["instruction"], row.get("input")])),
                row.get("output") or "",
            ),
        )
        for row in rows
    ]


def ordinary() -> Iterator[Sentence]:
    """Yield what the answers of the starter seeds say."""
    for _, answer in seeds():
        for text in split(answer.response):
            yield PLAIN, text, _ORDINARY


def said(pairs: Iterable[Pair]) -> Iterator[Sentence]:
    """Yield the sentences of answers, but not of those that are asked to sound like talk."""
    for kind, answer in pairs:
        texts = list(split(spoken(answer.response)))
        if kind not in ANSWERS:
            for text in texts:
                yield kind, _without_topic(text, answer.instruction), _INSTEAD / len(texts)
        elif kind == PLAIN and demands(answer.instruction) <= {PLACE}:
            for text in texts[1:-1] if len(texts) > _EDGES else texts:
                yield kind, text, _ORDINARY


def _without_topic(text: str, instruction: str) -> str:
    """Return a text without the words of its instruction, because talk may be about anything."""
    asked = {word for word in tokens(instruction) if len(word) >= _TOPIC}
    return _WORD.sub(lambda found: "" if found[0].lower() in asked else found[0], text)


def examples(pairs: Iterable[Pair], classifier: Classifier) -> Iterator[Example]:
    """Yield answers that may be none as examples."""
    for kind, answer in pairs:
        is_none = kind not in ANSWERS
        yield from _examples(answer, classifier, is_none, 1.0 if is_none else _FINE)


def seeds_as_examples(classifier: Classifier) -> Iterator[Example]:
    """Yield the answers of the starter seeds as examples, likewise."""
    for _, answer in seeds():
        yield from _examples(answer, classifier, False, _SEED)


def _examples(
    answer: Answer, classifier: Classifier, is_none: bool, weight: float
) -> Iterator[Example]:
    if said := hear(answer.response, classifier):
        found = signs(answer.response, said, classifier)
        yield found, excuses(answer, classifier), is_none, weight
