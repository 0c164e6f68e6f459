"""Sandbox: runs programs that models wrote, apart from this process, as a client.

A request's messages are a program and its tests; the reply says what came of each. So a program's
run is journalled, capped, prefetched and replayed as any call is, and nothing is run twice.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from typing import Any, Protocol

from evolinstruct.errors import InputError, StopRun
from evolinstruct.llm.base import ClientOptions, Reply, Request, Usage
from evolinstruct.programs import NoProgram, Statement, statements
from evolinstruct.sandbox import docker, monty
from evolinstruct.sandbox.process import Gone
from evolinstruct.sandbox.results import Results

__all__ = ["DOCKER", "LIMITS", "MONTY", "Results", "SandboxClient", "check_there", "messages"]

MONTY, DOCKER = "monty", "docker"
LIMITS = {
    "seconds": 5.0,
    "total": 15.0,
    "memory": 256 * 2**20,
    "output": 100_000,
    "recursion": 1_000,
    "process": 2**30,
}
"""What a program may take: seconds for a statement and for all of them, bytes of memory and of what
it prints, calls within calls; and the bytes of the process around it."""

_PROGRAM, _TESTS = "program", "tests"
_GRACE = 10.0  # seconds for a process to begin, and to see its limits
_TRIES = 2  # whoever ended a process need not be its program


class Sandbox(Protocol):
    """Whatever runs programs; its title says what it is, with its version."""

    title: str

    async def run(self, line: bytes, seconds: float) -> bytes:
        """Return a line of what came of the program that a line holds.

        Raises:
            Gone: there is none.
            StopRun: no program can be run.
        """
        ...

    async def aclose(self) -> None:
        """End all processes."""
        ...


def messages(program: str, tests: str) -> tuple[tuple[str, str], ...]:
    """Return the messages of a request to have a program run with its tests."""
    return ((_PROGRAM, program), (_TESTS, tests))


def check_there(name: str) -> None:
    """Refuse a sandbox that is not installed.

    Raises:
        InputError: it is not; says what to do.
    """
    (monty if name == MONTY else docker).check_there()


class SandboxClient:
    """Runs programs, as many at once as there are cores."""

    FREE = True

    def __init__(self, options: ClientOptions) -> None:
        """Take the sandbox's name as the model; nothing is started before the first program."""
        self._name = options.model
        self._sandbox: Sandbox | None = None
        self._room = asyncio.Semaphore(_cores())

    async def complete(self, request: Request) -> Reply:
        """Return what came of a program and its tests, as `Results` write it.

        Raises:
            StopRun: the sandbox is not installed, or runs no program.
        """
        texts = dict(request.messages)
        if self._sandbox is None:
            self._sandbox = _sandbox(self._name)
        results = await self._results(self._sandbox, texts[_PROGRAM], texts[_TESTS])
        return Reply(results.encode(), "stop", Usage(0, 0), self._sandbox.title)

    async def _results(self, sandbox: Sandbox, program: str, tests: str) -> Results:
        try:
            asked = statements(tests)
        except NoProgram as error:
            return Results(0, ended=f"the tests are no Python: {error}")
        number, line = sum(each.is_test for each in asked), _line(program, asked)
        for _ in range(_TRIES):
            try:
                async with self._room:
                    answer = await sandbox.run(line, LIMITS["total"] + _GRACE)
                return Results.of_process(answer, asked)
            except Gone as gone:
                if gone.code is None:
                    return Results(number, ended="it hangs")
            except ValueError:  # a program has put something else in the place of the results
                break
        return Results(number, ended="it crashes the interpreter")

    async def aclose(self) -> None:
        """End the sandbox's processes."""
        if self._sandbox is not None:
            await self._sandbox.aclose()


def _sandbox(name: str) -> Sandbox:
    """Return the sandbox of a name.

    Raises:
        StopRun: it is not installed.
    """
    limits = json.dumps(LIMITS).encode() + b"\n"
    kind, _, image = name.partition(":")
    try:
        if kind == MONTY:
            return monty.Monty(limits)
        return docker.Docker(limits, image or docker.IMAGE, int(LIMITS["memory"]))
    except InputError as error:  # what the run has needed so far is in its journal
        raise StopRun(str(error)) from error


def _line(program: str, asked: Sequence[Statement]) -> bytes:
    fields = ("line", "code", "is_test")
    told: list[dict[str, Any]] = [{name: getattr(each, name) for name in fields} for each in asked]
    return json.dumps({"program": program, "statements": told}).encode() + b"\n"


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
