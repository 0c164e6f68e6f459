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
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from evolinstruct.errors import UNREACHABLE, CallError, CallFailed, ServiceSilent, StopRun
from evolinstruct.llm.base import CallId

SECONDS = 120.0
FAILURES = 50
_MOMENT = 0.05  # seconds within which a call that ended is followed by the next


class CircuitBreaker:
    """What a service has done since it last answered; shared by all calls to it."""

    def __init__(
        self,
        name: str,
        *,
        seconds: float = SECONDS,
        failures: int = FAILURES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Bound a silence.

        Args:
            name: what a message calls the service.
            seconds: how long attempts may fail with no success between them.
            failures: how many calls in a row may fail for good.
            now: gives the present in seconds.
        """
        self._name = name
        self._seconds = seconds
        self._failures = failures
        self._now = now
        self._failing_since: float | None = None
        self._failed_in_a_row = 0
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
        if self._failing_since is not None:
            self._failing_since = None
            self._failed_in_a_row = 0
            self._release(len(self._waiting), answered=True)

    def failed(self, call: CallId, error: CallError) -> None:
        """Note that an attempt of a call failed.

        Raises:
            ServiceSilent: attempts have failed for too long with no success between them.
        """
        self._answers_at_failure.setdefault(call, self._answers)
        if self._failing_since is None:
            # The silence begins here and not with the last success: a run that idles between two
            # calls, or sends nothing because the service asked for a pause, meets no silence.
            self._failing_since = self._now()
        seconds = self._now() - self._failing_since
        if seconds >= self._seconds:
            self._stop_run(f"no call has succeeded for {seconds:.0f} seconds", error)

    async def judge(self, call: CallId, failure: CallFailed) -> None:
        """Raise the failure of a call that has used up its attempts, or return to have it asked.

        Raises:
            CallFailed: the failure is the call's own.
            ServiceSilent: too many calls in a row have failed.
            StopRun: the run stopped before the service answered anything else.
        """
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= self._failures:
            self._stop_run(f"{self._failed_in_a_row} calls in a row have failed", failure)
        # Looked up before the wait: an answer that comes later says that the service is back, not
        # that it was there while this call failed.
        others_answered = self._answers > self._answers_at_failure.get(call, self._answers)
        if await self._is_back():
            # One attempt alone: the service did not fail, it turned the call down.
            is_own = others_answered or failure.attempts == 1
        else:
            is_own = failure.error != UNREACHABLE
        if is_own:
            raise failure

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
        """Stop the run.

        Raises:
            ServiceSilent: always.
        """
        self.stop(
            ServiceSilent(
                f"{self._name} stopped answering: {why}, the last with {last.error}"
                f" ({last.message}); run the same command again when it answers."
            )
        )
        self.check()
