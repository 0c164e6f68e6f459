"""Texts as a page shows them: changed words are marked, code and tables keep their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from evolinstruct.prose import find_blocks
from evolinstruct.report.markup import Html, tag, text
from evolinstruct.words import DiffPart

_ELEMENTS = {"same": "span", "added": "ins", "removed": "del"}


def passage(
    parts: Sequence[DiffPart], class_: str = "text", shown_as: Callable[[str], Html] = text
) -> Html:
    """Return a text in its parts; what it says is, to the character, what the parts say.

    Args:
        parts: the parts.
        class_: the class of the paragraph.
        shown_as: makes markup of a piece of text, such as one with what was searched marked.
    """
    fixed = {line for first, end in fixed_lines(parts) for line in range(first, end)}
    shown = []
    for is_fixed, pieces in groupby(_pieces(parts), lambda piece: piece[0] in fixed):
        marked = [tag(_ELEMENTS[part.kind], shown_as(part.text)) for _, part in pieces]
        shown += [tag("span", *marked, class_="fixed")] if is_fixed else marked
    return tag("p", *shown, class_=class_, dir="auto")


def plain(content: str, class_: str = "text") -> Html:
    """Return a text without marks."""
    return passage([DiffPart("same", content)], class_)


def fixed_lines(parts: Sequence[DiffPart]) -> list[list[int]]:
    """Return which lines of the parts together are code or data: the first, and the one after."""
    blocks = find_blocks("".join(part.text for part in parts))
    return [[block.start, block.stop] for block in blocks]


def _pieces(parts: Sequence[DiffPart]) -> Iterator[tuple[int, DiffPart]]:
    """Yield the parts of each line, its end included, with the number of the line."""
    number = 0
    for part in parts:
        for line in _lines(part.text):
            yield number, DiffPart(part.kind, line)
            number += line.endswith("\n")


def _lines(content: str) -> Iterator[str]:
    """Yield the lines of a text with their ends; ``splitlines`` knows further ends."""
    *ended, last = content.split("\n")
    yield from (f"{line}\n" for line in ended)
    if last:
        yield last
