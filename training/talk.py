"""Trains the classifier of talk and writes its weights.

    python training/talk.py > evolinstruct/data/talk.txt.gz

The texts stand in `training/talk`, a file for each language. A line "= KIND" opens the sentences of
a kind; "plain" are sentences that an answer may well hold. {n}, {v} and {w} stand for one of the
words that the file lists at its top. The same texts give the same weights on every machine.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from math import exp, sqrt
from pathlib import Path

from evolinstruct.elimination.talk import (
    BIAS,
    KINDS,
    STEP,
    ZERO,
    damping,
    features,
    is_grammed,
    split,
    stem,
    tokens,
)

TEXTS = Path(__file__).parent / "talk"
SEEDS = Path(__file__).parents[1] / "seeds" / "starter.jsonl"
BARE, ORDINARY = 0.05, 0.2  # weights
STOP = frozenset(
    word
    for path in (Path(__file__).parents[1] / "evolinstruct" / "data" / "stopwords").glob("*.txt")
    for word in path.read_text(encoding="utf-8").split()
)
SLOT = re.compile(r"\{(\w)\}")
VARIANTS = 6  # of a sentence with slots
ROUNDS = 30
RATE = 0.3
SHRINKING = 1e-4
MOST = 31  # steps

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
        elif "{" in line:
            for variant in range(VARIANTS):
                yield kind, fill(line, words, row, variant), 3 / VARIANTS
        else:
            yield kind, line, 1.0


def fill(line: str, words: dict[str, list[str]], row: int, variant: int) -> str:
    """Put a word into each slot of a sentence, another one in each variant."""
    for place, slot in enumerate(SLOT.findall(line)):
        choice = words[slot][(row * 7 + variant * (3 + place) + place) % len(words[slot])]
        line = line.replace(f"{{{slot}}}", choice, 1)
    return line


def bare(rows: list[Sentence]) -> Iterator[tuple[str, list[str], float]]:
    """Yield the words of content of each sentence of talk, apart: none of them alone is talk."""
    for kind, text, _ in rows:
        if kind != "plain":
            words = [word for word in tokens(text) if word not in STOP and word not in "?？؟"]
            yield "plain", words, BARE


def singles(words: list[str]) -> list[str]:
    """Return the features of words that do not stand in a row."""
    return [feature for word in words for feature in features([word])]


def ordinary() -> Iterator[Sentence]:
    """Yield what the answers of the starter seeds say."""
    for line in SEEDS.read_text(encoding="utf-8").splitlines():
        for text in split(json.loads(line).get("output") or ""):
            yield "plain", text, ORDINARY


def telling(found: list[list[str]], count: int) -> list[list[str]]:
    """Leave out long features met once, and what says no more than a part of it."""
    where: defaultdict[str, list[int]] = defaultdict(list)
    for row, each in enumerate(found[:count]):
        for feature in sorted(set(each)):
            where[feature].append(row)
    kept = {
        feature
        for feature, rows in where.items()
        if not any(where.get(part) == rows for part in parts(feature))
        and (len(rows) > 1 or not is_long(feature))
    }
    return [[feature for feature in each if feature in kept] for each in found]


def is_long(feature: str) -> bool:
    """Tell whether a feature is of the longest kind: three words, or four letters."""
    words = feature.split(" ")
    return len(words) > 2 or (is_grammed(feature) and len(feature) > 3)


def parts(feature: str) -> list[str]:
    """Return the longest features that are parts of one: stems, shorter phrases, shorter grams."""
    words = feature.split(" ")
    if len(words) > 1:
        return [" ".join(words[:-1]), " ".join(words[1:])]
    if is_grammed(feature):
        return [feature[:-1], feature[1:]]
    return [stem(feature)] if stem(feature) != feature else []


def train(sentences: list[Sentence]) -> dict[str, list[float]]:
    """Fit one logistic regression a kind by AdaGrad, and return the weights of each feature."""
    rows = [(kind, tokens(text), weight) for kind, text, weight in sentences]
    rows += bare(sentences)
    found = [features(words) for _, words, _ in rows[: len(sentences)]]
    found += [singles(words) for _, words, _ in rows[len(sentences) :]]
    found = telling(found, len(sentences))
    scales = [damping(words) for _, words, _ in rows]
    weights = {feature: [0.0] * len(KINDS) for each in found for feature in each}
    squares = {feature: [1e-6] * len(KINDS) for feature in weights}
    order = list(range(len(rows)))
    draw = random.Random(0)
    for _ in range(ROUNDS):
        draw.shuffle(order)
        for row in order:
            kind, _, weight = rows[row]
            labels = {kind} if kind == "plain" else {kind, "talk"}
            scale = scales[row]
            for place, name in enumerate(KINDS):
                said = BIAS + scale * sum(weights[feature][place] for feature in found[row])
                error = (1 / (1 + exp(-said)) - (name in labels)) * weight
                for feature in found[row]:
                    own, square = weights[feature], squares[feature]
                    step = error * scale + SHRINKING * own[place]
                    square[place] += step * step
                    own[place] -= RATE * step / sqrt(square[place])
    return weights


def packed(weights: dict[str, list[float]]) -> bytes:
    """Return the weights as a compressed text: a feature, a tab, a character for each weight."""
    lines = [
        f"{feature}\t{''.join(chr(ZERO + step(weight)) for weight in own)}"
        for feature, own in sorted(weights.items())
    ]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def step(weight: float) -> int:
    """Return a weight as a small whole number of steps."""
    return max(-MOST, min(MOST, round(weight / STEP)))


def main() -> None:
    """Write the weights to stdout."""
    rows = [row for path in sorted(TEXTS.glob("*.txt")) for row in sentences(path)]
    sys.stdout.buffer.write(packed(train([*rows, *ordinary()])))


if __name__ == "__main__":
    main()
