"""Progress: how far a run is and how fast it goes, in figures that every display shares."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from evolinstruct.llm.throttle import Sending
from evolinstruct.run.counts import Counts
from evolinstruct.run.events import GenerationStarted, SoFar


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, at one moment.

    Attributes:
        counts: those of the generation that is going on; they grow with it.
        generations: how many there will be.
        so_far: what all commands together have got and spent.
        sending: how calls are being sent; None where that is not told.
        rate: replies a second, lately.
        elapsed: seconds that this command takes so far.
    """

    counts: Counts
    generations: int
    so_far: SoFar
    sending: Sending | None
    rate: float
    elapsed: float

    @property
    def done(self) -> int:
        """How many replies have come."""
        return self.so_far.replies.total()

    @property
    def likely(self) -> int:
        """How many are likely to come in all."""
        return max(self.so_far.likely, self.done)

    @property
    def left(self) -> float | None:
        """How many seconds the rest is likely to take; None while nothing comes."""
        return (self.likely - self.done) / self.rate if self.rate else None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        so_far = self.so_far
        return {
            "counts": self.counts.to_json(),
            "generations": self.generations,
            "so_far": {
                "replies": dict(so_far.replies),
                "likely": so_far.likely,
                "kept": so_far.kept,
                "tokens": so_far.tokens,
                "cost": None if so_far.cost is None else str(so_far.cost),
            },
            "sending": None if self.sending is None else asdict(self.sending),
            "rate": self.rate,
            "elapsed": self.elapsed,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Progress:
        """Read back what `to_json` gave.

        Raises:
            ValueError, KeyError, TypeError, ArithmeticError: it is something else.
        """
        so_far = dict(said["so_far"])
        so_far["replies"] = Counter(so_far["replies"])
        so_far["cost"] = None if so_far["cost"] is None else Decimal(so_far["cost"])
        return cls(
            Counts.from_json(said["counts"]),
            int(said["generations"]),
            SoFar(**so_far),
            None if said["sending"] is None else Sending(**said["sending"]),
            float(said["rate"]),
            float(said["elapsed"]),
        )


class Tracker:
    """Follows a run from generation to generation, and tells its progress at any time."""

    def __init__(self, event: GenerationStarted, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with a first generation; `now` gives the present in seconds."""
        self._now = now
        self._began = now()
        self._speed = _Speed(self._began, event.so_far().replies.total())
        self.begin(event)

    def begin(self, event: GenerationStarted) -> None:
        """Go on with a generation."""
        self._event = event

    def progress(self) -> Progress:
        """Return how far the run is now."""
        event, now = self._event, self._now()
        so_far = event.so_far()
        self._speed.see(now, so_far.replies.total())
        sending = event.sending() if event.sending else None
        rate, elapsed = self._speed.rate, now - self._began
        return Progress(event.counts, event.generations, so_far, sending, rate, elapsed)


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
