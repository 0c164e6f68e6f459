"""Preference reader: which of two texts, A or B, a judge's reply finds better.

The last verdict in a form that was asked for counts, because judges weigh both sides first and some
take back what they said. What only sounds like a verdict is none.
"""

from __future__ import annotations

import re

from evolinstruct.reading.own_text import own_text

_MARKUP = re.compile(r"[*_`#\"“”]+")
_LABEL = (
    r"(?:(?:my|the|final|overall)\s+)*"
    r"(?:verdict|judge?ment|decision|conclusion|preference)(?:\s+is)?\s*[:：]\s*"
)
_MUCH = r"(?P<much>(?:much|far|clearly|significantly|considerably|substantially)\s+)"
_BODY = (
    rf"(?:(?:text\s+|answer\s+|instruction\s+)?(?P<winner>[AB])(?:\s+is)?\s+"
    rf"(?:{_MUCH}|slightly\s+|a\s+little\s+|somewhat\s+)?better"
    r"|(?P<one>[AB])\s*(?P<sign>>>|≫|>|=|<<|≪|<)\s*(?P<other>(?!(?P=one))[AB])"
    r"|(?P<level>(?:(?:they|both|A and B)\s+are\s+)?(?:level|equally good|a tie|tie|tied)))"
)
_LINE = re.compile(
    rf"[ \t>-]*(?:{_LABEL})?\[{{0,2}}{_BODY}\]{{0,2}}[ \t]*[.!。]?[ \t]*", re.IGNORECASE
)
_LABELLED = re.compile(rf"[ \t>-]*{_LABEL}", re.IGNORECASE)
_BRACKETED = re.compile(rf"\[\[\s*(?:{_LABEL})?{_BODY}\s*\]\]", re.IGNORECASE)
_SIGNS = {">>": 2, "≫": 2, ">": 1, "=": 0, "<": -1, "<<": -2, "≪": -2}


def read_preference(reply: str) -> int | None:
    """Return by how much A is better: 2 clearly, 1, 0 level, -1 B is, -2 clearly; None if unsaid.

    A verdict stands in double brackets, on a line behind the word "verdict", or is the last line.
    """
    text = _MARKUP.sub("", own_text(reply)).strip()
    found = [(match.start(), match) for match in _BRACKETED.finditer(text)]
    at, last = 0, len(text.splitlines()) - 1
    for number, line in enumerate(text.splitlines(keepends=True)):
        is_stated = number == last or _LABELLED.match(line)
        if is_stated and (match := _LINE.fullmatch(line.rstrip("\r\n"))):
            found.append((at, match))
        at += len(line)
    return _value(max(found, key=lambda each: each[0])[1]) if found else None


def _value(found: re.Match[str]) -> int:
    """Return what a verdict says, as a number."""
    if found["level"]:
        return 0
    if found["winner"]:
        sign = 1 if found["winner"].upper() == "A" else -1
        return sign * (2 if found["much"] else 1)
    return _SIGNS[found["sign"]] * (1 if found["one"].upper() == "A" else -1)
