"""A service in simulated time: minutes of traffic in a second, the same in every run.

A service says of each call, as it comes in, when it ends and how; the simulation sends as a pace
allows and tells it how each call ended.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import Protocol

from evolinstruct.llm.base import Limits
from evolinstruct.llm.throttle.pace import Pace, Sent

CLOSED = 0
"""In place of a status: the connection is closed without an answer."""


@dataclass(frozen=True, slots=True)
class End:
    """How a call ends: after so many seconds; refused, failed, closed or answered."""

    seconds: float
    status: int = 200
    retry_after: float | None = None
    limits: Limits | None = None


class Service(Protocol):
    def ask(self, now: float) -> End: ...


Latency = Callable[[], float]


def mixed(*seconds: float, seed: int = 1) -> Latency:
    """Each of these equally often, and a little unevenly."""
    dice = random.Random(seed)
    return lambda: dice.choice(seconds) * dice.uniform(0.9, 1.1)


@dataclass
class Limited:
    """Allows so many requests a second, as a bucket of so many at once."""

    rate: float
    latency: Latency
    burst: float = 0.0
    retry_after: bool = True
    whole_seconds: bool = True
    announces: bool = False
    late: bool = False  # refuses after the latency, not at once
    _level: float = field(default=-1.0, init=False)
    _at: float = field(default=0.0, init=False)

    def ask(self, now: float) -> End:
        most = self.burst or self.rate
        level = most if self._level < 0 else self._level + (now - self._at) * self.rate
        self._level, self._at = min(level, most), now
        takes = self._level >= 1
        self._level -= takes
        limits = Limits(int(most), int(self._level), (most - self._level) / self.rate)
        announced = limits if self.announces else None
        if takes:
            return End(self.latency(), limits=announced)
        seconds = (1 - self._level) / self.rate
        if self.whole_seconds:
            seconds = float(int(seconds) + 1)
        asked = seconds if self.retry_after else None
        return End(self.latency() if self.late else 0.002, 429, asked, announced)


@dataclass
class Queueing:
    """Works on so many at once; others wait in line.

    A call that is given up after `patience` seconds takes no more of the server's time; a server
    that does not notice has no patience of its own, and works for nobody.
    """

    capacity: int
    latency: Latency
    patience: float = inf
    _free_at: list[float] = field(default_factory=list, init=False)

    def ask(self, now: float) -> End:
        start = now
        if len(self._free_at) >= self.capacity:
            start = max(now, heapq.heappop(self._free_at))
        end = max(start, min(start + self.latency(), now + self.patience))
        heapq.heappush(self._free_at, end)
        return End(end - now if end < now + self.patience else inf)


@dataclass
class Batching:
    """A local model: each call slows all others down a little."""

    alone: float
    slowed: float
    _ends: list[float] = field(default_factory=list, init=False)

    def ask(self, now: float) -> End:
        while self._ends and self._ends[0] <= now:
            heapq.heappop(self._ends)
        seconds = self.alone * (1 + len(self._ends) / self.slowed)
        heapq.heappush(self._ends, now + seconds)
        return End(seconds)


@dataclass
class Noisy:
    """Another service, with random refusals and failures that have nothing to do with the rate."""

    service: Service
    refusals: float
    failures: float = 0.0
    retry_after: float | None = None
    ending: int = 500
    dice: random.Random = field(default_factory=lambda: random.Random(2))

    def ask(self, now: float) -> End:
        chance = self.dice.random()
        if chance < self.refusals:
            return End(0.002, 429, self.retry_after)
        if chance < self.refusals + self.failures:
            return End(0.05, self.ending)
        return self.service.ask(now)


@dataclass
class Traffic:
    """What went over the wire.

    Attributes:
        replies: when each reply came.
        refusals: when each refusal came.
        sends: when each call was sent.
        lost: when each call was given up.
        limits: the window once a second.
    """

    replies: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)

    def rate(self, start: float, end: float) -> float:
        return sum(start <= at < end for at in self.replies) / (end - start)

    def refused_in(self, seconds: float) -> int:
        return sum(at < seconds for at in self.refusals)

    def ended_in(self, seconds: float) -> int:
        return sum(at < seconds for at in self.replies) + self.refused_in(seconds)


def simulate(
    service: Service,
    seconds: float,
    make: Callable[[Callable[[], float]], Pace],
    demand: int = 2048,
    timeout: float = inf,
) -> Traffic:
    """Send as the pace allows, for so many seconds; `demand` calls are there at any time."""
    now = 0.0
    pace = make(lambda: now)
    traffic = Traffic()
    order = count()
    ends: list[tuple[float, int, Sent, End]] = []
    while now < seconds:
        wake = inf
        while pace.in_flight < demand and (wake := pace.wait()) == 0:
            sent = pace.on_sent(100.0)
            traffic.sends.append(now)
            end = service.ask(now)
            heapq.heappush(ends, (now + min(end.seconds, timeout), next(order), sent, end))
        if len(traffic.windows) <= now:
            traffic.windows.append(pace.limit)
        # a loop turns no sooner than in a tenth of a millisecond
        now = min(ends[0][0] if ends else inf, max(now + wake, now + 1e-4))
        while ends and ends[0][0] <= now:
            _, _, sent, end = heapq.heappop(ends)
            if end.seconds > timeout or end.status == CLOSED:
                traffic.lost.append(now)
                pace.on_lost(sent)
            elif end.status == 200:
                traffic.replies.append(now)
                pace.on_reply(sent, 100.0, end.limits)
            elif end.status == 429:
                traffic.refusals.append(now)
                pace.on_refused(sent, end.retry_after, end.limits)
            else:
                pace.on_failed()
    return traffic
