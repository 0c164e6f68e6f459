"""Answering: how an instruction gets its answer.

It is asked for, several times where the pack's checks want that; one answer is picked; what fails a
demand is asked for once more; and what the checks see of it becomes part of the line. Calls are
made one after the other, because a forecast plays them against a journal alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolinstruct import checks, reading, set_aside
from evolinstruct.checks import AGREEMENT, Check
from evolinstruct.errors import CallRejected
from evolinstruct.evolution import unit_tests
from evolinstruct.evolution.calls import Calls
from evolinstruct.evolution.candidates import Candidate, vote
from evolinstruct.evolution.seeing import SEEING
from evolinstruct.prompts import Checks, Messages
from evolinstruct.records import Kept
from evolinstruct.settings import Recipe

PURPOSE = "answer"


def times_asked(purpose: str, checks_of_pack: Checks) -> int:
    """Return how often a purpose is asked for one answer that is taken as it comes."""
    if purpose == PURPOSE and AGREEMENT in checks_of_pack:
        return int(checks_of_pack[AGREEMENT]["answers"])
    return unit_tests.RUNS if purpose == unit_tests.RUN else 1


@dataclass(frozen=True, slots=True)
class _Checked:
    """An answer, what the pack's checks saw of it, and what is wrong that may be corrected."""

    answer: Candidate
    seen: list[Check]
    faults: list[str]


class Answering:
    """Has instructions answered."""

    def __init__(self, recipe: Recipe, calls: Calls) -> None:
        """Bind the parts."""
        self._recipe = recipe
        self._calls = calls
        self._pack = calls.pack
        self._times = times_asked(PURPOSE, self._pack.checks)

    def wants_answer(self, line: Kept) -> bool:
        """Tell whether an instruction is to be answered: a seed only where it has no answer."""
        if line.generation == 0:
            return self._recipe.answer_seeds and line.output is None
        return self._recipe.answers

    async def answer(self, line: Kept) -> tuple[Kept, str]:
        """Return a line with its answer, and the reply that this was read from, as it came.

        Raises:
            CallError: there is no reply, or none that is whole.
        """
        answers = await self._asked(line)
        first, others = vote(answers)
        taken = await self._checked(line, first, answers)
        if taken.faults and self._pack.corrects:
            others.append(first.set_aside(set_aside.FAILED + taken.faults[0]))
            taken = await self._corrected(line, taken, answers)
        answered = replace(
            line,
            output=taken.answer.output,
            model=taken.answer.model,
            checks=checks.encode([*checks.decode(line.checks), *taken.seen]),
            set_aside=set_aside.encode(others),
        )
        return answered, taken.answer.raw

    async def _asked(self, line: Kept) -> list[Candidate]:
        """Return the answers that came whole, in the order in which they were asked for.

        Raises:
            CallError: none of them did, or a call has failed.
        """
        messages = self._pack.prompt(PURPOSE, child=line.instruction)
        found, refused = list[Candidate](), list[CallRejected]()
        for attempt in range(self._times):
            try:
                found.append(await self._one(line, messages, attempt))
            except CallRejected as refusal:
                refused.append(refusal)
        if not found:
            raise refused[0]
        return found

    async def _one(self, line: Kept, messages: Messages, attempt: int) -> Candidate:
        context = self._calls.context(line, line.instruction)
        reply = await self._calls.whole(PURPOSE, messages, context, line.id, attempt)
        answer = reading.read_answer(reply.text, line.instruction)
        return Candidate(answer, reply.model, reply.text)

    async def _checked(
        self,
        line: Kept,
        answer: Candidate,
        answers: Sequence[Candidate],
        before: Sequence[Check] = (),
    ) -> _Checked:
        """Hold an answer against what the instruction demands and what the pack checks.

        What the checks saw of an answer `before` is theirs to use again.
        """
        seen, seen_before = [], {check.name: check.saw for check in before}
        for name, args in self._pack.checks.items():
            see = SEEING[name]
            saw = await see(self._calls, line, args, answer, answers, seen_before.get(name))
            seen.append(Check(name, args, saw=saw))
        faults = checks.faults(checks.decode(line.checks), answer.output)
        faults += checks.seen_faults(check for check in seen if check.is_corrected)
        return _Checked(answer, seen, faults)

    async def _corrected(
        self, line: Kept, failed: _Checked, answers: Sequence[Candidate]
    ) -> _Checked:
        """Have an answer written anew, with what is wrong with it."""
        messages = self._pack.correct(line.instruction, failed.answer.output, failed.faults)
        answer = await self._one(line, messages, attempt=self._times)
        return await self._checked(line, answer, answers, failed.seen)
