"""Following a stage: one line that says how far it is, drawn again and again, or said at times."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import TypeVar

from rich.live import Live
from rich.text import Text

from evolinstruct.console import Console
from evolinstruct.text import clock

_Event = TypeVar("_Event")
_REDRAW_EVERY = 0.2
_SAY_EVERY = 10.0


async def follow(
    console: Console, events: AsyncGenerator[_Event], how_far: Callable[[_Event], list[str]]
) -> None:
    """Carry out what yields events, and show how far it is.

    Args:
        console: where to show it.
        events: what goes on.
        how_far: says it in a few words, by the last event.
    """
    shown: list[_Event] = []
    began = time.monotonic()

    def line() -> str:
        return " · ".join([*how_far(shown[-1]), clock(time.monotonic() - began)]) if shown else ""

    live = Live(
        console=console.terminal,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        get_renderable=lambda: Text(line(), overflow="crop"),
    )
    draws = console.is_drawn_on and console.verbosity >= 0

    async def tick() -> None:
        while True:
            await asyncio.sleep(_REDRAW_EVERY if draws else _SAY_EVERY)
            if draws:
                live.refresh()
            elif shown:
                console.say(f"{line()}.")

    if draws:
        live.start()
    ticking = asyncio.create_task(tick())
    try:
        async with aclosing(events):
            async for event in events:
                shown[:] = [event]
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        live.stop()
