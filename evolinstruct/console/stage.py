"""How far a stage is, on the terminal, and what came of its calls."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rich.text import Text

from evolinstruct.console.ticker import Ticker, bar
from evolinstruct.text import clock, counted, dollars, listed, short_number

if TYPE_CHECKING:
    from collections import Counter

    from evolinstruct.console import Console
    from evolinstruct.llm.budget import Spending
    from evolinstruct.llm.throttle import Sending

_Event = TypeVar("_Event")


class Progress(NamedTuple):
    """How far a stage is.

    Attributes:
        title: what goes on.
        done: items that are done.
        items: how many there are.
        failed: how many of what it asks for are missing.
        spent: what was ever spent on it.
        sending: how calls are being sent.
        wanted: what it asks for.
    """

    title: str
    done: int
    items: int
    failed: int
    spent: Spending
    sending: Sending
    wanted: str = "judgement"


async def show_stage(
    console: Console, events: AsyncGenerator[_Event], progress_of: Callable[[_Event], Progress]
) -> None:
    """Show how far a stage is, again and again."""
    ticker, shown = Ticker(console), None
    async with ticker.ticking(), aclosing(events):
        async for event in events:
            if shown is None:
                shown = _Shown(progress_of(event))
                ticker.show(shown)
            shown.progress = progress_of(event)


class _Shown:
    """How far a stage is, as a line.

    Attributes:
        progress: the newest news.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._began = time.monotonic()

    def plain(self) -> str:
        return f"{self.progress.title}: {self._said}."

    def drawn(self, width: int) -> Text:
        said, title = self._said, f"{self.progress.title} "
        line = Text(title, style="bold")
        done, items = self.progress.done, self.progress.items
        line.append(bar(done, items, width - len(title) - len(said) - 1))
        line.append(said, style="not bold")
        line.truncate(width, overflow="ellipsis")
        return line

    @property
    def _said(self) -> str:
        now, spent = self.progress, self.progress.spent
        words = [f"{now.done:,} of {now.items:,}"]
        words += [f"{counted(now.failed, now.wanted)} missing"] if now.failed else []
        words += [f"{now.sending.in_flight:,} in flight"] if now.sending.in_flight else []
        words += [f"{short_number(spent.tokens)} tokens"] if spent.tokens else []
        words += [dollars(spent.cost)] if spent.cost else []
        return " · ".join([*words, clock(time.monotonic() - self._began)])


def warn_of_missing(console: Console, failed: Counter[str], wanted: str = "judgement") -> None:
    """Say how many of what was asked for are missing, and why."""
    if failed:
        why = [f"{count:,} {name}" for name, count in failed.most_common()]
        console.warn(f"{counted(failed.total(), wanted)} missing: {listed(why)}.")
