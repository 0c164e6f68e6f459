"""Generation after generation: what is finished is left alone, the rest is carried out.

Reads each pool, takes it through its step, has its lines written and counted, and tells what
happens by events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from evolinstruct.errors import TooLittleKept
from evolinstruct.evolution import Evolution, Step
from evolinstruct.evolution.calls import Ask
from evolinstruct.gate import Gate
from evolinstruct.records import Failed, Kept, Line, Member, Rejected
from evolinstruct.run.counts import Counts, YieldMonitor
from evolinstruct.run.estimate import ENOUGH, usual_calls
from evolinstruct.run.events import (
    Event,
    GenerationEnded,
    GenerationStarted,
    LineWritten,
    Notice,
    SoFar,
)
from evolinstruct.run.plan import Plan
from evolinstruct.run.prefetch import Prefetch
from evolinstruct.run.reviewing import OtherFamilies, differs_by_reviews
from evolinstruct.run.rounds import Rounds
from evolinstruct.run.scheduler import Scheduler
from evolinstruct.run.session import Session
from evolinstruct.run_dir.directory import GenerationFiles, RunDir

_FLUSH_EVERY = 1.0
"""Seconds after which the next line is handed on with those before it, for whoever reads along."""
Pool = Callable[[], Iterator[Member]]


class Generations:
    """Carries out the generations of a plan, each from where an earlier command left it."""

    def __init__(
        self,
        plan: Plan,
        run_dir: RunDir,
        session: Session,
        gate: Gate | None,
        made_from: Sequence[str],
        all_counts: list[Counts],
        records: list[dict[str, Any]],
        *,
        verified: bool,
    ) -> None:
        """Bind the parts.

        Args:
            plan: what is to be carried out.
            run_dir: where its files are.
            session: what calls go through.
            gate: the rules that look at the whole pool, if any is on.
            made_from: a digest of all that decides the bytes of each generation.
            all_counts: where the counts of each generation go.
            records: where what run.json says of each generation goes when it has ended.
            verified: all files are known to be those that are wanted.
        """
        self._plan = plan
        self._recipe = plan.settings.recipe
        self._dir = run_dir
        self._session = session
        self._usual = usual_calls(self._recipe, plan.pack, plan.weights)
        self._gate = gate
        self._made_from = made_from
        self._verified = verified
        self._all_counts = all_counts
        self._records = records
        self._told_causes: set[str | None] = set()

    async def events(self) -> AsyncGenerator[Event]:
        """Carry them out, one after the other.

        Raises:
            StopRun: too little is kept, or somebody stopped it.
            InputError: a file cannot be read or written.
        """
        evolution = self._evolution(self._session.ask)
        admit = None if self._gate is None else self._gate.look
        self._prefetch = self._prefetching()
        self._rounds = self._in_batches()
        try:
            for number in range(self._recipe.generations + 1):
                pool = partial(self._dir.pool, number) if number else self._seeds
                async with aclosing(self._finished(evolution.step(number, admit), pool)) as events:
                    async for event in events:
                        yield event
        finally:
            if self._prefetch is not None:
                await self._prefetch.aclose()

    def _evolution(self, ask: Ask) -> Evolution:
        plan = self._plan
        return Evolution(self._recipe, plan.pack, plan.weights, ask, plan.against, plan.reviews)

    def _prefetching(self) -> Prefetch | None:
        """Return what plays families ahead, unless that is switched off."""
        execution = self._plan.settings.execution
        if not execution.prefetch or execution.in_batches:
            return None
        return Prefetch(
            self._session,
            self._evolution,
            self._plan.size,
            self._recipe.generations,
            far=execution.min_kept is None,
        )

    def _in_batches(self) -> Rounds | None:
        """Return what fills the journal by batches, where calls go in batches."""
        batches = self._session.batches
        if batches is None:
            return None
        submits = self._plan.settings.execution.submit
        return Rounds(batches, self._evolution(self._session.note), self._gate, submits=submits)

    async def _in_rounds(self, rounds: Rounds, number: int, pool: Pool) -> AsyncIterator[Event]:
        self._session.work = rounds
        self._session.go_on()
        async with aclosing(rounds.fill(number, pool)) as told:
            async for _ in told:
                for notice in self._session.take_notices():
                    yield Notice(notice)
        self._session.work = None

    def _so_far(self) -> SoFar:
        """Return how far the run is; what its lines took so far says what the others will take."""
        plan, spent = self._plan, self._session.spent
        ended = [counts for counts in self._all_counts if counts.generation]
        lines, calls = sum(each.finished for each in ended), sum(each.calls for each in ended)
        each = (self._usual * ENOUGH + calls) / (ENOUGH + lines)
        left = plan.size * self._recipe.generations - lines
        seeds = plan.unanswered if self._recipe.answer_seeds else 0
        return SoFar(
            self._session.replies(),
            round(seeds + calls + left * each),
            sum(counts.kept for counts in ended),
            spent.tokens,
            spent.cost,
        )

    def _seeds(self) -> Iterator[Member]:
        return map(Member, self._plan.seeds.read())

    async def _finished(self, step: Step, pool: Pool) -> AsyncGenerator[Event]:
        """Carry a generation out, unless it is finished."""
        number = step.generation
        counts = Counts(number, self._plan.size)
        self._all_counts.append(counts)
        self._session.go_on()
        record = self._earlier(number)
        if record is not None and await asyncio.to_thread(self._is_finished, number, record):
            self._all_counts[-1] = counts = Counts.from_json(record["tally"])
            self._records.append(record)
            yield GenerationEnded(counts, is_new=False)
            return
        yield GenerationStarted(
            counts, self._recipe.generations, self._session.sending, self._so_far
        )
        if self._rounds is not None:
            async for notice in self._in_rounds(self._rounds, number, pool):
                yield notice
        scheduler = Scheduler(self._plan.size, step, self._session.ahead, prefetch=self._prefetch)
        if self._prefetch is not None:
            self._prefetch.begin(number, scheduler.stop)
        self._session.work = scheduler
        self._session.go_on()  # a stop that came before it was known to the session
        async with aclosing(self._carried_out(counts, scheduler, pool)) as events:
            async for event in events:
                yield event
        self._session.work = None
        yield GenerationEnded(counts, is_new=True)

    def _earlier(self, number: int) -> dict[str, Any] | None:
        records = self._plan.state.get("generations", [])
        return records[number] if number < len(records) else None

    def _is_finished(self, number: int, record: dict[str, Any]) -> bool:
        """Tell whether an earlier command finished a generation, of just what decides it now."""
        return (
            record["made_from"] == self._made_from[number]
            and (self._gate is None or self._gate.holds(number, self._made_from[number]))
            and (self._verified or self._dir.is_finished(record["files"]))
        )

    async def _carried_out(
        self, counts: Counts, scheduler: Scheduler, pool: Pool
    ) -> AsyncGenerator[Event]:
        number = counts.generation
        record, made_from = self._earlier(number), self._made_from[number]
        changed = record is not None and record["made_from"] != made_from
        others = None
        if number and record is not None and differs_by_reviews(record["made_from"], made_from):
            others = OtherFamilies(self._dir, number, self._plan.reviews)
        kinds = _kinds(number, self._recipe.answer_seeds)
        if self._gate is not None:
            # In a thread: where a run goes on, an index of all that passed is made first.
            await asyncio.to_thread(self._gate.begin, number, made_from)
        with GenerationFiles(self._dir, number, kinds, beside=changed) as files:
            async with aclosing(scheduler.lines(pool())) as lines:
                async for event in self._written(lines, files, counts):
                    if others is not None and isinstance(event, LineWritten):
                        others.see(event.line)
                    yield event
            described = files.finish()
        for told in others.told(number) if others is not None else ():
            yield Notice(told)
        if self._gate is not None:
            self._gate.end()
        self._records.append(
            {"tally": counts.to_json(), "made_from": made_from, "files": described}
        )

    async def _written(
        self, lines: AsyncIterator[Line], files: GenerationFiles, counts: Counts
    ) -> AsyncIterator[Event]:
        """Write and count each line; say what is wrong with the counts."""
        watch = YieldMonitor(counts, self._told_causes)
        calls, replayed, used = self._session.calls, self._session.replayed, self._session.used
        answers_seeds = counts.generation == 0 and self._recipe.answer_seeds
        seeds = self._plan.seeds.read() if answers_seeds else None
        flushed = time.monotonic()
        async for line in lines:
            counts.add(line)
            counts.calls = used[counts.generation]
            files.write(line)
            if seeds is not None and (seed := next(seeds)) and not isinstance(line, Kept):
                # A seed stays in the pool, and in its file, whatever became of its answer.
                counts.add(seed)
                files.write(seed)
            # No more often, because a kill loses nothing: the journal has it all.
            if (now := time.monotonic()) - flushed >= _FLUSH_EVERY:
                files.flush()
                flushed = now
            for learned in self._session.take_notices():
                yield Notice(learned)
            spent = self._session.spent
            yield LineWritten(line, calls.total(), replayed.total(), spent.tokens, spent.cost)
            if counts.generation and (notice := watch.see(line)):
                yield notice
            if counts.generation and watch.is_due:
                self._stop_if_little_is_kept(counts)

    def _stop_if_little_is_kept(self, counts: Counts) -> None:
        least = self._plan.settings.execution.min_kept
        share = counts.kept_share
        if least is not None and share is not None and share < least:
            raise TooLittleKept(
                f"Generation {counts.generation} keeps {share:.0%} of"
                f" {counts.finished:,} instructions, less than --min-kept {least:g};"
                f" see {self._dir.file(counts.generation, Rejected)} for the reasons,"
                " or give a lower share to go on."
            )


def _kinds(number: int, answer_seeds: bool) -> tuple[type[Line], ...]:
    return (Kept, Rejected, Failed) if number or answer_seeds else (Kept,)
