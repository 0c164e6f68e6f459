"""`score` on the terminal: what it will take, how far it is, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from rich import box
from rich.live import Live
from rich.table import Table
from rich.text import Text

from evolinstruct.console.evolve import took
from evolinstruct.text import clock, counted, dollars, listed, short_number

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.scoring import Expected, Scored, ScoreSummary

_REDRAW_EVERY = 0.2
_SAY_EVERY = 10.0
_UNKNOWN = "unknown"
_OF_THE_PAPER = (
    "The paper's own judge: Alpaca 3.00, ShareGPT 4.63, its first generation 5.48, its fourth 7.08."
)


def show_expected(console: Console, expected: Sequence[Expected]) -> None:
    """Say what scoring would take."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("measure", "method"):
        table.add_column(name, no_wrap=True)
    for name in ("calls", "tokens in", "tokens out", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in expected:
        counts = (each.calls, each.prompt_tokens, each.completion_tokens)
        cost = _UNKNOWN if each.cost is None else dollars(each.cost)
        table.add_row(each.way.measure, each.way.method, *(f"{n:,}" for n in counts), cost)
    console.show(table, Text())
    calls = sum(each.calls for each in expected)
    console.say(
        f"About {counted(calls, 'call')}, and one more for each reply that cannot be read; what the"
        " journal holds is not paid again. No call was made, and nothing was written."
    )


async def show_scoring(console: Console, events: AsyncGenerator[Scored]) -> None:
    """Show how far scoring is, again and again."""
    shown: list[Scored] = []
    began = time.monotonic()
    live = Live(
        console=console.terminal,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        get_renderable=lambda: Text(_how_far(shown[-1], began) if shown else "", overflow="crop"),
    )
    draws = console.is_drawn_on and console.verbosity >= 0

    async def tick() -> None:
        while True:
            await asyncio.sleep(_REDRAW_EVERY if draws else _SAY_EVERY)
            if draws:
                live.refresh()
            elif shown:
                console.say(_how_far(shown[-1], began) + ".")

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


def _how_far(event: Scored, began: float) -> str:
    way, spent = event.way, event.spent
    words = [f"{way.measure} by {way.method}: {event.done:,} of {event.items:,}"]
    words += [f"{counted(event.failed, 'judgement')} missing"] if event.failed else []
    words += [f"{event.sending.in_flight:,} in flight"] if event.sending.in_flight else []
    words += [f"{short_number(spent.tokens)} tokens"] if spent.tokens else []
    words += [dollars(spent.cost)] if spent.cost else []
    return " · ".join([*words, clock(time.monotonic() - began)])


def show_scored(console: Console, summary: ScoreSummary) -> None:
    """Say what came of scoring; nothing of what ended before it scored anything."""
    for way, count in summary.scored.items():
        by = f" with {way.model}" if way.model else ""
        mean = "" if (found := summary.mean(way)) is None else f", mean {found:z.2f}"
        console.say(f"{way.measure} by {way.method}{by}: {counted(count, 'score')}{mean}.")
        if way.method == "paper":
            console.say(_OF_THE_PAPER)
    if summary.unanswered:
        console.say(f"{counted(summary.unanswered, 'instruction')} without an answer to judge.")
    if summary.failed:
        why = [f"{count:,} {name}" for name, count in summary.failed.most_common()]
        console.warn(f"{counted(summary.failed.total(), 'judgement')} missing: {listed(why)}.")
    if summary.void:
        console.warn(
            f"{counted(summary.void, 'earlier score')} left out, because their texts have changed"
            " or are gone."
        )
    if summary.scored:
        console.say(f"{took(summary.seconds, summary.spent, 'scores have')}.")
        console.say(f"Scores: {summary.file}")
