"""Method reader: takes a rewritten method out of a reply of the optimizing model."""

from __future__ import annotations

import re

from evolinstruct.reading.own_text import own_text

MARKS = ("<method>", "</method>")
"""The lines between which the prompt asks for it."""
_BETWEEN = re.compile(
    r"^[ \t]*<method>(?P<inner>.*?)(?:</method>|\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE
)
_FENCE = "```"
_WHOLE_FENCE = re.compile(r"```[^\n]*\n(.*)\n```", re.DOTALL)


def read_method(reply: str) -> str | None:
    """Return the method between the marks; None where no reader could tell it from the rest.

    The opening mark begins a line, because a plan may name it. Of several pairs the last one
    counts; where the marks are missing, an only fence stands for them.
    """
    text = own_text(reply)
    found = [match["inner"].strip() for match in _BETWEEN.finditer(text)]
    if not found and len(fenced := _fenced(text)) == 1:
        found = [fenced[0].strip()]
    method = next((inner for inner in reversed(found) if inner), "")
    if fence := _WHOLE_FENCE.fullmatch(method):
        method = fence[1].strip()
    return method or None


def _fenced(text: str) -> list[str]:
    """Return what stands in fences that are closed."""
    blocks, block = list[str](), None
    for line in text.split("\n"):
        if block is None:
            block = list[str]() if line.startswith(_FENCE) else None
        elif line.rstrip(" \t") == _FENCE:
            blocks.append("\n".join(block))
            block = None
        else:
            block.append(line)
    return blocks
