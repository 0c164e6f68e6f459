"""Candidates: the answers to an instruction before one of them is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evolinstruct.equality import Same
from evolinstruct.set_aside import AGREES, OUTVOTED, SetAside


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that may be taken.

    Attributes:
        output: the answer.
        model: the model that wrote it.
        raw: the reply that it was read from, as it came.
    """

    output: str
    model: str
    raw: str

    def set_aside(self, why: str) -> SetAside:
        """Return it as an answer that is not taken."""
        return SetAside(self.output, self.model, why)


def vote(answers: Sequence[Candidate], same: Same) -> tuple[Candidate, list[SetAside]]:
    """Return the first of the most answers that agree, and the others with why they are not taken.

    Of groups that are equally large, the one that began first wins.
    """
    groups: list[list[Candidate]] = []
    for answer in answers:
        group = next((group for group in groups if same(group[0].output, answer.output)), None)
        if group is None:
            groups.append([answer])
        else:
            group.append(answer)
    first, *alike = max(groups, key=len)
    others = (each for each in answers if each is not first)
    return first, [
        each.set_aside(AGREES if any(each is one for one in alike) else OUTVOTED) for each in others
    ]
