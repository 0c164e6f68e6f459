"""Runs from Python: the same checks, the same files and the same guarantees as the command.

import evolinstruct

summary = evolinstruct.evolve("seeds.jsonl", "run", client="offline", generations=2)
evolinstruct.score("run", by=["difficulty", "quality"], client="offline")
hard = [score.id for score in evolinstruct.Run("run").scores() if score.value > 6]
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Literal, Unpack

from evolinstruct import defaults
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.verification import verify
from evolinstruct.errors import UsageError
from evolinstruct.run.events import Event
from evolinstruct.run.job import Job
from evolinstruct.run.job import prepare as prepare_job
from evolinstruct.run.summary import Summary
from evolinstruct.scoring import Score, Scored, ScoreSummary, Wish
from evolinstruct.scoring import prepare as prepare_scoring
from evolinstruct.settings import Layer, SettingArguments, gather

__all__ = ["Run", "Score", "evolve", "evolve_async", "prepare", "score", "score_async", "verify"]

Seeds = str | Path | Sequence[str | Path]
Preset = Literal["paper", "released"]


def prepare(
    seeds: Seeds,
    out: str | Path,
    *,
    recipe: str | Path | None = None,
    preset: Preset | None = None,
    **settings: Unpack[SettingArguments],
) -> Job:
    """Check everything that can be checked before a call, and change nothing.

    Args:
        seeds: one or several seed files, or ``starter``.
        out: the run directory.
        recipe: a TOML file with settings.
        preset: ``paper`` or ``released``.
        settings: any setting by its name, such as ``model``, ``generations``, ``temperature``;
            those by purpose take one value or a dict. They win over variables of the environment
            (``EVOLINSTRUCT_MODEL``), and those over the recipe and the preset.

    Returns:
        A job: `Job.events` carries it out, `Job.forecast` says what it takes.

    Raises:
        UsageError: a setting is wrong.
        InputError: a file, the directory or a variable of the environment is wrong.
    """
    sources = [seeds] if isinstance(seeds, str | Path) else list(seeds)
    given = gather(Layer(settings, preset), recipe)
    return prepare_job([str(source) for source in sources], Path(out), given)


async def evolve_async(
    seeds: Seeds,
    out: str | Path,
    *,
    update: bool = False,
    retry: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    recipe: str | Path | None = None,
    preset: Preset | None = None,
    **settings: Unpack[SettingArguments],
) -> Summary:
    """Evolve seeds inside a running event loop.

    Args:
        seeds: one or several seed files, or ``starter``.
        out: the run directory; a run that is there already goes on.
        update: carry a run that differs over to these settings.
        retry: ask once more for what is ``failed``, or rejected by the rule of this name.
        on_event: is called with each event as it happens.
        recipe: as in `prepare`.
        preset: as in `prepare`.
        settings: as in `prepare`.

    Returns:
        How it ended.

    Raises:
        EvolinstructError: it could not begin, or ended early; the same call goes on.
    """
    job = prepare(seeds, out, recipe=recipe, preset=preset, **settings)
    async with aclosing(job.events(update=update, retry=retry)) as events:
        async for event in events:
            if on_event is not None:
                on_event(event)
    return job.summary


def evolve(
    seeds: Seeds,
    out: str | Path,
    *,
    update: bool = False,
    retry: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    recipe: str | Path | None = None,
    preset: Preset | None = None,
    **settings: Unpack[SettingArguments],
) -> Summary:
    """Evolve seeds; the same as `evolve_async` from a script without an event loop.

    Raises:
        UsageError: it is called inside a running event loop, as in a notebook.
    """
    _refuse_running_loop("evolve")
    return asyncio.run(
        evolve_async(
            seeds,
            out,
            update=update,
            retry=retry,
            on_event=on_event,
            recipe=recipe,
            preset=preset,
            **settings,
        )
    )


async def score_async(
    target: str | Path,
    out: str | Path | None = None,
    *,
    by: str | Sequence[str] = "difficulty",
    method: str | None = None,
    compared: int | None = defaults.COMPARED,
    times: int = defaults.SOLVED,
    retry: str | None = None,
    on_event: Callable[[Scored], None] | None = None,
    recipe: str | Path | None = None,
    **settings: Unpack[SettingArguments],
) -> ScoreSummary:
    """Score the instructions of a run or a file inside a running event loop.

    Args:
        target: a run directory, or any seed file.
        out: where the files go: beside those of the run unless named, needed for a file.
        by: one or several measures, such as ``difficulty``, ``quality``, ``tags`` or ``solved``.
        method: how they are measured, such as ``pairwise`` or ``paper`` for difficulty.
        compared: how many instructions are compared in pairs; None for all.
        times: how often each instruction is solved.
        retry: ask once more for the judgements that are ``failed``.
        on_event: is called as each family, pair or instruction is judged.
        recipe: as in `prepare`.
        settings: as in `prepare`; those that say what a run makes have no effect.

    Returns:
        How it ended; the scores are in its `file`, and in `Run.scores`.

    Raises:
        EvolinstructError: it could not begin, or ended early; the same call goes on.
    """
    measures = (by,) if isinstance(by, str) else tuple(by)
    place = None if out is None else str(out)
    wish = Wish(str(target), place, measures, method, compared, times)
    job = prepare_scoring(wish, gather(Layer(settings), recipe))
    async with aclosing(job.events(retry=retry)) as events:
        async for event in events:
            if on_event is not None:
                on_event(event)
    return job.summary


def score(
    target: str | Path,
    out: str | Path | None = None,
    *,
    by: str | Sequence[str] = "difficulty",
    method: str | None = None,
    compared: int | None = defaults.COMPARED,
    times: int = defaults.SOLVED,
    retry: str | None = None,
    on_event: Callable[[Scored], None] | None = None,
    recipe: str | Path | None = None,
    **settings: Unpack[SettingArguments],
) -> ScoreSummary:
    """Score instructions; the same as `score_async` from a script without an event loop.

    Raises:
        UsageError: it is called inside a running event loop, as in a notebook.
    """
    _refuse_running_loop("score")
    return asyncio.run(
        score_async(
            target,
            out,
            by=by,
            method=method,
            compared=compared,
            times=times,
            retry=retry,
            on_event=on_event,
            recipe=recipe,
            **settings,
        )
    )


def _refuse_running_loop(name: str) -> None:
    with suppress(RuntimeError):  # there is none
        asyncio.get_running_loop()
        raise UsageError(
            f"{name}() cannot wait inside a running event loop, as in a notebook;"
            f" write `await {name}_async(...)` with the same arguments."
        )
