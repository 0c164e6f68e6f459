"""Method reader: takes a rewritten method out of a reply of the optimizing model."""

from __future__ import annotations

import re

from evolinstruct.reading.code import fenced
from evolinstruct.reading.own_text import own_text

MARKS = ("<method>", "</method>")
"""The lines between which the prompt asks for it."""
_BETWEEN = re.compile(
    r"^[ \t]*<method>(?P<inner>.*?)(?:</method>|\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE
)
_WHOLE_FENCE = re.compile(r"```[^\n]*\n(.*)\n```", re.DOTALL)


def read_method(reply: str) -> str | None:
    """Return the method between the marks; None where no reader could tell it from the rest.

    The opening mark begins a line, because a plan may name it. Of several pairs the last one
    counts; where the marks are missing, an only fence stands for them.
    """
    text = own_text(reply)
    found = [match["inner"].strip() for match in _BETWEEN.finditer(text)]
    if not found and len(blocks := fenced(text)) == 1:
        found = [blocks[0][1].strip()]
    method = next((inner for inner in reversed(found) if inner), "")
    if fence := _WHOLE_FENCE.fullmatch(method):
        method = fence[1].strip()
    return method or None
