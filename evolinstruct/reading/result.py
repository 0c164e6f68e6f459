"""Result reader: what an answer comes to, and whether two answers come to the same."""

from __future__ import annotations

import re
from functools import cache
from math import isclose
from typing import NamedTuple

from evolinstruct.words import word_lists

# Possessive: what follows in _ALONE takes stops and spaces, too, and a long row of these would be
# divided between the two in every way.
_RESULT = r"(?P<number>-?\d[\d,.]*+(?:/\d+)?+)\s*+(?P<unit>%|°?[^\W\d_]*+)"
_STATED = re.compile(
    r"(?:####|\\boxed\{|(?:answer|result|total|solution|sum|antwort|ergebnis|réponse|respuesta"
    r"|resposta|ответ|答案|答え|정답)(?: is| are|:|：|=| ist| est| es| é)?)[\s*$]*" + _RESULT,
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"[\s*$]*+(?:(?:it|[a-z]) ?(?:is|=) ?)?[$€£]?" + _RESULT + r"[\s*$.]*+", re.IGNORECASE
)
_CLOSE, _APART = 1e-9, 0.02  # numbers between the two may be one result, rounded in two ways

_FINAL = re.compile(
    r"(?:^[ \t]*####|\b(?:answer|antwort|réponse|respuesta|resposta|ответ)[ \t*]*[:：]"
    r"|\b(?:answer|result) (?:is|are)\b|\b(?:antwort|ergebnis) ist\b)"
    r"(?P<final>[^\n]*\S)",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(r"-?\d[\d,.]*(?:/\d+)?(?<![.,])")
_BOX = "\\boxed{"
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_TEXT = re.compile(r"\\(?:text|mathrm|textbf)\s*\{([^{}]*)\}")
_NO_MATTER = re.compile(r"\\[,;!: ()]|\\(?:left|right|displaystyle)\b|[\s$*{}]")
_SAID = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)* (?P<final>[$€£]?-?\d[\d,.]*(?: [^\W\d_]+)*[.!]?)")
_SHORT = 60

# One result is written in several ways: with a word before it or a rounded number behind it, with
# the sign of a currency on either side, with the name of a unit or its sign.
_BEFORE = re.compile(
    r"^(?:[^\w≈~\\-]|\\(?!approx))*+(?:(?:≈|~|\\approx"
    r"|(?:after|about|approximately|exactly|in|roughly|nach|etwa|genau|après|environ)(?= ))\s*+)++"
    r"(?=[$€£]?-?\d)"
)
_ROUNDED = re.compile(r"(?<=\w)[\s$]*\(?(?:≈|\\approx).*", re.DOTALL)
_AMOUNT = r"[€£]?-?\d[\d.,]*+(?:/\d+)?+(?:[^\W\d_]|[ $%°²³^{}/€£])*+"
_RESTATED = re.compile(
    rf"(?P<as>[\s$]*+(?:[a-z] ?= ?)?{_AMOUNT}(?<=[\s$]))"
    rf"\((?!mod\b)(?:{_AMOUNT}|(?=[^()]*?[^\W\d_]{{2}})[^()+*^=]*+)\)[\s$.]*+"
)
"""A result, and in brackets what it is in other words: 60 min (1 hour)."""
_WORKED_OUT = re.compile(r"(?P<as>-?\d[\d.]*/\d+)\s*=\s*-?[\d.]+(?:/\d+)?")
_CURRENCY = re.compile(r"([€£])\s*(\d[\d,.]*)")
_POWER = re.compile(r"\^(?:\{([23])\}|([23])(?!\w))")
_POWER_WORD = re.compile(r"\b(?:(square|sq)|cubic) ([^\W\d_]+)|\b([^\W\d_]+) (?:(squared)|cubed)\b")
_PER = re.compile(r"(?<=[^\W\d_]) per (?=[^\W\d_])")
_UNIT = re.compile(r"[^\W\d_²³]+|[€£]")


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


def same_final_answer(one: str, other: str) -> bool:
    """Tell whether two answers come to the same: in their final answers, or else in their words."""
    first, second = final_answer(one), final_answer(other)
    if first is None or second is None:
        return _plain(one) == _plain(other)
    first, second = _formula(first), _formula(second)
    return first == second or same_result(first, second) is True


def final_answer(answer: str) -> str | None:
    """Return what an answer ends in, as far as it can be told; None where it cannot.

    That is the last text in a box, else what is stated last as the answer or behind ``####``, else
    an answer of one short line, else the last number of the last line.
    """
    if (boxed := _boxed(answer)) is not None:
        return boxed
    if stated := list(_FINAL.finditer(answer)):
        return stated[-1]["final"].lstrip(" \t*$").rstrip(" *$.")
    last = (answer.strip().splitlines() or [""])[-1].strip()
    if last == answer.strip() and 0 < len(last) <= _SHORT:
        return said["final"] if (said := _SAID.fullmatch(last)) else last
    numbers = list(_NUMBER.finditer(last))
    return numbers[-1][0] if numbers else None


def _boxed(answer: str) -> str | None:
    """Return what the last box of an answer holds, however deep its braces are."""
    begin = answer.rfind(_BOX)
    if begin < 0:
        return None
    inside, depth = answer[begin + len(_BOX) :], 1
    for place, letter in enumerate(inside):
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            return inside[:place].strip()
    return None


def _formula(text: str) -> str:
    """Return a final answer without what makes no difference in a formula."""
    bare = _FRACTION.sub(r"\1/\2", text)
    bare = _TEXT.sub(r"\1", bare)
    bare = _NO_MATTER.sub("", _written_alike(bare.casefold()))
    return re.sub(r",(?=\d{3}(?!\d))", "", bare).rstrip(".")


def _written_alike(text: str) -> str:
    """Return a final answer in lower case as if all wrote units and rounded numbers in one way."""
    text = _ROUNDED.sub("", _BEFORE.sub("", text))
    if (restated := _RESTATED.fullmatch(text)) is not None:
        text = restated["as"]
    if (worked_out := _WORKED_OUT.fullmatch(text.strip())) is not None:
        text = worked_out["as"]
    text = _PER.sub("/", _POWER_WORD.sub(_raised, _CURRENCY.sub(r"\2 \1", text)))
    text = _POWER.sub(lambda found: "²³"[int(found[1] or found[2]) - 2], text)
    return _UNIT.sub(lambda found: _unit_names().get(found[0], found[0]), text)


def _raised(found: re.Match[str]) -> str:
    return f"{found[2] or found[3]}{'²' if found[1] or found[4] else '³'}"


@cache
def _unit_names() -> dict[str, str]:
    """Return the name that stands for a unit, by each way in which it is written."""
    return {way: name for name, ways in word_lists("units").items() for way in ways}


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
