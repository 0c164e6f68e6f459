"""How far a generation is: counts, speed and time left, as lines of text.

Knows what is said and how it fits a width. Draws nothing and starts no clock of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from rich.text import Text

from evolinstruct.llm.throttle import Sending
from evolinstruct.run.counts import Counts
from evolinstruct.run.events import GenerationStarted, LineWritten
from evolinstruct.text import clock, dollars, short_number

_BAR = 30
_LEAST_BAR = 6
_GAP = " · "


class Progress:
    """One generation under way."""

    def __init__(self, event: GenerationStarted, calls: int, now: Callable[[], float]) -> None:
        """Begin, with so many calls made before; `now` gives the present in seconds."""
        self._tally = event.counts
        self._sending = event.sending
        self._now = now
        self._pace = _Pace(now(), calls)
        self._spent: list[str] = []
        number = event.counts.generation
        self._title = f"Generation {number}/{event.generations}" if number else "Seeds"

    def see(self, event: LineWritten) -> None:
        """Take notice of a line."""
        self._pace.see(self._now(), event.calls, self._done)
        self._spent = spent(event.tokens, event.cost)

    def plain(self) -> str:
        """Return all of it as one line, of whatever length."""
        words = [self._count, *self._results(), *self._spent, *self._speed()]
        return f"{self._title}: {_GAP.join(words)}."

    def drawn(self, width: int) -> Text:
        """Return two lines that fit the width: how far and how fast; what came of it."""
        words = _GAP.join([self._count, *self._speed()])
        room = min(_BAR, width - len(self._title) - len(words) - 2)
        first = Text(f"{self._title} ", style="bold")
        if room >= _LEAST_BAR:
            full = room * self._done // max(self._tally.pool, 1)
            first.append("━" * full, style="green")
            first.append("─" * (room - full) + " ", style="dim")
        first.append(words, style="not bold")
        second = Text("  " + _GAP.join([*self._spent, *self._results()]))
        for line in (first, second):
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join([first, second])

    @property
    def _done(self) -> int:
        # A seed whose answer was rejected is counted as kept too: it stays a seed.
        return self._tally.finished if self._tally.generation else self._tally.kept

    @property
    def _count(self) -> str:
        return f"{self._done:,} of {self._tally.pool:,}"

    def _results(self) -> list[str]:
        return [f"{self._tally.kept:,} kept", *losses(self._tally)]

    def _speed(self) -> list[str]:
        calls, settled = self._pace.rates()
        if not calls and not settled:
            return []
        speed = [f"{calls:,.0f} calls/s" if calls >= 10 else f"{calls:.1f} calls/s"]  # noqa: PLR2004 - two digits
        left = self._tally.pool - self._done
        speed += under_way(self._sending()) if self._sending else []
        return [*speed, f"{clock(left / settled)} left"] if settled else speed


def under_way(sending: Sending) -> list[str]:
    """Say how many calls are under way, of how many there may be, or why none are sent."""
    if sending.paused >= 1:
        return [f"waiting {clock(sending.paused)} as asked"]
    in_flight = f"{sending.in_flight:,} in flight of {sending.limit:,}"
    return [in_flight] if sending.in_flight else []


def spent(tokens: int, cost: Decimal | None) -> list[str]:
    """Say what is spent: tokens, and money where it is known and any."""
    said = [f"{short_number(tokens)} tokens"] if tokens else []
    return [*said, dollars(cost)] if cost else said


def losses(counts: Counts) -> list[str]:
    """Say how many each rule rejected, the most first, and how many failed."""
    said = [f"{count:,} {rule}" for rule, count in counts.rejected.most_common()]
    return [*said, f"{counts.failed.total():,} failed"] if counts.failed else said


class _Pace:
    """How fast it goes: over the last seconds, since calls that are replayed take no time."""

    _WINDOW = 20.0
    _STEP = 0.1

    def __init__(self, now: float, calls: int) -> None:
        self._marks = deque([(now, calls, 0)])

    def see(self, now: float, calls: int, finished: int) -> None:
        if now - self._marks[-1][0] < self._STEP:
            return
        self._marks.append((now, calls, finished))
        while now - self._marks[0][0] > self._WINDOW:
            self._marks.popleft()

    def rates(self) -> tuple[float, float]:
        """Return calls and finished instructions a second."""
        (start, calls_before, before), (end, calls, finished) = self._marks[0], self._marks[-1]
        seconds = end - start
        if not seconds:
            return 0.0, 0.0
        return (calls - calls_before) / seconds, (finished - before) / seconds
