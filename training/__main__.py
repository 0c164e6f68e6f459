"""``python -m training [FOLDER]``: trains the classifiers and writes their weights.

Those of sentences, of whole answers and of instructions by their words (talk.txt), and the trees
that decide by what these tell (unanswered.txt). What they tell the trees of an answer comes from
weights that never saw it. The same texts give the same weights on every machine, because only
operations are used that all round alike.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import (
    BIAS,
    BIAS_OF_TEXTS,
    KINDS,
    Classifier,
    features,
    split,
    spoken,
    tokens,
)
from evolinstruct.elimination.unanswered import HEAD
from training import answers, linear, sentences, trees
from training.answers import ANSWERS, PLAIN, Pair

_WEIGHTS = Path(__file__).parents[1] / "evolinstruct" / "data"
_MET = 3  # times: what is met less often says nothing of a sentence
_MET_IN_TEXTS = 5
_ROUNDS = 20
_NONE = "none"


def main() -> None:
    """Write the weights of all into a folder, or into the package."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _WEIGHTS
    pairs = answers.pairs()
    # Each half is read by weights of the other half, because those that saw an answer know it too
    # well.
    halves = pairs[::2], pairs[1::2]
    parts = [halves[1], halves[0], pairs]
    with ProcessPoolExecutor() as pool:
        told = [pool.map(train, parts) for train in (of_sentences, of_answers, of_instructions)]
        weights = [[*linear.lines(*each)] for each in zip(*told, strict=True)]
    trained = [*map(Classifier, weights)]
    found = [*answers.seeds_as_examples(trained[-1])]
    for half, others in zip(halves, trained, strict=False):
        found += answers.examples(half, others)
    write(folder / "talk.txt", weights[-1])
    first, last = (map(json.dumps, each) for each in trees.boost(found))
    write(folder / "unanswered.txt", [*first, "", *last])


def of_sentences(pairs: Sequence[Pair]) -> linear.Weights:
    """Return the weights of sentences; those of pairs are added to the others."""
    rows = [*sentences.sentences(), *answers.ordinary(), *answers.said(pairs)]
    found = [(kind, features(tokens(text)), weight) for kind, text, weight in rows]
    return linear.train(found, KINDS, bias=BIAS, met=_MET, rounds=_ROUNDS)


def of_answers(pairs: Sequence[Pair]) -> linear.Weights:
    """Return the weights of whole answers."""
    return _of_texts(pairs, lambda answer: split(spoken(answer.response)), 0.3, 20)


def of_instructions(pairs: Sequence[Pair]) -> linear.Weights:
    """Return the weights of instructions."""
    return _of_texts(pairs, lambda answer: [answer.instruction[:HEAD]], 0.25, 20)


def _of_texts(
    pairs: Sequence[Pair],
    texts_of: Callable[[Answer], Iterable[str]],
    weight: float,
    rounds: int,
) -> linear.Weights:
    """Return weights; with a low weight, what is learned holds better for others."""
    found = [
        (
            PLAIN if kind in ANSWERS else _NONE,
            [each for text in texts_of(answer) for each in features(tokens(text))],
            weight,
        )
        for kind, answer in [*pairs, *answers.seeds()]
    ]
    return linear.train(found, (_NONE,), bias=BIAS_OF_TEXTS, met=_MET_IN_TEXTS, rounds=rounds)


def write(path: Path, lines: Iterable[str]) -> None:
    """Write a file of weights."""
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
