"""Circuit breaker: stops the run when a service is silent for too long or fails call after call.

One `CircuitBreaker` for each server and model. It listens at two places: to single attempts, and
to how calls end after all their attempts. A call that has failed waits for news as long as other
calls are under way. If the service answers one of them, the failure was this call's own, unless
nobody at all was answered while it failed: then it is asked once more. If the run stops for the
silence, it has not failed, and is asked again when the run goes on. A service that cannot even be
reached is no fault of a call: where nobody else could bring news, the call itself asks on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from evolinstruct.errors import (
    UNREACHABLE,
    CallError,
    CallFailed,
    CallRejected,
    ServiceSilent,
    StopRun,
    TryAgain,
)
from evolinstruct.llm.base import CallId, Client, Reply, Request

SECONDS = 120.0
FAILURES = 50
_MOMENT = 0.05  # seconds in which a call that ended is followed by the next


class CircuitBreaker:
    """What a server has done since it last answered."""

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
            name: what a message calls the server.
            seconds: how long attempts may fail with no success between them.
            failures: how many calls in a row may fail for good.
            now: gives the present in seconds.
        """
        self._name = name
        self._seconds = seconds
        self._failures = failures
        self._now = now
        self._failing_since: float | None = None
        self._row = 0
        self._answers = 0
        self._answers_at_failure: dict[CallId, int] = {}  # when an attempt first failed, by call
        self._under_way = 0
        self._held: list[asyncio.Future[bool]] = []
        self._error: StopRun | None = None

    def attempts(self, client: Client) -> Client:
        """Return the client, listened to: below the retry."""
        return _Attempts(client, self)

    def calls(self, client: Client) -> Client:
        """Return the client, listened to: above the retry."""
        return _Calls(client, self)

    def stop(self, error: StopRun) -> None:
        """Let whatever waits for news, and whatever is asked from now on, end with the error."""
        self._error = self._error or error
        self._release(len(self._held), answered=False)

    def check(self) -> None:
        """Raise what the run stopped with, if it did.

        Raises:
            StopRun: it did.
        """
        if self._error is not None:
            raise self._error.with_traceback(None)

    def answered(self) -> None:
        """Take notice that the service answers."""
        self._answers += 1
        if self._failing_since is not None:
            self._failing_since = None
            self._row = 0
            self._release(len(self._held), answered=True)

    def failed(self, draw: CallId, error: CallError) -> None:
        """Take notice of an attempt that failed, of the call with this draw.

        Raises:
            ServiceSilent: attempts have failed for too long with no success between them.
        """
        self._answers_at_failure.setdefault(draw, self._answers)
        if self._failing_since is None:
            self._failing_since = self._now()
        seconds = self._now() - self._failing_since
        if seconds >= self._seconds:
            self._give_up(f"no call has succeeded for {seconds:.0f} seconds", error)

    def began(self) -> None:
        """Take notice of a call."""
        self._under_way += 1

    def ended(self, draw: CallId) -> None:
        """Take notice that the call with this draw ended, however it did."""
        self._answers_at_failure.pop(draw, None)
        self._under_way -= 1
        if self._held and self._under_way <= len(self._held):
            asyncio.get_running_loop().call_later(_MOMENT, self._go_on)

    async def judge(self, draw: CallId, failure: CallFailed) -> None:
        """Look at a call that failed after all its attempts; return if it is to be asked again.

        Raises:
            CallFailed: the failure is its own.
            ServiceSilent: too many calls in a row have failed.
            StopRun: the run stopped before the service answered anything else.
        """
        self._row += 1
        if self._row >= self._failures:
            self._give_up(f"{self._row} calls in a row have failed", failure)
        others_answered = self._answers > self._answers_at_failure.get(draw, self._answers)
        if await self._news():
            is_own = others_answered or failure.attempts == 1
        else:
            is_own = failure.error != UNREACHABLE
        if is_own:
            raise failure

    async def _news(self) -> bool:
        """Tell whether the service answers, as soon as another call knows; False if none is left.

        Raises:
            StopRun: the run stopped meanwhile.
        """
        answered = False
        if self._under_way > len(self._held) + 1:
            news = asyncio.get_running_loop().create_future()
            self._held.append(news)
            try:
                answered = await news
            except asyncio.CancelledError:
                self._held = [held for held in self._held if held is not news]
                raise
        self.check()
        return answered

    def _go_on(self) -> None:
        """Let the call that waits longest know that nothing is under way that could bring news."""
        if self._held and self._under_way <= len(self._held):
            self._release(1, answered=False)

    def _release(self, count: int, *, answered: bool) -> None:
        released, self._held = self._held[:count], self._held[count:]
        for news in released:
            if not news.done():
                news.set_result(answered)

    def _give_up(self, why: str, last: CallError) -> None:
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


class _Attempts:
    """Tells how single attempts end."""

    def __init__(self, client: Client, breaker: CircuitBreaker) -> None:
        self._client = client
        self._breaker = breaker

    async def complete(self, request: Request) -> Reply:
        try:
            reply = await self._client.complete(request)
        except (TryAgain, CallFailed) as error:
            self._breaker.failed(request.call_id, error)
            raise
        except CallRejected:
            self._breaker.answered()
            raise
        self._breaker.answered()
        return reply

    async def aclose(self) -> None:
        await self._client.aclose()


class _Calls:
    """Tells how calls end, and holds back the failures that nothing is known about yet."""

    def __init__(self, client: Client, breaker: CircuitBreaker) -> None:
        self._client = client
        self._breaker = breaker

    async def complete(self, request: Request) -> Reply:
        self._breaker.began()
        try:
            while True:
                self._breaker.check()
                try:
                    return await self._client.complete(request)
                except CallFailed as failure:
                    await self._breaker.judge(request.call_id, failure)
        finally:
            self._breaker.ended(request.call_id)

    async def aclose(self) -> None:
        await self._client.aclose()
