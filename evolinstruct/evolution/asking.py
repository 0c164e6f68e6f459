"""Asking for one instruction: draws its operation, renders prompts, reads the replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from evolinstruct import checks, draws, reading
from evolinstruct.elimination import COMPARISON, Objection
from evolinstruct.errors import CallRejected
from evolinstruct.llm.base import CallContext, CallId, Reply, Request
from evolinstruct.prompts import IN_BREADTH, Messages, Pack
from evolinstruct.prose import holds_data
from evolinstruct.purposes import asked_by
from evolinstruct.records import Kept, Member, child_id
from evolinstruct.settings import Recipe

Ask = Callable[[Request], Awaitable[Reply]]
"""Returns the reply to a request, or raises what the call ended in."""

NOT_EQUAL, UNCLEAR = "not equal", "unclear"
TRUNCATED, TOO_LONG = "truncated", "too_long"
_LENGTH = "length"
_SMALL_CONTEXT = "use a model or a server with a larger context, or lower --max-tokens"


def shown_with(drawn: str, pack: Pack, seed: int, place: str) -> list[str]:
    """Return the formats other than the drawn one, in the order of their demonstrations.

    A pack that shows only some of them shows the same ones with the same format, so that its
    prompts begin alike: services charge less for a beginning that they have seen.
    """
    drawn_for = place if pack.demonstrations is None else drawn
    return [name for name in draws.draw_order(pack.formats, seed, drawn_for) if name != drawn]


class Asking:
    """What the calls of a run have in common.

    Attributes:
        markers: the phrases that mark places in the pack's prompts.
        prompt: the pack's own texts in these prompts.
    """

    def __init__(self, recipe: Recipe, pack: Pack, weights: Mapping[str, float], ask: Ask) -> None:
        """Bind the parts; `weights` says how often each operation in use is drawn."""
        self._recipe = recipe
        self._pack = pack
        self._weights = weights
        self._ask = ask
        self._kinds = {operation.name: operation.kind for operation in pack.operations}
        self._constrains = {item.name for item in pack.operations if item.uses_constraints}
        self._needs_format = {item.name for item in pack.operations if item.uses_format}
        self._sampling = {purpose: recipe.sampling(purpose) for purpose in asked_by(recipe)}
        self.markers = (*pack.markers, *(pack.marks or ()))
        self.prompt = pack.texts
        self._compares = recipe.compare

    def wants_answer(self, line: Kept) -> bool:
        """Tell whether an instruction is to be answered: a seed only where it has no answer."""
        if line.generation == 0:
            return self._recipe.answer_seeds and line.output is None
        return self._recipe.answers

    def kind(self, line: Kept) -> str | None:
        """Return the kind of the operation that a line is made by; None for a seed."""
        return self._kinds.get(line.operation or "")

    def skips(self, line: Kept) -> Collection[str]:
        """Return the rules that do not apply to what the line's operation makes."""
        return self._pack.skips(line.operation)

    def compares(self, line: Kept) -> bool:
        """Tell whether a rewrite is compared with its parent."""
        in_breadth = self.kind(line) == IN_BREADTH and not self._recipe.compare_in_breadth
        return self._compares and not in_breadth and COMPARISON not in self.skips(line)

    def draw(self, member: Member, generation: int) -> Kept:
        """Return the child as far as its place and family decide it.

        They decide its operation, its format and the constraints that it is to state.
        """
        parent = member.newest
        place = child_id(parent.seed_id, generation)
        weights = self._weights
        constraints = self._constraints(parent, place)
        if not self._recipe.plain_draws:
            weights = draws.fitting(weights, self._unfit(member, constraints))
        operation = draws.draw_operation(weights, self._recipe.seed, place)
        return Kept(
            id=place,
            seed_id=parent.seed_id,
            parent_id=parent.id,
            generation=generation,
            operation=operation,
            format=self._drawn_format(place) if operation in self._needs_format else None,
            instruction="",
            input=None,
            output=None,
            model=None,
            compared=None,
            seed_source=parent.seed_source,
            checks=checks.encode(constraints) if operation in self._constrains else checks.NONE,
        )

    def _constraints(self, parent: Kept, place: str) -> list[checks.Check]:
        if not self._constrains:
            return []
        return checks.draw(
            parent.instruction, self._recipe.seed, place, checks.decode(parent.checks)
        )

    def _unfit(self, member: Member, constraints: Sequence[checks.Check]) -> set[str]:
        """Return the operations that would be asked in vain.

        One was rejected for the same instruction: the same request might come again. One block of
        data put into another makes no better task. And where no constraint suits, none is added.
        """
        unfit = {member.rejected} if member.rejected else set()
        if not constraints:
            unfit |= self._constrains
        return unfit | self._needs_format if holds_data(member.newest.instruction) else unfit

    async def rewrite(self, child: Kept, parent: Kept) -> tuple[Kept, str]:
        """Ask for the rewrite; return the child with its instruction, and the reply as it came.

        Raises:
            CallError: there is no reply, or none that is whole.
        """
        seed = self._recipe.seed
        shown = shown_with(child.format, self._pack, seed, child.id) if child.format else ()
        drawn = checks.decode(child.checks)
        stated = [check.statement(place) for place, check in enumerate(drawn)]
        messages = self._pack.evolve(
            child.operation or "", parent.instruction, child.format, shown, stated
        )
        context = self._context(child, parent.instruction, marks=self._pack.marks)
        reply = await self._whole("evolve", messages, context, child.id)
        instruction = reading.read_instruction(
            reply.text, self._pack.markers, parent=parent.instruction, marks=self._pack.marks
        )
        held = checks.of_rewrite(checks.decode(parent.checks), drawn, instruction)
        child = replace(child, instruction=instruction, model=reply.model)
        return replace(child, checks=checks.encode(held)), reply.text

    async def compare(self, child: Kept, parent: Kept) -> tuple[Kept, Objection | None]:
        """Ask whether the rewrite gained anything; an unclear verdict is asked for once more.

        But not at temperature 0, where it would come back as it was.

        Raises:
            CallError: there is no reply.
        """
        messages = self._pack.prompt("compare", parent=parent.instruction, child=child.instruction)
        context = self._context(child, child.instruction, parent.instruction)
        for attempt in range(
            1 + self._recipe.may_vary("compare")
        ):  # another call id: the same one would get the same reply back
            try:
                reply = await self._once("compare", messages, context, child.id, attempt)
            except CallRejected as refusal:
                if refusal.error == TRUNCATED:  # no room for a verdict: the prompt is what is long
                    raise CallRejected(TOO_LONG, refusal.message) from refusal
                raise
            equal = reading.read_verdict(reply.text)
            if equal is not None:
                break
        if equal:
            return child, Objection(COMPARISON, reply.text.strip())
        return replace(child, compared=UNCLEAR if equal is None else NOT_EQUAL), None

    async def answer(self, line: Kept) -> tuple[str, str, str]:
        """Ask for the answer; return it, the reply as it came, and the model that wrote it.

        An answer that does not do what the instruction verifiably demands is asked for once more,
        with what it lacks.

        Raises:
            CallError: there is no reply, or none that is whole.
        """
        messages = self._pack.prompt("answer", child=line.instruction)
        context = self._context(line, line.instruction)
        reply = await self._whole("answer", messages, context, line.id)
        answer = reading.read_answer(reply.text, line.instruction)
        if faults := checks.faults(checks.decode(line.checks), answer):
            messages = self._pack.correct(line.instruction, answer, faults)
            reply = await self._whole("answer", messages, context, line.id, attempt=1)
            answer = reading.read_answer(reply.text, line.instruction)
        return answer, reply.text, reply.model

    def _drawn_format(self, place: str) -> str:
        return draws.draw_order(self._pack.formats, self._recipe.seed, place)[0]

    async def _whole(
        self, purpose: str, messages: Messages, context: CallContext, place: str, attempt: int = 0
    ) -> Reply:
        """Ask for a reply that is data: one that was cut off is never taken for whole.

        It is asked for once more, with twice the tokens, under the same id: the journal keeps
        the limit beside the reply, and takes neither for the other.
        """
        limit = self._recipe.setting("max_tokens", purpose)
        reply = await self._once(purpose, messages, context, place, attempt, max_tokens=limit)
        if reply.finish_reason != _LENGTH:
            return reply
        said = f"the {purpose} reply does not end within"
        try:
            longer = await self._once(
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

    async def _once(
        self,
        purpose: str,
        messages: Messages,
        context: CallContext,
        place: str,
        attempt: int = 0,
        **sampling: int,
    ) -> Reply:
        asked = {**self._sampling[purpose], **sampling}
        return await self._ask(Request(CallId(place, purpose, attempt), context, messages, **asked))

    def _context(
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
        )
