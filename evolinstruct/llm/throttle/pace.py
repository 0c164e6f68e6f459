"""Pace: when the next call may be sent.

The least of four limits counts (see `limits`): the window of calls under way, the rate that
refusals leave, the rate that the service announces, and what the user allows in a minute. After a
refusal nothing at all is sent until the time that the service named is up. A call that timed out,
or was cut off, lowers the window to what the service got through meanwhile. Other errors of the
service change nothing: the circuit breaker judges those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from evolinstruct.llm.base import Limits
from evolinstruct.llm.throttle.limits import FIRST, Announced, Bucket, Refused, Window

_PAUSE = 0.5  # seconds, after a refusal that names none
_BURST = 0.02  # seconds' worth of calls that may leave at once
_FULL = 0.75  # of the window: spreading leaves the rest free at times
_SPREAD = 2.0  # a window's worth leaves in no less than half a round trip
_SMOOTH = 0.05
_SLOWEST = 1 / 60  # calls a second: a limit of a whole day must not end in hours of silence


@dataclass(frozen=True, slots=True)
class Sent:
    """One call under way.

    Attributes:
        at: when it was sent.
        nth: how many calls had been sent by then, itself included.
        in_flight: how many were under way then, itself included.
        tokens: its tokens, as estimated.
        replies: how many had come by then.
    """

    at: float
    nth: int
    in_flight: int
    tokens: float
    replies: int


class Pace:
    """Says when the next call may be sent, and learns from how each ends.

    Attributes:
        in_flight: calls under way.
        replies: calls that were answered.
        paused_until: nothing is sent before.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        most: int,
        *,
        fixed: bool = False,
        timeout: float = inf,
        rpm: int | None = None,
        tpm: int | None = None,
    ) -> None:
        """Begin carefully, or with all at once if `fixed`.

        Args:
            clock: gives the present in seconds.
            most: calls under way at most.
            fixed: send as many from the start, whatever the service says but a pause.
            timeout: seconds after which a call is given up.
            rpm: calls in a minute at most.
            tpm: tokens in a minute at most.
        """
        self.in_flight = 0
        self.replies = 0
        self.paused_until = 0.0
        self._clock = clock
        self._fixed = fixed
        self._window = Window(most, most if fixed else FIRST, timeout)
        self._refused = Refused()
        self._calls, self._tokens = Announced(), Announced()
        self._budgets = [bucket and Bucket(bucket) for bucket in (rpm, tpm)]
        self._sent = 0
        self._mean_tokens = 0.0
        self._before = self._window.size
        self._credit = 1.0
        self._credited = 0.0

    @property
    def limit(self) -> int:
        """Calls that may be under way now."""
        return self._window.limit

    @property
    def rate(self) -> float:
        """Calls that may be sent a second; may be unbounded."""
        tokens = self._tokens.rate / self._mean_tokens if self._mean_tokens else inf
        return min(self._refused.rate, max(_SLOWEST, min(self._calls.rate, tokens)))

    @property
    def pause(self) -> float:
        """Seconds for which nothing is sent, because the service asked for that."""
        return max(0.0, self.paused_until - self._clock())

    @property
    def counts_tokens(self) -> bool:
        """Whether tokens are to be estimated."""
        return self._budgets[1] is not None

    def since(self, sent: Sent) -> float:
        """Return the seconds since a call was sent."""
        return self._clock() - sent.at

    def wait(self) -> float:
        """Return the seconds until a call may be sent: 0 for now, infinite for after a reply."""
        if self.in_flight >= self.limit:
            return inf
        now = self._clock()
        waits = [bucket.wait(now) for bucket in self._budgets if bucket]
        return max(self.paused_until - now, self._spacing(now), *waits, 0.0)

    def on_sent(self, tokens: float = 0.0) -> Sent:
        """Count a call that is sent now."""
        now = self._clock()
        self.in_flight += 1
        self._sent += 1
        self._credit -= 1
        self._refused.on_sent(now, self._sent)
        for bucket, units in zip(self._budgets, (1, tokens), strict=True):
            if bucket:
                bucket.take(units)
        return Sent(now, self._sent, self.in_flight, tokens, self.replies)

    def on_reply(
        self, sent: Sent, tokens: float | None = None, limits: Limits | None = None
    ) -> None:
        """Learn from a reply, the tokens it used and the limits announced with it."""
        now = self._clock()
        # Before this call is taken off: was the window what kept others from being sent?
        full = self.in_flight >= _FULL * self.limit
        self.in_flight -= 1
        self.replies += 1
        if tokens is not None:
            self._mean_tokens += (tokens - self._mean_tokens) * (
                _SMOOTH if self._mean_tokens else 1.0
            )
            if self._budgets[1]:
                self._budgets[1].take(tokens - sent.tokens)  # the estimate was taken when it went
        if not self._fixed:
            self._refused.on_accepted()
            meanwhile = self.replies - sent.replies
            self._window.on_reply(now, sent.in_flight, now - sent.at, meanwhile, full=full)
            self._heed(sent, limits)

    def on_refused(self, sent: Sent, retry_after: float | None, limits: Limits | None) -> None:
        """Learn from a 429."""
        now = self._clock()
        pause = retry_after or 0.0
        if not self._fixed:
            if self._cut(now, sent) and retry_after is None:
                pause = _PAUSE
            self._heed(sent, limits)
        self.paused_until = max(self.paused_until, now + pause)
        self.in_flight -= 1

    def on_lost(self, sent: Sent) -> None:
        """Learn from a call that timed out, or whose connection was closed: a sign of too many.

        One that ended sooner than replies come was turned away at the door, as with a 429.
        """
        if self.since(sent) < self._window.latency:
            self.on_refused(sent, None, None)
            return
        if not self._fixed:
            self._window.on_lost(self._clock(), sent.at, self.replies - sent.replies)
        self.in_flight -= 1

    def on_failed(self) -> None:
        """Give the place back of a call that ended in any other way."""
        self.in_flight -= 1

    def _cut(self, now: float, sent: Sent) -> bool:
        # A refusal says that the service was full with as many as are under way now: the window
        # rests there while the rate is tried. The first of a row remembers what it was before, to
        # return to if the row turns out to be noise.
        was_noise = self._refused.is_noise
        cut = self._refused.on_refused(now, self._sent, sent.at, sent.nth)
        if cut:
            if self._refused.in_a_row == 1:
                self._before = self._window.size
            self._window.rest_at(self.in_flight, now + self._refused.patience)
        elif self._refused.is_noise and not was_noise:
            self._window.rest_at(self._before, now)
        return cut

    def _heed(self, sent: Sent, limits: Limits | None) -> None:
        if limits is None:
            return
        since = self._sent - sent.nth  # calls that the announcement does not know of
        self._calls.see(limits.requests, limits.remaining_requests, limits.reset_requests, since)
        since_tokens = since * self._mean_tokens
        self._tokens.see(limits.tokens, limits.remaining_tokens, limits.reset_tokens, since_tokens)

    def _spacing(self, now: float) -> float:
        """Return the seconds until the rate lets the next call go."""
        rate = self.rate
        if not self._fixed and self._window.latency:
            # A window that has just grown must not leave in one burst: many services refuse
            # bursts that they would take evenly spread.
            rate = min(rate, _SPREAD * self._window.size / self._window.latency)
        if rate == inf:
            return 0.0
        most = max(1.0, rate * _BURST)
        self._credit = min(most, self._credit + (now - self._credited) * rate)
        self._credited = now
        if self._credit >= 1 - 1e-9:
            return 0.0
        if rate == self._refused.rate:  # it alone holds calls back, so more is worth a try
            self._refused.grow(now)
        return (1 - self._credit) / rate
