"""One `evolve` command, from a plan to how it ended.

Opens the run directory, drives generation after generation, writes their lines, and keeps run.json
true. It yields events and prints nothing; how an instruction evolves it does not know.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from evolinstruct import prompts
from evolinstruct.errors import EvolinstructError, InputError, Interrupted, StopRun, TooLittleKept
from evolinstruct.events import Event, Finished, GenerationEnded, GenerationStarted, Said, Settled
from evolinstruct.evolution import Evolution, Proposal
from evolinstruct.forecast import Forecast, count_applicable, forecast
from evolinstruct.generations import Answer, Generation, Propose
from evolinstruct.llm.base import Client
from evolinstruct.llm.journal import Journal, Journalled
from evolinstruct.llm.stack import Endpoints, default_client
from evolinstruct.plan import Plan, make_plan
from evolinstruct.recipe import Recipe, Settings
from evolinstruct.records import Failed, Kept, Line, Rejected
from evolinstruct.run_dir import GenerationFiles, RunDir
from evolinstruct.summary import Summary, describe, now
from evolinstruct.tally import Tally, Watch

EXIT_FAILED = 3
_FLUSH_EVERY = 64


def prepare(sources: Sequence[str], out: Path, settings: Settings) -> Job:
    """Check everything that can be checked before a call, and change nothing.

    Raises:
        UsageError: a setting is wrong.
        InputError: a file or the directory is wrong.
    """
    if not settings.recipe.client:
        client = default_client(settings.conduct)
        recipe = settings.recipe.model_copy(update={"client": client})
        settings = replace(settings, recipe=recipe)
    run_dir = RunDir(out)
    return Job(make_plan(sources, run_dir, settings), run_dir)


class Job:
    """One run of a plan in a directory."""

    def __init__(self, plan: Plan, run_dir: RunDir) -> None:
        """Make the clients; nothing is written yet.

        Raises:
            UsageError: the client is not there, or lacks a setting.
        """
        self._plan = plan
        self._dir = run_dir
        self._recipe = plan.settings.recipe
        self._endpoints = Endpoints(self._recipe, plan.settings.conduct, _purposes(plan))
        self._generation: Generation | None = None
        self._stopped: StopRun | None = None
        self._records: list[dict[str, Any]] = []
        self._started = now()
        self.summary = Summary()

    def forecast(self) -> Forecast:
        """Return the most calls that the run can take."""
        return forecast(self._recipe, self._plan.size, self._plan.unanswered)

    async def events(self, *, update: bool = False) -> AsyncGenerator[Event]:
        """Carry the run out, from wherever an earlier command left it.

        Raises:
            InputError: the directory holds another run and `update` is not given.
            StopRun: it ended early; the same command goes on.
        """
        self._refuse_another_run(update=update)
        self._dir.open()
        try:
            journal = self._open_journal()
            client = Journalled(self._endpoints, journal, self._recipe.client)
            try:
                async with aclosing(self._carried_out(journal, client)) as events:
                    async for event in events:
                        yield event
            finally:
                await client.aclose()
                journal.close()
        finally:
            self._dir.close()

    def stop(self, error: StopRun) -> None:
        """End the run: nothing more is sent, calls under way get a few seconds."""
        if self._stopped is not None:
            return
        self._stopped = error
        self._endpoints.stop(error)
        if self._generation is not None:
            self._generation.stop(error)

    def interrupt(self) -> None:
        """Stop the run for a person who asked for it; asked twice, at once."""
        if isinstance(self._stopped, Interrupted) and self._generation is not None:
            self._generation.abandon()
        self.stop(Interrupted("Interrupted; the same command goes on where it stopped."))

    # Opening

    def _refuse_another_run(self, *, update: bool) -> None:
        if self._plan.differences and not update:
            raise InputError(
                f"{self._dir.path} holds a run that differs: {'; '.join(self._plan.differences)}."
                " Add --update to carry that run over to the new settings,"
                " or choose another directory with -o."
            )

    def _open_journal(self) -> Journal:
        path = self._dir.journal
        if self._plan.state.get("generations") and not path.exists():
            raise InputError(
                f"{path} is missing, but the run has generations made from it;"
                " restore the file, or choose another directory with -o."
            )
        return Journal(path)

    # The run

    async def _carried_out(self, journal: Journal, client: Journalled) -> AsyncGenerator[Event]:
        try:
            async for event in self._said_first(journal):
                yield event
            self._copy_pack()
            self._save(journal, client)
            async for event in self._generations(client):
                yield event
                if isinstance(event, GenerationEnded):
                    self._save(journal, client)
            yield Finished(self._merge())
            self._conclude()
        except EvolinstructError as error:
            self.summary.status = str(error)
            self.summary.exit_code = error.exit_code
            raise
        finally:
            self._save(journal, client)

    async def _said_first(self, journal: Journal) -> AsyncIterator[Event]:
        for notice in (*self._endpoints.notices, *_switched_off(self._recipe)):
            yield Said(notice)
        plan = self._plan
        if plan.additions:
            yield Said(f"Adding to the run in {self._dir.path}: {' and '.join(plan.additions)}.")
        if plan.differences:
            applicable = await count_applicable(
                plan.seeds.read(), self._recipe, self._evolution, journal
            )
            most = forecast(self._recipe, plan.size, plan.unanswered, applicable)
            yield Said(
                f"Updating the run in {self._dir.path} ({'; '.join(plan.differences)}):"
                f" at least {applicable:,} replies apply,"
                f" at most {most.new_at_most:,} calls are new."
            )
        elif (replies := journal.replies()) and plan.state.get("status") != "done":
            yield Said(
                f"Going on with the run in {self._dir.path}: {replies:,} outcomes in the journal,"
                " none will be paid for again."
            )

    def _copy_pack(self) -> None:
        folder = self._dir.prompts
        if folder.exists():
            if prompts.read(folder).digest == self._plan.pack.digest:
                return
            shutil.rmtree(folder)
        prompts.copy(prompts.find(self._recipe.prompts), folder)

    async def _generations(self, client: Journalled) -> AsyncIterator[Event]:
        evolution = self._evolution(client)
        recipe = self._recipe
        first = _as_read(answer=recipe.answer_seeds)
        answer = evolution.answer if recipe.answer_seeds else None
        async for event in self._one_generation(client, 0, self._plan.seeds.read, first, answer):
            yield event
        answer = evolution.answer if recipe.answers else None
        for number in range(1, recipe.generations + 1):
            pool = partial(self._dir.pool, number)
            propose = partial(evolution.propose, generation=number)
            async for event in self._one_generation(client, number, pool, propose, answer):
                yield event

    async def _one_generation(
        self,
        client: Journalled,
        number: int,
        pool: Callable[[], Iterator[Kept]],
        propose: Propose,
        answer: Answer | None,
    ) -> AsyncIterator[Event]:
        tally = Tally(number, self._plan.size)
        self.summary.tallies.append(tally)
        made_from = self._made_from(number)
        record = self._earlier(number)
        if record and record["made_from"] == made_from and self._dir.is_finished(record["files"]):
            self.summary.tallies[-1] = tally = Tally.from_json(record["tally"])
            self._records.append(record)
            yield GenerationEnded(tally, anew=False)
            return
        yield GenerationStarted(tally, self._recipe.generations)
        ahead = self._plan.settings.conduct.concurrency
        self._generation = Generation(self._plan.size, propose, _open_gate, answer, ahead)
        if self._stopped is not None:
            raise self._stopped
        with GenerationFiles(self._dir, number, _kinds(number, self._recipe.answer_seeds)) as files:
            async with aclosing(self._generation.lines(pool())) as lines:
                async for event in self._written(lines, files, tally, client):
                    yield event
            described = files.finish()
        self._generation = None
        self._records.append({"tally": tally.to_json(), "made_from": made_from, "files": described})
        yield GenerationEnded(tally, anew=True)

    async def _written(
        self, lines: AsyncIterator[Line], files: GenerationFiles, tally: Tally, client: Journalled
    ) -> AsyncIterator[Event]:
        """Write and count each line; say what is wrong with the counts."""
        watch = Watch(tally)
        seeds = self._plan.seeds.read() if tally.generation == 0 else None
        async for line in lines:
            tally.add(line)
            files.write(line)
            if seeds is not None and (seed := next(seeds)) and not isinstance(line, Kept):
                # A seed stays in the pool, and in its file, whatever became of its answer.
                tally.add(seed)
                files.write(seed)
            if tally.settled % _FLUSH_EVERY == 0:
                files.flush()
            yield Settled(line, client.calls.total(), client.replayed.total())
            if tally.generation and (notice := watch.see(line)):
                yield notice
            if tally.generation and watch.is_due:
                self._stop_if_little_is_kept(tally)

    def _stop_if_little_is_kept(self, tally: Tally) -> None:
        least = self._plan.settings.conduct.min_kept
        if least is not None and tally.kept_share < least:
            raise TooLittleKept(
                f"Generation {tally.generation} keeps {tally.kept_share:.0%} of"
                f" {tally.settled:,} instructions, less than --min-kept {least:g};"
                f" see {self._dir.file(tally.generation, Rejected)} for the reasons."
            )

    def _merge(self) -> int | None:
        """Put the data set in place, unless answers are off or it is there already."""
        if not self._recipe.answers:
            return None
        earlier = self._plan.state.get("dataset")
        unchanged = self._records == self._plan.state.get("generations")
        if earlier and unchanged and self._dir.dataset.exists():
            count = int(earlier["lines"])
        else:
            count = self._dir.write_dataset(self._recipe.generations, self._recipe.seed)
        self.summary.dataset_lines = count
        return count

    def _conclude(self) -> None:
        self._dir.drop_after(self._recipe.generations)
        tallies = self.summary.tallies
        failed = sum(tally.failed.total() for tally in tallies)
        asked = sum(tally.pool for tally in tallies if tally.generation)
        fine = self._plan.settings.conduct.allows(failed, asked)
        self.summary.status = "done"
        self.summary.exit_code = 0 if fine else EXIT_FAILED

    # What is remembered

    def _evolution(self, client: Client) -> Evolution:
        plan = self._plan
        return Evolution(self._recipe, plan.pack, plan.weights, client)

    def _earlier(self, number: int) -> dict[str, Any] | None:
        records = self._plan.state.get("generations", [])
        return records[number] if number < len(records) else None

    def _made_from(self, number: int) -> str:
        """Return a digest of all that decides a generation's bytes, beside the journal."""
        recipe = self._recipe.model_dump_json(exclude={"generations", "prompts"})
        parts = f"{number}\n{recipe}\n{self._plan.pack.digest}\n{self._plan.digest}"
        return blake2b(parts.encode(), digest_size=16).hexdigest()

    def _save(self, journal: Journal, client: Journalled) -> None:
        self.summary.calls.update(client.calls)
        self.summary.replayed.update(client.replayed)
        self.summary.usage = list(journal.spent())
        self._dir.save_state(describe(self._plan, self.summary, self._records, self._started))


def _purposes(plan: Plan) -> list[str]:
    recipe = plan.settings.recipe
    in_use = {
        "evolve": True,
        "compare": recipe.compare,
        "answer": recipe.answers or recipe.answer_seeds,
    }
    return [purpose for purpose, used in in_use.items() if used]


def _switched_off(recipe: Recipe) -> Iterator[str]:
    if not recipe.compare:
        yield "Comparison is off: a rewrite that gained no information is kept."
    if not recipe.eliminate:
        yield "Elimination is off: whatever can be an instruction is kept."


def _as_read(*, answer: bool) -> Propose:
    """Return the first step of generation 0: seeds without an answer wait for one if asked."""

    async def propose(seed: Kept) -> Proposal | Line:
        return Proposal(seed) if answer and seed.output is None else seed

    return propose


def _open_gate(proposal: Proposal | Line) -> Proposal | Line:
    """Let everything pass: no rule looks at the whole pool."""
    return proposal


def _kinds(number: int, answer_seeds: bool) -> tuple[type[Line], ...]:
    return (Kept, Rejected, Failed) if number or answer_seeds else (Kept,)
