"""A file that is replaced whole or not at all, and the sentence where it cannot be written.

What is new grows beside what is there, and takes its place by one rename. Knows bytes, not what
they say.

How much a power cut can take: at most what was written in the last second.

Writes reach the system at once, so a kill takes nothing; the disk has them some time later. This
asks the system for it off the event loop, at most once a second, so that no call waits for a
disk. Knows a file and the loop, not what the file holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from evolinstruct.errors import InputError

if TYPE_CHECKING:
    import asyncio


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Lend a file that takes the place of another at the end; if anything is raised, nothing does.

    A pipe or a terminal has no place to take, and is written as it comes.

    Raises:
        InputError: it cannot be written.
    """
    beside = beside_of(path)
    with writing(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        try:
            with beside.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            put_in_place(beside, path)
        except BaseException:
            with suppress(OSError):  # what keeps it from being written was said already
                beside.unlink(missing_ok=True)
            raise


def beside_of(path: Path) -> Path:
    """Return where the new content of a file grows."""
    return path.with_name(f"{path.name}.partial")


def put_in_place(beside: Path, path: Path) -> None:
    """Let a whole file take the place of an older one, for good.

    Raises:
        OSError: it cannot be.
    """
    beside.replace(path)
    bring_to_disk(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence what keeps a file from being written.

    Raises:
        InputError: in place of an OSError in the block.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror};"
            " put that right, and run the same command again."
        ) from error


EVERY = 1.0
"""Seconds between a write and the moment at which the disk is asked to have it."""


class Durability:
    """Brings a growing file to the disk while an event loop runs."""

    def __init__(self, path: Path, every: float = EVERY) -> None:
        """Name the file; it may not be there yet."""
        self._path = path
        self._every = every
        self._due: asyncio.TimerHandle | None = None
        self._under_way: asyncio.Future[None] | None = None
        self._trouble: OSError | None = None
        self.times = 0

    def note_write(self) -> None:
        """See to it that what has just been written reaches the disk soon.

        Raises:
            OSError: what was written before could not be brought there.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._due is None and self._under_way is None:
            import asyncio  # noqa: PLC0415 - slow, and not needed to read runs

            self._due = asyncio.get_running_loop().call_later(self._every, self._begin)

    def close(self) -> None:
        """Ask for nothing more; whoever closes the file brings the rest to the disk."""
        if self._due is not None:
            self._due.cancel()

    def _begin(self) -> None:
        import asyncio  # noqa: PLC0415 - slow, and not needed to read runs

        self._due = None
        loop = asyncio.get_running_loop()
        self._under_way = loop.run_in_executor(None, bring_to_disk, self._path)
        self._under_way.add_done_callback(self._ended)

    def _ended(self, done: asyncio.Future[None]) -> None:
        self._under_way = None
        self.times += 1
        if not done.cancelled():
            error = done.exception()
            self._trouble = error if isinstance(error, OSError) else None


def bring_to_disk(path: Path) -> None:
    """Return when the disk has all that was written to the file, or the directory.

    Raises:
        OSError: it cannot be.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # checkpointed and gone: what it held is on the disk
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
