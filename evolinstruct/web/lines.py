"""Lines on a page: one in a list, and bars that show how many are of which kind."""

from __future__ import annotations

from collections.abc import Mapping

from evolinstruct.analysis.line_index import kind_of
from evolinstruct.records import Failed, Kept, Line, Rejected
from evolinstruct.report.markup import Html, tag, text
from evolinstruct.text import shorten
from evolinstruct.words import DiffPart, compare_words, is_new_text

_SHORT = 240  # characters
_WIDE = 100.0


def outcome_of(line: Line) -> str:
    """Return what became of a line: seed, kept, failed, or the rule that rejected it."""
    return line.rule if isinstance(line, Rejected) else kind_of(line)


def marked_outcome(line: Line) -> Html:
    """Return what became of a line, with the mark of its kind."""
    return tag("span", text(outcome_of(line)), class_="outcome", data_outcome=kind_of(line))


def text_of(line: Line) -> str:
    """Return what is shown of a line in a list: its instruction, or why it has none."""
    if isinstance(line, Failed):
        return f"{line.error}: {line.message}"
    return line.instruction or (line.raw or "" if isinstance(line, Rejected) else "")


def difference(parent: Kept | None, line: Line) -> list[DiffPart] | None:
    """Return which words of its parent a line has changed; None if it is a new or has no text."""
    if parent is None or isinstance(line, Failed) or not line.instruction:
        return None
    parts = compare_words(parent.instruction, line.instruction)
    return None if is_new_text(parent.instruction, parts) else parts


def listed_line(line: Line, read: str) -> Html:
    """Return a line as an item of a list that leads to its family on the page to read."""
    about = f"generation {line.generation}" if line.generation else ""
    said = " · ".join(filter(None, (about, line.operation)))
    shown = shorten(" ".join(text_of(line).split()), _SHORT) or "(nothing)"
    return tag(
        "li",
        tag("p", marked_outcome(line), text(f" · {said}" if said else ""), class_="about"),
        tag("a", text(shown), href=f"{read}/family/{line.id}", class_="open", dir="auto"),
    )


def stacked(parts: Mapping[str, int], whole: int) -> Html:
    """Return a bar of parts side by side, as shares of a whole; figures beside it say the same."""
    bars, start = [], 0.0
    for name, count in parts.items():
        width = _WIDE * count / max(whole, 1)
        bars.append(tag("rect", x=f"{start:.2f}", width=f"{width:.2f}", height="8", class_=name))
        start += width
    view = f"0 0 {_WIDE:.0f} 8"
    return tag(
        "svg", *bars, viewBox=view, preserveAspectRatio="none", class_="bar", aria_hidden="true"
    )
