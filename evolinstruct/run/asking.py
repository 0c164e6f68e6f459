"""Asking a judge: one prompt, read, and asked once more where nothing can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.llm.base import CallContext, CallId, Reply, Request

Ask = Callable[[Request], Awaitable[Reply]]
"""Returns the reply to a request, or raises what the call ended in."""
Render = Callable[[Mapping[str, str]], tuple[tuple[str, str], ...]]
"""Returns the messages of a prompt with texts in its places."""

_T = TypeVar("_T")
TRIES = 2
"""How often a judge is asked where nothing can be read: the numbers that a judgement takes."""
_NO_JUDGEMENT = "no_judgement"
_AGAIN = (
    "That cannot be read. Write the last line alone, in exactly the form that was asked for, with"
    " nothing before or after it."
)
_HEAD, _TAIL = 3_000, 1_000  # characters of a text that a judge is shown
_LEFT_OUT = "\n[…]\n"


class NotJudgedError(Exception):
    """A call has no judgement; its text is a short name for the counts."""


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

    async def judged(
        self,
        place: str,
        attempt: int,
        texts: Mapping[str, str],
        context: CallContext,
        read: Callable[[str], _T | None],
    ) -> _T:
        """Return what a reply says, asked for once more with a word on its form if it says nothing.

        Args:
            place: what the call works for.
            attempt: the number of its first try; the second one has the next.
            texts: what fills the places of the prompt.
            context: what the call is about.
            read: takes the judgement out of a reply.

        Raises:
            NotJudgedError: there is no judgement.
            StopRun: no further call can have a reply.
        """
        messages = self._render(texts)
        for number in range(attempt, attempt + TRIES):
            call_id = CallId(place, self._purpose, number)
            try:
                reply = await self._ask(Request(call_id, context, messages, **self._sampling))
            except (CallRejected, CallFailed) as error:
                raise NotJudgedError(error.error) from error
            is_whole = reply.finish_reason != "length"  # "Score: 1" may have been on its way to 10
            if is_whole and (found := read(reply.text)) is not None:
                return found
            messages += (("assistant", reply.text.strip() or "…"), ("user", _AGAIN))
        raise NotJudgedError(_NO_JUDGEMENT)


async def all_judged(asked: Iterable[Awaitable[_T]]) -> list[_T | NotJudgedError]:
    """Return what came of each, in order; none is left alone where another one ends in an error.

    Raises:
        StopRun: no further call can have a reply; those under way have ended by then.
    """
    found = await asyncio.gather(*asked, return_exceptions=True)
    judged: list[_T | NotJudgedError] = []
    for each in found:
        if isinstance(each, BaseException) and not isinstance(each, NotJudgedError):
            raise each
        judged.append(each)
    return judged


async def gathered(asked: Iterable[Awaitable[_T]]) -> list[_T]:
    """Return the same where each has a judgement, or needs none.

    Raises:
        NotJudgedError: one has none after all.
        StopRun: no further call can have a reply; those under way have ended by then.
    """
    found: list[_T] = []
    for each in await all_judged(asked):
        if isinstance(each, NotJudgedError):
            raise each
        found.append(each)
    return found


def shown(text: str, head: int = _HEAD, tail: int = _TAIL) -> str:
    """Return a text as a judge sees it: of a very long one, the beginning and the end."""
    if len(text) <= head + tail:
        return text
    return f"{text[:head]}{_LEFT_OUT}{text[-tail:]}"
