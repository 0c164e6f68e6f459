"""One `tune` command: plans what is asked, makes the steps through a session, writes the pack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evolinstruct import defaults, prompts
from evolinstruct.errors import UsageError
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.clients import with_client
from evolinstruct.llm.throttle import Sending
from evolinstruct.prompts import Measure, Pack, Tunable
from evolinstruct.prompts.measures import RANKING
from evolinstruct.purposes import asked_by
from evolinstruct.run.seed_lines import SeedLines
from evolinstruct.run.session import Session
from evolinstruct.run.stage_job import Expected, StageJob, StageSummary
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.lines import LineFile
from evolinstruct.seeds.test_items import read_test_items
from evolinstruct.settings import Settings
from evolinstruct.tuning.directory import TunedDir
from evolinstruct.tuning.expected import expected
from evolinstruct.tuning.optimizing import ANALYSE, OPTIMIZE
from evolinstruct.tuning.sample import Sample
from evolinstruct.tuning.steps import Steps, Task
from evolinstruct.tuning.trial import Trial
from evolinstruct.tuning.wish import Wish

_TEMPERATURES = {"evolve": 0.0, "compare": 0.0, "answer": 0.0, ANALYSE: 0.6, OPTIMIZE: 0.6}
_TOP_P = {ANALYSE: 0.95, OPTIMIZE: 0.95}
"""As in the paper, unless told otherwise: methods are to differ by their words alone."""
_RANKED = ("difficulty", RANKING)


@dataclass(frozen=True, slots=True)
class Tuned:
    """An event: one more instruction is evolved, or one more method written.

    Attributes:
        title: what goes on.
        done: how many are done by now.
        items: how many there are.
        failed: how many replies are missing.
        spent: what was ever spent on tuning in the folder.
        sending: how calls are being sent.
    """

    title: str
    done: int
    items: int
    failed: int
    spent: Spending
    sending: Sending


@dataclass(slots=True)
class TuneSummary(StageSummary):
    """How tuning ended.

    Attributes:
        pack: the folder of the pack.
        trials: every method, and how it did.
        ended: why no further step was made; None where it ended early.
    """

    pack: Path = Path()
    trials: list[Trial] = field(default_factory=list)
    ended: str | None = None

    @property
    def chosen(self) -> list[Trial]:
        """The methods that were in use, one after the other."""
        return [trial for trial in self.trials if trial.chosen]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **StageSummary.to_json(self),
            "pack": str(self.pack),
            "ended": self.ended,
            "steps": max((trial.step for trial in self.trials), default=0),
            "chosen": [trial.to_json() for trial in self.chosen],
        }


def prepare(wish: Wish, settings: Settings) -> TuneJob:
    """Check everything that can be checked before a call, and change nothing.

    Raises:
        UsageError: a setting is wrong, the pack cannot be tuned, or there are too few seeds.
        InputError: a file or the folder is wrong.
    """
    for name, size in wish.sizes().items():
        if name != "gain" and size < 1:
            raise UsageError(f"{name} must be 1 or more (given: {size}).")
    settings = _tuning(settings)
    recipe = settings.recipe
    folder = prompts.find(recipe.prompts)
    tunable = Tunable.read(folder)
    directory = TunedDir(Path(wish.out))
    if directory.path.exists() and directory.path.samefile(folder):
        raise UsageError(f"-o {wish.out}: this is the pack that is tuned; name another folder.")
    directory.check_place(tunable)
    seeds = SeedLines(wish.seeds, settings.seeds, None, recipe.seed)
    sample = Sample(seeds, wish.development, wish.mini_batch, recipe.seed)
    usual = prompts.read(prompts.find(defaults.PACK))
    task = Task(
        wish,
        recipe,
        tunable,
        tunable.pack if all(map(tunable.pack.words, (ANALYSE, OPTIMIZE))) else usual,
        sample,
        read_test_items(recipe.against) if recipe.against else None,
        _measure(tunable.pack, usual) if wish.gain else None,
    )
    return TuneJob(settings, directory, task)


def _tuning(settings: Settings) -> Settings:
    """Return the settings with a client, and with the paper's sampling."""
    settings = with_client(settings)
    recipe = settings.recipe
    sampling = {
        "temperature": {**_TEMPERATURES, **recipe.temperature},
        "top_p": {**_TOP_P, **recipe.top_p},
    }
    return replace(settings, recipe=recipe.model_copy(update=sampling))


def _measure(pack: Pack, usual: Pack) -> Measure:
    return {**usual.measures, **pack.measures}[_RANKED]


class TuneJob(StageJob[TuneSummary]):
    """Tunes the method of a pack."""

    def __init__(self, settings: Settings, directory: TunedDir, task: Task) -> None:
        """Make the clients; nothing is written yet.

        Raises:
            UsageError: the client is unknown, or lacks a setting.
            InputError: a key is missing.
        """
        self._out = directory
        self._task = task
        self._steps: Steps | None = None
        self._news = asyncio.Queue[Tuned | None]()
        purposes = [*asked_by(settings.recipe, task.tunable.pack.checks), ANALYSE, OPTIMIZE]
        purposes += ["score"] if task.wish.gain else []
        summary = TuneSummary(directory.history.lines, pack=directory.path)
        super().__init__(settings, purposes, directory.history, summary)

    def expected(self) -> list[Expected]:
        """Return what each purpose takes at most, whatever the journal holds."""
        task = self._task
        lengths = [len(line.instruction) for line in task.sample.development]
        usual, tariff = sum(lengths) // len(lengths), self._session.tariff
        return expected(task.wish, self._recipe, task.tunable, task.wording, usual, tariff)

    async def events(self) -> AsyncGenerator[Tuned]:
        """Tune, from wherever an earlier command left it; the pack is there in the end.

        Raises:
            InputError: a file cannot be read or written.
            StopRun: it ended early; the same command goes on.
        """
        async with self._opened() as session:
            task = asyncio.create_task(self._made(session))
            task.add_done_callback(lambda _: self._news.put_nowait(None))
            try:
                while (event := await self._news.get()) is not None:
                    yield event
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _made(self, session: Session) -> None:
        """Make the steps, and write down each."""
        with LineFile(self._out.history.lines) as file:

            def note(trials: Sequence[Trial]) -> None:
                for trial in trials:
                    file.write(flat.encode(trial))
                file.flush()
                self.summary.trials += trials

            def tell(title: str, done: int, items: int) -> None:
                failed = steps.failed.total()
                event = Tuned(title, done, items, failed, session.spent, session.sending())
                self._news.put_nowait(event)

            self._steps = steps = Steps(session, self._task, self._working, tell, note)
            self.summary.failed = steps.failed
            self.summary.ended = await steps.make()
            file.finish()

    def _asked(self) -> int:
        return 0 if self._steps is None else self._steps.asked

    def _write(self) -> dict[str, Any]:
        """Write the pack with the method in use, unless an earlier command came farther."""
        before, chosen, ended = self._dir.state(), self.summary.chosen, self.summary.ended
        made = 0 if self._steps is None else self._steps.made
        reached = max(made, before.get("made") or 0)
        method = before.get("method")
        if chosen and (ended or made == reached):
            method = chosen[-1].method or ""
            self._out.write(self._task.tunable, method)
        tunable, wish = self._task.tunable, self._task.wish
        return {
            "pack": str(self._out.path),
            "ended": ended,
            "made": made if ended else reached,
            "method": method,
            "seeds": list(wish.seeds),
            "from": {"name": tunable.pack.name, "digest": tunable.pack.digest},
            "operations": list(tunable.operations),
            "asked": wish.sizes(),
        }
