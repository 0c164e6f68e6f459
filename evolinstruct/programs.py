"""Programs: what can be told of Python code by reading it; nothing is run here."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_SMALL, _SHORT = 10, 3
"""Smaller numbers and shorter texts say nothing of a test, nor do True, False and None."""
_FEW = 3


class NoProgram(ValueError):
    """Raised for a text that is no Python; its words say why."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the tests of a program.

    Attributes:
        line: where it begins, counted from 1.
        code: its text.
        is_test: whether it asserts anything, so that it counts as a test.
    """

    line: int
    code: str
    is_test: bool


def statements(tests: str) -> list[Statement]:
    """Return the statements of tests, in order.

    One that has an assert in it is a test, a loop over cases too; not the definition of a
    function, which alone runs nothing.

    Raises:
        NoProgram: they are no Python.
    """
    return [Statement(each.lineno, _text(each), _asserts(each)) for each in _parsed(tests).body]


def defined(code: str) -> list[str]:
    """Return the names of the functions and classes that a program defines, in order.

    Raises:
        NoProgram: it is no Python.
    """
    return [each.name for each in _parsed(code).body if isinstance(each, _Definition)]


def called(code: str) -> set[str]:
    """Return the names that code calls without defining them, those of Python itself left out.

    Raises:
        NoProgram: it is no Python.
    """
    tree = _parsed(code)
    found = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    own = {each.name for each in ast.walk(tree) if isinstance(each, _Definition)}
    return found - own - set(dir(builtins))


def stub(code: str) -> str:
    """Return a program with its functions emptied, those of its classes too: each returns None.

    Raises:
        NoProgram: it is no Python.
    """
    tree = _parsed(code)
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            node.body = [ast.Pass()]
            node.decorator_list = []
    return _text(tree)


def knows(code: str, tests: str) -> bool:
    """Tell whether a program holds what all its tests ask and expect, so that it may just say it.

    Only constants count that say something, and only where at least three tests have such.

    Raises:
        NoProgram: one of them is no Python.
    """
    of_tests = [_constants(each) for each in _parsed(tests).body if _asserts(each)]
    telling = [constants for constants in of_tests if constants]
    return len(telling) >= _FEW and set().union(*telling) <= _constants(_parsed(code))


def _parsed(code: str) -> ast.Module:
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes that are none
            return ast.parse(code)
    except (RecursionError, MemoryError) as error:  # this is what the parser raises for its stack
        raise NoProgram("it is nested too deeply") from error
    except SyntaxError as error:
        place = f"line {error.lineno}: " if error.lineno else ""
        raise NoProgram(f"{place}{error.msg}") from error
    except ValueError as error:  # a lone surrogate
        raise NoProgram(str(error)) from error


def _text(tree: ast.AST) -> str:
    try:
        return ast.unparse(tree)
    except RecursionError as error:  # writing goes less deep than parsing
        raise NoProgram("it is nested too deeply") from error
    except ValueError as error:  # written in hexadecimal, a number may have any length
        raise NoProgram("it has a number of thousands of digits") from error


def _asserts(statement: ast.stmt) -> bool:
    return not isinstance(statement, _Definition) and any(
        isinstance(node, ast.Assert) for node in ast.walk(statement)
    )


def _constants(tree: ast.AST) -> set[tuple[type, object]]:
    return {(type(value), value) for value in _values(tree) if _is_telling(value)}


def _values(tree: ast.AST) -> Iterator[object]:
    messages = {each.msg for each in ast.walk(tree) if isinstance(each, ast.Assert)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in messages:
            yield node.value


def _is_telling(value: object) -> bool:
    if isinstance(value, str | bytes):
        return len(value) >= _SHORT
    return isinstance(value, int | float | complex) and abs(value) >= _SMALL
