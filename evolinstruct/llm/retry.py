"""Retry: the one loop in which a call is asked again.

A passing trouble is asked again after a wait that doubles, at random within bounds, and never
sooner than the service asked. The circuit breaker hears how each attempt ends, and is asked about
each call that has failed for good: was that the call's fault, or the service's? In the latter case
the same loop goes round once more. `tenacity` computes the waits and their end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    stop_after_attempt,
    stop_before_delay,
    wait_combine,
    wait_exception,
    wait_random_exponential,
)

from evolinstruct.errors import CallFailed, CallRejected, StopRun, TryAgain
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.circuit_breaker import CircuitBreaker

ATTEMPTS = 6
TOTAL_SECONDS = 300.0

Wait = Callable[[RetryCallState], float]
Sleep = Callable[[float], Awaitable[None]]

BACK_OFF: Wait = wait_random_exponential(multiplier=2, max=60)


class Retry:
    """A client that asks again where the client within says :class:`TryAgain`."""

    def __init__(
        self,
        client: Client,
        breaker: CircuitBreaker,
        *,
        attempts: int = ATTEMPTS,
        total_seconds: float = TOTAL_SECONDS,
        wait: Wait = BACK_OFF,
        sleep: Sleep = asyncio.sleep,
        on_stop: Callable[[StopRun], None] | None = None,
    ) -> None:
        """Wrap a client.

        Args:
            client: who is asked.
            breaker: hears how attempts end, and judges failures.
            attempts: how often a call is sent at most, unless the breaker has it asked anew.
            total_seconds: no further attempt starts later than this after the first, without the
                waits that the service asked for and those for a turn to be sent.
            wait: seconds before the next attempt; what the service asked for is added.
            sleep: does the waiting.
            on_stop: is told what stopped the run, where a call did.
        """
        self._client = client
        self._breaker = breaker
        self._policy = AsyncRetrying(
            stop=stop_after_attempt(attempts) | stop_before_delay(total_seconds),
            wait=wait_combine(wait_exception(_asked_wait), wait),
        )
        self._sleep = sleep
        self._on_stop = on_stop or breaker.stop

    async def complete(self, request: Request) -> Reply:
        """Return the reply of the first attempt that has one.

        Raises:
            CallFailed: none had, within the bounds; names the last trouble and counts the attempts.
            CallRejected: the service will not have this instruction.
            StopRun: no further call can succeed.
        """
        if request.prefetched is not None:
            return await self._ask_once(request)
        self._breaker.began()
        try:
            return await self._ask(request)
        except StopRun as error:
            self._on_stop(error)
            raise
        finally:
            self._breaker.ended(request.call_id)

    def stop(self, error: StopRun) -> None:
        """Ask nothing more; calls that wait for news of the service end with the error."""
        self._breaker.stop(error)

    async def aclose(self) -> None:
        """Close the client within."""
        await self._client.aclose()

    async def _ask_once(self, request: Request) -> Reply:
        """Ask a call that nobody waits for: an answer is news of the service, a failure is not."""
        self._breaker.check()
        try:
            reply = await self._client.complete(request)
        except CallRejected:
            self._breaker.answered()
            raise
        self._breaker.answered()
        return reply

    async def _ask(self, request: Request) -> Reply:
        """Go round until there is a reply, or an end that is the call's own."""
        past: _Attempts | None = None  # made at the first failure: nearly every call has none
        while True:
            self._breaker.check()
            began = time.monotonic()
            try:
                reply = await self._client.complete(request)
            except CallRejected:
                self._breaker.answered()  # a service that turns a call down is there
                raise
            except (TryAgain, CallFailed) as error:
                trouble = error.with_traceback(None)  # it would hold this frame, which holds it
            else:
                self._breaker.answered()
                return reply
            self._breaker.failed(request.call_id, trouble)
            past = past or _Attempts(self._policy, began)
            seconds = past.wait_after(trouble, began)
            if seconds is not None:
                await self._sleep(seconds)
                continue
            refused = isinstance(trouble, CallFailed) and trouble.attempts == 1
            advice = trouble.advice if isinstance(trouble, CallFailed) else ""
            failure = CallFailed(trouble.error, trouble.message, past.count, advice)
            await self._breaker.judge(request.call_id, failure, turned_down=refused)
            past = None  # asked anew: with all attempts, and all time


class _Attempts:
    """How often a call was sent, and how long to wait before it is sent again."""

    def __init__(self, policy: AsyncRetrying, started: float) -> None:
        self.count = 0
        self._policy = policy
        self._state = RetryCallState(policy, None, (), {})
        self._state.start_time = started

    def wait_after(self, trouble: TryAgain | CallFailed, began: float) -> float | None:
        """Return the seconds before the next attempt, None where there is to be none.

        Args:
            trouble: what an attempt ended in.
            began: when that attempt began to wait for its turn to be sent.
        """
        if isinstance(trouble, CallFailed):
            self.count += trouble.attempts
            return None
        self.count += 1
        state = self._state
        state.set_exception((type(trouble), trouble, None))
        state.start_time += _asked_wait(trouble)
        if trouble.took is not None:
            state.start_time += time.monotonic() - began - trouble.took
        seconds = state.upcoming_sleep = float(self._policy.wait(state))
        if self._policy.stop(state):
            return None
        state.prepare_for_next_attempt()
        return seconds


def _asked_wait(error: BaseException) -> float:
    """Return the seconds that the service asked to wait."""
    return getattr(error, "retry_after", None) or 0.0
