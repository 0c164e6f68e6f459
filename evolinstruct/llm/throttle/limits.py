"""Limits on sending: how many calls at once, and how many a second.

    Window      calls under way at once: grows until more brings no more
    Bucket      calls or tokens a minute that the user allows
    Announced   calls or tokens a second that the service's headers leave
    Refused     calls a second that were accepted before a refusal (429), then carefully more
    Yielding    seconds for which nothing is prefetched after trouble, each time longer

Plain arithmetic over times that are handed in; `pace` puts the four together.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf, log2

FIRST = 3
"""Calls under way before the first reply."""
FEW = 16
"""Up to so many calls under way, each reply doubles the window, until it first rests."""
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
MINUTE = 60.0

_OCTAVE = 2  # levels for each doubling
_LEAST_WEIGHT = 0.04  # a new sample counts at least so much: the service may change
_SMOOTH = 0.1
_QUEUED = 1.5  # a reply that takes so many times as long as one alone has waited in a queue
_ROUNDS = 2  # round trips that a rest because of the timeout takes at least
_LONG_AGO = 2 * LONGEST_REST  # a loss as long ago has another cause than the next one
_SAFE = 0.5  # of the timeout: a call that takes longer is in danger of being given up


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
        return self.in_flight / max(self.latency, 1e-6)  # Little's law

    @property
    def is_known(self) -> bool:
        return self.samples >= max(6, self.in_flight / 2)


class Window:
    """A bound on the calls under way that grows with replies while growing helps.

    Attributes:
        size: calls that may be under way.
        latency: seconds that a call takes, of late; 0 before the first reply.
    """

    def __init__(self, most: int, first: int = FIRST, timeout: float = inf) -> None:
        """Begin with few, and never go above `most`; a call is given up after `timeout` seconds."""
        self.size = float(min(first, most))
        self.latency = 0.0
        self._most = most
        self._timeout = timeout
        self._samples = 0
        self._meanwhile = 0.0  # replies that came while a call was under way, itself included
        self._levels: dict[int, _Level] = {}
        self._looked = 0.0
        self._rests_until = 0.0
        self._rest = REST
        self._patience = REST
        self._has_rested = False
        self._judge_at = 0.0
        self._lowered_at = -inf

    @property
    def limit(self) -> int:
        """Calls that may be under way, as a whole number."""
        return max(1, int(self.size))

    def on_reply(
        self, now: float, sent_with: int, latency: float, meanwhile: int, *, full: bool
    ) -> None:
        """Learn from a reply.

        Args:
            now: the present, in seconds.
            sent_with: how many calls were under way when it was sent, itself included.
            latency: how long it took.
            meanwhile: how many replies came in that time, itself included.
            full: whether the window is what keeps further calls from being sent.
        """
        self._samples += 1
        weight = max(1 / self._samples, _SMOOTH)
        self.latency += weight * (latency - self.latency)
        self._meanwhile += weight * (meanwhile - self._meanwhile)
        level = _level(sent_with)
        if level not in self._levels:
            self._levels[level] = _Level()
        self._levels[level].add(sent_with, latency)
        # Only a full window says anything about a larger one: where the run itself has no more
        # calls to send, the window would grow without ever being tried.
        # Nor does a call say anything that was sent before the window was lowered.
        if full and now >= self._rests_until and now - latency >= self._lowered_at:
            self._grow(now, sent_with, latency)
        else:
            self._looked = now

    def on_lost(self, now: float, sent_at: float, replies: int) -> None:
        """Come down to what the service got through while a call waited in vain.

        Args:
            now: the present, in seconds.
            sent_at: when the call was sent.
            replies: how many others were answered since.
        """
        # With half as many under way, the last of them would have waited half as long. Where that
        # is more than there are, the service has lost one call, and is not too slow.
        if replies / 2 >= self.size:
            return
        if now - self._lowered_at > _LONG_AGO:
            self._patience = REST
        if sent_at < self._lowered_at:  # a burst of losses is one cut
            self.rest_at(replies / 2, self._rests_until)
        else:
            self._beware(replies / 2, now)
        self._lowered_at = now

    def rest_at(self, size: float, until: float) -> None:
        """Stay at a size for a while."""
        self.size = max(1.0, min(size, self._most))
        self._rests_until = until
        self._has_rested = True

    def _beware(self, size: float, now: float) -> None:
        """Stay at a size because more may time out, for twice as long as the last time."""
        self.rest_at(size, now + max(self._patience, _ROUNDS * self.latency))
        self._patience = min(self._patience * 2, LONGEST_REST)

    def _grow(self, now: float, sent_with: int, latency: float) -> None:
        size = self._larger(now)
        if self._rests_until:  # the rest is over: what lies above is unknown again, and worth a try
            self._rests_until = 0.0
            here = _level(self.size)
            self._levels = {k: level for k, level in self._levels.items() if k <= here}
            self._judge_at = 0.0
        elif self._is_safe(2 * self.size):
            if self.size < FEW and not self._has_rested:
                size = 2 * self.size
        elif sent_with == 1 < self.limit:  # how fast one call is alone says nothing of more
            return
        elif sent_with == 1 or latency > _QUEUED * self._alone:
            self._beware(self.size, now)
            return
        self.size = min(size, self._most)
        if now >= self._judge_at:
            self._judge_at = now + self._doubling / 2
            self._judge(now)

    @property
    def _doubling(self) -> float:
        return max(DOUBLING, self.latency)

    def _larger(self, now: float) -> float:
        """Return the size that the time since the last look allows, and note the time as used."""
        seconds = min(now - self._looked, self._doubling)
        # One more for each reply at most, however long it took: a few replies of a slow server say
        # nothing about twice as many calls. Where many come together, the next ones make up for it.
        size = min(self.size * 2 ** (seconds / self._doubling), self.size + 1)
        self._looked = now - (seconds - self._doubling * log2(size / self.size))
        return size

    def _is_safe(self, size: float) -> bool:
        """Tell whether so many calls end before the timeout even if they bring no more replies."""
        return size * self.latency / self._meanwhile <= _SAFE * self._timeout

    @property
    def _alone(self) -> float:
        """Seconds that a call took with the fewest under way."""
        return self._levels[min(self._levels)].latency

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


class Bucket:
    """An allowance that refills steadily: so many units a minute, in any minute."""

    _BURST = 0.25  # seconds' worth that may be spent at once

    def __init__(self, per_minute: float) -> None:
        """Begin full."""
        self._most = max(1.0, per_minute / MINUTE * self._BURST)
        # Less than the allowance by the burst: a minute that begins full must not end above it.
        self._refill = (per_minute - self._most + 1) / MINUTE
        self._level = self._most
        self._at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a unit is there."""
        self._level = min(self._most, self._level + (now - self._at) * self._refill)
        self._at = now
        return 0.0 if self._level >= 1 - 1e-9 else (1 - self._level) / self._refill

    def take(self, units: float) -> None:
        """Spend units, into debt if need be; fewer than none gives them back."""
        self._level = min(self._most, self._level - units)


class Announced:
    """The rate that what a service announces allows, for calls or for tokens.

    What is left is spread over a few seconds, on top of what comes back meanwhile: so the last
    unit is approached and never asked for in vain.
    """

    _HORIZON = 5.0

    def __init__(self) -> None:
        self.rate = inf

    def see(self, limit: int | None, left: int | None, reset: float | None, since: float) -> None:
        """Learn from one announcement.

        Args:
            limit: units in a window.
            left: units left when it was made.
            reset: seconds until the window is whole again.
            since: units asked for since the call that it came with was sent.
        """
        if limit is None or left is None or reset is None:
            return
        if left >= limit or reset <= 0:
            self.rate = inf
            return
        # A window refills steadily: what is missing comes back by the reset. Calls sent since the
        # announcement are not taken off `left` yet.
        refill = (limit - left) / reset
        self.rate = refill + max(0.0, left - since) / min(self._HORIZON, reset)


class Refused:
    """The rate that refusals (429) leave: the rate that was accepted, then carefully more.

    A burst of refusals is one cut: those of calls sent before the cut change nothing. Refusals
    that come at any rate, however low, are noise: the service has another reason for them, and the
    rate does not yield.

    Attributes:
        rate: calls a second; unbounded before the first refusal.
        in_a_row: cuts that followed one another before more was tried.
    """

    _UNDER = 0.96  # of what was accepted
    _FIRST_LOOK, _LOOK = 1.5, 10.0  # seconds over which the accepted are counted
    _PATIENCE, _LONGEST_PATIENCE = 3.0, 60.0  # seconds at a rate before more is tried
    _SAME = 0.1  # two cuts as near as this found the same limit
    _CREEP, _FASTEST = 0.01, 0.25  # growth a second: grows itself with each second
    _STEP, _SHORTEST = 0.1, 0.02
    _IN_A_ROW = 4  # so many cuts without an end have another cause than the rate
    _NOISE_LASTS = 60.0
    _MEMORY = 100  # calls

    def __init__(self) -> None:
        """Begin without a bound."""
        self.rate = inf
        self.in_a_row = 0
        self._marks: deque[tuple[float, int]] = deque()
        self._cut_at = -inf
        self._grown_at = 0.0
        self._ceiling = inf
        self._patience = self._PATIENCE
        self._before = inf
        self._row_began = 0
        self._share = 0.0
        self._noise = 0.0
        self._noise_until = -inf

    @property
    def is_noise(self) -> bool:
        """Whether refusals have turned out to have nothing to do with the rate."""
        return self._noise > 0

    @property
    def patience(self) -> float:
        """Seconds at a rate before more is tried."""
        return self._patience

    def on_sent(self, now: float, nth: int) -> None:
        """Note when which call is sent."""
        if not self._marks or now - self._marks[-1][0] >= self._STEP:
            self._marks.append((now, nth))
            while now - self._marks[0][0] > 2 * self._LOOK:
                self._marks.popleft()

    def on_accepted(self) -> None:
        """Count a call that was not refused."""
        self._share -= self._share / self._MEMORY

    def on_refused(self, now: float, sent: int, sent_at: float, nth: int) -> bool:
        """Count a refusal; return whether the rate is cut for it."""
        self._share += (1 - self._share) / self._MEMORY
        if sent_at <= self._cut_at:
            return False  # it was on its way before the cut, and says nothing of the rate since
        if now < self._noise_until and self._share < 3 * self._noise + 1 / self._MEMORY:
            return False
        self._noise = 0.0
        if self.rate >= self._ceiling or not self.in_a_row:  # as much or more was tried again
            self.in_a_row, self._before, self._row_began = 0, self.rate, nth
        self.in_a_row += 1
        if self.in_a_row >= self._IN_A_ROW:
            return self._call_it_noise(now, nth)
        self._cut(now, sent, self._accepted_rate(sent_at, nth))
        return True

    def grow(self, now: float) -> None:
        """Try a little more, where the rate is what holds calls back."""
        waited = now - self._cut_at - self._patience
        seconds = min(now - self._grown_at, 1.0)
        self._grown_at = now
        if waited > 0:
            self.rate *= 1 + seconds * min(self._CREEP * waited, self._FASTEST)

    def _cut(self, now: float, sent: int, found: float) -> None:
        # A limit that is found twice is the service's own: more is tried ever more rarely, because
        # each try costs refusals.
        same = abs(found - self._ceiling) <= self._SAME * self._ceiling
        self._patience = min(self._patience * 2, self._LONGEST_PATIENCE) if same else self._PATIENCE
        self._ceiling = found
        self.rate = found * self._UNDER
        self._cut_at = self._grown_at = now
        self._marks.append((now, sent))

    def _call_it_noise(self, now: float, nth: int) -> bool:
        self._noise = max(self._share, self._IN_A_ROW / max(nth - self._row_began, 1))
        self._noise_until = now + self._NOISE_LASTS
        self.rate = self._before
        self.in_a_row = 0
        return False

    def _accepted_rate(self, until: float, nth: int) -> float:
        """Return the calls a second that were sent, and accepted, before the one refused."""
        look = until - self._cut_at if self._cut_at > -inf else self._FIRST_LOOK
        start = until - min(look, self._LOOK)
        at, first = next((mark for mark in self._marks if mark[0] >= start), (until, nth))
        seconds = max(until - at, self._SHORTEST)
        return max(nth - first, 1) / seconds


class Yielding:
    """Keeps prefetched calls back after trouble, each time for longer, until one is answered.

    Attributes:
        until: nothing is prefetched before.
    """

    _FIRST, _LONGEST = 1.0, 60.0  # seconds

    def __init__(self) -> None:
        """Begin without trouble."""
        self.until = -inf
        self._next = self._FIRST

    def on_trouble(self, now: float, seconds: float | None) -> None:
        """Begin a pause, of the seconds that the service asks for at least; a burst is one."""
        if now >= self.until:
            self.until = now + self._next
            self._next = min(2 * self._next, self._LONGEST)
        self.until = max(self.until, now + (seconds or 0.0))

    def on_reply(self, sent_at: float) -> None:
        """Note that a prefetched call was answered."""
        if sent_at >= self.until:
            self._next = self._FIRST
