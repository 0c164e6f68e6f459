"""Monty: an interpreter of Python's heart that knows no files, no network and no processes."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from evolinstruct.installation import require_extra
from evolinstruct.sandbox.process import Process, Processes

_PACKAGE = "pydantic_monty"
_FEW_THREADS = {"TOKIO_WORKER_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""A thread for each of many cores would take the addresses that a process may have."""
_SCRIPT = Path(__file__).with_name("in_monty.py")


def check_there() -> None:
    """Refuse to go on without it.

    Raises:
        InputError: it is not installed; names the command that installs it.
    """
    require_extra(_PACKAGE, "sandbox", "The sandbox")


class Monty:
    """Runs programs in processes that are used again, one program at a time in each."""

    def __init__(self, limits: bytes) -> None:
        """Take the line that tells a process its limits.

        Raises:
            InputError: Monty is not installed.
        """
        check_there()
        self._limits = limits
        self._processes = Processes()
        self._idle: list[Process] = []
        self.title = f"monty {version(_PACKAGE)}"

    async def run(self, line: bytes, seconds: float) -> bytes:
        """Return the answer of a process to the line that holds a program.

        Raises:
            Gone: there is none.
            StopRun: the sandbox is closed.
        """
        first = b"" if self._idle else self._limits
        process = self._idle.pop() if self._idle else await self._started()
        answer = await process.ask(first + line, seconds)
        self._idle.append(process)
        return answer

    async def _started(self) -> Process:
        command = [sys.executable, "-P", str(_SCRIPT)]
        return await self._processes.start(command, **_FEW_THREADS)

    async def aclose(self) -> None:
        """End the processes."""
        await self._processes.aclose()
