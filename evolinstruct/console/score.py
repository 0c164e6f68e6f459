"""`score` on the terminal: what it will take, how far it is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from evolinstruct.console.evolve import took
from evolinstruct.console.ticker import Ticker, bar
from evolinstruct.text import clock, counted, dollars, listed, short_number

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.scoring import Expected, Scored, ScoreSummary

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
    ticker, progress = Ticker(console), None
    async with ticker.ticking(), aclosing(events):
        async for event in events:
            if progress is None:
                progress = _Progress(event)
                ticker.show(progress)
            progress.event = event


class _Progress:
    """How far scoring is.

    Attributes:
        event: what was judged last.
    """

    def __init__(self, event: Scored) -> None:
        self.event = event
        self._began = time.monotonic()

    def plain(self) -> str:
        return f"{self._title}: {self._said}."

    def drawn(self, width: int) -> Text:
        said, title = self._said, f"{self._title} "
        line = Text(title, style="bold")
        line.append(bar(self.event.done, self.event.items, width - len(title) - len(said) - 1))
        line.append(said, style="not bold")
        line.truncate(width, overflow="ellipsis")
        return line

    @property
    def _title(self) -> str:
        return f"{self.event.way.measure} by {self.event.way.method}"

    @property
    def _said(self) -> str:
        event, spent = self.event, self.event.spent
        words = [f"{event.done:,} of {event.items:,}"]
        words += [f"{counted(event.failed, 'judgement')} missing"] if event.failed else []
        words += [f"{event.sending.in_flight:,} in flight"] if event.sending.in_flight else []
        words += [f"{short_number(spent.tokens)} tokens"] if spent.tokens else []
        words += [dollars(spent.cost)] if spent.cost else []
        return " · ".join([*words, clock(time.monotonic() - self._began)])


def show_scored(console: Console, summary: ScoreSummary) -> None:
    """Say what came of scoring; nothing of what ended before it scored anything."""
    for way, count in summary.scored.items():
        by = f" with {way.model}" if way.model else ""
        mean = "" if (found := summary.mean(way)) is None else f", mean {found:z.2f}"
        console.say(f"{way.measure} by {way.method}{by}: {counted(count, 'score')}{mean}.")
        if way.method == "paper":
            console.say(_OF_THE_PAPER)
    if summary.retried is not None:
        console.say(
            f"Retried: {counted(summary.retried, 'call')} that had brought no judgement."
            if summary.retried
            else "Nothing to retry: no judgement is missing."
        )
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
