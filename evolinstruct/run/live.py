"""Live: what a run that is going on says of itself, in a file for whoever watches from elsewhere.

    {"at": 1764409512.3, "progress": {…}, "notices": [{"text": "…", "is_loss": false}, …]}

The file is replaced each second and removed at the end, so one that stands still is of a run that
was killed. It decides nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evolinstruct.atomic_write import created, partial_path
from evolinstruct.errors import InputError
from evolinstruct.run.counts import LowYield
from evolinstruct.run.events import Event, GenerationStarted, Notice
from evolinstruct.run.progress import Progress, Tracker

_EVERY = 1.0  # seconds
_NOTICES = 20


@dataclass(frozen=True, slots=True)
class Live:
    """What a run that is going on said last.

    Attributes:
        at: when it said so: seconds since 1970, by the clock of its machine.
        progress: how far it is.
        notices: what else it had to say, the newest last.
    """

    at: float
    progress: Progress
    notices: tuple[Notice, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        notices = [asdict(notice) for notice in self.notices]
        return {"at": self.at, "progress": self.progress.to_json(), "notices": notices}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Live:
        """Read back what `to_json` gave.

        Raises:
            ValueError, KeyError, TypeError, ArithmeticError: it is something else.
        """
        notices = tuple(Notice(**notice) for notice in said["notices"])
        return cls(float(said["at"]), Progress.from_json(said["progress"]), notices)


def read_live(path: Path) -> Live | None:
    """Return what a run says last; None where none is going on, or of another version."""
    try:
        return Live.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError):
        return None


class LiveFile:
    """Writes the file each second while a run goes on, once a generation has begun."""

    def __init__(self, path: Path) -> None:
        """Write nothing yet."""
        self._path = path
        self._tracker: Tracker | None = None
        self._notices: deque[Notice] = deque(maxlen=_NOTICES)
        self._is_over = asyncio.Event()

    def see(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case GenerationStarted():
                self._tracker = self._tracker or Tracker(event)
                self._tracker.begin(event)
            case Notice():
                self._notices.append(event)
            case LowYield():
                self._notices.append(Notice(" ".join(event.sentences())))

    async def __aenter__(self) -> LiveFile:
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_over.set()  # not cancelled: what a thread still writes would come after the end
        try:
            await self._ticking
        finally:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    async def _tick(self) -> None:
        while not self._is_over.is_set():
            if self._tracker is not None:
                live = Live(time.time(), self._tracker.progress(), tuple(self._notices))
                await asyncio.to_thread(self._write, json.dumps(live.to_json()).encode())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), _EVERY)

    def _write(self, said: bytes) -> None:
        """Replace the file; it need not outlive a power cut, so nothing waits for the disk."""
        partial = partial_path(self._path)
        # A disk that is full or gone is told where the run cannot do without it.
        with suppress(OSError, InputError):
            with created(partial) as file:
                file.write(said)
            partial.replace(self._path)
