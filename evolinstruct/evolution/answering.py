"""Answering: how an instruction gets its answer.

It is asked for, several times where that is wanted; one answer is picked; what fails a demand is
asked for once more; it is rewritten as long as a judge prefers that; and what the pack's checks see
of it becomes part of the line. Calls are made one after the other, because a forecast plays them
against a journal alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolinstruct import checks, reading, set_aside
from evolinstruct.checks import Check
from evolinstruct.errors import CallRejected
from evolinstruct.evolution import unit_tests
from evolinstruct.evolution.calls import Calls, answers_asked
from evolinstruct.evolution.candidates import Candidate, vote
from evolinstruct.evolution.preferring import Preferring
from evolinstruct.evolution.seeing import SEEING
from evolinstruct.judges import TRIES
from evolinstruct.preference import JUDGE
from evolinstruct.prompts import Checks, Messages, Pack
from evolinstruct.records import Kept
from evolinstruct.set_aside import SetAside
from evolinstruct.settings import Recipe
from evolinstruct.settings.kinds import JUDGED, VERIFIED

PURPOSE, IMPROVE = "answer", "improve"


def times_asked(purpose: str, recipe: Recipe, checks_of_pack: Checks) -> int:
    """Return how often a purpose is asked for one instruction whose answer needs no correction."""
    answers = answers_asked(recipe, checks_of_pack)
    compared = answers - 1 if recipe.pick == JUDGED else 0
    held = answers if recipe.pick == VERIFIED else 1
    times = {
        PURPOSE: answers,
        IMPROVE: recipe.evolve_answers,
        JUDGE: 2 * (compared + recipe.evolve_answers),
        unit_tests.RUN: unit_tests.RUNS * (held + recipe.evolve_answers),
    }
    return times.get(purpose, 1)


def most_asked(purpose: str, recipe: Recipe, pack: Pack) -> int:
    """Return how often a purpose is asked for one answered instruction, at most."""
    times = times_asked(purpose, recipe, pack.checks)
    again = {PURPOSE: 1, unit_tests.RUN: unit_tests.RUNS} if pack.corrects else {}
    return times * TRIES if purpose == JUDGE else times + again.get(purpose, 0)


@dataclass(frozen=True, slots=True)
class _Checked:
    """An answer that was held against all that it is checked for.

    Attributes:
        answer: the answer.
        among: the answers that were asked for.
        seen: what the pack's checks saw of it.
        correctable: what is wrong and can be put right by another answer.
        fault: the first thing that is wrong; None where it holds.
    """

    answer: Candidate
    among: Sequence[Candidate]
    seen: list[Check]
    correctable: list[str]
    fault: str | None

    def set_aside(self) -> SetAside:
        """Return it as an answer that is not taken because it fails."""
        return self.answer.set_aside(f"{set_aside.FAILED}{self.fault}")


class Answering:
    """Has instructions answered."""

    def __init__(self, recipe: Recipe, calls: Calls) -> None:
        """Bind the parts."""
        self._recipe = recipe
        self._calls = calls
        self._pack = calls.pack
        self._preferring = Preferring(recipe, calls) if recipe.judges else None

    def wants_answer(self, line: Kept) -> bool:
        """Tell whether an instruction is to be answered: a seed only where it has no answer."""
        if line.generation == 0:
            return self._recipe.answer_seeds and line.output is None
        return self._recipe.answers > 0

    async def answer(self, line: Kept) -> tuple[Kept, str]:
        """Return a line with its answer, and the reply that this was read from, as it came.

        Raises:
            CallError: there is no reply, or none that is whole.
        """
        taken, others = await self._picked(line)
        if taken.correctable and self._pack.corrects:
            others.append(taken.set_aside())
            taken = await self._corrected(line, taken)
        if taken.fault is None:
            taken = await self._improved(line, taken, others)
        answered = replace(
            line,
            output=taken.answer.output,
            model=taken.answer.model,
            checks=checks.encode([*checks.decode(line.checks), *taken.seen]),
            set_aside=set_aside.encode(others),
        )
        return answered, taken.answer.raw

    async def _picked(self, line: Kept) -> tuple[_Checked, list[SetAside]]:
        """Return the answer that is taken, and those that are not."""
        if self._recipe.pick == VERIFIED:
            return await self._first_that_holds(line)
        answers = await self._asked(line)
        if self._preferring is not None and self._recipe.pick == JUDGED:
            best, others = await self._preferring.best(line, answers)
        else:
            best, others = vote(answers, self._calls.same)
        return await self._checked(line, best, answers), others

    async def _asked(self, line: Kept) -> list[Candidate]:
        """Return the answers that came whole, in the order in which they were asked for.

        Raises:
            CallError: none of them did, or a call has failed.
        """
        found, refused = list[Candidate](), list[CallRejected]()
        for attempt in range(self._calls.answers):
            try:
                found.append(await self._one(line, attempt))
            except CallRejected as refusal:
                refused.append(refusal)
        if not found:
            raise refused[0]
        return found

    async def _first_that_holds(self, line: Kept) -> tuple[_Checked, list[SetAside]]:
        """Ask until an answer holds; where none does, the first one is taken.

        Raises:
            CallError: no answer came whole, or a call has failed.
        """
        failed, refused = list[_Checked](), list[CallRejected]()
        for attempt in range(self._calls.answers):
            try:
                answer = await self._one(line, attempt)
            except CallRejected as refusal:
                refused.append(refusal)
                continue
            before = failed[-1].seen if failed else ()
            checked = await self._checked(line, answer, [answer], before)
            if checked.fault is None:
                return checked, [each.set_aside() for each in failed]
            failed.append(checked)
        if not failed:
            raise refused[0]
        first, *others = failed
        return first, [each.set_aside() for each in others]

    async def _improved(self, line: Kept, taken: _Checked, others: list[SetAside]) -> _Checked:
        """Return an answer after its rewrites, each kept only where it holds and is preferred.

        What is not kept goes to `others`; a rewrite that is refused or cut off is none.
        """
        for attempt in range(self._recipe.evolve_answers):
            old = taken.answer
            messages = self._pack.prompt(IMPROVE, child=line.instruction, answer=old.output)
            try:
                answer = await self._one(line, attempt, messages, IMPROVE)
            except CallRejected:
                continue
            rewritten = await self._checked(line, answer, taken.among, taken.seen)
            if rewritten.fault is not None:
                others.append(rewritten.set_aside())
                continue
            assert self._preferring is not None  # noqa: S101 - rewrites are judged
            best, lost = await self._preferring.best(line, [old, answer])
            others += lost
            taken = rewritten if best is answer else taken
        return taken

    async def _one(
        self,
        line: Kept,
        attempt: int,
        messages: Messages | None = None,
        purpose: str = PURPOSE,
    ) -> Candidate:
        """Ask for an answer, by the instruction alone unless other messages are given."""
        messages = messages or self._pack.prompt(PURPOSE, child=line.instruction)
        context = self._calls.context(line, line.instruction)
        reply = await self._calls.whole(purpose, messages, context, line.id, attempt)
        answer = reading.read_answer(reply.text, line.instruction)
        return Candidate(answer, reply.model, reply.text)

    async def _checked(
        self,
        line: Kept,
        answer: Candidate,
        among: Sequence[Candidate],
        before: Sequence[Check] = (),
    ) -> _Checked:
        """Hold an answer against what the instruction demands and what the pack checks.

        What the checks saw of an answer `before` is theirs to use again.
        """
        seen, seen_before = [], {check.name: check.saw for check in before}
        for name, args in self._pack.checks.items():
            see = SEEING[name]
            saw = await see(self._calls, line, args, answer, among, seen_before.get(name))
            seen.append(Check(name, args, saw=saw))
        faults = checks.faults(checks.decode(line.checks), answer.output)
        fault = next(iter([*faults, *checks.seen_faults(seen), *checks.lacks(seen)]), None)
        corrected = [check for check in seen if check.is_corrected]
        correctable = [*faults, *checks.seen_faults(corrected), *checks.lacks(corrected)]
        return _Checked(answer, among, seen, correctable, fault)

    async def _corrected(self, line: Kept, failed: _Checked) -> _Checked:
        """Have an answer written anew, with what is wrong with it."""
        answer = failed.answer.output
        messages = self._pack.correct(line.instruction, answer, failed.correctable)
        corrected = await self._one(line, self._calls.answers, messages)
        return await self._checked(line, corrected, failed.among, failed.seen)
