"""Atomic write: a file is replaced whole or not at all, and reaches the disk before it counts.

The new content grows in ``NAME.partial`` beside the old file and takes its place by one rename.
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

# One file, replaced whole


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Lend a file that takes the place of another at the end of the block.

    If the block raises, the old file stays as it was. A pipe or a terminal cannot be replaced, so
    it is written directly.

    Raises:
        InputError: it cannot be written.
    """
    partial = partial_path(path)
    with write_errors_explained(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            put_in_place(partial, path)
        except BaseException:
            with suppress(OSError):  # the error that ended the block is the one to report
                partial.unlink(missing_ok=True)
            raise


def partial_path(path: Path) -> Path:
    """Return the path where the new content of a file grows."""
    return path.with_name(f"{path.name}.partial")


def put_in_place(partial: Path, path: Path) -> None:
    """Rename a complete file over an older one, and bring the rename to the disk.

    Raises:
        OSError: the file or its directory cannot be written.
    """
    partial.replace(path)
    bring_to_disk(path.parent)


@contextmanager
def write_errors_explained(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a sentence about the file.

    Raises:
        InputError: in place of the OSError.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror};"
            " put that right, and run the same command again."
        ) from error


# A file that grows for hours

SYNC_EVERY = 1.0
"""Seconds between a write and the request to bring it to the disk: a power cut takes no more."""


class PeriodicSync:
    """Brings a growing file to the disk once a second, in a thread, while an event loop runs.

    A write reaches the operating system at once, so a killed process loses nothing; only a power
    cut can take what the disk does not have yet. Asking the disk at every write would make each
    call wait for it.
    """

    def __init__(self, path: Path, every: float = SYNC_EVERY) -> None:
        """Name the file, which need not exist yet."""
        self._path = path
        self._every = every
        self._due: asyncio.TimerHandle | None = None
        self._under_way: asyncio.Future[None] | None = None
        self._trouble: OSError | None = None

    def note_write(self) -> None:
        """Schedule the next sync, unless one is due or under way.

        Raises:
            OSError: the last sync failed.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._due is None and self._under_way is None:
            import asyncio  # noqa: PLC0415 - slow, and not needed to read runs

            self._due = asyncio.get_running_loop().call_later(self._every, self._begin)

    def close(self) -> None:
        """Schedule nothing more; whoever closes the file brings the rest to the disk."""
        if self._due is not None:
            self._due.cancel()

    def _begin(self) -> None:
        import asyncio  # noqa: PLC0415 - slow, and not needed to read runs

        self._due = None
        loop = asyncio.get_running_loop()
        self._under_way = loop.run_in_executor(None, bring_to_disk, self._path)
        self._under_way.add_done_callback(self._end)

    def _end(self, done: asyncio.Future[None]) -> None:
        self._under_way = None
        if not done.cancelled():
            error = done.exception()
            self._trouble = error if isinstance(error, OSError) else None


def bring_to_disk(path: Path) -> None:
    """Return when the disk has everything that was written to a file or a directory.

    Raises:
        OSError: the disk refuses.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # SQLite has merged this log into its database, which is on the disk
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
