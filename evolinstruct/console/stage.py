"""How far a stage is, on the terminal, and what came of its calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, TypeVar

from rich.live import Live
from rich.text import Text

from evolinstruct.text import clock, counted, dollars, listed, short_number

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.llm.budget import Spending
    from evolinstruct.llm.throttle import Sending
    from evolinstruct.run.stage_job import StageSummary

_Event = TypeVar("_Event")
_REDRAW_EVERY = 0.2
_SAY_EVERY = 10.0


async def show_stage(
    console: Console, events: AsyncGenerator[_Event], how_far: Callable[[_Event], str]
) -> None:
    """Show how far a stage is, again and again.

    Args:
        console: where.
        events: of the stage.
        how_far: says in words what an event tells.
    """
    shown: list[_Event] = []
    began = time.monotonic()

    def words() -> str:
        return f"{how_far(shown[-1])} · {clock(time.monotonic() - began)}" if shown else ""

    live = Live(
        console=console.terminal,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        get_renderable=lambda: Text(words(), overflow="crop"),
    )
    draws = console.is_drawn_on and console.verbosity >= 0

    async def tick() -> None:
        while True:
            await asyncio.sleep(_REDRAW_EVERY if draws else _SAY_EVERY)
            if draws:
                live.refresh()
            elif shown:
                console.say(f"{words()}.")

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


def spent_so_far(failed: int, spent: Spending, sending: Sending) -> list[str]:
    """Return what is missing, under way and spent, a few words each."""
    words = [f"{counted(failed, 'judgement')} missing"] if failed else []
    words += [f"{sending.in_flight:,} in flight"] if sending.in_flight else []
    words += [f"{short_number(spent.tokens)} tokens"] if spent.tokens else []
    words += [dollars(spent.cost)] if spent.cost else []
    return words


def warn_of_missing(console: Console, summary: StageSummary) -> None:
    """Say what is missing, and why."""
    if summary.failed:
        why = [f"{count:,} {name}" for name, count in summary.failed.most_common()]
        console.warn(f"{counted(summary.failed.total(), 'judgement')} missing: {listed(why)}.")
