"""Evolving with a method that is tuned: trajectories of a mini-batch, outcomes of one round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evolinstruct.contamination import Items
from evolinstruct.evolution import Evolution, Proposal
from evolinstruct.judges import Ask, shown
from evolinstruct.llm.base import Reply, Request
from evolinstruct.prompts import TUNED, Measure, Pack
from evolinstruct.records import Failed, Kept, Line, Member, Rejected
from evolinstruct.scoring.asking import MeasureJudge
from evolinstruct.scoring.ordering import Ranking
from evolinstruct.settings import Recipe
from evolinstruct.tuning.trial import NO_GAIN, Outcome

_HEAD, _TAIL = 1_500, 500
"""Characters of a text that the optimizing model is shown."""


def asking(ask: Ask, step: int, method: str) -> Ask:
    """Return what asks for a step of tuning, so that its calls are counted by it."""

    async def asked(request: Request) -> Reply:
        context = replace(request.context, generation=step, method=method)
        return await ask(replace(request, context=context))

    return asked


class Evolving:
    """Evolves instructions with one method."""

    def __init__(
        self,
        ask: Ask,
        recipe: Recipe,
        pack: Pack,
        against: Items | None = None,
        measure: Measure | None = None,
    ) -> None:
        """Bind the parts.

        Args:
            ask: who answers.
            recipe: what is asked for.
            pack: the tuned pack with the method.
            against: the test items that no text may hold, where the recipe names any.
            measure: what ranks a rewrite beside its seed; None where no gain is asked for.
        """
        self._evolution = Evolution(recipe, pack, {TUNED: 1.0}, ask, against)
        self._ranking = (
            None if measure is None else Ranking(MeasureJudge(ask, recipe, measure), recipe.seed)
        )

    async def trajectory(self, seed: Kept, rounds: int) -> list[Line]:
        """Return what each of several rounds makes of a seed; nobody answers it.

        Raises:
            StopRun: no further call can have a reply.
        """
        member, lines = Member(seed), list[Line]()
        for number in range(1, rounds + 1):
            passing = await self._evolution.step(number).propose(member)
            line = passing.line if isinstance(passing, Proposal) else passing
            lines.append(line)
            member = member.after(line)
        return lines

    async def outcome(self, seed: Kept) -> Outcome:
        """Evolve a seed by one round, have it answered, and say what became of it.

        Raises:
            StopRun: no further call can have a reply.
        """
        line = await self._evolution.step(1).take(Member(seed))
        if isinstance(line, Rejected):
            return Outcome(rule=line.rule)
        if isinstance(line, Failed):
            return Outcome(missing=line.error)
        return Outcome() if self._ranking is None else await self._gained(self._ranking, seed, line)

    async def _gained(self, ranking: Ranking, seed: Kept, child: Kept) -> Outcome:
        judged = await ranking.judge([seed, child])
        places = {score.id: score.value for score in judged.scores}
        if not places:
            return Outcome(missing=judged.missing[0].why)
        return Outcome() if places[child.id] > places[seed.id] else Outcome(rule=NO_GAIN)


def as_case(number: int, seed: Kept, lines: Sequence[Line]) -> str:
    """Return a trajectory as the optimizing model is shown it."""
    stages = [f"Case {number}", f"Stage 0:\n{shown(seed.instruction, _HEAD, _TAIL)}"]
    stages += [f"Stage {place}{_said(line)}" for place, line in enumerate(lines, 1)]
    return "\n".join(stages)


def _said(line: Line) -> str:
    if isinstance(line, Failed):
        return ": no reply"
    text = shown(line.instruction, _HEAD, _TAIL) or "(no text)"
    if isinstance(line, Rejected):
        return f" (rejected by {line.rule}: {shown(line.evidence, _HEAD, 0)}):\n{text}"
    return f":\n{text}"
