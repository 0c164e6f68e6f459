"""The part of docs/rules.md on near-duplicates: the experiment behind how alike is too alike.

Instructions that people accepted are held against each other, changed a little, and asked about one
text; the report names counts alone.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from evolinstruct.elimination import NEAR_DUPLICATE, POOL_RULES
from evolinstruct.similarity import Similarity, Sketch, jaccard

THRESHOLDS = (0.7, 0.8, 0.9)
LEVELS = (0.8, 0.7, 0.6, 0.5, 0.4)
BOUNDS = (15, 20, 30, 45, 60, 1_000)
CONTEXTS = (50, 100, 200, 400)
TRIES = 400
COMMON = 200
_SETTINGS = {item.name: item.default for item in POOL_RULES[NEAR_DUPLICATE].parameters}


def paragraphs(instructions: Sequence[str], passages: Sequence[str]) -> Iterator[str]:
    """Yield the part's paragraphs.

    Args:
        instructions: instructions that people accepted.
        passages: texts of any kind, for long inputs.
    """
    likeness, differing = _SETTINGS["likeness"], _SETTINGS["differing"]
    yield "\n## How alike is too alike\n"
    yield (
        "`duplicate` and `near_duplicate` stand at the gate: after the comparison, before the"
        " answer. A rewrite is held against the seeds and against all that passed before it, in"
        " pool order, but for its own family, whose texts are alike by design. Two texts are as"
        " alike as their shingles overlap (Jaccard; three words or signs in a row, case and white"
        " space left out); candidates are found by MinHash LSH, which finds a pair at the"
        " threshold in 95 of 100 cases and a likelier one as good as always.\n"
    )
    yield (
        "`near_duplicate_meaning`, which is off, stands behind them and compares meanings: of each"
        " text a vector by the model of the extra `diversity` ([what embeds](diversity.md)), the"
        " cosine of two decided in whole numbers. It finds other words for the same task, and tells"
        ' two tasks that differ in a number, a language or one "not" hardly apart, so read what it'
        " drops. It embeds one text after the other, at 4 ms of a core each, so no more than about"
        " 200 rewrites a second pass, half as many where 250,000 have passed. run.json names the"
        " model with a digest of how it embeds on this machine: another one makes another run.\n"
    )
    yield (
        f"The threshold of {likeness:g} was set on {len(instructions):,} accepted instructions"
        " with their inputs, held against each other:\n"
    )
    yield from _pairs(instructions)
    yield (
        "\nIt leaves alone whatever people accepted, and catches one changed word from about 30"
        " words on: below, one word is often the whole difference between two tasks. The table has"
        f" the share of {TRIES} accepted instructions of each length that it finds again after so"
        " many of their words were replaced:\n"
    )
    yield from _edits(instructions)
    yield (
        "\nTwo tasks on one long text are alike by that text. So a near-duplicate may differ by"
        f" {differing:g} shingles at most, about two words. The table has the share of {TRIES}"
        " pairs of different accepted instructions, each put before the same text, that would be"
        " dropped wrongly:\n"
    )
    yield from _contexts(instructions, passages)


def _pairs(instructions: Sequence[str]) -> Iterator[str]:
    sketches = [Similarity(0.8).sketch(text) for text in instructions]
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for number, sketch in enumerate(sketches):
        for shingle in sketch.shingles:
            holders[shingle].append(number)
    candidates = {
        pair
        for numbers in holders.values()
        if len(numbers) <= COMMON
        for pair in combinations(numbers, 2)
    }
    found = [jaccard(sketches[a].shingles, sketches[b].shingles) for a, b in candidates]
    yield "| likeness of at least | pairs |\n|---|---|"
    for level in LEVELS:
        yield f"| {level:g} | {sum(value >= level for value in found)} |"
    yield f"\nThe most alike two have {max(found, default=0.0):.2f} in common."


def _edits(instructions: Sequence[str]) -> Iterator[str]:
    dice = random.Random(1)  # noqa: S311 - no secret
    known = [word for text in instructions for word in text.split()]
    titles = " | ".join(f"{edits} at {level:g}" for edits in (1, 2, 3) for level in THRESHOLDS)
    yield f"| words | {titles} |\n|---{'|---' * 9}|"
    for least, most in pairwise(BOUNDS):
        texts = [text for text in instructions if least <= len(text.split()) < most]
        shares = []
        for edits in (1, 2, 3):
            pairs = [_edited(dice.choice(texts).split(), edits, known, dice) for _ in range(TRIES)]
            shares += [_share(pairs, level, _SETTINGS["differing"]) for level in THRESHOLDS]
        name = f"{least} to {most - 1}" if most < BOUNDS[-1] else f"{least} and more"
        yield f"| {name} | {' | '.join(f'{share:.0%}' for share in shares)} |"


def _edited(
    words: list[str], edits: int, known: Sequence[str], dice: random.Random
) -> tuple[Sketch, Sketch]:
    changed = list(words)
    for place in dice.sample(range(len(words)), edits):
        changed[place] = dice.choice(known)
    return _sketches(" ".join(words), " ".join(changed))


def _contexts(instructions: Sequence[str], passages: Sequence[str]) -> Iterator[str]:
    dice = random.Random(2)  # noqa: S311 - no secret
    tasks = [text.partition("\n")[0] for text in instructions]
    words = [word for text in passages for word in text.split()]
    most = _SETTINGS["differing"]
    titles = " | ".join(f"{level:g} | {level:g} and {most:g}" for level in THRESHOLDS)
    yield f"| words of the text | {titles} |\n|---{'|---' * 6}|"
    for length in CONTEXTS:
        pairs = []
        for _ in range(TRIES):
            start = dice.randrange(len(words) - length)
            text = " ".join(words[start : start + length])
            one, other = dice.sample(tasks, 2)
            pairs.append(_sketches(f"{one}\n{text}", f"{other}\n{text}"))
        shares = [
            _share(pairs, level, limit) for level in THRESHOLDS for limit in (float("inf"), most)
        ]
        yield f"| {length} | {' | '.join(f'{share:.0%}' for share in shares)} |"


def _sketches(one: str, other: str) -> tuple[Sketch, Sketch]:
    likeness = Similarity(_SETTINGS["likeness"])
    return likeness.sketch(one), likeness.sketch(other)


def _share(pairs: Sequence[tuple[Sketch, Sketch]], level: float, most: float) -> float:
    """Return the share of pairs that count as near-duplicates."""
    found = Counter(
        jaccard(one.shingles, other.shingles) >= level
        and len(one.shingles ^ other.shingles) <= most
        for one, other in pairs
    )
    return found[True] / len(pairs)
