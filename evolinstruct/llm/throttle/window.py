"""How many calls may be under way at once: found by growing until more brings no more.

Knows how long each call took and how many were under way when it was sent; by Little's law that
says how many replies a second so many calls bring. Knows no clock, no service and no refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

FIRST = 8
"""Calls under way at the start."""
DOUBLING = 2.0
"""Seconds in which the window doubles, or one round trip if that is longer."""
GAIN = 1.25
"""Twice as many calls must bring so many times the replies a second; else the service is full."""
KNEE = 0.94
"""The window rests where this share of the most replies a second is reached."""
MARGIN = 1.2
"""Room above the knee, so that the service never waits for the next call."""
REST, LONGEST_REST = 8.0, 120.0
"""Seconds before the next try to grow; doubles each time that it brings nothing."""

_OCTAVE = 2  # levels for each doubling
_LEAST_WEIGHT = 0.04  # a new sample counts at least so much: the service may change
_SMOOTH = 0.1


@dataclass(slots=True)
class _Level:
    """Calls that were sent with about so many under way: how many, and how long they took."""

    in_flight: float = 0.0
    latency: float = 0.0
    samples: int = 0

    def add(self, in_flight: int, latency: float) -> None:
        self.samples += 1
        weight = max(1 / self.samples, _LEAST_WEIGHT)
        self.in_flight += weight * (in_flight - self.in_flight)
        self.latency += weight * (latency - self.latency)

    @property
    def rate(self) -> float:
        """Replies a second with so many calls under way."""
        return self.in_flight / max(self.latency, 1e-6)

    @property
    def is_known(self) -> bool:
        return self.samples >= max(6, self.in_flight / 2)


class Window:
    """A bound on the calls under way that grows while growing helps.

    Attributes:
        size: calls that may be under way.
        latency: seconds that a call takes, smoothed; 0 before the first reply.
    """

    def __init__(self, most: int, first: int = FIRST) -> None:
        """Begin with few and never go above `most`."""
        self.size = float(min(first, most))
        self.latency = 0.0
        self._most = most
        self._levels: dict[int, _Level] = {}
        self._looked = 0.0
        self._rests_until = 0.0
        self._rest = REST
        self._judge_at = 0.0

    def on_reply(self, now: float, sent_with: int, latency: float, *, full: bool) -> None:
        """Learn from a reply.

        Args:
            now: the present, in seconds.
            sent_with: how many calls were under way when it was sent, itself included.
            latency: how long it took.
            full: whether the window is what keeps further calls from being sent.
        """
        self.latency += (latency - self.latency) * (_SMOOTH if self.latency else 1.0)
        level = _level(sent_with)
        if level not in self._levels:
            self._levels[level] = _Level()
        self._levels[level].add(sent_with, latency)
        if full and now >= self._rests_until:
            self._grow(now)
        self._looked = now

    def rest_at(self, size: float, until: float) -> None:
        """Stay at a size for a while."""
        self.size = max(1.0, min(size, self._most))
        self._rests_until = until

    def _grow(self, now: float) -> None:
        if self._rests_until:  # the rest is over: what lies above is unknown again
            self._rests_until = 0.0
            here = _level(self.size)
            self._levels = {k: level for k, level in self._levels.items() if k <= here}
            self._judge_at = 0.0
        doubling = max(DOUBLING, self.latency)
        seconds = min(now - self._looked, doubling)
        self.size = min(self.size * 2 ** (seconds / doubling), self._most)
        if now >= self._judge_at:
            self._judge_at = now + doubling / 2
            self._judge(now)

    def _judge(self, now: float) -> None:
        """Rest near the knee if the last doubling brought next to nothing."""
        known = {k: level for k, level in self._levels.items() if level.is_known}
        top = max(known, default=0)
        below = known.get(top - _OCTAVE)
        if below is None:
            return
        if known[top].rate >= GAIN * below.rate:
            self._rest = REST
            return
        most = max(level.rate for level in known.values())
        knee = min(k for k, level in known.items() if level.rate >= KNEE * most)
        self.rest_at(known[knee].in_flight * MARGIN, now + self._rest)
        self._rest = min(self._rest * 2, LONGEST_REST)


def _level(in_flight: float) -> int:
    return int(_OCTAVE * log2(max(in_flight, 1.0)))
