"""A process that answers lines with lines, apart from the terminal and from all secrets."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from signal import SIGKILL

from evolinstruct.errors import StopRun

_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "HOME", "LANG", "DOCKER_HOST", "MONTY_BIN")
"""Variables of the environment that a process gets; no key is among them."""
_LONGEST = 2**20  # bytes of an answer
_LINGERS = 1.0  # seconds between the end of its output and its own
_TOLD = 10.0  # seconds between its being killed and asyncio's saying so


class Gone(Exception):
    """Raised when a process gives no answer.

    Attributes:
        code: its exit status; None where it hangs.
    """

    def __init__(self, code: int | None) -> None:
        super().__init__("it hangs" if code is None else f"it is gone ({code})")
        self.code = code


class Process:
    """A process in a session of its own, so that Ctrl-C on the terminal does not reach it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], **variables: str) -> Process:
        """Start a command, with these variables of the environment beside the harmless ones.

        Raises:
            OSError: it cannot be started.
        """
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        started = asyncio.create_task(
            asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=environment | variables,
                start_new_session=True,
                limit=_LONGEST,
            )
        )
        try:
            return cls(await asyncio.shield(started))
        except asyncio.CancelledError:
            await cls._give_up(started)
            raise

    @classmethod
    async def _give_up(cls, started: asyncio.Task[asyncio.subprocess.Process]) -> None:
        """End a process whose start is given up, once it has started.

        A start that is cancelled would leave pipes open. Where the whole loop ends it is cancelled
        all the same, and asyncio waits to be told that the process is gone; nobody tells it, since
        what connects the pipes has ended, too. So it is cancelled again.
        """
        await asyncio.wait([started], timeout=_LINGERS)
        started.cancel()
        await asyncio.wait([started])
        if not started.cancelled() and started.exception() is None:
            await cls(started.result()).end()

    async def ask(self, lines: bytes, seconds: float) -> bytes:
        """Return the line with which it answers; if it gives none, it is killed.

        Raises:
            Gone: it gives none within so many seconds, or one beyond all bounds.
        """
        try:
            # Not by wait_for: before Python 3.12 it loses a cancellation that comes as it ends.
            async with asyncio.timeout(seconds):
                answer = await self._answer(lines)
        except TimeoutError as error:
            await self.end()
            raise Gone(None) from error
        except (OSError, ValueError):  # it takes no line any more; it gives one beyond bounds
            answer = b""
        except BaseException:
            await self.end()
            raise
        if not answer.endswith(b"\n"):
            raise Gone(await self._last_word())
        return answer

    async def _last_word(self) -> int:
        """Return the exit status of a process that answers no more; it is killed if it lingers."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGERS):
                return await self.exited()
        return await self.end()

    async def _answer(self, lines: bytes) -> bytes:
        assert self._process.stdin  # noqa: S101 - both are pipes
        assert self._process.stdout  # noqa: S101
        self._process.stdin.write(lines)
        return await self._process.stdout.readline()

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and its exit status is known."""
        return self._process.returncode is not None

    async def end(self) -> int:
        """Kill it, with all that it has started in its session; return its exit status."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, SIGKILL)
        try:
            async with asyncio.timeout(_TOLD):
                return await self._process.wait()
        except TimeoutError:  # what is killed is gone: no run waits for ever to be told so
            return -SIGKILL
        finally:
            # By itself it is closed when the loop comes round again, if it ever does.
            self._process._transport.close()  # type: ignore[attr-defined]

    async def exited(self) -> int:
        """Wait until it has ended by itself; return its exit status."""
        return await self._process.wait()


class Processes:
    """The processes of a sandbox, none of which outlives it."""

    def __init__(self) -> None:
        self._started: set[Process] = set()
        self._is_closed = False

    async def start(self, command: Sequence[str], **variables: str) -> Process:
        """Start a command, with these variables of the environment beside the harmless ones.

        Raises:
            StopRun: it cannot be started, or the sandbox is closed, which has ended what was under
                way.
        """
        if not self._is_closed:
            try:
                process = await Process.start(command, **variables)
            except OSError as error:
                raise StopRun(
                    f"The sandbox cannot start {command[0]} ({error.strerror}); see to that, then"
                    " run the same command again."
                ) from error
            self._started = {each for each in self._started if not each.is_over} | {process}
        if self._is_closed:
            await self.aclose()
            raise StopRun("The sandbox is closed; the same command goes on.")
        return process

    async def aclose(self) -> None:
        """End all, also those that are at work, and start none any more."""
        self._is_closed = True
        for process in self._started:
            await process.end()
