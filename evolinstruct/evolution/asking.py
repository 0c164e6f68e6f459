"""Asking for one instruction: draws its operation, renders prompts, reads the replies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from evolinstruct import checks, draws, reading, set_aside
from evolinstruct.elimination import COMPARISON, Objection, Rewrite
from evolinstruct.errors import CallRejected
from evolinstruct.evolution.calls import TOO_LONG, TRUNCATED, Calls
from evolinstruct.prompts import IN_BREADTH, Pack
from evolinstruct.prose import holds_data
from evolinstruct.records import Kept, Member, child_id
from evolinstruct.settings import Recipe

NOT_EQUAL, UNCLEAR = "not equal", "unclear"


def shown_with(drawn: str, pack: Pack, seed: int, place: str) -> list[str]:
    """Return the formats other than the drawn one, in the order of their demonstrations.

    A pack that shows only some of them shows the same ones with the same format, so that its
    prompts begin alike: services charge less for a beginning that they have seen.
    """
    drawn_for = place if pack.demonstrations is None else drawn
    return [name for name in draws.draw_order(pack.formats, seed, drawn_for) if name != drawn]


class Asking:
    """Asks for the rewrite of an instruction, and whether it gained anything."""

    def __init__(self, recipe: Recipe, weights: Mapping[str, float], calls: Calls) -> None:
        """Bind the parts; `weights` says how often each operation in use is drawn."""
        pack = calls.pack
        self._recipe = recipe
        self._pack = pack
        self._weights = weights
        self._calls = calls
        self._constrains = {item.name for item in pack.operations if item.uses_constraints}
        self._needs_format = {item.name for item in pack.operations if item.uses_format}
        self._markers = (*pack.markers, *(pack.marks or ()))
        self._compares = recipe.compare

    def skips(self, line: Kept) -> Collection[str]:
        """Return the rules that do not apply to what the line's operation makes."""
        return self._pack.skips(line.operation)

    def compares(self, line: Kept) -> bool:
        """Tell whether a rewrite is compared with its parent."""
        in_breadth = self._calls.kind(line) == IN_BREADTH and not self._recipe.compare_in_breadth
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
            set_aside=set_aside.NONE,
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
        context = self._calls.context(child, parent.instruction, marks=self._pack.marks)
        reply = await self._calls.whole("evolve", messages, context, child.id)
        instruction = reading.read_instruction(
            reply.text, self._pack.markers, parent=parent.instruction, marks=self._pack.marks
        )
        held = checks.of_rewrite(checks.decode(parent.checks), drawn, instruction)
        child = replace(child, instruction=instruction, model=reply.model)
        return replace(child, checks=checks.encode(held)), reply.text

    def as_judged(self, child: Kept, parent: Kept) -> Rewrite:
        """Return a rewrite as the rules see it."""
        kind = self._calls.kind(child)
        return Rewrite.of(parent, child, kind, self._markers, self._pack.texts)

    async def compare(self, child: Kept, parent: Kept) -> tuple[Kept, Objection | None]:
        """Ask whether the rewrite gained anything; an unclear verdict is asked for once more.

        But not at temperature 0, where it would come back as it was.

        Raises:
            CallError: there is no reply.
        """
        messages = self._pack.prompt("compare", parent=parent.instruction, child=child.instruction)
        context = self._calls.context(child, child.instruction, parent.instruction)
        for attempt in range(
            1 + self._recipe.may_vary("compare")
        ):  # another call id: the same one would get the same reply back
            try:
                reply = await self._calls.once("compare", messages, context, child.id, attempt)
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

    def _drawn_format(self, place: str) -> str:
        return draws.draw_order(self._pack.formats, self._recipe.seed, place)[0]
