"""Trains the classifiers of talk and of answers, and writes their weights.

    python training/talk.py [FOLDER]

Sentences stand in `training/talk`, a file for each language. A line "= KIND" opens the sentences of
a kind; "plain" are sentences that an answer may well hold. {n}, {v} and {w} stand for one of the
words that the file lists at its top. Whole answers stand in `training/talk/pairs.jsonl`. The same
texts give the same weights on every machine, because only operations are used that all round alike.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import fsum, sqrt
from operator import mul, truediv
from pathlib import Path

from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import (
    BIAS,
    KINDS,
    STEP,
    ZERO,
    damping,
    features,
    read,
    split,
    tokens,
)
from evolinstruct.elimination.unanswered import SAME, excuses, signs

TEXTS = Path(__file__).parent / "talk"
PAIRS = TEXTS / "pairs.jsonl"
WEIGHTS = Path(__file__).parents[1] / "evolinstruct" / "data"
SEEDS = Path(__file__).parents[1] / "seeds" / "starter.jsonl"
ORDINARY = 0.3  # weight
SLOT = re.compile(r"\{(\w)\}")
VARIANTS = 4  # of a sentence with slots
ROUNDS = 20
ENOUGH = 0.01  # a smaller error is none
MOST = 31  # steps
SEED = 3.0  # weight of a starter seed
DESCENTS, SPEED = 1000, 0.5
RIDGE = 3.0

Sentence = tuple[str, str, float]  # kind, text, weight


def sentences(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a language, those with slots in several variants."""
    words: dict[str, list[str]] = {}
    kind = ""
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        if line.startswith("= "):
            kind = line[2:]
        elif len(kind) == 1:
            words[kind] = line.split("|")
        elif SLOT.search(line):
            for variant in range(VARIANTS):
                yield kind, fill(line, words, row, variant), 2 / VARIANTS
        else:
            yield kind, line, 1.0


def fill(line: str, words: dict[str, list[str]], row: int, variant: int) -> str:
    """Put a word into each slot of a sentence, another one in each variant."""
    for place, slot in enumerate(SLOT.findall(line)):
        choice = words[slot][(row * 7 + variant * (3 + place) + place) % len(words[slot])]
        line = line.replace(f"{{{slot}}}", choice, 1)
    return line


def ordinary() -> Iterator[Sentence]:
    """Yield what the answers of the starter seeds say."""
    for line in SEEDS.read_text(encoding="utf-8").splitlines():
        for text in split(json.loads(line).get("output") or ""):
            yield "plain", text, ORDINARY


def train(rows: Sequence[Sentence]) -> dict[str, list[float]]:
    """Fit a softmax regression by gradient descent; return the weights of features met twice."""
    found = [features(tokens(text)) for _, text, _ in rows]
    met = Counter(feature for each in found for feature in set(each))
    numbers = {feature: number for number, feature in enumerate(met) if met[feature] > 1}
    known = [[numbers[feature] for feature in each if feature in numbers] for each in found]
    weights = [[0.0] * len(met) for _ in KINDS]
    order = list(range(len(rows)))
    draw = random.Random(0)
    for turn in range(ROUNDS):
        draw.shuffle(order)
        for row in order:
            kind, _, weight = rows[row]
            scale = damping(len(found[row]))
            scores = [BIAS + scale * fsum([own[at] for at in known[row]]) for own in weights]
            for own, name, likely in zip(weights, KINDS, softmax(scores), strict=True):
                step = (likely - (name == kind)) * weight * scale * (1 - turn / ROUNDS)
                for at in known[row] if abs(step) > ENOUGH * scale else ():
                    own[at] -= step
    return {feature: [own[number] for own in weights] for feature, number in numbers.items()}


def softmax(scores: Sequence[float]) -> list[float]:
    """Return how likely each kind is; what is of none is plain."""
    powers = [exp(score) for score in scores]
    total = fsum([1.0, *powers])
    return [power / total for power in powers]


def exp(exponent: float) -> float:
    """Return e to a power, nearly: machines differ in the last digit of `math.exp`."""
    power = 1 + max(-30.0, min(30.0, exponent)) / 1024
    for _ in range(10):
        power *= power
    return power


def lines(weights: dict[str, list[float]]) -> Iterator[str]:
    """Yield a feature, a tab and a character for each weight, where one is not zero."""
    for feature, own in sorted(weights.items()):
        steps = [max(-MOST, min(MOST, round(weight / STEP))) for weight in own]
        if any(steps):
            yield f"{feature}\t{''.join(chr(ZERO + step) for step in steps)}"


# Whole answers

Example = tuple[dict[str, float], bool, float]  # features, whether it is no answer, weight


def examples() -> Iterator[Example]:
    """Yield the pairs whose answers hold talk, and such answers of the starter seeds."""
    for line in PAIRS.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        answer = Answer(pair["instruction"], pair["answer"])
        yield from example(answer, pair["label"] != "fine", 1.0)
    for line in SEEDS.read_text(encoding="utf-8").splitlines():
        seed = json.loads(line)
        given = "\n".join(filter(None, [seed["instruction"], seed.get("input")]))
        yield from example(Answer(given, seed.get("output") or ""), False, SEED)


def example(answer: Answer, is_none: bool, weight: float) -> Iterator[Example]:
    """Yield an answer as an example, if anything in it may be talk."""
    excused = excuses(answer)
    if excused["given_talk"] < SAME and (said := read(answer.response)):
        yield signs(answer.response, said) | excused, is_none, weight


def fit(rows: Sequence[Example]) -> dict[str, float]:
    """Fit a logistic regression by gradient descent; return the weight of each feature."""
    names = list(rows[0][0])
    middles = [fsum([found[name] for found, _, _ in rows]) / len(rows) for name in names]
    table = [
        [found[name] - middle for name, middle in zip(names, middles, strict=True)]
        for found, _, _ in rows
    ]
    spreads = [
        sqrt(fsum(map(mul, column, column)) / len(rows)) for column in zip(*table, strict=True)
    ]
    table = [[1.0, *map(truediv, values, spreads)] for values in table]
    columns = list(zip(*table, strict=True))
    own = [0.0] * len(columns)
    for _ in range(DESCENTS):
        errors = [
            (softmax([fsum(map(mul, own, values))])[0] - is_none) * weight
            for values, (_, is_none, weight) in zip(table, rows, strict=True)
        ]
        slopes = [fsum(map(mul, errors, column)) for column in columns]
        pulls = [0.0, *[RIDGE * old for old in own[1:]]]
        own = [
            old - SPEED * (slope + pull) / len(rows)
            for old, slope, pull in zip(own, slopes, pulls, strict=True)
        ]
    weights = list(map(truediv, own[1:], spreads))
    bias = own[0] - fsum(map(mul, weights, middles))
    return {"bias": bias, **dict(zip(names, weights, strict=True))}


def main() -> None:
    """Write the weights of both into a folder, or into the package."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS
    rows = [row for path in sorted(TEXTS.glob("*.txt")) for row in sentences(path)]
    write(folder / "talk.txt", lines(train([*rows, *ordinary()])))
    answers = fit(list(examples()))
    write(folder / "unanswered.txt", [f"{name} {weight:.3f}" for name, weight in answers.items()])


def write(path: Path, lines: Iterable[str]) -> None:
    """Write a file of weights."""
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
