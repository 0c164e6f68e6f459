"""The steps of tuning, after Auto Evol-Instruct (arXiv 2406.00770).

In each, a mini-batch is evolved over several rounds with the method in use, a model analyses the
trajectories and rewrites the method several times, and what it writes is tried on the development
set. The method that fails least often is the next one, until none fails less often than the last.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from evolinstruct.contamination import Items
from evolinstruct.errors import TooLittleKept
from evolinstruct.prompts import Measure, Pack, Tunable
from evolinstruct.records import Failed, Kept, Line
from evolinstruct.run.session import Session
from evolinstruct.run.stage import Stage
from evolinstruct.settings import Recipe
from evolinstruct.tuning.evolving import Evolving, as_case, asking
from evolinstruct.tuning.optimizing import Candidate, Check, Optimizing
from evolinstruct.tuning.sample import Sample
from evolinstruct.tuning.trial import Outcome, Trial
from evolinstruct.tuning.wish import Wish

NO_BETTER = "no candidate failed less often than the method in use"
NO_FAILURE = "nothing failed any more"
ENOUGH = "the most steps were made"
"""Why no further step is made."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Task:
    """What is tuned, and with what.

    Attributes:
        wish: how much is done.
        recipe: what is asked for.
        tunable: the pack.
        wording: the pack that words what the optimizing model is asked.
        sample: the instructions.
        against: the test items that no text may hold, where the recipe names any.
        measure: what ranks a rewrite beside its seed; None where no gain is asked for.
    """

    wish: Wish
    recipe: Recipe
    tunable: Tunable
    wording: Pack
    sample: Sample
    against: Items | None = None
    measure: Measure | None = None


class Steps:
    """Rewrites a method step by step, in an open session.

    Attributes:
        trials: every method so far, and how it did.
        made: how many steps were made.
        asked: how many instructions were evolved and methods asked for.
        failed: how many of these have no outcome, by why.
    """

    def __init__(
        self,
        session: Session,
        task: Task,
        working: Callable[[Stage[Any, Any]], None],
        tell: Callable[[str, int, int], None],
        note: Callable[[Sequence[Trial]], None],
    ) -> None:
        """Bind the parts.

        Args:
            session: asks.
            task: what is tuned, and with what.
            working: is told of the stage that is going on, so that a session can stop it.
            tell: is told what goes on, how much of it is done, and how much there is.
            note: takes the trials of a step, as soon as it is made.
        """
        self._session = session
        self._task = task
        self._working = working
        self._tell = tell
        self._note = note
        self.trials: list[Trial] = []
        self.made = 0
        self.asked = 0
        self.failed = Counter[str]()

    async def make(self) -> str:
        """Make all steps; return why there is no further one.

        Raises:
            TooLittleKept: nothing can be said of the pack's own method.
            StopRun: no further call can have a reply.
        """
        now = await self._first()
        while now.failures:
            if self.made == self._task.wish.steps:
                return ENOUGH
            best = await self._step(self.made + 1, now)
            self.made += 1
            if best is None:
                return NO_BETTER
            now = best
        return NO_FAILURE

    async def _first(self) -> Trial:
        """Try the pack's own method."""
        method = self._task.tunable.method
        (found,) = await self._tried(0, [Candidate(0, method)], {})
        if found.rate is None:
            raise TooLittleKept(
                "No instruction of the development set got its replies"
                f" ({', '.join(sorted(self.failed))}), so nothing can be tuned; see to the service,"
                " and name a new folder with -o."
            )
        return self._kept([found], found) or found

    async def _step(self, step: int, now: Trial) -> Trial | None:
        """Rewrite a method; return the trial of one that fails less often, if there is one."""
        method = now.method or ""
        batch = await asyncio.to_thread(self._task.sample.batch, step)
        lines = await self._evolved(step, method, batch)
        written = await self._rewritten(step, method, batch, lines)
        refused = self._refused(method, batch, lines, written)
        trials = await self._tried(step, written, refused)
        better = [trial for trial in trials if trial.is_better_than(now)]
        return self._kept(trials, min(better, key=lambda each: each.at_worst, default=None))

    def _kept(self, trials: Sequence[Trial], best: Trial | None) -> Trial | None:
        """Note the trials of a step; return the one that is chosen, with the mark of it."""
        noted = [replace(trial, chosen=trial is best) for trial in trials]
        self.trials += noted
        self._note(noted)
        return next((trial for trial in noted if trial.chosen), None)

    # The parts of a step

    async def _evolved(self, step: int, method: str, batch: Sequence[Kept]) -> list[list[Line]]:
        """Evolve a mini-batch over several rounds."""
        evolving = self._evolving(step, method)
        work = partial(evolving.trajectory, rounds=self._task.wish.rounds)
        lines = await self._worked(f"step {step}, evolved", work, batch)
        self._count(
            line.error if isinstance(line, Failed) else None for each in lines for line in each
        )
        return lines

    async def _rewritten(
        self, step: int, method: str, batch: Sequence[Kept], lines: Sequence[Sequence[Line]]
    ) -> list[Candidate]:
        """Have the trajectories analysed and the method rewritten, several times."""
        cases = map(as_case, range(1, len(batch) + 1), batch, lines)
        ask = asking(self._session.ask, step, method)
        task = self._task
        optimizing = Optimizing(ask, task.recipe, task.wording, task.tunable, step, method)
        work = partial(optimizing.propose, cases="\n\n".join(cases))
        numbers = range(1, task.wish.candidates + 1)
        written = await self._worked(f"step {step}, rewritten", work, numbers)
        self._count(each.missing for each in written)
        return written

    def _refused(
        self,
        method: str,
        batch: Iterable[Kept],
        lines: Iterable[Iterable[Line]],
        written: Iterable[Candidate],
    ) -> dict[int, str]:
        """Return why candidates are not tried, by their numbers."""
        texts = [line.instruction for line in batch]
        texts += [
            line.instruction for each in lines for line in each if not isinstance(line, Failed)
        ]
        known = {each.method for each in self.trials if each.method and not each.refused}
        check = Check(self._task.tunable, method, texts, known)
        found = {each.number: check.objection(each) for each in written}
        return {number: why for number, why in found.items() if why is not None}

    async def _tried(
        self, step: int, written: Sequence[Candidate], refused: dict[int, str]
    ) -> list[Trial]:
        """Try each candidate that is not refused, all at once; return how each did."""
        development = self._task.sample.development
        tried = [each for each in written if each.number not in refused]
        evolving = {each.number: self._evolving(step, each.method or "") for each in tried}

        async def work(item: tuple[int, Kept]) -> Outcome:
            number, seed = item
            return await evolving[number].outcome(seed)

        title = f"step {step}, tried" if step else "the pack's own method, tried"
        items = [(number, seed) for number in evolving for seed in development]
        outcomes = await self._worked(title, work, items)
        self._count(each.missing for each in outcomes)
        found = iter(outcomes)
        return [
            Trial.refusing(step, each.number, refused[each.number], each.method, each.feedback)
            if each.number in refused
            else Trial.of(
                step, each.number, each.method, each.feedback, [next(found) for _ in development]
            )
            for each in written
        ]

    def _evolving(self, step: int, method: str) -> Evolving:
        task = self._task
        ask = asking(self._session.ask, step, method)
        return Evolving(
            ask, task.recipe, task.tunable.with_method(method), task.against, task.measure
        )

    async def _worked(
        self, title: str, work: Callable[[_Item], Awaitable[_Result]], items: Sequence[_Item]
    ) -> list[_Result]:
        """Carry items through their work, many at once; return the results in order."""
        stage = Stage(work, self._session.ahead)
        self._working(stage)
        found: list[_Result] = []
        self._tell(title, 0, len(items))
        async with aclosing(stage.results(iter(items))) as results:
            async for result in results:
                found.append(result)
                self._tell(title, len(found), len(items))
        return found

    def _count(self, missing: Iterable[str | None]) -> None:
        for why in missing:
            self.asked += 1
            if why is not None:
                self.failed[why] += 1
