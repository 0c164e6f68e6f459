"""Wording: how much an answer sounds like none, or an instruction like one that gets none.

Linear classifiers know rows of two to four letters in ten languages. `python -m training` makes
their weights from the pairs in `training/talk/pairs.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import repeat
from pathlib import Path

from evolinstruct.elimination.talk import STEP, ZERO, damping

BIAS = -1.0
_DATA = Path(__file__).parents[1] / "data"
_SIZES = (2, 3, 4)
_HEAD, _TAIL = 160, 80  # characters that are read


class Wording:
    """Tells texts by how they sound.

    Args:
        lines: those of a file of weights: letters, a tab and a character for their weight.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._known = dict(map(_weighed, lines))

    def score(self, text: str) -> float:
        """Return how much a text sounds like that; above 0, rather so."""
        found = letters(text)
        known = sum(map(self._known.get, found, repeat(0)))
        return BIAS + STEP * damping(len(found)) * known


def letters(text: str) -> set[str]:
    """Return the rows of letters in a text's head and tail, in lower case."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]} {text[-_TAIL:]}"
    text = f" {' '.join(text.lower().split())} "
    return {text[at : at + size] for size in _SIZES for at in range(len(text) - size + 1)}


def _weighed(line: str) -> tuple[str, int]:
    found, weight = line.split("\t")
    return found, ord(weight) - ZERO


@cache
def shipped(name: str) -> Wording:
    """Return a classifier that is shipped: of `answers`, or of `instructions`."""
    lines = (_DATA / f"wording_of_{name}.txt").read_text(encoding="utf-8")
    return Wording(lines.split("\n")[:-1])
