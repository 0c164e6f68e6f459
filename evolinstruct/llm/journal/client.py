"""The journalled client: asks the journal first, and stores each outcome before handing it on.

A call is found again by what was asked for, not by what was sent for it, nor by which server or key
served it: see :func:`request_key`.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from hashlib import blake2b
from typing import Protocol

from evolinstruct.errors import CallError, CallFailed, CallRejected
from evolinstruct.llm.base import Client, Reply, Request, Usage, encodable
from evolinstruct.llm.journal import FAILED, REJECTED, REPLY, Journal, Outcome


class ClientsByPurpose(Protocol):
    """What the journalled client asks: each purpose has a client of its own."""

    def for_purpose(self, purpose: str) -> Client:
        """Return the client that calls of this purpose go to."""
        ...

    async def aclose(self) -> None:
        """Close every client."""
        ...


class JournalledClient:
    """A client that asks the journal first, and stores each outcome before handing it on.

    Attributes:
        calls: calls that were sent, by purpose.
        replayed: calls that the journal answered, by purpose.
    """

    def __init__(self, clients: ClientsByPurpose, journal: Journal, name: str) -> None:
        """Wrap the clients, whose name is part of every key."""
        self._clients = clients
        self._journal = journal
        self._name = name
        self.calls: Counter[str] = Counter()
        self.replayed: Counter[str] = Counter()

    async def complete(self, request: Request) -> Reply:
        """Return the journal's reply, or ask and store."""
        call_id = self._journal.newest(request.call_id)
        if call_id is not request.call_id:
            request = replace(request, call_id=call_id)
        key = request_key(self._name, request)
        outcome = self._journal.find(key)
        if outcome is not None and outcome.answers(request):
            self.replayed[request.purpose] += 1
            return outcome.deliver()
        self.calls[request.purpose] += 1
        outcome = await self._ask(request)
        await self._journal.store(key, request, outcome)
        return outcome.deliver()

    async def _ask(self, request: Request) -> Outcome:
        try:
            reply = await self._clients.for_purpose(request.purpose).complete(request)
        except CallRejected as error:
            return _ended(REJECTED, error, request, attempts=1)
        except CallFailed as error:
            return _ended(FAILED, error, request, error.attempts)
        text, word = encodable(reply.text), encodable(reply.finish_reason)
        model = encodable(reply.model)
        return Outcome(REPLY, text, word, model, request.max_tokens, 1, reply.usage)

    async def aclose(self) -> None:
        """Close the wrapped clients; the journal's owner closes the journal."""
        await self._clients.aclose()


class NotInJournalError(Exception):
    """The journal has no outcome of a call, and nobody may be asked."""


class NoClient:
    """Stands behind a journal that is only read: it answers nothing."""

    def for_purpose(self, purpose: str) -> Client:  # noqa: ARG002 - all are alike
        """Return itself, whatever the purpose."""
        return self

    async def complete(self, request: Request) -> Reply:
        """Refuse."""
        raise NotInJournalError(request.purpose)

    async def aclose(self) -> None:
        """Do nothing."""


def _ended(kind: str, error: CallError, request: Request, attempts: int) -> Outcome:
    message = encodable(error.message)
    return Outcome(kind, message, error.error, request.model, request.max_tokens, attempts, Usage())


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
