"""Reasoning remover: takes off the thinking that a model puts before its reply."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)(think|thinking|reasoning)>", re.IGNORECASE)
_MENTIONED = ("`", '"', "'", "“", "‘")


def without_reasoning(reply: str) -> str:
    """Return the reply without the reasoning that a model put before it.

    Reasoning is a block in think, thinking or reasoning tags that opens the reply, or everything
    up to a closing tag that was never opened: some services swallow the opening one. A block that
    is never closed is all reasoning, and nothing is left. Tags inside a text (an XML example, a tag
    named in backticks) belong to the text.
    """
    if "<" not in reply:
        return reply
    start, inside = 0, ""
    for tag in _TAG.finditer(reply):
        closing, name = bool(tag[1]), tag[2].lower()
        if inside and not (closing and name == inside):
            continue
        if closing:
            if not inside and reply[tag.start() - 1 : tag.start()] in _MENTIONED:
                break
            start, inside = tag.end(), ""
        elif reply[start : tag.start()].strip():
            break
        else:
            inside = name
    if inside:
        return ""
    return reply[start:].lstrip() if start else reply
