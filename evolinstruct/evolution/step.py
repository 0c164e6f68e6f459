"""The way of one instruction through one generation: rewritten, judged, let through, answered.

Where people have reviewed, `reviewing` holds their decisions against it before it is let through.
"""

from __future__ import annotations

from collections.abc import Callable

from evolinstruct.elimination import Answer, Objection, RuleSet
from evolinstruct.errors import CallFailed, CallRejected, RuleFailed
from evolinstruct.evolution.answering import Answering
from evolinstruct.evolution.asking import Asking
from evolinstruct.evolution.outcomes import Proposal, failed, rejected
from evolinstruct.records import Line, Member

Admit = Callable[[Proposal | Line], Proposal | Line]
"""The gate: looks at one proposal after the other, in pool order; lines pass it as they are."""


class Step:
    """Takes instructions through one generation, each on its own."""

    def __init__(
        self,
        asking: Asking,
        answering: Answering,
        rules: RuleSet,
        generation: int,
        admit: Admit | None = None,
    ) -> None:
        """Bind the parts; without `admit`, nothing looks at the whole pool."""
        self._asking = asking
        self._answering = answering
        self._rules = rules
        self.generation = generation
        self.admit = admit

    async def take(self, member: Member) -> Line:
        """Return the line in which a member of the pool ends."""
        passing = await self.propose(member)
        if self.admit is not None:
            passing = self.admit(passing)
        return await self.finish(passing)

    async def propose(self, member: Member) -> Proposal | Line:
        """Draw an operation, rewrite, judge by the rules, compare. Seeds stay as they were read."""
        parent = member.newest
        if self.generation == 0:
            return Proposal(parent) if self._answering.wants_answer(parent) else parent
        child, raw = self._asking.draw(member, self.generation), None
        try:
            child, raw = await self._asking.rewrite(child, parent)
            rewrite = self._asking.as_judged(child, parent)
            objection = self._rules.find_objection(rewrite, self._asking.skips(child))
            if objection is None and self._asking.compares(child):
                child, objection = await self._asking.compare(child, parent)
        except CallRejected as refusal:
            return rejected(child, Objection(refusal.error, refusal.message), refusal.raw or raw)
        except (CallFailed, RuleFailed) as failure:
            return failed(child, failure)
        return Proposal(child, raw) if objection is None else rejected(child, objection, raw)

    async def finish(self, passing: Proposal | Line) -> Line:
        """Answer the instruction alone and judge the answer; what is a line already stays one."""
        if not isinstance(passing, Proposal):
            return passing
        if passing.answered is not None:
            return passing.answered
        line = passing.line
        if not self._answering.wants_answer(line):
            return line
        try:
            line, raw = await self._answering.answer(line)
            objection = self._rules.find_objection(Answer.of(line), self._asking.skips(line))
        except CallRejected as refusal:
            return rejected(line, Objection(refusal.error, refusal.message), refusal.raw)
        except (CallFailed, RuleFailed) as failure:
            return failed(line, failure)
        return line if objection is None else rejected(line, objection, raw)
