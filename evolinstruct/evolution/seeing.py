"""What each check of a pack sees of an answer: calls may be made for it, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from evolinstruct.checks import AGREEMENT, UNIT_TESTS
from evolinstruct.evolution import unit_tests
from evolinstruct.evolution.calls import Calls
from evolinstruct.evolution.candidates import Candidate
from evolinstruct.reading import final_answer
from evolinstruct.records import Kept


class See(Protocol):
    """Sees what a check goes by."""

    async def __call__(
        self,
        calls: Calls,
        line: Kept,
        args: Mapping[str, Any],
        answer: Candidate,
        answers: Sequence[Candidate],
        before: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Return what the check saw, by the names that it sees.

        Args:
            calls: asks, where that takes a call.
            line: the instruction, its answer still missing.
            args: the arguments of the check.
            answer: the answer that it is about.
            answers: those that were asked for and came whole.
            before: what it saw of an earlier answer to the instruction.

        Raises:
            CallError: a call has no reply.
        """
        ...


async def _agreement(
    calls: Calls,
    line: Kept,  # noqa: ARG001 - it sees by the answers alone
    args: Mapping[str, Any],  # noqa: ARG001 - how many are enough is judged by what was seen
    answer: Candidate,
    answers: Sequence[Candidate],
    before: Mapping[str, Any] | None,  # noqa: ARG001 - what agrees is counted anew
) -> dict[str, Any]:
    agreed = sum(calls.same(answer.output, each.output) for each in answers)
    result = final_answer(answer.output) or ""
    return {"agreed": agreed, "answers": calls.answers, "result": result}


SEEING: Mapping[str, See] = {AGREEMENT: _agreement, UNIT_TESTS: unit_tests.see}
"""By the name of the check."""
