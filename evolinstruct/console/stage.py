"""How far a stage is, on the terminal, and what came of its calls."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rich import box
from rich.table import Table
from rich.text import Text

from evolinstruct.console.evolve import who_gets_texts
from evolinstruct.console.ticker import Ticker, bar
from evolinstruct.text import clock, counted, dollars, harmless, listed, short_number

if TYPE_CHECKING:
    from collections import Counter

    from evolinstruct.console import Console
    from evolinstruct.llm.budget import Spending
    from evolinstruct.llm.throttle import Sending
    from evolinstruct.run.stage_job import Expected
    from evolinstruct.scoring import Expected as ExpectedScores

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


def show_expected(
    console: Console,
    names: Sequence[str],
    expected: Sequence[tuple[Sequence[str], Expected | ExpectedScores]],
    receivers: Mapping[str, Sequence[str]],
) -> int:
    """Say what a stage would take and who would get texts; return how many calls it would make.

    Args:
        console: where that is said.
        names: those of the columns that tell rows apart.
        expected: what stands in these, and what the row's calls take.
        receivers: what each server would get texts for.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name)
    for name in ("calls", "tokens in", "tokens out", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for told, each in expected:
        counts = (each.calls, each.prompt_tokens, each.completion_tokens)
        cost = "unknown" if each.cost is None else dollars(each.cost)
        # Names may be anybody's: they can neither steer the terminal nor be taken for markup.
        table.add_row(*(Text(harmless(one)) for one in told), *(f"{n:,}" for n in counts), cost)
    console.show(table, Text())
    console.say(who_gets_texts(receivers))
    return sum(each.calls for _, each in expected)


def say_calls(console: Console, calls: int) -> None:
    """Say how many calls of judges a stage would make, and that none was made."""
    console.say(
        f"About {counted(calls, 'call')}, and one more for each reply that cannot be read; what the"
        " journal holds is not paid again. No call was made, and nothing was written."
    )


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
