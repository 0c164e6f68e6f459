"""Throttle: holds calls back until they may be sent, and sends nothing once the run has stopped.

One throttle for each server and model. How many and how fast, `pace` says. Of the calls that wait,
those go first with which an instruction begins, and of a kind those that came first. Prefetched
calls are sent where no other waits, and give way first: any 429, and any trouble of their own,
keeps them back for a while, and slows nobody else down. After a stop, calls that wait end with its
error, and those under way may end by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf

from evolinstruct.errors import (
    CONNECTION_ERROR,
    DAILY_LIMIT,
    TIER_FULL,
    TIMEOUT,
    CallError,
    StopRun,
    TryAgain,
)
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.throttle.limits import Yielding
from evolinstruct.llm.throttle.pace import Pace, Sent
from evolinstruct.purposes import PURPOSES

_REFUSED = 429
_TIMED_OUT = frozenset({408, 504, 524})  # in front of the service, by a gateway
_CHARS_A_TOKEN = 4
_EXPECTED = 512.0  # tokens of a reply, before the first of its purpose


@dataclass(frozen=True, slots=True)
class Sending:
    """What a throttle is doing now.

    Attributes:
        in_flight: calls under way.
        limit: calls that may be under way now.
        waiting: calls that wait to be sent.
        paused: seconds for which nothing is sent, because the service asked for that.
        resting: seconds until the first of the calls that wait for their next attempt is sent, 0
            where there is none.
        replies: calls that were answered so far.
        batches: what is under way in batches, in words; empty where nothing is.
    """

    in_flight: int
    limit: int
    waiting: int
    paused: float
    resting: float = 0.0
    replies: int = 0
    batches: str = ""


_RANKS = {purpose: rank for rank, purpose in enumerate(PURPOSES)}
_LAST = len(_RANKS)
"""The rank of prefetched calls."""
_Turn = tuple[int, int, asyncio.Future[Sent | None], float]
"""A call that waits: its rank and number, what it waits for, its tokens."""


class Throttle:
    """A client that lets calls through as the pace allows.

    Attributes:
        on_room: is called when more calls may be prefetched than before.
    """

    def __init__(self, client: Client, pace: Pace, max_wait: float = inf) -> None:
        """Wrap a client; a service that asks to wait more than `max_wait` seconds is not obeyed."""
        self._client = client
        self._pace = pace
        self._max_wait = max_wait
        self._resting: dict[asyncio.Timeout, float] = {}
        self._waiting: list[_Turn] = []
        self._numbers = count()
        self._yielding = Yielding()
        self._timer: asyncio.TimerHandle | None = None
        self.on_room: Callable[[], None] = lambda: None
        self._error: StopRun | None = None
        self._ended = asyncio.Event()
        self._expected: dict[str, float] = {}

    @property
    def in_flight(self) -> int:
        """Calls under way now."""
        return self._pace.in_flight

    @property
    def room(self) -> int:
        """How many calls may be prefetched on top of those under way: without any, none.

        Where calls end at once, the run itself is what takes time.
        """
        in_flight = self._pace.in_flight
        if not in_flight or self._first < _LAST or time.monotonic() < self._yielding.until:
            return 0
        return self._pace.limit - in_flight

    @property
    def state(self) -> Sending:
        """What it is doing now."""
        pace = self._pace
        resting = min(self._resting.values(), default=0.0) - time.monotonic()
        return Sending(
            in_flight=pace.in_flight,
            limit=pace.limit,
            waiting=sum(rank < _LAST for rank, *_ in self._waiting),
            paused=pace.pause,
            resting=max(0.0, resting),
            replies=pace.replies,
        )

    async def complete(self, request: Request) -> Reply:
        """Wait for the turn, then ask the client within.

        Raises:
            CallError: as the client within.
            StopRun: as the client within; or the run stopped before the call was sent.
        """
        sent = await self._enter(request)
        if request.prefetched is not None:
            request.prefetched.sent()
        if self._pace.in_flight == 1:
            self.on_room()
        try:
            self._check()  # a stop may have come between the turn and this line
            reply = await self._client.complete(request)
        except BaseException as error:
            self._without_reply(request, sent, error)
            raise
        else:
            self._pace.on_reply(sent, self._learn(request, reply), reply.limits)
            if request.prefetched is not None:
                self._yielding.on_reply(sent.at)
            return reply
        finally:
            self._admit()

    async def aclose(self) -> None:
        """Close the client within."""
        if self._timer is not None:
            self._timer.cancel()
        await self._client.aclose()

    def stop(self, error: StopRun) -> None:
        """Send nothing more: every call that waits or comes raises the error; the first counts."""
        if self._error is not None:
            return
        self._error = error
        self._ended.set()
        for _, _, turn, _ in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    async def pause(self, seconds: float) -> None:
        """Sleep until the time is up or the run stops; a retry waits with this, and holds no place.

        Raises:
            StopRun: the run stopped meanwhile.
        """
        rest = asyncio.timeout(seconds)
        self._resting[rest] = time.monotonic() + seconds
        try:
            async with rest:
                await self._ended.wait()
        except TimeoutError:
            return
        finally:
            del self._resting[rest]
        self._check()

    def _without_reply(self, request: Request, sent: Sent, error: BaseException) -> None:
        if isinstance(error, CallError):
            error.took = self._pace.since(sent)
        if isinstance(error, TryAgain):
            self._try_again(request, sent, error)
            return
        self._pace.on_failed()
        if isinstance(error, StopRun) and request.prefetched is None:
            self.stop(error)

    def _try_again(self, request: Request, sent: Sent, error: TryAgain) -> None:
        self._bound_wait(error)
        is_refused = error.status == _REFUSED or error.error in {DAILY_LIMIT, TIER_FULL}
        if request.prefetched is not None or is_refused:
            self._yielding.on_trouble(time.monotonic(), error.retry_after)
            self._look_again(self._yielding.until - time.monotonic())
        if request.prefetched is not None:
            self._pace.on_failed()
        elif is_refused:
            self._pace.on_refused(sent, error.retry_after, error.limits)
        elif error.error in {TIMEOUT, CONNECTION_ERROR} or error.status in _TIMED_OUT:
            self._pace.on_lost(sent)
        else:
            self._pace.on_failed()

    def _bound_wait(self, error: TryAgain) -> None:
        """Note on an error that its wait is longer than the user allows, and is not kept."""
        wait = error.retry_after
        if wait is None and error.error == DAILY_LIMIT:
            wait = inf
        if wait is not None and (wait > self._max_wait or wait == inf):
            error.not_waited, error.retry_after = wait, None

    async def _enter(self, request: Request) -> Sent:
        """Return when the call may be sent, after those that came earlier."""
        self._check()
        tokens = self._estimate(request)
        rank = _LAST if request.prefetched is not None else _RANKS.get(request.purpose, 0)
        if not self._waiting and not self._wait(rank):
            return self._pace.on_sent(tokens)
        turn: asyncio.Future[Sent | None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (rank, next(self._numbers), turn, tokens))
        self._admit()
        try:
            sent = await turn
        except asyncio.CancelledError:
            # The turn came in the same round of the loop as the cancellation: give it back, or
            # the place would be lost for good.
            if not turn.cancelled() and turn.result():
                self._pace.on_failed()
                self._admit()
            raise
        if sent is None:
            self._check()
        assert sent is not None  # noqa: S101 - it is None after a stop only
        return sent

    def _admit(self) -> None:
        """Let those go that come first, as the pace allows; look again when it may allow more."""
        while (rank := self._first) < inf:
            seconds = self._wait(rank)
            if seconds:
                self._look_again(seconds)
                return
            _, _, turn, tokens = heappop(self._waiting)
            turn.set_result(self._pace.on_sent(tokens))
        self.on_room()

    @property
    def _first(self) -> float:
        """The rank of the first call that waits and was not given up; infinite if there is none."""
        while self._waiting and self._waiting[0][2].done():
            heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else inf

    def _wait(self, rank: float) -> float:
        """Return the seconds until a call of this rank may be sent."""
        seconds = self._pace.wait()
        if rank == _LAST:
            return max(seconds, self._yielding.until - time.monotonic())
        return seconds

    def _look_again(self, seconds: float) -> None:
        if seconds == inf or self._error is not None:
            return
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._admit()

    def _check(self) -> None:
        if self._error is not None:
            # many calls raise this one object: each starts its traceback anew
            raise self._error.with_traceback(None)

    # Tokens

    def _estimate(self, request: Request) -> float:
        if not self._pace.counts_tokens:
            return 0.0
        chars = sum(len(content) for _, content in request.messages)
        expected = self._expected.get(request.purpose, _EXPECTED)
        return chars / _CHARS_A_TOKEN + min(expected, request.max_tokens or inf)

    def _learn(self, request: Request, reply: Reply) -> float | None:
        """Return the tokens that a reply used, and remember how long such replies are."""
        used, out = reply.usage.prompt_tokens, reply.usage.completion_tokens
        if used is None or out is None:
            return None
        if self._pace.counts_tokens:
            before = self._expected.get(request.purpose, float(out))
            self._expected[request.purpose] = before + 0.05 * (out - before)
        return float(used + out)


def steady(concurrency: int) -> Pace:
    """Return the pace that keeps exactly so many calls under way.

    Raises:
        ValueError: it would let nothing through.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency must be 1 or more, found {concurrency}")
    return Pace(time.monotonic, concurrency, fixed=True)
