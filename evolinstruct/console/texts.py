"""Text for a terminal: foreign text made harmless, figures made readable.

Text from models, services and files may hold anything; nothing of it may steer the terminal.
"""

from __future__ import annotations

import unicodedata

from evolinstruct.text import shorten

_EXCERPT = 200
_TURNING = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
"""Format characters that change the direction of what follows; others of their kind stay."""


def harmless(text: str) -> str:
    """Make control characters visible, so that no text can steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else _escaped(char) for char in text)


def harmless_lines(text: str) -> str:
    """Make control characters visible, but for line breaks."""
    return "\n".join(harmless(line) for line in text.split("\n"))


def excerpt(text: str, length: int = _EXCERPT) -> str:
    """Return the text on one line, harmless and no longer than so many characters."""
    return shorten(harmless(" ".join(text.split())), length)


def _is_harmless(char: str) -> bool:
    if char.isprintable():
        return True
    return char not in _TURNING and unicodedata.category(char) == "Cf"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
