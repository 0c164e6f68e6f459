"""``python -m training [FOLDER]``: trains the classifiers and writes their weights.

Those of sentences (talk.txt), of whole answers and of instructions by their letters
(wording_of_*.txt), and the trees that decide by what these tell (unanswered.txt). What they tell
the trees of an answer comes from weights that never saw it. The same texts give the same weights
on every machine, because only operations are used that all round alike.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from evolinstruct.elimination import wording
from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import BIAS, KINDS, Classifier, features, spoken, tokens
from evolinstruct.elimination.unanswered import HEAD, Trained
from evolinstruct.elimination.wording import Wording, letters
from training import answers, linear, sentences, trees
from training.answers import ANSWERS, Pair

_WEIGHTS = Path(__file__).parents[1] / "evolinstruct" / "data"
_MET = 3  # times: what is met less often says nothing of a sentence
_ROUNDS = 20
_LETTERS_MET = 5
_FILES = ("talk.txt", "wording_of_answers.txt", "wording_of_instructions.txt")
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
        weights = [*zip(*told, strict=True)]
    trained = [
        Trained(Classifier(talk), Wording(sounds), Wording(asked))
        for talk, sounds, asked in weights
    ]
    found = [*answers.seeds_as_examples(trained[-1])]
    for half, others in zip(halves, trained, strict=False):
        found += answers.examples(half, others)
    for name, lines in zip(_FILES, weights[-1], strict=True):
        write(folder / name, lines)
    write(folder / "unanswered.txt", map(json.dumps, trees.boost(found)))


def of_sentences(pairs: Sequence[Pair]) -> list[str]:
    """Return the weights of sentences, as lines; those of pairs are added to the others."""
    rows = [*sentences.sentences(), *answers.ordinary(), *answers.said(pairs)]
    found = [(kind, features(tokens(text)), weight) for kind, text, weight in rows]
    weights = linear.train(found, KINDS, bias=BIAS, met=_MET, rounds=_ROUNDS)
    return [*linear.lines(weights)]


def of_answers(pairs: Sequence[Pair]) -> list[str]:
    """Return the weights of letters in answers, as lines."""
    return _of_letters(pairs, lambda answer: spoken(answer.response), 0.1, 40)


def of_instructions(pairs: Sequence[Pair]) -> list[str]:
    """Return the weights of letters in instructions, as lines."""
    return _of_letters(pairs, lambda answer: answer.instruction[:HEAD], 0.25, 20)


def _of_letters(
    pairs: Sequence[Pair], text_of: Callable[[Answer], str], weight: float, rounds: int
) -> list[str]:
    """Return weights of letters; with a low weight, what is learned holds better for others."""
    found = [
        ("plain" if kind in ANSWERS else _NONE, sorted(letters(text_of(answer))), weight)
        for kind, answer in [*pairs, *answers.seeds()]
    ]
    weights = linear.train(found, (_NONE,), bias=wording.BIAS, met=_LETTERS_MET, rounds=rounds)
    return [*linear.lines(weights)]


def write(path: Path, lines: Iterable[str]) -> None:
    """Write a file of weights."""
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
