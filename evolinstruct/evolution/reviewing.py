"""What people decided, held against the text that the replies alone give, before the gate.

So to apply decisions twice changes nothing, nobody duplicates what is rejected, and an edited text
passes the gate as any other does.
"""

from __future__ import annotations

from dataclasses import replace

from evolinstruct.defaults import REVIEWER
from evolinstruct.elimination import Objection, RuleSet
from evolinstruct.evolution.answering import Answering
from evolinstruct.evolution.asking import Asking
from evolinstruct.evolution.outcomes import Proposal, rejected
from evolinstruct.evolution.step import Admit, Step
from evolinstruct.records import Kept, Line, Member, Rejected
from evolinstruct.run_dir.reviews import ACCEPTED, REJECTED, Reviews

_NO_REASON = "no reason given"


class ReviewedStep(Step):
    """A step in which people have their say between the rules and the gate."""

    def __init__(
        self,
        reviews: Reviews,
        asking: Asking,
        answering: Answering,
        rules: RuleSet,
        generation: int,
        admit: Admit | None = None,
    ) -> None:
        """Bind the parts of a step, and what people decided."""
        super().__init__(asking, answering, rules, generation, admit)
        self._reviews = reviews

    async def propose(self, member: Member) -> Proposal | Line:
        """Propose as the replies have it, then as people want it."""
        passing = await super().propose(member)
        if not isinstance(passing, Proposal) or passing.line.id not in self._reviews:
            return passing
        return _decided(passing, await self.finish(passing), self._reviews)


def _decided(proposal: Proposal, replied: Line, reviews: Reviews) -> Proposal | Rejected:
    """Return what people make of a proposal: rejected, edited, or as it was.

    A decision about another text changes nothing, nor does one on which reviewers differ.

    Args:
        proposal: the proposal.
        replied: the line in which it ends by the replies alone.
        reviews: what people decided.
    """
    line = replied if isinstance(replied, Kept) else proposal.line
    decision = reviews.about(line)
    if decision is None or decision.decision == ACCEPTED:
        return replace(proposal, answered=replied)
    if decision.decision == REJECTED:
        return rejected(line, Objection(REVIEWER, decision.reason or _NO_REASON), proposal.raw)
    edited = decision.edited(line)
    unanswered = replace(proposal.line, instruction=edited.instruction, checks=edited.checks)
    return Proposal(unanswered, proposal.raw, edited if edited.output is not None else None)
