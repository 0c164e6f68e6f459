"""Code: what a reply holds of programs, in fenced blocks as models write them."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([\w+.-]*)")
_PYTHON = frozenset(("", "python", "python3", "py", "pycon"))


def read_code(text: str) -> list[str]:
    """Return the whole blocks of Python, in order; the text itself where it has no fence at all.

    A block that is never closed was cut off, and one in another language is no program of ours.
    """
    blocks, opened, language = list[str](), "", ""
    block, has_fence = list[str](), False
    for line in text.splitlines():
        fence = _FENCE.match(line)
        has_fence = has_fence or fence is not None
        if not opened:
            if fence is not None:
                opened, language, block = fence[1], fence[2].lower(), []
        elif fence is not None and fence[1].startswith(opened) and line.strip() == fence[1]:
            if language in _PYTHON:
                blocks.append("\n".join(block) + "\n")
            opened = ""
        else:
            block.append(line)
    return blocks if has_fence else [text]
