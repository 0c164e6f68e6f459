"""A snippet: what of a text is worth seeing in a list, with what was found and added marked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from evolinstruct.report.markup import Html, join, tag, text
from evolinstruct.words import UNSPACED, DiffPart

_LONG = 320  # characters of a snippet
_BEFORE = 60  # characters before the first that is marked
_Span = tuple[int, int]


def found_in(content: str, terms: Iterable[str]) -> list[_Span]:
    """Return where words and phrases stand in a text: words by their beginnings, accents aside."""
    folded = "".join(map(_folded, content))
    spans = []
    for term in terms:
        start = re.escape("".join(map(_folded, term)))
        rest = "" if re.match(f"[{UNSPACED}]", term) else r"\w*"
        before = "" if re.match(f"[{UNSPACED}]", term) else r"(?<!\w)"
        spans += [found.span() for found in re.finditer(before + start + rest, folded)]
    return sorted(spans)


def added_in(parts: Sequence[DiffPart]) -> list[_Span]:
    """Return where words were added, in the later text of a difference."""
    spans, place = [], 0
    for part in parts:
        if part.kind == "removed":
            continue
        end = place + len(part.text)
        if part.kind == "added":
            spans.append((place, place + len(part.text.rstrip())))
        place = end
    return spans


def snippet(content: str, found: Sequence[_Span], added: Sequence[_Span]) -> Html:
    """Return the part of a text around the first place that is marked, with every mark in it."""
    first = next(iter([*found, *added]), (0, 0))[0]
    start = max(0, first - _BEFORE) if len(content) > _LONG else 0
    start = min(start, max(0, len(content) - _LONG))
    end = min(len(content), start + _LONG)
    start, end = (
        _at_blank(content, start, start + _BEFORE // 2),
        _at_blank(content, end, end - _BEFORE),
    )
    pieces = _pieces(content, start, end, found, added)
    return join(["… " if start else "", *pieces, " …" if end < len(content) else ""])


def _at_blank(content: str, place: int, limit: int) -> int:
    """Return the place after the blank that is nearest between two places, so no word is cut."""
    if place in {0, len(content)}:
        return place
    step = 1 if limit > place else -1
    blanks = (each for each in range(place, limit, step) if content[each - 1].isspace())
    return next(blanks, place)


def marked(content: str, found: Sequence[_Span], added: Sequence[_Span] = ()) -> Html:
    """Return a whole text with every mark in it."""
    return join(_pieces(content, 0, len(content), found, added))


def _pieces(
    content: str, start: int, end: int, found: Sequence[_Span], added: Sequence[_Span]
) -> Iterator[Html]:
    edges = {edge for span in (*found, *added) for edge in span if start < edge < end}
    places = [start, *sorted(edges), end]
    for left, right in pairwise(places):
        piece = text(content[left:right])
        piece = tag("mark", piece) if _within(left, found) else piece
        yield tag("ins", piece) if _within(left, added) else piece


def _within(place: int, spans: Sequence[_Span]) -> bool:
    return any(start <= place < end for start, end in spans)


def _folded(char: str) -> str:
    """Return a character as it is compared: small and without accents, always one."""
    return unicodedata.normalize("NFD", char)[0].lower()[0]
