"""Asking a judge: one prompt, read, and asked once more where nothing can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, TypeVar

from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.llm.base import CallContext, CallId, Reply, Request
from evolinstruct.llm.journal import Place

Render = Callable[[Mapping[str, str]], tuple[tuple[str, str], ...]]
"""Returns the messages of a prompt with texts in its places."""
Ask = Callable[[Request], Awaitable[Reply]]
"""Returns the reply to a request, or raises what the call ended in."""

_T = TypeVar("_T")
TRIES = 2
"""How often a judgement is asked for at most, where nothing can be read."""
_NO_JUDGEMENT = "no_judgement"
_AGAIN = (
    "That cannot be read. Write the last line alone, in exactly the form that was asked for, with"
    " nothing before or after it."
)
_HEAD, _TAIL = 3_000, 1_000  # characters of a text that a judge is shown
_LEFT_OUT = "\n[…]\n"


class Missing(NamedTuple):
    """A judgement that is missing.

    Attributes:
        why: a short name for the counts.
        places: of the calls that did not bring it; none where nothing was asked.
    """

    why: str
    places: tuple[Place, ...] = ()


class NotJudgedError(Exception):
    """There is no judgement.

    Attributes:
        missing: what is told of it.
    """

    def __init__(self, missing: Missing) -> None:
        super().__init__(missing.why)
        self.missing = missing


def place_of(request: Request) -> Place:
    """Return the place of a call, for which another reply may be asked."""
    call_id = request.call_id
    return Place(call_id.child_id, call_id.purpose, request.context.generation)


class Judge:
    """Whoever is asked for judgements of one kind."""

    def __init__(self, ask: Ask, purpose: str, sampling: Mapping[str, Any], render: Render) -> None:
        """Bind the parts.

        Args:
            ask: asks.
            purpose: what calls are made for.
            sampling: who is asked and how, by the names of a request's fields.
            render: the prompt.
        """
        self._ask = ask
        self._purpose = purpose
        self._sampling = sampling
        self._render = render

    def _place(self, about: str) -> str:
        """Return the place of the calls for one judgement."""
        return about

    async def judged(
        self,
        about: str,
        texts: Mapping[str, str],
        context: CallContext,
        read: Callable[[Reply], _T | None],
        wants: Literal["text", "logprobs"] = "text",
    ) -> _T:
        """Return what a reply says, asked for once more with a word on its form if it says nothing.

        Args:
            about: names the judgement among those of its kind.
            texts: what fills the places of the prompt.
            context: what the call is about.
            read: takes the judgement out of a reply.
            wants: ``logprobs`` where it looks at those too.

        Raises:
            NotJudgedError: there is no judgement.
            StopRun: no further call can have a reply.
        """
        messages, place = self._render(texts), self._place(about)
        for attempt in range(TRIES):
            call_id = CallId(place, self._purpose, attempt)
            request = Request(call_id, context, messages, wants=wants, **self._sampling)
            try:
                reply = await self._ask(request)
            except (CallRejected, CallFailed) as error:
                raise NotJudgedError(Missing(error.error, (place_of(request),))) from error
            is_whole = reply.finish_reason != "length"  # "Score: 1" may have been on its way to 10
            if is_whole and (found := read(reply)) is not None:
                return found
            messages += (("assistant", reply.text.strip() or "…"), ("user", _AGAIN))
        raise NotJudgedError(Missing(_NO_JUDGEMENT, (place_of(request),)))


async def all_judged(asked: Iterable[Awaitable[_T]]) -> tuple[list[_T], list[Missing]]:
    """Return all judgements that came, in order, and what is missing.

    None is left alone where another one ends in an error.

    Raises:
        StopRun: no further call can have a reply; those under way have ended by then.
    """
    found = await asyncio.gather(*asked, return_exceptions=True)
    judged, missing = list[_T](), list[Missing]()
    for each in found:
        if isinstance(each, NotJudgedError):
            missing.append(each.missing)
        elif isinstance(each, BaseException):
            raise each
        else:
            judged.append(each)
    return judged, missing


async def gathered(asked: Iterable[Awaitable[_T]]) -> list[_T]:
    """Return what came of each, in order; none is left alone where another one ends in an error.

    Raises:
        StopRun: no further call can have a reply; those under way have ended by then.
    """
    found: list[_T] = []
    for each in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        found.append(each)
    return found


def shown(text: str, head: int = _HEAD, tail: int = _TAIL) -> str:
    """Return a text as a judge sees it: of a very long one, the beginning and the end."""
    if len(text) <= head + tail:
        return text
    return f"{text[:head]}{_LEFT_OUT}{text[-tail:]}"
