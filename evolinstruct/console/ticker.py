"""Ticker: shows how far something is, again and again, drawn anew or as a line now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from rich.text import Text

if TYPE_CHECKING:
    from evolinstruct.console import Console, Drawing

_REDRAW_EVERY = 0.1
_SAY_EVERY = 10.0
_SAY_LATER_EVERY = 60.0
_LATER = 120.0
_BAR = 30
_LEAST_BAR = 6


class Shown(Protocol):
    """What can say how far it is."""

    def drawn(self, width: int) -> Text:
        """Return it as lines that fit the width."""
        ...

    def plain(self) -> str:
        """Return it as one line, of whatever length."""
        ...


class Ticker:
    """Shows one thing at a time, unless the console is quiet."""

    def __init__(self, console: Console, now: Callable[[], float] = time.monotonic) -> None:
        """Show nothing yet; `now` gives the present in seconds."""
        self._console = console
        self._draws = console.is_drawn_on and console.verbosity >= 0
        self._now = now
        self._began = self._shown_at = now()
        self._what: Shown | None = None
        self._drawing: Drawing | None = None

    def show(self, what: Shown) -> None:
        """Show this from now on."""
        self._what = what
        if self._draws:
            self._drawing = self._console.draw(what.drawn)

    def hide(self) -> None:
        """Take away what is drawn, and show nothing."""
        self._what = None
        if self._drawing is not None:
            self._drawing.stop()
            self._drawing = None

    def look(self) -> None:
        """Show it once more if it is time to: for work that leaves no time for anything else."""
        if self._now() - self._shown_at >= self._pause():
            self._show()

    @asynccontextmanager
    async def ticking(self) -> AsyncIterator[None]:
        """Show it whenever it is time to, until the block ends."""
        task = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.hide()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._pause())
            self._show()

    def _show(self) -> None:
        self._shown_at = self._now()
        if self._drawing is not None:
            self._drawing.refresh()
        elif self._what is not None:
            self._console.say(self._what.plain())

    def _pause(self) -> float:
        if self._draws:
            return _REDRAW_EVERY
        return _SAY_EVERY if self._now() - self._began < _LATER else _SAY_LATER_EVERY


def bar(done: int, total: int, room: int) -> Text:
    """Return a bar with a space behind it; nothing where there is no room for one."""
    room = min(_BAR, room)
    if room < _LEAST_BAR:
        return Text()
    full = room * min(done, total) // max(total, 1)
    return Text.assemble(("━" * full, "green"), ("─" * (room - full) + " ", "dim"))
