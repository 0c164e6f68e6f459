"""Code: what a reply holds between fences, as models write them, and which of it is Python."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([\w+.-]*)")
_PYTHON = frozenset(("", "python", "python3", "py", "pycon"))


def read_code(text: str) -> list[str]:
    """Return the whole blocks of Python, in order; the text itself where it has no fence at all.

    A block that is never closed was cut off, and one in another language is no program of ours.
    """
    if not any(_FENCE.match(line) for line in text.splitlines()):
        return [text]
    return [block for language, block in fenced(text) if language in _PYTHON]


def fenced(text: str) -> list[tuple[str, str]]:
    """Return the blocks between fences that are closed: the language that each names, and it."""
    blocks, block, opened, language = list[tuple[str, str]](), list[str](), "", ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if not opened:
            if fence is not None:
                opened, language, block = fence[1], fence[2].lower(), []
        elif fence is not None and fence[1].startswith(opened) and line.strip() == fence[1]:
            blocks.append((language, "\n".join(block) + "\n"))
            opened = ""
        else:
            block.append(line)
    return blocks
