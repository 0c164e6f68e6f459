"""Work: one shard of a prepared run, whose calls fill a file of its own.

Each of its families goes through all generations by the step of the run, past no gate, as in
`prefetch`. Nothing is decided here: the file is merged into the run, which then finds there what it
would ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evolinstruct import elimination, prompts
from evolinstruct.defaults import METHOD
from evolinstruct.errors import InputError
from evolinstruct.evolution import Evolution
from evolinstruct.evolution.calls import Ask
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.throttle import Sending
from evolinstruct.purposes import asked_by
from evolinstruct.records import Failed, Kept, Member
from evolinstruct.run.differences import (
    check_state,
    differing_method,
    differing_reviews,
    differing_rules,
)
from evolinstruct.run.plan import weights_in_use
from evolinstruct.run.shards import (
    Shard,
    ShardFile,
    divided,
    own_spending,
    parts_of,
    require_shard,
)
from evolinstruct.run.stage import Stage
from evolinstruct.run.stage_job import StageJob, StageSummary
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.reviews import NONE, read_reviews
from evolinstruct.seeds.test_items import read_test_items
from evolinstruct.settings import Layer, Recipe, SeedSettings, Settings, gather_execution
from evolinstruct.text import command, counted, listed


@dataclass(frozen=True, slots=True)
class Worked:
    """How far the work on a shard is.

    Attributes:
        shard: which one.
        done: families that have been taken through all generations.
        families: how many it has.
        failed: calls that got no reply.
        spent: what was ever spent on it.
        sending: how calls are being sent.
    """

    shard: Shard
    done: int
    families: int
    failed: int
    spent: Spending
    sending: Sending


def prepare(run: Path, shard: Shard, out: Path, given: Layer) -> ShardJob:
    """Check everything that can be checked before a call, and change nothing.

    Args:
        run: the directory of the run.
        shard: which part of its seeds is worked on.
        out: the shard's file.
        given: how it is carried out, where that is not as the run says; caps and rates are those
            of the whole run.

    Raises:
        UsageError: a setting is wrong, or leaves nothing for this shard.
        InputError: the run is not prepared, or differs; or the file is another's.
    """
    run_dir = RunDir(run)
    state = _state(run_dir)
    execution = gather_execution(given, state.get("conduct", {}), run_dir.state_file)
    if execution.batch:
        raise InputError(
            f"{run} is carried out in batches, which workers do not send;"
            " prepare it with --no-batch."
        )
    part = divided(execution, shard, own_spending(state))
    settings = Settings(Recipe.of_run(state["recipe"]), SeedSettings(), part)
    evolving = _Evolving(run_dir, state, settings.recipe)
    file = ShardFile(out)
    if said := file.state():
        require_shard(said, out, state["journal"], METHOD)
        if said["shard"] != str(shard):
            raise InputError(
                f"{out} is the shard {said['shard']} of this run, not {shard};"
                " name another file with -o."
            )
    has_known = state.get("spent", {}).get("calls") and run_dir.journal.exists()
    known = run_dir.journal if has_known else None
    return ShardJob(shard, file, settings, evolving, state, known)


def _state(run_dir: RunDir) -> dict[str, Any]:
    state = run_dir.state() if run_dir.is_run else {}
    check_state(run_dir, state)
    lines = sum(1 for _ in run_dir.lazy_lines(0)) if run_dir.file(0).exists() else 0
    if not state.get("journal") or lines != state["seeds"].get("used"):
        raise InputError(
            f"{run_dir.path} is no prepared run, or a part of one; make it with"
            f" `{command('evolinstruct', 'evolve', 'SEEDS', '-o', run_dir.path, '--prepare')}`,"
            " and copy it as a whole."
        )
    return state


class _Evolving:
    """What evolves the seeds of a prepared run, made from its own files."""

    def __init__(self, run_dir: RunDir, state: Mapping[str, Any], recipe: Recipe) -> None:
        """Read it.

        Raises:
            InputError: it differs from what the run was prepared with.
        """
        self.recipe = recipe
        self._run_dir = run_dir
        self._pack = prompts.read(run_dir.prompts)
        self._against = read_test_items(recipe.against) if recipe.against else None
        self._reviews = read_reviews(run_dir.path) if recipe.reviews else NONE
        rules = elimination.choose(
            recipe.rules, eliminate=recipe.eliminate, test_items=self._against
        ).described()
        differences = [
            *differing_method(state),
            *differing_rules(state, recipe, rules),
            *differing_reviews(state, self._reviews),
        ]
        if self._pack.digest != state["pack"]["digest"]:
            differences.append("its prompts are not those of run.json")
        if differences:
            raise InputError(
                f"{run_dir.path} was prepared otherwise than it would be worked on here:"
                f" {'; '.join(differences)}; prepare it anew, with --update."
            )

    @property
    def purposes(self) -> tuple[str, ...]:
        """What calls are made for."""
        return tuple(asked_by(self.recipe, self._pack.checks))

    def by(self, ask: Ask) -> Evolution:
        """Return what evolves, asking through a session."""
        weights = weights_in_use(self.recipe, self._pack)
        return Evolution(self.recipe, self._pack, weights, ask, self._against, self._reviews)

    def families(self, shard: Shard) -> Iterator[Member]:
        """Yield the families of a shard, as they enter the run."""
        for line in self._run_dir.lazy_lines(0):
            if shard.holds(line.seed_id):
                seed: Kept = line.parse()
                if seed.model is not None:  # the run has answered it
                    seed = replace(seed, output=None, model=None)
                yield Member(seed)


class ShardJob(StageJob[StageSummary]):
    """One `work` command."""

    def __init__(
        self,
        shard: Shard,
        file: ShardFile,
        settings: Settings,
        evolving: _Evolving,
        state: Mapping[str, Any],
        known: Path | None,
    ) -> None:
        """Make the clients; nothing is written yet. What the journal `known` has is not asked.

        Raises:
            UsageError: the client is unknown, or lacks a setting.
            InputError: a key is missing.
        """
        super().__init__(settings, evolving.purposes, file, StageSummary(file.journal), known)
        self._shard = shard
        self._evolving = evolving
        self._evolution = evolving.by(self._session.ask)
        self._run: int = state["journal"]
        self._all = state["seeds"]["used"]
        self._families = sum(1 for _ in evolving.families(shard))

    def notices(self) -> list[str]:
        """Return what is to be known before it begins, a sentence each."""
        generations = counted(self._recipe.generations, "generation")
        parts = parts_of(self._execution)
        of_caps = f" Its part of what the run may take: {listed(parts)}." if parts else ""
        return [
            *self._session.notices,
            f"Working on the shard {self._shard}: {self._families:,} of"
            f" {counted(self._all, 'seed')} over {generations}, into {self.summary.file}.{of_caps}",
        ]

    async def events(self) -> AsyncGenerator[Worked]:
        """Take the families through all generations.

        Whoever stops listening before the end closes it: `contextlib.aclosing`.

        Raises:
            InputError: a file cannot be read or written.
            StopRun: it ended early; the same command goes on.
        """
        async with self._opened() as session:
            self._save(self._write())  # first of all: a file that is killed says whose it is
            stage = Stage(self._played, session.ahead)
            self._working(stage)
            done = 0
            yield self._progress(done)
            async with aclosing(stage.results(self._evolving.families(self._shard))) as results:
                async for failed in results:
                    done += 1
                    self.summary.failed.update(failed)
                    yield self._progress(done)

    async def _played(self, member: Member) -> Counter[str]:
        """Take a family through all generations; return what failed, by the error."""
        failed = Counter[str]()
        for generation in range(not self._recipe.answer_seeds, self._recipe.generations + 1):
            line = await self._evolution.step(generation).take(member)
            member = member.after(line)
            if isinstance(line, Failed):
                failed[line.error] += 1
        return failed

    def _progress(self, done: int) -> Worked:
        failed, session = self.summary.failed.total(), self._session
        sending = session.sending()
        return Worked(self._shard, done, self._families, failed, session.spent, sending)

    def _asked(self) -> int:
        return self._families * self._recipe.generations

    def _write(self) -> Mapping[str, Any]:
        return {
            "run": self._run,
            "shard": str(self._shard),
            "method": METHOD,
            "parts": parts_of(self._execution),
        }
