"""The script that runs a program in a container, and says on its first output what came of it.

Two lines of JSON come in: the limits, and a program with the statements of its tests. Imports
nothing of ours; its text is handed to the container's Python.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from typing import Any

_LONGEST = 300  # characters of an error


class _OutOfTimeError(BaseException):
    """Raised by the alarm; no program's `except Exception` catches it."""


def _alarm(_number: int, _frame: object) -> None:
    raise _OutOfTimeError


def _fault(code: str, names: dict[str, Any], limits: dict[str, Any]) -> str | None:
    """Run a piece of a program; return what it raised.

    Raises:
        EOFError: it went beyond a limit, in words.
    """
    signal.setitimer(signal.ITIMER_REAL, limits["seconds"])
    try:
        exec(compile(code, "program", "exec"), names)  # noqa: S102 - this is what the container is for
    except _OutOfTimeError:
        raise EOFError(f"it takes longer than {limits['seconds']:g} seconds") from None
    except MemoryError:
        raise EOFError(f"it takes more than {limits['memory'] // 2**20:,} MB of memory") from None
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is told
        return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _run(asked: dict[str, Any], limits: dict[str, Any], tests: list[dict[str, Any]]) -> str | None:
    """Run a program and its tests, which are noted; return what ended it before the last one."""
    names: dict[str, Any] = {"__name__": "program"}
    until = time.monotonic() + limits["total"]
    try:
        if (fault := _fault(asked["program"], names, limits)) is not None:
            return fault
        for each in asked["statements"]:
            try:
                fault = _fault(each["code"], names, limits)
            except EOFError as beyond:
                if each["is_test"]:
                    tests.append({"line": each["line"], "error": str(beyond)})
                raise
            if each["is_test"]:
                tests.append({"line": each["line"], "error": fault})
            elif fault is not None:
                return f"line {each['line']} of the tests: {fault}"
            if time.monotonic() > until:
                return f"it takes longer than {limits['total']:g} seconds in all"
    except EOFError as beyond:
        return str(beyond)
    return None


def main() -> None:
    """Answer one program; what it prints goes nowhere."""
    limits, asked = json.loads(sys.stdin.readline()), json.loads(sys.stdin.readline())
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    resource.setrlimit(resource.RLIMIT_AS, (limits["process"], limits["process"]))
    sys.setrecursionlimit(limits["recursion"])
    signal.signal(signal.SIGALRM, _alarm)
    tests: list[dict[str, Any]] = []
    ended = _run(asked, limits, tests)
    found = {"tests": tests, "ended": ended, "lacking": None}
    os.write(answer, json.dumps(found).encode() + b"\n")


if __name__ == "__main__":
    main()
