"""Job: one `evolve` command, from a plan to how it ended.

Opens a session, has generation after generation carried out, and keeps run.json true. It yields
events and prints nothing.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, aclosing, closing, suppress
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from evolinstruct import prompts
from evolinstruct.defaults import METHOD
from evolinstruct.errors import FilesGone, InputError, Interrupted, told
from evolinstruct.evolution import Evolution
from evolinstruct.evolution.calls import Ask
from evolinstruct.evolution.preferring import judged_by
from evolinstruct.gate import Gate, open_gate
from evolinstruct.llm.clients import with_client
from evolinstruct.llm.journal import Journal
from evolinstruct.llm.journal.shard import settle
from evolinstruct.purposes import asked_by
from evolinstruct.records import Kept
from evolinstruct.run import notices, retries
from evolinstruct.run.estimate import estimate, rounds
from evolinstruct.run.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    Notice,
)
from evolinstruct.run.forecast import Forecast, count_applicable, forecast
from evolinstruct.run.generations import Generations
from evolinstruct.run.live import LiveFile
from evolinstruct.run.log import Log
from evolinstruct.run.plan import Plan, make_plan
from evolinstruct.run.reviewing import what_is_decided, what_was_applied, with_reviews
from evolinstruct.run.seed_lines import write_seeds
from evolinstruct.run.session import INTERRUPTED, Session
from evolinstruct.run.summary import Summary, describe, now
from evolinstruct.run_dir import dataset
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.lines import matches
from evolinstruct.settings import Settings
from evolinstruct.text import counted

EXIT_FAILED = 3


def prepare(
    sources: Sequence[str], out: Path, settings: Settings, preview: int | None = None
) -> Job:
    """Check everything that can be checked before a call, and change nothing.

    With `preview`, prepare a preview: a run of only so many of the seeds, drawn by the run's seed.

    Raises:
        UsageError: a setting is wrong.
        InputError: a file or the directory is wrong.
    """
    run_dir = RunDir(out)
    return Job(make_plan(sources, run_dir, with_client(settings), preview), run_dir)


class Job:
    """One run of a plan in a directory."""

    def __init__(self, plan: Plan, run_dir: RunDir) -> None:
        """Make the clients; nothing is written yet.

        Raises:
            UsageError: the client is unknown, or lacks a setting.
        """
        self._plan = plan
        self._dir = run_dir
        self._recipe = plan.settings.recipe
        self._session = Session(
            plan.settings, asked_by(self._recipe, plan.pack.checks), run_dir, plan.state
        )
        self._log = Log(run_dir.events if plan.settings.execution.events else None)
        self._records: list[dict[str, Any]] = []  # what run.json says of generations that ended
        self._made_from: list[str] = []
        self._is_idle = False
        self._started = now()
        self._began = time.monotonic()
        self.summary = Summary()

    def forecast(self, *, update: bool = False) -> Forecast:
        """Return what the run is likely to take and the most that it can, beyond the journal.

        Raises:
            InputError: the directory holds another run and `update` is not given.
        """
        self._refuse_another_run(update=update)
        known = self._plan.state and self._dir.journal.exists()
        spared = self._applicable() if known else Counter()
        plan = self._plan
        likely = estimate(
            self._recipe,
            plan.settings.execution,
            self._session.tariff,
            plan.pack,
            plan.weights,
            plan.seeds.read(),
            plan.state.get("usage", ()),
            spared,
        )
        receivers = self._session.receivers()
        return replace(self._forecast(spared.total()), estimate=likely, receivers=receivers)

    async def events(
        self,
        *,
        update: bool = False,
        retry: str | None = None,
        forget_batches: bool = False,
        only_prepare: bool = False,
    ) -> AsyncGenerator[Event]:
        """Carry the run out, from wherever an earlier command left it.

        Whoever stops listening before the end closes it: `contextlib.aclosing`.

        Args:
            update: carry a run that differs over to these settings.
            retry: ask once more for what is ``failed``, or rejected by the rule of this name.
            forget_batches: give up batches that the service does not know any more.
            only_prepare: write what workers need, `run.json`, prompts and seeds; make no call.

        Raises:
            UsageError: the word of `retry` names no kind of line.
            InputError: the directory holds another run and `update` is not given.
            StopRun: it ended early; the same command goes on.
        """
        self._refuse_another_run(update=update)
        if retry is not None:
            retries.check_retry(retry, self._dir)
        async with self._session as session:
            self.summary.journal = session.journal.number
            if session.batches is not None:
                session.batches.forgets = forget_batches
            gate = await asyncio.to_thread(
                open_gate, self._dir.gate, self._plan.rules, self._plan.pack.skips
            )
            try:
                with self._log as log:
                    async with (
                        LiveFile(self._dir.live) as live,
                        aclosing(self._carried_out(gate, retry, only_prepare)) as events,
                    ):
                        async for event in events:
                            live.see(event)
                            log.see(event)
                            yield event
            finally:
                if gate is not None:
                    gate.close()
        if only_prepare:
            settle(self._dir.journal)  # workers read it, and may have copies

    def interrupt(self) -> None:
        """Stop the run for a person who asked for it; asked twice, at once."""
        self._session.interrupt()

    # Opening

    def _refuse_another_run(self, *, update: bool) -> None:
        if self._plan.differences and not update:
            raise InputError(
                f"{self._dir.path} holds a run that differs: {'; '.join(self._plan.differences)}."
                " Add --update to carry that run over to the new settings,"
                " or choose another directory with -o."
            )

    def _applicable(self) -> Counter[tuple[int, str]]:
        """Count in a thread of its own, or before there is a loop: a journal has one user."""
        with ExitStack() as stack:
            journal = stack.enter_context(closing(Journal(self._dir.journal, only_read=True)))
            gate = open_gate(None, self._plan.rules, self._plan.pack.skips)
            if gate is not None:
                stack.enter_context(closing(gate))
            seeds = self._unless_stopped(self._plan.seeds.read())
            return count_applicable(
                seeds,
                self._recipe.generations,
                self._evolution,
                self._recipe.client,
                journal,
                gate,
            )

    def _unless_stopped(self, seeds: Iterator[Kept]) -> Iterator[Kept]:
        for seed in seeds:
            self._session.go_on()
            yield seed

    def _forecast(self, applicable: int) -> Forecast:
        plan = self._plan
        anew = plan.reviews.answered_anew
        return forecast(self._recipe, plan.pack, plan.size, plan.unanswered, applicable, anew)

    # The run

    async def _carried_out(
        self, gate: Gate | None, retry: str | None, only_prepare: bool
    ) -> AsyncGenerator[Event]:
        try:
            async for event in self._said_first(retry):
                yield event
            self._session.go_on()
            made = self._prepared() if only_prepare else self._made(gate)
            async with aclosing(made) as events:
                async for event in events:
                    yield event
        except BaseException as error:
            self._end_early(error)
            with suppress(InputError, FilesGone):  # a full disk was said already
                self._save()
            raise
        self._save()

    async def _prepared(self) -> AsyncGenerator[Event]:
        """Write what workers need; a run that is finished stays so."""
        self._records += self._plan.state.get("generations", ())  # each is looked at when it counts
        self._save()
        self._copy_pack()
        await asyncio.to_thread(write_seeds, self._plan.seeds, self._dir)
        yield Notice(notices.what_is_prepared(self._plan, self._dir))
        if not self._is_idle:
            self.summary.status, self.summary.exit_code = notices.PREPARED, 0

    async def _made(self, gate: Gate | None) -> AsyncGenerator[Event]:
        """Carry out all generations, and put the data set in place."""
        self._save()
        self._copy_pack()
        async with aclosing(self._evolved(gate)) as events:
            async for event in events:
                yield event
        lines = await self._merged()
        for notice in await asyncio.to_thread(self._what_was_applied):
            yield Notice(notice)
        yield Finished(lines)
        self._conclude()
        self._session.journal.end_retries()

    async def _evolved(self, gate: Gate | None) -> AsyncGenerator[Event]:
        """Carry out the generations; run.json is true after each of them."""
        generations = Generations(
            self._plan,
            self._dir,
            self._session,
            gate,
            self._made_from,
            self.summary.all_counts,
            self._records,
            verified=self._is_idle,
        )
        async with aclosing(generations.events()) as events:
            async for event in events:
                if isinstance(event, GenerationStarted):
                    self._is_idle = False
                yield event
                if isinstance(event, GenerationEnded):
                    self._save()

    def _end_early(self, error: BaseException) -> None:
        """Note why the run ended, for the summary; a caller that walks away interrupts it."""
        ending = told(error if isinstance(error, Exception) else Interrupted(INTERRUPTED))
        self.summary.status = str(ending)
        self.summary.exit_code = ending.exit_code
        with suppress(InputError):  # a full disk was said already
            self._log.see_early_end(ending)

    async def _said_first(self, retry: str | None) -> AsyncIterator[Event]:
        plan, out, journal = self._plan, self._dir.path, self._session.journal
        lost = notices.what_was_lost(plan, self._dir, journal)
        for notice in lost:
            yield Notice(notice, is_loss=True)
        for notice in (*self._session.notices, *notices.about_settings(plan)):
            yield Notice(notice)
        if plan.settings.execution.in_batches:
            yield Notice(notices.what_batches_take(rounds(self._recipe)))
        if self._recipe.reviews:
            yield Notice(what_is_decided(plan.reviews, out))
        if retry is not None:
            places = retries.places(retry, self._dir, self._recipe.generations)
            yield Notice(notices.what_is_retried(retry, journal.retire(retry, places)))
        self._made_from = [
            self._decided_by(number, journal.retired(number), journal.overruled(number))
            for number in range(self._recipe.generations + 1)
        ]
        if plan.additions:
            known = self._forecast(self._known())
            yield Notice(notices.what_is_added(plan, self._dir, known))
        if plan.differences:
            spared = await asyncio.to_thread(self._applicable)
            known = self._forecast(spared.total())
            yield Notice(notices.what_is_updated(plan, self._dir, known))
        elif not plan.state:
            yield Notice(
                f"Evolving {counted(plan.size, 'seed')}"
                f" over {counted(self._recipe.generations, 'generation')} into {out}:"
                f" at most {self._forecast(applicable=0).at_most:,} calls."
            )
        elif not plan.additions and not retry:
            self._is_idle = await asyncio.to_thread(self._is_as_it_was)
            found = notices.what_was_found(plan, self._dir, journal, finished=self._is_idle)
            yield Notice(found)

    def _known(self) -> int:
        """Return how many calls the generations took that the run has and keeps."""
        records = self._plan.state["generations"][: self._recipe.generations + 1]
        return sum(record["tally"]["calls"] for record in records)

    def _is_as_it_was(self) -> bool:
        """Tell whether the run had ended, and neither its files nor what decides them changed."""
        records = self._plan.state["generations"]
        return (
            self._plan.state["status"] == notices.DONE
            and [record["made_from"] for record in records] == self._made_from
            and all(self._dir.is_finished(record["files"]) for record in records)
            and (not self._plan.state.get("dataset") or self._has_its_dataset())
        )

    def _copy_pack(self) -> None:
        folder = self._dir.prompts
        if folder.exists():
            with suppress(InputError):  # whatever happened to the copy, another takes its place
                if prompts.read(folder).digest == self._plan.pack.digest:
                    return
            shutil.rmtree(folder)
        prompts.copy(prompts.find(self._recipe.prompts), folder)

    async def _merged(self) -> int | None:
        """Put the data set in place, unless it is there already; return how many lines it has.

        A run without answers has none, nor has a preview: the file says that a run is whole.
        """
        if not self._recipe.answers or self._plan.seeds.drawn_from is not None:
            self._dir.dataset.unlink(missing_ok=True)  # of other settings
            return None
        unchanged = self._records == self._plan.state.get("generations")
        if self._is_idle or (unchanged and await asyncio.to_thread(self._has_its_dataset)):
            self.summary.dataset = self._plan.state["dataset"]
        else:
            self._is_idle = False
            last, seed = self._recipe.generations, self._recipe.seed
            merge = partial(dataset.write, self._dir, last, seed, self._session.go_on)
            self.summary.dataset = await asyncio.to_thread(merge)
        return self.summary.dataset_lines

    def _what_was_applied(self) -> list[str]:
        reviews, last = self._plan.reviews, self._recipe.generations
        return [*what_was_applied(reviews, self._dir, last)] if reviews else []

    def _has_its_dataset(self) -> bool:
        """Tell whether the data set is there, byte for byte as run.json says."""
        described = self._plan.state.get("dataset") or {}
        return "digest" in described and matches(self._dir.dataset, described)

    def _conclude(self) -> None:
        self._dir.drop_after(self._recipe.generations)
        all_counts = self.summary.all_counts
        failed = sum(counts.failed.total() for counts in all_counts)
        asked = sum(counts.pool for counts in all_counts if counts.generation)
        fine = self._plan.settings.execution.allows(failed, asked)
        self.summary.status = notices.DONE
        self.summary.exit_code = 0 if fine else EXIT_FAILED

    # What is remembered

    def _evolution(self, ask: Ask) -> Evolution:
        plan = self._plan
        return Evolution(self._recipe, plan.pack, plan.weights, ask, plan.against, plan.reviews)

    def _decided_by(self, number: int, retired: Sequence[object], overruled: int) -> str:
        """Return a digest of all that decides a generation's bytes, beside the replies."""
        excluded = {"generations", "prompts", "against", "reviews"}
        recipe = self._recipe.model_dump_json(exclude=excluded)
        plan = self._plan
        decisive: list[object] = [
            number,
            recipe,
            plan.rules,
            plan.pack.digest,
            plan.digest,
            retired,
        ]
        if judge := judged_by(self._recipe, plan.pack):
            decisive.append(judge)
        if METHOD > 1:  # the first one was not written down
            decisive.append(METHOD)
        if overruled:
            decisive.append(f"overruled {overruled}")
        parts = "\n".join(map(str, decisive))
        decided = blake2b(parts.encode(), digest_size=16).hexdigest()
        return with_reviews(decided, plan.reviews)

    def _save(self) -> None:
        summary, session = self.summary, self._session
        summary.calls.update(session.calls)
        summary.replayed.update(session.replayed)
        summary.usage = session.account()
        summary.spent = session.spent
        summary.prices = [*session.tariff.used]
        summary.in_vain = session.in_vain
        summary.seconds = time.monotonic() - self._began
        is_known = self._plan.state.get("spent", {}).get("calls") == summary.spent.calls
        if (
            self._is_idle
            and is_known
            and summary.exit_code in (None, self._plan.state["exit_code"])
        ):
            return  # a finished run that was looked at again is what it was
        self._dir.save_state(describe(self._plan, summary, self._records, self._started))
