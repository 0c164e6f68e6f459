"""Expressions: what makes one instruction better than another, such as ``difficulty*quality``.

sum      product {(+ | -) product}
product  factor {(* | /) factor}
factor   - factor | number | measure | (sum) | (min | max)(sum, sum, ...)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import add, mul, sub, truediv
from typing import NamedTuple

from evolinstruct.analysis.scores import NAME
from evolinstruct.errors import UsageError
from evolinstruct.text import shorten

Values = Mapping[str, float]
"""The values of the measures of one instruction."""
_Compute = Callable[[Values], float]
_Operator = Callable[[float, float], float]

_TOKEN = re.compile(
    rf"\s*(?:(?P<number>\d{{1,15}}(?:\.\d{{1,15}})?)|(?P<name>{NAME})|(?P<sign>[-+*/(),]))"
)
_SUMS: dict[str, _Operator] = {"+": add, "-": sub}
_PRODUCTS: dict[str, _Operator] = {"*": mul, "/": truediv}
_FUNCTIONS: dict[str, Callable[[Sequence[float]], float]] = {"min": min, "max": max}
_LONGEST = 500
_DEEPEST = 50
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Expression:
    """What is computed from measures.

    Attributes:
        text: as it was written.
        names: the measures that it needs, each once.
    """

    text: str
    names: tuple[str, ...]
    _compute: _Compute

    def value(self, values: Values) -> float | None:
        """Return its value; None where there is none, as when something is divided by zero."""
        try:
            found = self._compute(values)
        except (ZeroDivisionError, OverflowError):
            return None
        return found if isfinite(found) else None


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        UsageError: it is none; names the place.
    """
    parser = _Parser(text)
    compute = parser.sum()
    if parser.left is not None:
        raise parser.error()
    return Expression(text.strip(), tuple(dict.fromkeys(parser.names)), compute)


class _Token(NamedTuple):
    kind: str
    text: str


class _Parser:
    """Reads an expression from left to right, a method for each rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.names: list[str] = []
        self._depth = 0
        self._tokens = iter(self._split())
        self.left = next(self._tokens, None)

    def _split(self) -> list[_Token]:
        if len(self._text) > _LONGEST:
            raise self._refused(f"it has more than {_LONGEST} characters")
        tokens, place = [], 0
        text = self._text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                raise self._refused(f"{text[place:].lstrip()[0]!r} means nothing here")
            tokens.append(_Token(str(found.lastgroup), found[0].strip()))
            place = found.end()
        return tokens

    def error(self) -> UsageError:
        """Return what to say of the next word, which cannot stand where it stands."""
        if self.left is None:
            return self._refused("it ends too early")
        return self._refused(f"{self.left.text!r} cannot stand where it stands")

    def _refused(self, why: str) -> UsageError:
        return UsageError(
            f"--by {shorten(self._text, _SHOWN)}: {why}; write measures, numbers, + - * /,"
            " brackets, min() and max(), as in difficulty*quality."
        )

    def _takes(self, *texts: str) -> str | None:
        """Return the next word and go on, if it is one of these."""
        if self.left is None or self.left.text not in texts:
            return None
        taken, self.left = self.left.text, next(self._tokens, None)
        return taken

    def _needs(self, text: str) -> None:
        if self._takes(text) is None:
            raise self.error()

    def sum(self) -> _Compute:
        """Read a sum."""
        return self._chain(self._product, _SUMS)

    def _product(self) -> _Compute:
        return self._chain(self._factor, _PRODUCTS)

    def _chain(self, part: Callable[[], _Compute], operators: Mapping[str, _Operator]) -> _Compute:
        found = part()
        while sign := self._takes(*operators):
            found = _both(operators[sign], found, part())
        return found

    def _factor(self) -> _Compute:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refused("its brackets are nested too deeply")
        found = self._opened()
        self._depth -= 1
        return found

    def _opened(self) -> _Compute:
        if self._takes("-"):
            return _both(sub, _constant(0.0), self._factor())
        if self._takes("("):
            found = self.sum()
            self._needs(")")
            return found
        token = self.left
        if token is None or token.kind == "sign":
            raise self.error()
        self.left = next(self._tokens, None)
        if token.kind == "number":
            return _constant(float(token.text))
        if token.text in _FUNCTIONS and self._takes("("):
            return self._called(_FUNCTIONS[token.text])
        self.names.append(token.text)
        return _looked_up(token.text)

    def _called(self, function: Callable[[Sequence[float]], float]) -> _Compute:
        parts = [self.sum()]
        while self._takes(","):
            parts.append(self.sum())
        self._needs(")")
        return lambda values: function([part(values) for part in parts])


def _constant(number: float) -> _Compute:
    return lambda _: number


def _looked_up(name: str) -> _Compute:
    return lambda values: values[name]


def _both(operator: _Operator, one: _Compute, other: _Compute) -> _Compute:
    return lambda values: operator(one(values), other(values))
