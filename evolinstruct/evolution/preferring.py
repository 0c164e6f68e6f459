"""Preferring: which of several answers a judge finds best, asked in both orders."""

from __future__ import annotations

from collections.abc import Sequence

from evolinstruct.errors import CallFailed
from evolinstruct.evolution.calls import Calls
from evolinstruct.evolution.candidates import Candidate
from evolinstruct.judges import Judge, NotJudgedError
from evolinstruct.preference import JUDGE, TEMPERATURE, Said, of_two_orders, said_of, turned
from evolinstruct.prompts import Pack, known_measures
from evolinstruct.prompts.measures import PREFERENCE
from evolinstruct.records import Kept, text_digest
from evolinstruct.set_aside import LEVEL, NOT_PREFERRED, SetAside
from evolinstruct.settings import Recipe

ANSWERS = ("answers", PREFERENCE)
"""The measure that words what the judge is asked."""


def judged_by(recipe: Recipe, pack: Pack) -> str | None:
    """Return the digest of the words by which answers are judged, and rewritten to be judged.

    They may be those of another pack, so that the digest of this one does not tell them. None where
    no answer is judged.
    """
    if not recipe.judges:
        return None
    texts = [known_measures(pack)[ANSWERS].template.text]
    if recipe.evolve_answers:
        texts += [said for _, said in pack.prompt("improve", child="", answer="")]
    return text_digest("\0".join(texts))


class Preferring:
    """Has a judge compare answers."""

    def __init__(self, recipe: Recipe, calls: Calls) -> None:
        """Bind the parts; the judge is asked at temperature 0 unless the recipe names one."""
        temperature = recipe.temperature.get(JUDGE, TEMPERATURE)
        sampling = {**recipe.sampling(JUDGE), "temperature": temperature}
        measure = known_measures(calls.pack)[ANSWERS]
        self._judge = Judge(calls.ask, JUDGE, sampling, measure.render)

    async def best(
        self, line: Kept, answers: Sequence[Candidate]
    ) -> tuple[Candidate, list[SetAside]]:
        """Return the best answer, and the others with why they are not taken.

        Each answer is held against the best of those before it, which it replaces only where it is
        preferred in both orders. So of answers that are level, the first one is taken.

        Raises:
            CallFailed: a call has failed.
        """
        best, others = answers[0], list[SetAside]()
        for answer in answers[1:]:
            if (said := await self._said(line, best, answer)) == "tie":
                others.append(answer.set_aside(LEVEL))
            elif said.startswith("second"):
                others.append(best.set_aside(NOT_PREFERRED))
                best = answer
            else:
                others.append(answer.set_aside(NOT_PREFERRED))
        return best, others

    async def _said(self, line: Kept, first: Candidate, second: Candidate) -> Said:
        """Return what the judge says of two answers; where it gives no verdict, they are level."""
        if first.output == second.output:
            return "tie"
        as_given = await self._shown(line, first, second)
        other = await self._shown(line, second, first)
        verdict, _ = of_two_orders(as_given, None if other is None else turned(other))
        return verdict or "tie"

    async def _shown(self, line: Kept, first: Candidate, second: Candidate) -> Said | None:
        texts = line.instruction, first.output, second.output
        try:
            return await said_of(self._judge, line.id, *texts, line.generation)
        except NotJudgedError as error:
            if isinstance(failure := error.__cause__, CallFailed):
                failure.purpose = JUDGE
                raise failure from error
            return None
