"""The heart: one instruction is rewritten, judged and answered.

Two steps, `propose` and `answer`, with a gate between them that is somebody else's. Each is a
function of one instruction, the recipe with its prompt pack, and a client, and of nothing else:
where and when they run, beside what, and where their results go, they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evolinstruct import elimination, operations, reading
from evolinstruct.contamination import Items
from evolinstruct.elimination import Objection
from evolinstruct.errors import CallFailed, CallRejected, RuleFailed
from evolinstruct.llm.base import CallContext, CallId, Client, Reply, Request
from evolinstruct.prompts import Messages, Pack
from evolinstruct.records import Failed, Kept, Rejected, child_id
from evolinstruct.settings import Recipe

NOT_EQUAL, UNCLEAR = "not equal", "unclear"


@dataclass(frozen=True, slots=True)
class Proposal:
    """An evolved instruction that passed the rules for rewrites and waits for its answer.

    Attributes:
        line: the line it will be, its answer still missing.
        raw: the reply that it was read from; None for a seed, which nobody rewrote.
    """

    line: Kept
    raw: str | None = None


class Evolution:
    """What evolving needs beside an instruction: recipe, prompt pack and client."""

    def __init__(
        self,
        recipe: Recipe,
        pack: Pack,
        weights: Mapping[str, float],
        client: Client,
        against: Items | None = None,
    ) -> None:
        """Bind the parts.

        Args:
            recipe: what is asked for.
            pack: the prompts.
            weights: the operations in use, and how often each is drawn.
            client: who answers.
            against: test items that are not to surface, where the recipe names any.

        Raises:
            UsageError: a rule cannot be had.
        """
        self._recipe = recipe
        self._pack = pack
        self._weights = weights
        self._client = client
        self._kinds = {operation.name: operation.kind for operation in pack.operations}
        self._needs_format = {item.name for item in pack.operations if item.uses_format}
        self._rules = elimination.choose(
            recipe.rules, eliminate=recipe.eliminate, test_items=against
        )
        self._sampling = {purpose: _sampling(recipe, purpose) for purpose in recipe.purposes()}

    async def propose(self, parent: Kept, generation: int) -> Proposal | Rejected | Failed:
        """Rewrite an instruction, judge the rewrite by the free rules, then by comparison."""
        child = self._conceive(parent, generation)
        purpose = "evolve"
        raw = None
        try:
            reply = await self._rewrite(child, parent)
            raw = reply.text
            child = replace(
                child,
                instruction=reading.read_instruction(raw, self._pack.markers),
                model=reply.model,
            )
            verdict = self._rules.find_objection(self._as_rewrite(parent, child))
            if verdict is None and self._recipe.compare:
                purpose = "compare"
                child, verdict = await self._compared(child, parent)
        except CallRejected as refusal:
            return rejected(child, Objection(refusal.error, refusal.message), refusal.raw or raw)
        except CallFailed as failure:
            return _failed(child, purpose, failure)
        except RuleFailed as failure:
            return _failed_rule(child, failure)
        if verdict is not None:
            return rejected(child, verdict, raw)
        return Proposal(child, raw)

    async def answer(self, proposal: Proposal) -> Kept | Rejected | Failed:
        """Answer a proposal's instruction and judge the answer."""
        line = proposal.line
        messages = self._pack.answer(line.instruction)
        try:
            reply = await self._whole("answer", messages, self._subject(line), line.id)
        except CallRejected as refusal:
            return rejected(line, Objection(refusal.error, refusal.message), refusal.raw)
        except CallFailed as failure:
            return _failed(line, "answer", failure)
        output = reading.without_reasoning(reply.text).strip()
        line = replace(line, output=output, model=reply.model)
        try:
            verdict = self._rules.find_objection(elimination.Answer(line.instruction, output))
        except RuleFailed as failure:
            return _failed_rule(line, failure)
        return line if verdict is None else rejected(line, verdict, reply.text)

    def _conceive(self, parent: Kept, generation: int) -> Kept:
        """Return the child as far as its place alone decides it: its operation and format."""
        place = child_id(parent.seed_id, generation)
        operation = operations.draw_operation(self._weights, self._recipe.seed, place)
        return Kept(
            id=place,
            seed_id=parent.seed_id,
            parent_id=parent.id,
            generation=generation,
            operation=operation,
            format=self._formats(place)[0] if operation in self._needs_format else None,
            instruction="",
            input=None,
            output=None,
            model=None,
            compared=None,
            seed_source=parent.seed_source,
        )

    def _formats(self, place: str) -> list[str]:
        """Return the pack's formats in drawn order: the first is drawn, the others shown."""
        return operations.draw_order(self._pack.formats, self._recipe.seed, place)

    async def _rewrite(self, child: Kept, parent: Kept) -> Reply:
        shown = self._formats(child.id)[1:] if child.format else ()
        messages = self._pack.evolve(child.operation or "", parent.instruction, child.format, shown)
        subject = self._subject(child, instruction=parent.instruction)
        return await self._whole("evolve", messages, subject, child.id)

    def _as_rewrite(self, parent: Kept, child: Kept) -> elimination.Rewrite:
        kind = self._kinds.get(child.operation or "")
        return elimination.Rewrite.of(parent, child, kind, self._pack.markers)

    async def _compared(self, child: Kept, parent: Kept) -> tuple[Kept, Objection | None]:
        """Ask whether the rewrite gained anything; an unclear verdict is asked for once more."""
        messages = self._pack.compare(parent.instruction, child.instruction)
        subject = self._subject(child, parent=parent.instruction)
        for attempt in range(2):
            reply = await self._ask("compare", messages, subject, child.id, attempt)
            equal = reading.read_verdict(reply.text)
            if equal is not None:
                break
        if equal:
            return child, Objection("no_information_gain", reply.text.strip())
        return replace(child, compared=UNCLEAR if equal is None else NOT_EQUAL), None

    async def _whole(
        self, purpose: str, messages: Messages, subject: CallContext, place: str
    ) -> Reply:
        """Ask for a reply that is data: one that was cut off is never taken for whole.

        It is asked for once more, with twice the tokens, under the same draw: the journal keeps
        the limit beside the reply, and takes neither for the other.
        """
        limit = self._recipe.setting("max_tokens", purpose)
        for allowed in (limit, 2 * limit):
            reply = await self._ask(purpose, messages, subject, place, max_tokens=allowed)
            if reply.finish_reason != "length":
                return reply
        said = f"the {purpose} reply does not end within {allowed:,} tokens"
        raise CallRejected("truncated", said, reply.text)

    async def _ask(
        self,
        purpose: str,
        messages: Messages,
        subject: CallContext,
        place: str,
        attempt: int = 0,
        max_tokens: int | None = None,
    ) -> Reply:
        sampling = self._sampling[purpose]
        if max_tokens is not None:
            sampling = {**sampling, "max_tokens": max_tokens}
        return await self._client.complete(
            Request(CallId(place, purpose, attempt), subject, messages, **sampling)
        )

    def _subject(
        self, line: Kept, instruction: str | None = None, parent: str | None = None
    ) -> CallContext:
        """Describe a call that works for a line; its text is the line's own unless given."""
        return CallContext(
            generation=line.generation,
            operation=line.operation,
            kind=self._kinds.get(line.operation or ""),
            format=line.format,
            instruction=line.instruction if instruction is None else instruction,
            parent=parent,
        )


def _sampling(recipe: Recipe, purpose: str) -> dict[str, Any]:
    """Return those fields of a request that all calls of a purpose share."""
    return {
        "model": recipe.setting("model", purpose) or "",
        "temperature": recipe.setting("temperature", purpose),
        "top_p": recipe.setting("top_p", purpose),
        "max_tokens": recipe.setting("max_tokens", purpose),
        "extra": recipe.parameters(purpose),
    }


def rejected(line: Kept, verdict: Objection, raw: str | None) -> Rejected:
    """Return a line as what a rule made of it.

    Args:
        line: the line as it would be.
        verdict: why it is dropped.
        raw: the reply that brought what is dropped.
    """
    fields: dict[str, Any] = {name: getattr(line, name) for name in Kept.__slots__}
    return Rejected(**fields, rule=verdict.rule, evidence=verdict.evidence, raw=raw)


def _failed_rule(line: Kept, failure: RuleFailed) -> Failed:
    return _failed(line, "rule", CallFailed("rule_error", str(failure), attempts=0))


def _failed(line: Kept, purpose: str, failure: CallFailed) -> Failed:
    return Failed(
        id=line.id,
        seed_id=line.seed_id,
        parent_id=line.parent_id,
        generation=line.generation,
        operation=line.operation,
        purpose=purpose,
        error=failure.error,
        attempts=failure.attempts,
        message=failure.message,
    )
