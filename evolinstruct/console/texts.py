"""Text for a terminal: foreign text made harmless, figures made readable.

Text from models, services and files may hold anything; nothing of it may steer the terminal.
"""

from __future__ import annotations

import unicodedata

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
    line = harmless(" ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"


def clock(seconds: float) -> str:
    """Return a span of time as ``0:07``, ``12:30`` or ``3:04:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rounded(number: int) -> str:
    """Return a large number in short, as ``1.2M``."""
    for unit, sign in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= unit:
            return f"{number / unit:,.1f}{sign}"
    return f"{number:,}"


def listed(parts: list[str]) -> str:
    """Return the parts as a list in a sentence: ``a, b and c``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _is_harmless(char: str) -> bool:
    if char.isprintable():
        return True
    return char not in _TURNING and unicodedata.category(char) == "Cf"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
