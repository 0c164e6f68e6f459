"""Result reader: what an answer comes to, and whether two answers come to the same."""

from __future__ import annotations

import re
from math import isclose
from typing import NamedTuple

_RESULT = r"(?P<number>-?\d[\d,.]*(?:/\d+)?)\s*(?P<unit>%|°?[^\W\d_]*)"
_STATED = re.compile(
    r"(?:####|\\boxed\{|(?:answer|result|total|solution|sum|antwort|ergebnis|réponse|respuesta"
    r"|resposta|ответ|答案|答え|정답)(?: is| are|:|：|=| ist| est| es| é)?)[\s*$]*" + _RESULT,
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"[\s*$]*(?:(?:it|[a-z]) ?(?:is|=) ?)?[$€£]?" + _RESULT + r"[\s*$.]*", re.IGNORECASE
)
_CLOSE, _APART = 1e-9, 0.02  # numbers between the two may be one result, rounded in two ways


class Result(NamedTuple):
    """The number that an answer comes to.

    Attributes:
        value: the number.
        unit: the word or sign behind it, lower-case; empty if there is none.
    """

    value: float
    unit: str


def same_result(one: str, other: str) -> bool | None:
    """Tell whether two answers have the same result by their words or numbers; None if unclear.

    Words tell only where they are the same. Numbers tell unless their units differ, or they are so
    near that one may be the other, rounded.
    """
    if _plain(one) == _plain(other):
        return True
    first, second = result_of(one), result_of(other)
    if (
        first is None
        or second is None
        or (first.unit and second.unit and first.unit != second.unit)
    ):
        return None
    if isclose(first.value, second.value, rel_tol=_CLOSE):
        return True
    return None if isclose(first.value, second.value, rel_tol=_APART) else False


def result_of(answer: str) -> Result | None:
    """Return the number that an answer states last as its result, or that it is nothing but."""
    stated = list(_STATED.finditer(answer))
    found = stated[-1] if stated else _ALONE.fullmatch(answer)
    return _result(found) if found else None


def _result(found: re.Match[str]) -> Result | None:
    bare = re.sub(r",(?=\d{3}(?!\d))", "", found["number"].rstrip(".,"))
    top, _, bottom = bare.partition("/")
    try:
        value = float(top) / float(bottom or 1)
    except (ValueError, ZeroDivisionError):  # 1.2.3 is a version, 3,5 may be two numbers
        return None
    return Result(value, found["unit"].casefold())


def _plain(text: str) -> str:
    """Return a text without what makes no difference: case, spaces, emphasis and a last stop."""
    return " ".join(text.casefold().replace("**", "").split()).rstrip(".")
