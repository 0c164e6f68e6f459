"""Sync: brings the journal's write-ahead log to the disk once a second, while calls come back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from evolinstruct.atomic_write import bring_to_disk

SYNC_EVERY = 1.0
"""Seconds between a write and the request to bring it to the disk: a power cut takes no more."""


class PeriodicSync:
    """Brings a growing log to the disk in a thread, while an event loop runs.

    A write reaches the operating system at once, so a killed process loses nothing; only a power
    cut can take what the disk does not have yet. Asking the disk at every write would make each
    call wait for it.
    """

    def __init__(self, path: Path) -> None:
        """Name the log, which need not exist yet."""
        self._path = path
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
            self._due = asyncio.get_running_loop().call_later(SYNC_EVERY, self._begin)

    def close(self) -> None:
        """Schedule nothing more; whoever closes the file brings the rest to the disk."""
        if self._due is not None:
            self._due.cancel()

    def _begin(self) -> None:
        self._due = None
        self._under_way = asyncio.get_running_loop().run_in_executor(None, _sync, self._path)
        self._under_way.add_done_callback(self._end)

    def _end(self, done: asyncio.Future[None]) -> None:
        self._under_way = None
        if not done.cancelled():
            error = done.exception()
            self._trouble = error if isinstance(error, OSError) else None


def _sync(log: Path) -> None:
    with suppress(FileNotFoundError):  # SQLite has merged it into its database, on the disk
        bring_to_disk(log)
