"""Docker: whole Python in a container without network, files to write or rights, for each program.

A program shares its interpreter with the script that runs it, so one that sets out to forge its
results can; it can do nothing else.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path

from evolinstruct.errors import InputError, StopRun
from evolinstruct.sandbox.process import Gone, Process, Processes

IMAGE = "python:3.12-slim"
"""The image where none is named."""
_SCRIPT = Path(__file__).with_name("in_docker.py")
_NOBODY = "65534:65534"
_REFUSED = (125, 126, 127)
"""Exit statuses of docker itself, and of an image without Python."""
_BEGINNING = 20.0
"""Seconds for a container to begin."""
_NUMBERS = count(1)


def check_there() -> None:
    """Refuse to go on without it.

    Raises:
        InputError: it is not installed.
    """
    if shutil.which("docker") is None:
        raise InputError(
            "--sandbox docker: the command docker is not installed;"
            " install it, or leave the option out to use Monty."
        )


class Docker:
    """Runs each program in a container of its own."""

    def __init__(self, limits: bytes, image: str, memory: int) -> None:
        """Take the line that tells a container its limits, the image, and bytes of memory.

        Raises:
            InputError: docker is not installed.
        """
        check_there()
        self._limits = limits
        self._image = image
        self._memory = memory
        self._processes = Processes()
        self.title = f"docker {image}"

    async def run(self, line: bytes, seconds: float) -> bytes:
        """Return the answer of a container to the line that holds a program.

        Raises:
            Gone: there is none.
            StopRun: docker runs no container of the image, or the sandbox is closed.
        """
        name = f"evolinstruct-{os.getpid()}-{next(_NUMBERS)}"
        process = await self._processes.start(self._command(name))
        try:
            answer = await process.ask(self._limits + line, seconds + _BEGINNING)
            await process.end()
        except Gone as gone:
            if gone.code in _REFUSED:
                raise StopRun(
                    f"Docker runs no container of {self._image}: see whether its service is there"
                    f" (docker info) and the image (docker pull {self._image}); the same command"
                    " goes on."
                ) from gone
            raise
        finally:
            await self._remove(name)
        return answer

    def _command(self, name: str) -> list[str]:
        bounds = {
            "--network": "none",
            "--memory": str(self._memory),
            "--memory-swap": str(self._memory),
            "--pids-limit": "32",
            "--cpus": "1",
            "--user": _NOBODY,
            "--cap-drop": "ALL",
            "--security-opt": "no-new-privileges",
            "--pull": "never",
            "--name": name,
        }
        given = [word for pair in bounds.items() for word in pair]
        script = _SCRIPT.read_text(encoding="utf-8")
        run = ["docker", "run", "--rm", "--interactive", "--read-only", "--init", *given]
        return [*run, self._image, "python", "-I", "-c", script]

    async def _remove(self, name: str) -> None:
        """End a container that outlived the command which started it."""
        process = await Process.start(["docker", "rm", "--force", name])
        with suppress(TimeoutError):  # a service that hangs would hold the run
            async with asyncio.timeout(_BEGINNING):
                await process.exited()

    async def aclose(self) -> None:
        """End the commands that wait for containers; whoever asked removes these."""
        await self._processes.aclose()
