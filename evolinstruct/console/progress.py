"""The progress of a run on the terminal: its events, how far it is and how fast it goes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from rich.text import Text

from evolinstruct.console.ticker import Ticker, bar
from evolinstruct.llm.throttle import Sending
from evolinstruct.purposes import PURPOSES
from evolinstruct.records import Failed
from evolinstruct.run.counts import Counts, LowYield
from evolinstruct.run.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    LineWritten,
    Notice,
)
from evolinstruct.run.progress import Progress, Tracker
from evolinstruct.text import (
    clock,
    counted,
    dollars,
    listed,
    short_number,
    until,
)

if TYPE_CHECKING:
    from evolinstruct.console import Console

_DOT = " · "


async def show_events(console: Console, events: AsyncIterator[Event]) -> None:
    """Show each event as it comes, and how far the run is in between."""
    display = _Display(console)
    async with display.ticker.ticking():
        async for event in events:
            display.show(event)


class _Display:
    """Shows a run that is going on.

    Attributes:
        ticker: shows how far it is.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.ticker = Ticker(console)
        self._progress: ProgressLines | None = None
        self._finished_before: list[int] = []

    def show(self, event: Event) -> None:
        """Show an event."""
        match event:
            case LineWritten():
                self._advance(event)
            case GenerationStarted():
                self._say_finished_before()
                self._start(event)
            case GenerationEnded():
                self._end_generation(event)
            case LowYield():
                self._console.show(_warning(event))
            case Notice(text, is_loss=True):
                self._console.warn(text)
            case Notice(text):
                self._console.say(text)
            case Finished():
                self._finished_before.clear()  # nothing was new, so nothing needs telling apart

    def _start(self, event: GenerationStarted) -> None:
        if self._progress is None:
            self._progress = ProgressLines(event, time.monotonic)
        else:
            self._progress.begin(event)
        self.ticker.show(self._progress)

    def _advance(self, event: LineWritten) -> None:
        if isinstance(line := event.line, Failed):
            self._console.detail(
                f"No answer for {line.id} ({line.operation or 'seed'}, {line.purpose},"
                f" {counted(line.attempts, 'attempt')}): {line.error}, {line.message}"
            )

    def _end_generation(self, event: GenerationEnded) -> None:
        self.ticker.hide()
        if not event.is_new:
            self._finished_before.append(event.counts.generation)
        elif event.counts.generation:
            self._console.say(_what_came_of(event.counts))
        elif lost := _losses(event.counts):
            self._console.say(
                f"Seeds without a good answer, which stay as they are: {listed(lost)}."
            )

    def _say_finished_before(self) -> None:
        last = max(self._finished_before, default=0)
        self._finished_before.clear()
        if last:
            which = "Generation 1 was" if last == 1 else f"Generations 1 to {last} were"
            self._console.say(f"{which} finished before.")


def _warning(event: LowYield) -> Text:
    text = Text("Low yield: ", style="bold yellow")
    return text.append("\n  ".join(event.sentences()), style="default")


def _what_came_of(counts: Counts) -> str:
    failed = f", {counts.failed.total():,} failed" if counts.failed else ""
    return (
        f"Generation {counts.generation}: {counts.kept:,} of {counts.pool:,} kept,"
        f" {counts.rejected.total():,} rejected{failed}."
    )


def _losses(counts: Counts) -> list[str]:
    """Return how many each rule rejected, the most first, and how many failed."""
    said = [f"{count:,} {rule}" for rule, count in counts.rejected.most_common()]
    return [*said, f"{counts.failed.total():,} failed"] if counts.failed else said


class ProgressLines:
    """How far a run is, as lines of text."""

    def __init__(self, event: GenerationStarted, now: Callable[[], float]) -> None:
        """Begin with a first generation; `now` gives the present in seconds."""
        self._tracker = Tracker(event, now)

    def begin(self, event: GenerationStarted) -> None:
        """Go on with a generation."""
        self._tracker.begin(event)

    def plain(self) -> str:
        """Return all of it as one line, of whatever length."""
        progress = self._tracker.progress()
        words = [_count(progress), *_results(progress), *_speeds(progress)]
        return f"{_title(progress)}: {_DOT.join(words)}."

    def drawn(self, width: int) -> Text:
        """Return two lines that fit the width: how far and how fast; what came of it."""
        progress = self._tracker.progress()
        title, words = _title(progress), _DOT.join([_count(progress), *_speeds(progress)])
        first = Text(f"{title} ", style="bold")
        room = width - len(title) - len(words) - 2
        first.append(bar(progress.done, progress.likely, room))
        first.append(words, style="not bold")
        second = Text("  " + _DOT.join(_results(progress)))
        for line in (first, second):
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join([first, second])


def _title(progress: Progress) -> str:
    number = progress.counts.generation
    return f"Generation {number}/{progress.generations}" if number else "Seeds"


def _count(progress: Progress) -> str:
    return f"{progress.done:,} of about {progress.likely:,} calls"


def _results(progress: Progress) -> list[str]:
    so_far = progress.so_far
    return [
        *(
            f"{so_far.replies[name]:,} {row.done}"
            for name, row in PURPOSES.items()
            if so_far.replies[name]
        ),
        f"{so_far.kept:,} kept",
        *([f"{short_number(so_far.tokens)} tokens"] if so_far.tokens else []),
        *([dollars(so_far.cost)] if so_far.cost else []),
        *_losses(progress.counts),
    ]


def _speeds(progress: Progress) -> list[str]:
    sending, elapsed = progress.sending, f"{clock(progress.elapsed)} elapsed"
    in_flight = _in_flight(sending) if sending else []
    if sending and (waits := _waits(sending)):
        return [*waits, *in_flight, elapsed]
    left = [] if progress.left is None else [f"{clock(progress.left)} left"]
    return [*_speed(progress.rate), *in_flight, elapsed, *left]


def _waits(sending: Sending) -> list[str]:
    """Say until when nothing is sent, and why; nothing where calls are sent."""
    if sending.batches:
        return [sending.batches]
    if sending.paused >= 1:
        return [f"paused until {until(sending.paused)}, as the service asks"]
    if sending.resting >= 1 and not sending.in_flight and not sending.waiting:
        return [f"next attempt in {clock(sending.resting)}"]
    return []


def _speed(calls: float) -> list[str]:
    """Say how many calls end in a second; nothing where that would read as none."""
    if calls < 0.05:  # noqa: PLR2004 - what is less is written as 0.0
        return []
    return [f"{calls:,.0f} calls/s" if calls >= 10 else f"{calls:.1f} calls/s"]  # noqa: PLR2004 - two digits


def _in_flight(sending: Sending) -> list[str]:
    """Say how many calls are under way, of how many there may be."""
    return [f"{sending.in_flight:,} in flight of {sending.limit:,}"] if sending.in_flight else []
