"""Method reader: takes a rewritten method out of a reply of the optimizing model."""

from __future__ import annotations

import re

from evolinstruct.reading.own_text import own_text

MARKS = ("<method>", "</method>")
"""The lines between which the prompt asks for it."""
_BETWEEN = re.compile(r"^[ \t]*<method>[ \t]*$(.*?)^[ \t]*</method>", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_WHOLE_FENCE = re.compile(r"```[^\n]*\n(.*)\n```", re.DOTALL)


def read_method(reply: str) -> str | None:
    """Return the method between the marks; None where no reader could tell it from the rest.

    Of several the last one counts. Where the marks are missing, an only fence stands for them.
    """
    text = own_text(reply)
    found = _BETWEEN.findall(text)
    if not found and len(fenced := _FENCED.findall(text)) == 1:
        found = fenced
    method = found[-1].strip() if found else ""
    if fence := _WHOLE_FENCE.fullmatch(method):
        method = fence[1].strip()
    return method or None
