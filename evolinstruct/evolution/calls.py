"""Calls of a run: each for a purpose, about one line; a reply that is data has to be whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from evolinstruct.checks import AGREEMENT
from evolinstruct.equality import equality
from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.llm.base import CallContext, CallId, Reply, Request
from evolinstruct.prompts import Checks, Messages, Pack
from evolinstruct.purposes import asked_by
from evolinstruct.records import Kept
from evolinstruct.settings import Recipe

Ask = Callable[[Request], Awaitable[Reply]]
"""Returns the reply to a request, or raises what the call ended in."""

TRUNCATED, TOO_LONG = "truncated", "too_long"
_LENGTH = "length"
_SMALL_CONTEXT = "use a model or a server with a larger context, or lower --max-tokens"


def answers_asked(recipe: Recipe, checks_of_pack: Checks) -> int:
    """Return how many answers an instruction is asked for, at most, where it is answered."""
    for_agreement: int = checks_of_pack.get(AGREEMENT, {"answers": 1})["answers"]
    return max(recipe.answers, for_agreement)


class Calls:
    """What the calls of a run have in common.

    Attributes:
        pack: the prompts.
        ask: asks as it is, without the settings of a purpose.
        same: tells whether two answers come to the same.
        answers: how many answers an instruction is asked for, at most.
    """

    def __init__(self, recipe: Recipe, pack: Pack, ask: Ask) -> None:
        """Bind the parts."""
        self._recipe = recipe
        self.pack = pack
        self.ask = ask
        self.same = equality(recipe.equality)
        self.answers = answers_asked(recipe, pack.checks)
        self._kinds = {operation.name: operation.kind for operation in pack.operations}
        purposes = asked_by(recipe, pack.checks)
        self._sampling = {purpose: recipe.sampling(purpose) for purpose in purposes}

    def kind(self, line: Kept) -> str | None:
        """Return the kind of the operation that a line is made by; None for a seed."""
        return self._kinds.get(line.operation or "")

    async def whole(
        self, purpose: str, messages: Messages, context: CallContext, place: str, attempt: int = 0
    ) -> Reply:
        """Ask for a reply that is data: one that was cut off is never taken for whole.

        It is asked for once more, with twice the tokens, under the same id: the journal keeps
        the limit beside the reply, and takes neither for the other.

        Raises:
            CallError: there is no reply, or none that is whole.
        """
        limit = self._recipe.setting("max_tokens", purpose)
        reply = await self.once(purpose, messages, context, place, attempt, max_tokens=limit)
        if reply.finish_reason != _LENGTH:
            return reply
        said = f"the {purpose} reply does not end within"
        try:
            longer = await self.once(
                purpose, messages, context, place, attempt, max_tokens=2 * limit
            )
        except CallRejected as refusal:
            if refusal.error not in {TRUNCATED, TOO_LONG}:
                raise
            said = f"{said} {limit:,} tokens, and the model's context is too small for more"
            raise CallRejected(
                TRUNCATED, f"{said}; {_SMALL_CONTEXT} ({refusal.message})", reply.text
            ) from refusal
        if longer.finish_reason != _LENGTH:
            return longer
        raise CallRejected(TRUNCATED, f"{said} {2 * limit:,} tokens", longer.text)

    async def once(
        self,
        purpose: str,
        messages: Messages,
        context: CallContext,
        place: str,
        attempt: int = 0,
        **sampling: int,
    ) -> Reply:
        """Ask for a reply, whole or not.

        Raises:
            CallError: there is none; one that has failed names the purpose.
        """
        asked = {**self._sampling[purpose], **sampling}
        try:
            return await self.ask(
                Request(CallId(place, purpose, attempt), context, messages, **asked)
            )
        except CallFailed as failure:
            failure.purpose = purpose
            raise

    def context(
        self,
        line: Kept,
        instruction: str,
        parent: str | None = None,
        marks: tuple[str, str] | None = None,
    ) -> CallContext:
        """Describe a call that works for a line, by the text that it is about."""
        return CallContext(
            line.generation,
            line.operation,
            self.kind(line),
            line.format,
            instruction,
            parent,
            marks,
            checks=line.checks,
            checked_by=tuple(self.pack.checks),
        )
