"""How many calls a second: what the user allows, what a service announces, what it refuses.

Plain arithmetic over times that are handed in; knows no clock, no call and no window.
"""

from __future__ import annotations

from collections import deque
from math import inf

MINUTE = 60.0


class Bucket:
    """An allowance that refills steadily: so many units a minute, in any minute."""

    _BURST = 0.25  # seconds' worth that may be spent at once

    def __init__(self, per_minute: float) -> None:
        """Begin full."""
        self._most = max(1.0, per_minute / MINUTE * self._BURST)
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
        refill = (limit - left) / reset
        self.rate = refill + max(0.0, left - since) / min(self._HORIZON, reset)


class Refused:
    """The rate that refusals leave: the rate that was accepted, then carefully more.

    A burst of refusals is one cut: those of calls sent before the cut change nothing. Refusals
    that come at any rate, however low, are noise; to them the rate does not yield.

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
        self._breaker = self._PATIENCE
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
    def breaker(self) -> float:
        """Seconds at a rate before more is tried."""
        return self._breaker

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
            return False
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
        waited = now - self._cut_at - self._breaker
        seconds = min(now - self._grown_at, 1.0)
        self._grown_at = now
        if waited > 0:
            self.rate *= 1 + seconds * min(self._CREEP * waited, self._FASTEST)

    def _cut(self, now: float, sent: int, found: float) -> None:
        same = abs(found - self._ceiling) <= self._SAME * self._ceiling
        self._breaker = min(self._breaker * 2, self._LONGEST_PATIENCE) if same else self._PATIENCE
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
