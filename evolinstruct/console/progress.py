"""The progress of a run on the terminal: its events, how far it is and how fast it goes."""

from __future__ import annotations

import time
from collections import deque
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
    SoFar,
)
from evolinstruct.text import (
    clock,
    counted,
    dollars,
    listed,
    one_line,
    short_number,
    shorten,
    until,
)

if TYPE_CHECKING:
    from evolinstruct.console import Console

_EXAMPLE = 200
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
        self._progress: Progress | None = None
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
            self._progress = Progress(event, time.monotonic)
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
    text.append(
        f"{event.kept_share:.0%} of the first {counted(event.finished, 'instruction')}"
        f" of generation {event.generation} were kept.",
        style="default",
    )
    if event.rule:
        text.append(f"\n  {event.rule_share:.0%} were rejected by {event.rule}, such as: ")
        text.append(shorten(one_line(event.example), _EXAMPLE))
    else:
        text.append(f"\n  {event.rule_share:.0%} got no answer from the service.")
    text.append(f"\n  Usual cause: {event.cause}.")
    return text


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


class Progress:
    """How far a run is, as lines of text."""

    def __init__(self, event: GenerationStarted, now: Callable[[], float]) -> None:
        """Begin with a first generation; `now` gives the present in seconds."""
        self._now = now
        self._began = now()
        self._speed = _Speed(self._began, event.so_far().replies.total())
        self._seen = SoFar()
        self.begin(event)

    def begin(self, event: GenerationStarted) -> None:
        """Go on with a generation."""
        self._counts = event.counts
        self._sending = event.sending
        self._so_far = event.so_far
        number = event.counts.generation
        self._title = f"Generation {number}/{event.generations}" if number else "Seeds"

    def plain(self) -> str:
        """Return all of it as one line, of whatever length."""
        self._look()
        words = [self._count, *self._results(), *self._speeds()]
        return f"{self._title}: {_DOT.join(words)}."

    def drawn(self, width: int) -> Text:
        """Return two lines that fit the width: how far and how fast; what came of it."""
        self._look()
        words = _DOT.join([self._count, *self._speeds()])
        first = Text(f"{self._title} ", style="bold")
        first.append(bar(self._done, self._likely, width - len(self._title) - len(words) - 2))
        first.append(words, style="not bold")
        second = Text("  " + _DOT.join(self._results()))
        for line in (first, second):
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join([first, second])

    def _look(self) -> None:
        self._seen = self._so_far()
        self._speed.see(self._now(), self._done)

    @property
    def _done(self) -> int:
        return self._seen.replies.total()

    @property
    def _likely(self) -> int:
        return max(self._seen.likely, self._done)

    @property
    def _count(self) -> str:
        return f"{self._done:,} of about {self._likely:,} calls"

    def _results(self) -> list[str]:
        so_far = self._seen
        return [
            *(
                f"{so_far.replies[name]:,} {row.done}"
                for name, row in PURPOSES.items()
                if so_far.replies[name]
            ),
            f"{so_far.kept:,} kept",
            *([f"{short_number(so_far.tokens)} tokens"] if so_far.tokens else []),
            *([dollars(so_far.cost)] if so_far.cost else []),
            *_losses(self._counts),
        ]

    def _speeds(self) -> list[str]:
        sending = self._sending() if self._sending else None
        elapsed = f"{clock(self._now() - self._began)} elapsed"
        in_flight = _in_flight(sending) if sending else []
        if sending and (waits := _waits(sending)):
            return [*waits, *in_flight, elapsed]
        rate = self._speed.rate
        left = [f"{clock((self._likely - self._done) / rate)} left"] if rate else []
        return [*_speed(rate), *in_flight, elapsed, *left]


def _waits(sending: Sending) -> list[str]:
    """Say until when nothing is sent, and why; nothing where calls are sent."""
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


class _Speed:
    """How fast it goes over the last seconds alone, because that changes."""

    _WINDOW = 20.0
    _STEP = 0.1

    def __init__(self, now: float, replies: int) -> None:
        self._marks = deque([(now, replies)])

    def see(self, now: float, replies: int) -> None:
        if now - self._marks[-1][0] < self._STEP:
            return
        self._marks.append((now, replies))
        while now - self._marks[0][0] > self._WINDOW:
            self._marks.popleft()

    @property
    def rate(self) -> float:
        """Replies a second."""
        (start, before), (end, replies) = self._marks[0], self._marks[-1]
        return (replies - before) / (end - start) if end > start else 0.0
