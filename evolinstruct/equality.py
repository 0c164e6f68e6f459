"""Equality of what answers end in: as texts and numbers, or as formulas (the extra ``math``)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from evolinstruct.installation import import_extra, require_extra
from evolinstruct.reading import final_answer, same_final_answer
from evolinstruct.settings.kinds import EXACT, MATH

Same = Callable[[str, str], bool]
"""Tells whether two answers come to the same."""
_PACKAGE, _NAMED = "math_verify", "--equality math"

# What is compared as a formula: short, with no word, and with nothing whose value may take long to
# find, because to give up after some time would make the outcome depend on the machine.
_LONGEST, _MOST_POWERS = 120, 3
_COMMAND = re.compile(r"\\([A-Za-z]+|.)")
_WORDS = "frac|dfrac|tfrac|sqrt|pi|cdot|times|div|pm|left|right|infty|cup|cap|in|circ|le|ge|leq|geq"
_COMMANDS = frozenset([*_WORDS.split("|"), *",;:!{}%$"])
_TOO_MUCH = re.compile(r"\d{16}|!|[^\W\d_]{4}|\^\s*\{?\s*-?\d{3}|\^\s*(?:\{[^{}]*\^|\d+\s*\^)")


def require(way: str) -> None:
    """Refuse a way that takes a package which is not installed.

    Raises:
        InputError: it is not; names the command that installs it.
    """
    if way == MATH:
        require_extra(_PACKAGE, MATH, _NAMED)


def equality(way: str) -> Same:
    """Return what tells whether two answers come to the same.

    Raises:
        InputError: the package that this takes is not installed.
    """
    if way == EXACT:
        return same_final_answer
    return _Formulas(import_extra(_PACKAGE, MATH, _NAMED)).same


class _Formulas:
    """Compares what answers end in as formulas, where their texts and numbers differ."""

    def __init__(self, math_verify: Any) -> None:
        self._parse, self._verify = math_verify.parse, math_verify.verify
        logging.getLogger(_PACKAGE).setLevel(logging.ERROR)  # it warns that no time is set

    def same(self, one: str, other: str) -> bool:
        if same_final_answer(one, other):
            return True
        found = [final_answer(each) for each in (one, other)]
        texts = sorted(text for text in found if text is not None and _is_formula(text))
        if len(texts) < len(found):
            return False
        first, second = (self._parse(f"\\boxed{{{text}}}", parsing_timeout=None) for text in texts)
        return bool(self._verify(first, second, timeout_seconds=None))


def _is_formula(text: str) -> bool:
    bare = _COMMAND.sub(" ", text)
    return (
        len(text) <= _LONGEST
        and text.count("^") <= _MOST_POWERS
        and all(name in _COMMANDS for name in _COMMAND.findall(text))
        and _TOO_MUCH.search(bare) is None
        and bare.count("{") == bare.count("}")
    )
