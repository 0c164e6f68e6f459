"""Asking again: the one layer that does.

Only passing troubles are asked again, with waits that double at random within bounds, and never
sooner than the service asked. Knows no service; the only module that knows ``tenacity``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_combine,
    wait_exception,
    wait_random_exponential,
)

from evolinstruct.errors import CallFailed, TryAgain
from evolinstruct.llm.base import Client, Reply, Request

ATTEMPTS = 6
TOTAL_SECONDS = 300.0

Wait = Callable[[RetryCallState], float]
Sleep = Callable[[float], Awaitable[None]]

BACK_OFF: Wait = wait_random_exponential(multiplier=2, max=60)


def _asked(error: BaseException) -> float:
    """Return the seconds that the service asked to wait."""
    return getattr(error, "retry_after", None) or 0.0


class Retry:
    """A client that asks again where the client within says :class:`TryAgain`."""

    def __init__(
        self,
        client: Client,
        *,
        attempts: int = ATTEMPTS,
        total_seconds: float = TOTAL_SECONDS,
        wait: Wait = BACK_OFF,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Wrap a client.

        Args:
            client: who is asked.
            attempts: how often a call is sent at most.
            total_seconds: no further attempt starts later than this after the first.
            wait: seconds before the next attempt; what the service asked for is added.
            sleep: does the waiting.
        """
        self._client = client
        self._attempts = attempts
        self._total_seconds = total_seconds
        self._wait = wait_combine(wait_exception(_asked), wait)
        self._sleep = sleep

    async def complete(self, request: Request) -> Reply:
        """Return the reply of the first attempt that has one.

        Raises:
            CallFailed: none had, within the bounds; names the last trouble and counts the attempts.
            CallRejected: the service will not have this instruction.
            StopRun: no further call can succeed.
        """
        started = time.monotonic()
        try:  # the retry machinery costs more than the rest: not on the way of a call that succeeds
            return await self._client.complete(request)
        except TryAgain as error:
            first = error
        return await self._again(request, first, time.monotonic() - started)

    async def aclose(self) -> None:
        """Close the client within."""
        await self._client.aclose()

    async def _again(self, request: Request, first: TryAgain, elapsed: float) -> Reply:
        past = [first]

        async def attempt() -> Reply:
            if past:  # the attempt already made counts as the first
                raise past.pop()
            return await self._client.complete(request)

        bound = stop_before_delay(self._total_seconds - elapsed)
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._attempts) | bound,
            wait=self._wait,
            retry=retry_if_exception_type(TryAgain),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except (TryAgain, CallFailed) as error:
            last = error
        raise CallFailed(last.error, last.message, retrying.statistics["attempt_number"])
