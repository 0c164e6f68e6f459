"""Circuit breaker: stops the run when a service is silent for too long or fails call after call.

One for each group of servers and their model. The retry tells it how each attempt ends, and asks
it about each call that has failed after all its attempts: is that the call's own failure, or the
service's? A failed line is written once, so an outage must not write any: the call waits for news
as long as other calls are under way.

- The service answers another call: the failure is the call's own. But if nobody at all was answered
  while it failed, the whole failure fell into the silence, and the call is asked once more.
- The run stops because of the silence: the call has not failed, and is asked when the run goes on.
- No other call is under way: nobody can bring news, and the failure counts as the call's own.
  Only a service that cannot even be reached is no fault of a call: the call itself asks on.

Two more things are no fault of a call. A service that has never answered and turns down one call
after the other in the same way is wrong for this run: wrong address, no access. One that asks again
and again for a wait that nobody means to sit out has had enough for today.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf

from evolinstruct.errors import (
    DAILY_LIMIT,
    UNREACHABLE,
    CallError,
    CallFailed,
    ServiceRefused,
    ServiceSilent,
    StopRun,
    TryAgain,
)
from evolinstruct.llm.base import CallId
from evolinstruct.text import clock, until

SECONDS = 120.0
FAILURES = 50
FIRST_REFUSALS = 20
"""So many calls that are turned down alike, before any is answered, stop the run."""
LONG_WAITS = 3
"""So many waits that the user does not allow stop the run."""
_MOMENT = 0.05  # seconds within which a call that ended is followed by the next


class CircuitBreaker:
    """What a service has done since it last answered; shared by all calls to it."""

    def __init__(
        self,
        name: str,
        *,
        seconds: float = SECONDS,
        failures: int = FAILURES,
        is_new: Callable[[], bool] = lambda: False,
        is_first: Callable[[], bool] = lambda: False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Bound a silence.

        Args:
            name: what a message calls the service.
            seconds: how long attempts may fail with no success between them.
            failures: how many calls in a row may fail for good.
            is_new: tells whether no earlier command got a reply from this service for the run.
            is_first: tells whether no service has replied to any call of the run.
            now: gives the present in seconds.
        """
        self._name = name
        self._seconds = seconds
        self._failures = failures
        self._is_new = is_new
        self._is_first = is_first
        self._now = now
        self._answered_at = -inf
        self._failing_since: float | None = None
        self._failed_in_a_row = 0
        self._refused_alike = 0
        self._refusal = ""
        self._long_waits = 0
        self._excused = 0.0  # the longest wait of this silence that the service asked for
        self._answers = 0
        self._answers_at_failure: dict[CallId, int] = {}  # when a call's first attempt failed
        self._under_way = 0
        self._waiting: list[asyncio.Future[bool]] = []  # failed calls that wait for news
        self._error: StopRun | None = None

    def stop(self, error: StopRun) -> None:
        """End the calls that wait for news, and all that ask from now on, with the error."""
        self._error = self._error or error
        self._release(len(self._waiting), answered=False)

    def check(self) -> None:
        """Raise what the run stopped with, if it did.

        Raises:
            StopRun: it did.
        """
        if self._error is not None:
            # many calls raise this one object: each starts its traceback anew
            raise self._error.with_traceback(None)

    def began(self) -> None:
        """Count a call as under way."""
        self._under_way += 1

    def ended(self, call: CallId) -> None:
        """Count the call as ended, however it did."""
        self._answers_at_failure.pop(call, None)
        self._under_way -= 1
        if self._waiting and self._under_way <= len(self._waiting):
            # Only calls that wait are left. But the run may be about to start the next one in the
            # place of the one that ended, and that one could bring news.
            asyncio.get_running_loop().call_later(_MOMENT, self._give_up_waiting)

    def answered(self) -> None:
        """Note that the service answered an attempt."""
        self._answers += 1
        self._answered_at = self._now()
        self._long_waits = 0
        if self._failing_since is not None or self._failed_in_a_row:
            self._failing_since = None
            self._failed_in_a_row = self._refused_alike = 0
            self._excused = 0.0
            self._release(len(self._waiting), answered=True)

    def failed(self, call: CallId, error: CallError) -> None:
        """Note that an attempt of a call failed.

        Raises:
            ServiceSilent: attempts have failed for too long with no success between them, or the
                service asks for waits that the user does not allow.
        """
        if isinstance(error, TryAgain) and error.not_waited is not None:
            self._long_waits += 1
            if self._long_waits >= LONG_WAITS:
                self._stop(ServiceSilent(self._wait_told(error, error.not_waited)))
        self._answers_at_failure.setdefault(call, self._answers)
        if self._now() - (error.took or 0.0) < self._answered_at:
            return  # others were answered while it was under way, if only in a server's queue
        if self._failing_since is None:
            # The silence begins here and not with the last success: a run that idles between two
            # calls, or sends nothing because the service asked for a pause, meets no silence.
            self._failing_since = self._now()
        seconds = self._now() - self._failing_since
        if seconds - self._excused >= self._seconds:
            self._stop_run(f"no call has succeeded for {seconds:.0f} seconds", error)
        if isinstance(error, TryAgain):
            self._excused = max(self._excused, error.retry_after or 0.0)

    async def judge(self, call: CallId, failure: CallFailed, *, turned_down: bool = False) -> None:
        """Raise the failure of a call that has used up its attempts, or return to have it asked.

        Args:
            call: the call.
            failure: its failure.
            turned_down: the service will not have it, however often it is sent.

        Raises:
            CallFailed: the failure is the call's own.
            ServiceRefused: it turns down every call alike, from the first on.
            ServiceSilent: too many calls in a row have failed.
            StopRun: the run stopped before the service answered anything else.
        """
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= self._failures:
            self._stop_run(f"{self._failed_in_a_row} calls in a row have failed", failure)
        self._count_refusal(failure, turned_down=turned_down)
        # Looked up before the wait: an answer that comes later says that the service is back, not
        # that it was there while this call failed.
        others_answered = self._answers > self._answers_at_failure.get(call, self._answers)
        if await self._is_back():
            # One attempt alone: the service did not fail, it turned the call down.
            is_own = others_answered or failure.attempts == 1
        else:
            self._stop_if_all_are_refused(failure)
            is_own = failure.error != UNREACHABLE
        if is_own:
            raise failure

    def _count_refusal(self, failure: CallFailed, *, turned_down: bool) -> None:
        """Count calls that were turned down alike; stop the run where the first are.

        Raises:
            ServiceRefused: they are.
        """
        alike = turned_down and failure.error == self._refusal
        self._refusal = failure.error
        self._refused_alike = self._refused_alike + 1 if alike else int(turned_down)
        if self._refused_alike >= FIRST_REFUSALS and not self._answers and self._is_new():
            self._stop(ServiceRefused(self._refusal_told(failure)))

    def _stop_if_all_are_refused(self, failure: CallFailed) -> None:
        """Stop the run if nothing it asked was answered, and all was turned down alike.

        Raises:
            ServiceRefused: so it is.
        """
        all_alike = self._refused_alike == self._failed_in_a_row
        if all_alike and not self._answers and self._is_first():
            self._stop(ServiceRefused(self._refusal_told(failure)))

    def _refusal_told(self, failure: CallFailed) -> str:
        calls = (
            "its first call"
            if self._refused_alike == 1
            else (f"each of its first {self._refused_alike} calls")
        )
        return (
            f"{self._name[:1].upper()}{self._name[1:]} turned down {calls} with {failure.error}"
            f" ({failure.message}); {failure.advice or 'change what its words name'}."
        )

    def _wait_told(self, error: TryAgain, seconds: float) -> str:
        """Say how long a service asks to wait, and what to do."""
        name = f"{self._name[:1].upper()}{self._name[1:]}"
        told = [f"{name} has reached its limit for a day"] if error.error == DAILY_LIMIT else []
        when = "when the limit is renewed"
        if seconds < inf:
            asks = "it asks" if told else f"{name} asks"
            told.append(f"{asks} to wait {clock(seconds)}, until {until(seconds)}")
            when = "then, or with a higher --max-wait"
        return f"{', and '.join(told)} ({error.message}); run the same command again {when}."

    async def _is_back(self) -> bool:
        """Wait until the service answers another call, then True; False if none is under way.

        Raises:
            StopRun: the run stopped meanwhile.
        """
        answered = False
        if self._under_way > len(self._waiting) + 1:  # somebody but this call and those that wait
            news = asyncio.get_running_loop().create_future()
            self._waiting.append(news)
            try:
                answered = await news
            except asyncio.CancelledError:
                self._waiting = [other for other in self._waiting if other is not news]
                raise
        self.check()
        return answered

    def _give_up_waiting(self) -> None:
        """Tell the call that waits longest that nothing is under way that could bring news.

        One alone: if it asks on, it is itself what brings news to the others.
        """
        if self._waiting and self._under_way <= len(self._waiting):
            self._release(1, answered=False)

    def _release(self, count: int, *, answered: bool) -> None:
        released, self._waiting = self._waiting[:count], self._waiting[count:]
        for news in released:
            if not news.done():
                news.set_result(answered)

    def _stop_run(self, why: str, last: CallError) -> None:
        """Stop the run because of a silence.

        Raises:
            ServiceSilent: always.
        """
        self._stop(
            ServiceSilent(
                f"{self._name} stopped answering: {why}, the last with {last.error}"
                f" ({last.message}); run the same command again when it answers."
            )
        )

    def _stop(self, error: StopRun) -> None:
        """Stop the run.

        Raises:
            StopRun: always: this one, or what stopped it before.
        """
        self.stop(error)
        self.check()
