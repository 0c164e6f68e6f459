"""The sentences in `training/talk`, a file for each language.

A line "= KIND" opens the sentences of a kind; "plain" are sentences that an answer may well hold.
{n}, {v} and {w} stand for one of the words that the file lists at its top.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

TEXTS = Path(__file__).parent / "talk"
_SLOT = re.compile(r"\{(\w)\}")
_VARIANTS = 4  # of a sentence with slots

Sentence = tuple[str, str, float]
"""A kind, the text, and a weight."""


def sentences() -> Iterator[Sentence]:
    """Yield the sentences of all languages."""
    for path in sorted(TEXTS.glob("*.txt")):
        yield from _of_language(path)


def _of_language(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a language, those with slots in several variants."""
    words: dict[str, list[str]] = {}
    kind = ""
    for row, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        if line.startswith("= "):
            kind = line[2:]
        elif len(kind) == 1:
            words[kind] = line.split("|")
        elif _SLOT.search(line):
            for variant in range(_VARIANTS):
                yield kind, _fill(line, words, row, variant), 2 / _VARIANTS
        else:
            yield kind, line, 1.0


def _fill(line: str, words: dict[str, list[str]], row: int, variant: int) -> str:
    """Put a word into each slot of a sentence, another one in each variant."""
    for place, slot in enumerate(_SLOT.findall(line)):
        choice = words[slot][(row * 7 + variant * (3 + place) + place) % len(words[slot])]
        line = line.replace(f"{{{slot}}}", choice, 1)
    return line
