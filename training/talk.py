"""Trains the classifiers of talk and of answers, and writes their weights.

    python training/talk.py [FOLDER]

Sentences stand in `training/talk`, a file for each language. A line "= KIND" opens the sentences of
a kind; "plain" are sentences that an answer may well hold. {n}, {v} and {w} stand for one of the
words that the file lists at its top. Whole answers stand in `training/talk/pairs.jsonl`, and their
sentences count too; how much talk an answer holds is told by weights that never saw it. The same
texts give the same weights on every machine, because only operations are used that all round alike.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import fsum, sqrt
from operator import mul, truediv
from pathlib import Path

from evolinstruct.elimination.rule import Answer
from evolinstruct.elimination.talk import (
    BIAS,
    KINDS,
    STEP,
    ZERO,
    Classifier,
    damping,
    features,
    split,
    spoken,
    tokens,
)
from evolinstruct.elimination.unanswered import SAME, demands, excuses, signs, together

TEXTS = Path(__file__).parent / "talk"
PAIRS = TEXTS / "pairs.jsonl"
WEIGHTS = Path(__file__).parents[1] / "evolinstruct" / "data"
SEEDS = Path(__file__).parents[1] / "seeds" / "starter.jsonl"
SLOT = re.compile(r"\{(\w)\}")
WORD = re.compile(r"[^\W\d_]+")
VARIANTS = 4  # of a sentence with slots
ROUNDS = 20
ENOUGH = 0.01  # a smaller error is none
MOST = 31  # steps
MET = 3  # times: what is met less often says nothing
LABELS = {"fine": "plain", "asks_back": "ask", "refuses": "refuse", "defers": "defer"}
ORDINARY = 2.0  # weight of what answers say
INSTEAD = 2.0  # weight of what is said instead of an answer
TOPIC = 3  # letters of a word that may name what is asked for
SEED = 3.0  # weight of a starter seed
DESCENTS, SPEED = 1000, 0.25
RIDGE = 30.0

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
    """Fit a softmax regression by gradient descent; return the weights of features met often."""
    found = [features(tokens(text)) for _, text, _ in rows]
    met = Counter(feature for each in found for feature in set(each))
    numbers = {feature: number for number, feature in enumerate(met) if met[feature] >= MET}
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

Pair = tuple[str, Answer]  # kind
Example = tuple[dict[str, float], bool, float]  # features, whether it is no answer, weight


def pairs() -> list[Pair]:
    """Return the whole answers."""
    found = map(json.loads, PAIRS.read_text(encoding="utf-8").splitlines())
    return [(LABELS[pair["label"]], Answer(pair["instruction"], pair["answer"])) for pair in found]


def said(pairs: Iterable[Pair]) -> Iterator[Sentence]:
    """Yield the sentences of answers, but not of those that are asked to sound like talk."""
    for kind, answer in pairs:
        texts = list(split(spoken(answer.response)))
        if kind != "plain":
            for text in texts:
                yield kind, without_topic(text, answer.instruction), INSTEAD / len(texts)
        elif not any(demands(answer.instruction).values()):
            for text in texts:
                yield kind, text, ORDINARY


def without_topic(text: str, instruction: str) -> str:
    """Return a text without the words of its instruction, because talk may be about anything."""
    asked = {word for word in tokens(instruction) if len(word) >= TOPIC}
    return WORD.sub(lambda found: "" if found[0].lower() in asked else found[0], text)


def examples(pairs: Iterable[Pair], classifier: Classifier) -> Iterator[Example]:
    """Yield answers as examples."""
    for kind, answer in pairs:
        yield from example(answer, classifier, kind != "plain", 1.0)


def seeds(classifier: Classifier) -> Iterator[Example]:
    """Yield the answers of the starter seeds as examples."""
    for line in SEEDS.read_text(encoding="utf-8").splitlines():
        seed = json.loads(line)
        given = "\n".join(filter(None, [seed["instruction"], seed.get("input")]))
        yield from example(Answer(given, seed.get("output") or ""), classifier, False, SEED)


def example(
    answer: Answer, classifier: Classifier, is_none: bool, weight: float
) -> Iterator[Example]:
    """Yield an answer as an example, if anything in it may be talk."""
    excused = excuses(answer, classifier)
    if excused["given_talk"] < SAME and (found := classifier.read(answer.response)):
        yield together(signs(answer.response, found), excused), is_none, weight


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
    rows += ordinary()
    weights, answers = learn(rows, pairs())
    write(folder / "talk.txt", weights)
    write(folder / "unanswered.txt", [f"{name} {weight:.3f}" for name, weight in answers.items()])


def learn(rows: Sequence[Sentence], pairs: Sequence[Pair]) -> tuple[list[str], dict[str, float]]:
    """Return the weights of both, the first as lines; sentences of pairs are added to the others.

    Each half of the pairs is read by weights of the other half, because those that saw an answer
    know it too well.
    """
    halves = pairs[::2], pairs[1::2]
    first, second = ([*said(half)] for half in halves)
    with ProcessPoolExecutor() as pool:
        told = pool.map(train, [[*rows, *second], [*rows, *first], [*rows, *first, *second]])
        *of_other_half, weights = (list(lines(found)) for found in told)
    found: list[Example] = []
    for half, known in zip(halves, of_other_half, strict=True):
        found += examples(half, Classifier(known))
    return weights, fit([*found, *seeds(Classifier(weights))])


def write(path: Path, lines: Iterable[str]) -> None:
    """Write a file of weights."""
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
