"""The process that has programs run by Monty, an interpreter without files, network or processes.

It is started as a script and speaks lines of JSON: one with a program and the statements of its
tests comes in, one with what came of them goes out. Monty keeps the programs in a process of its
own below this one; both are killed when they hang. Imports nothing of ours.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
import resource
import sys
import time
import warnings
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_GRACE = 1.0  # seconds for Monty to notice its own limit, before its process is killed
_LONGEST = 300  # characters of an error
_SAME_EACH_TIME = {
    "datetime": datetime(2026, 1, 1),  # naive, which Monty takes for UTC
    "timezone": "utc",
    "sleep": "zero",
    "process_time": "zero",
    "random_start": {"seed": 0},
}
_NO_MODULE = re.compile(r"(?:No module named|cannot import name|module) '\w+")
_NO_ATTRIBUTE = re.compile(r"(?:type object )?'(\w+)'(?: object)? has no attribute '(\w+)'")
_NO_NAME = re.compile(r"name '(\w+)' is not defined")
_NOT_HERE = re.compile(r"not supported|monty", re.IGNORECASE)
# The second is said of every lazy thing but iter(...), because Monty makes a list of it at once.
_NOT_YET = re.compile(r"not yet support|'list' object is not an iterator")
_NOT_KNOWN = {"NotImplementedError": _NOT_HERE, "RuntimeError": _NOT_HERE, "TypeError": _NOT_YET}
# Methods that Monty never calls, some of them without a word.
_UNCALLED = frozenset(
    f"__{name}__"
    for name in (
        *("lt", "le", "gt", "ge", "ne", "len", "bool"),
        *("format", "getattr", "iadd", "reversed"),
    )
)


class _Ended(Exception):
    """Ends a program: its words say why; `lacking` that the sandbox cannot run it."""

    def __init__(self, why: str, *, lacking: bool = False) -> None:
        super().__init__(why)
        self.lacking = lacking


class Runner:
    """Runs programs, one after the other."""

    def __init__(self, monty: Any, limits: Mapping[str, Any]) -> None:
        """Start Monty's process; `limits` are those of every program."""
        self._monty = monty
        self._limits = limits
        self._pool = monty.Monty(
            max_processes=1,
            request_timeout=limits["seconds"] + _GRACE,
            feed_duration_limit_grace=_GRACE,
        )
        self._pool.__enter__()

    def run(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what came of a program and the statements of its tests."""
        found: dict[str, Any] = {"tests": [], "ended": None, "lacking": None}
        limits = {
            "max_feed_duration_secs": self._limits["seconds"],
            "max_memory": self._limits["memory"],
            "max_recursion_depth": self._limits["recursion"],
        }
        try:
            with self._pool.checkout(limits=limits, os_policy=_SAME_EACH_TIME) as session:
                self._feed_all(session, asked, found["tests"])
        except _Ended as ending:
            found["lacking" if ending.lacking else "ended"] = str(ending)
        except self._monty.MontyError as error:  # Monty's process is gone, as it was left
            found["ended"] = found["ended"] or self._crash(error)
        return found

    def _feed_all(
        self, session: Any, asked: Mapping[str, Any], tests: list[dict[str, Any]]
    ) -> None:
        until = time.monotonic() + self._limits["total"]
        if (method := _uncalled(asked["program"])) is not None:
            raise _Ended(f"the method {method} of a class is never called here", lacking=True)
        if (fault := self._fault(session, asked["program"])) is not None:
            raise _Ended(fault)
        for each in asked["statements"]:
            try:
                fault = self._fault(session, each["code"])
            except _Ended as ending:
                if each["is_test"] and not ending.lacking:
                    tests.append({"line": each["line"], "error": str(ending)})
                raise
            if each["is_test"]:
                tests.append({"line": each["line"], "error": fault})
            elif fault is not None:
                raise _Ended(f"line {each['line']} of the tests: {fault}")
            if time.monotonic() > until:
                raise _Ended(f"it takes longer than {self._limits['total']:g} seconds in all")

    def _fault(self, session: Any, code: str) -> str | None:
        """Run a piece of a program, whose value stays where it is; return what it raised.

        Raises:
            _Ended: it goes beyond a limit, or cannot be run.
        """
        output = self._monty.CollectString(max_bytes=self._limits["output"])
        try:
            session.feed_run(f"{code}\nNone", print_callback=output)
        except self._monty.MontyCrashedError as error:
            raise _Ended(self._crash(error)) from error
        except self._monty.MontyError as error:
            return self._said(error, code)
        return None

    def _said(self, error: Any, code: str) -> str:
        """Return an error in words.

        Raises:
            _Ended: it tells of a limit, or of something that Monty lacks.
        """
        kind, _, words = error.display("type-msg").partition(": ")
        if (beyond := self._beyond(kind, words)) is not None:
            raise _Ended(beyond)
        said = " ".join(f"{kind}: {words}".split())[:_LONGEST]
        if _is_lacking(kind, words, code):
            raise _Ended(said, lacking=True)
        return said

    def _beyond(self, kind: str, words: str) -> str | None:
        """Return which limit an error tells of, in words without figures that vary."""
        limits = self._limits
        if kind == "TimeoutError" and "time limit exceeded" in words:
            return f"it takes longer than {limits['seconds']:g} seconds"
        if kind == "MemoryError" and words.endswith(f" > {limits['output']} bytes"):
            return f"it prints more than {limits['output'] // 1000:,} kB"
        if kind == "MemoryError":
            return f"it takes more than {limits['memory'] // 2**20:,} MB of memory"
        return None

    def _crash(self, error: Any) -> str:
        if getattr(error, "timed_out", False):
            return f"it takes longer than {self._limits['seconds']:g} seconds"
        return "it crashes the interpreter"


def _is_lacking(kind: str, words: str, code: str) -> bool:
    """Tell whether Python itself would have gone on, as far as an error's words show."""
    if kind == "SyntaxError":
        return _parsed(code) is not None
    if kind in {"ModuleNotFoundError", "ImportError"} or _NO_MODULE.match(words):
        return True
    if kind == "PermissionError":
        return True
    if kind == "NameError" and (found := _NO_NAME.match(words)):
        return hasattr(builtins, found[1]) or found[1] == "__import__"
    if kind == "AttributeError" and (found := _NO_ATTRIBUTE.match(words)):
        return hasattr(getattr(builtins, found[1], None), found[2])
    return kind in _NOT_KNOWN and _NOT_KNOWN[kind].search(words) is not None


def _uncalled(program: str) -> str | None:
    """Return the first method of a program's classes that Monty never calls, if there is one."""
    tree = _parsed(program) or ast.Module([], [])
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    members = [each for node in classes for each in node.body]
    names = [each.name for each in members if isinstance(each, ast.FunctionDef)]
    return next((name for name in names if name in _UNCALLED), None)


def _parsed(code: str) -> ast.Module | None:
    """Return a program's tree; None where Python cannot read it either."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def main() -> None:
    """Answer line after line until there is none; the first one holds the limits."""
    import pydantic_monty  # noqa: PLC0415 - found by whoever starts this process

    limits = json.loads(sys.stdin.readline())
    # What Monty does not count is bounded by the system; both processes get so much.
    resource.setrlimit(resource.RLIMIT_AS, (limits["process"], limits["process"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    runner = Runner(pydantic_monty, limits)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(runner.run(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
