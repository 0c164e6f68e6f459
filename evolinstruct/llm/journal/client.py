"""The journalled client: asks the journal first, and stores each outcome before handing it on.

A call is found again by what was asked for, not by what was sent for it, nor by which server or key
served it: see :func:`request_key`. Nothing is asked twice at a time: whoever needs a call that is
under way waits for it. A call that is prefetched has a task of its own, which outlives whoever
wanted it, because it is paid for; what comes of it is stored, unless it has failed.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Protocol

from evolinstruct.errors import CallError, CallFailed, CallRejected, StopRun, TryAgain
from evolinstruct.llm.base import Client, Prefetched, Reply, Request
from evolinstruct.llm.journal import FAILED, REJECTED, Journal, Outcome


class ClientsByRequest(Protocol):
    """What the journalled client asks: each purpose and model has a client of its own."""

    def for_request(self, request: Request) -> Client:
        """Return the client that a request goes to."""
        ...

    async def aclose(self) -> None:
        """Close every client."""
        ...


class JournalledClient:
    """A client that asks the journal first, and stores each outcome before handing it on.

    Attributes:
        calls: calls that were sent, by purpose; of those that were prefetched, the answered.
        replayed: calls that the journal answered when it was opened, by purpose.
        used: calls that the run has needed, by generation, wherever they were answered.
    """

    def __init__(
        self, clients: ClientsByRequest, journal: Journal, name: str, known: Journal | None = None
    ) -> None:
        """Wrap the clients, whose name is part of every key.

        What a second journal knows is not asked either; it is only read.
        """
        self._clients = clients
        self._journal = journal
        self._known = known
        self._name = name
        self.calls: Counter[str] = Counter()
        self.replayed: Counter[str] = Counter()
        self.used: Counter[int] = Counter()
        self._under_way: dict[_Asked, _UnderWay] = {}
        self._withdrawn: set[asyncio.Task[None]] = set()  # which may not have ended yet

    async def complete(self, request: Request) -> Reply:
        """Return the journal's reply, or that of a call under way, or ask and store."""
        request, asked = self._newest(request)
        self.used[request.context.generation] += 1
        while (outcome := self._found(request, asked)) is None:
            call = self._under_way.get(asked)
            if call is None or not call.is_sent:
                return await self._ask_now(request, asked)
            await call.ended.wait()
            call.raise_trouble()
        self._journal.use(asked[0])
        self.replayed[request.purpose] += outcome.is_earlier
        return outcome.deliver()

    async def prefetch(self, request: Request) -> Reply:
        """Return the reply to a request that the run does not need yet, and may never need.

        Raises:
            CallError: it has none, which is in the journal.
            NotPrefetchedError: it has none so far.
        """
        request, asked = self._newest(request)
        assert request.prefetched is not None  # noqa: S101 - whoever prefetches says so
        while (outcome := self._found(request, asked)) is None:
            call = self._under_way.get(asked)
            if call is None:
                call = _UnderWay(request.prefetched)
                self._under_way[asked] = call
                call.task = asyncio.create_task(self._ask_ahead(request, asked, call))
            else:
                request.prefetched.sent()
            try:
                await call.ended.wait()
            except asyncio.CancelledError:
                if not call.is_sent and self._under_way.get(asked) is call:
                    self._withdraw(asked, call)  # nobody wants it, and it has cost nothing
                raise
            call.raise_trouble()
            if call.refusal is not None:
                raise call.refusal
            if call.outcome is not None:
                return call.outcome.deliver()
        return outcome.deliver()

    def _newest(self, request: Request) -> tuple[Request, _Asked]:
        """Return the request with the attempt that counts by now, and what it is known by."""
        call_id = (self._known or self._journal).newest(request.call_id)
        if call_id is not request.call_id:
            request = replace(request, call_id=call_id)
        return request, (request_key(self._name, request), request.max_tokens)

    def _found(self, request: Request, asked: _Asked) -> Outcome | None:
        for journal in (self._journal, self._known):
            outcome = None if journal is None else journal.find(*asked)
            if outcome is not None and outcome.answers(request):
                return outcome
        return None

    async def _ask_now(self, request: Request, asked: _Asked) -> Reply:
        """Ask what the run needs; a prefetched call that still waits to be sent makes way."""
        if (waiting := self._under_way.get(asked)) is not None:
            self._withdraw(asked, waiting)
        call = self._under_way[asked] = _UnderWay()
        self.calls[request.purpose] += 1
        try:
            outcome = await self._ask(request)
            await self._journal.store(asked[0], request, outcome)
        finally:
            del self._under_way[asked]
            call.ended.set()
        return outcome.deliver()

    def _withdraw(self, asked: _Asked, call: _UnderWay) -> None:
        """End a prefetched call that still waits to be sent."""
        assert call.task is not None  # noqa: S101 - only a prefetched call waits for others
        call.task.cancel()
        self._withdrawn.add(call.task)
        call.task.add_done_callback(self._withdrawn.discard)
        del self._under_way[asked]
        call.ended.set()

    async def _ask_ahead(self, request: Request, asked: _Asked, call: _UnderWay) -> None:
        """Ask what the run may need; a failure is not its own, and leaves no trace."""
        try:
            outcome = await self._ask(request)
            if outcome.kind == FAILED:
                call.refusal = NotPrefetchedError(outcome.word)
                return
            self.calls[request.purpose] += 1
            await self._journal.store(asked[0], request, outcome)
            call.outcome = outcome
        except (CallError, StopRun) as error:
            call.refusal = NotPrefetchedError(str(error), again=isinstance(error, TryAgain))
        except Exception as error:  # noqa: BLE001 - raised by whoever waits for the call
            call.trouble = error
        finally:
            if self._under_way.get(asked) is call:
                del self._under_way[asked]
            call.ended.set()

    async def _ask(self, request: Request) -> Outcome:
        try:
            reply = await self._clients.for_request(request).complete(request)
        except CallRejected as error:
            return Outcome.of_error(REJECTED, error, request, attempts=1)
        except CallFailed as error:
            return Outcome.of_error(FAILED, error, request, error.attempts)
        return Outcome.of_reply(reply, request)

    async def aclose(self) -> None:
        """End what is prefetched, close the wrapped clients; the journal's owner closes that."""
        tasks = [call.task for call in self._under_way.values() if call.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._withdrawn, return_exceptions=True)
        await self._clients.aclose()


_Asked = tuple[bytes, int | None]
"""What a call is known by: the journal's key, and the most tokens of its reply."""


@dataclass(slots=True, eq=False)
class _UnderWay:
    """A call that is under way.

    Attributes:
        prefetched: marks one that the run did not ask for.
        ended: set when it has ended: an outcome is in the journal, or there is none.
        task: asks a prefetched one.
        outcome: of a prefetched one.
        refusal: why that has none.
        trouble: what went wrong that is no matter of the call.
    """

    prefetched: Prefetched | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    outcome: Outcome | None = None
    refusal: NotPrefetchedError | None = None
    trouble: Exception | None = None

    @property
    def is_sent(self) -> bool:
        """Whether it is on its way, so that asking anew would take longer."""
        return self.prefetched is None or self.prefetched.is_sent

    def raise_trouble(self) -> None:
        """Raise what went wrong, if it is no matter of the call."""
        if self.trouble is not None:
            raise self.trouble


class NotPrefetchedError(Exception):
    """A prefetched call has no outcome: it did not fit, was refused or has failed.

    Attributes:
        again: whether it may be tried again a little later.
    """

    def __init__(self, why: str, *, again: bool = False) -> None:
        super().__init__(why)
        self.again = again


class NotInJournalError(Exception):
    """The journal has no outcome of a call, and nobody may be asked."""


class NoClient:
    """Stands behind a journal that is only read: it answers nothing."""

    def for_request(self, request: Request) -> Client:  # noqa: ARG002 - all are alike
        """Return itself, whatever is asked."""
        return self

    async def complete(self, request: Request) -> Reply:
        """Refuse."""
        raise NotInJournalError(request.purpose)

    async def aclose(self) -> None:
        """Do nothing."""


def request_key(client: str, request: Request) -> bytes:
    """Return the digest of what is asked for: client, model, messages, sampling and call id."""
    call_id = request.call_id
    parts = [
        client,
        request.model,
        repr(request.temperature),
        repr(request.top_p),
        json.dumps(request.extra, sort_keys=True) if request.extra else "",
        call_id.child_id,
        call_id.purpose,
        str(call_id.attempt),
    ]
    for role, content in request.messages:
        parts += (role, content)
    # Each part stands behind its length, so that no two lists of parts make the same text.
    text = "".join([f"{len(part)}:{part}" for part in parts])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
