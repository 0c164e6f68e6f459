"""The run from Python: the same checks, the same files, the same guarantees as the command.

import evolinstruct

summary = evolinstruct.evolve("seeds.jsonl", "run", client="offline", generations=2)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from evolinstruct import settings as recipes
from evolinstruct.analysis.runs import Run
from evolinstruct.run.events import Event
from evolinstruct.run.job import Job
from evolinstruct.run.job import prepare as prepare_job
from evolinstruct.run.summary import Summary

__all__ = ["Run", "evolve", "evolve_async", "prepare"]


def prepare(
    seeds: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    recipe: str | Path | None = None,
    preset: str | None = None,
    **settings: Any,
) -> Job:
    """Check everything that can be checked before a call, and change nothing.

    Args:
        seeds: one or several seed files, or ``starter``.
        out: the run directory.
        recipe: a TOML file with settings.
        preset: ``paper`` or ``released``.
        settings: any setting by its name, such as ``model``, ``generations``, ``temperature``;
            those by purpose take one value or a dict. They win over the recipe and the preset.

    Returns:
        A job: `Job.events` carries it out, `Job.forecast` says what it takes.

    Raises:
        UsageError: a setting is wrong.
        InputError: a file or the directory is wrong.
    """
    sources = [seeds] if isinstance(seeds, str | Path) else list(seeds)
    file = recipes.read_file(Path(recipe)) if recipe is not None else None
    settled = recipes.resolve(recipes.Layer(settings, preset), file)
    return prepare_job([str(source) for source in sources], Path(out), settled)


async def evolve_async(
    seeds: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    update: bool = False,
    retry: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    **settings: Any,
) -> Summary:
    """Evolve seeds inside a running event loop; see `prepare` for the settings.

    Args:
        seeds: one or several seed files, or ``starter``.
        out: the run directory; a run that is there already goes on.
        update: carry a run that differs over to these settings.
        retry: ask once more for what is ``failed``, or rejected by the rule of this name.
        on_event: is called with each event as it happens.
        settings: as in `prepare`.

    Returns:
        How it ended.

    Raises:
        EvolinstructError: it could not begin, or ended early; the same call goes on.
    """
    job = prepare(seeds, out, **settings)
    async with aclosing(job.events(update=update, retry=retry)) as events:
        async for event in events:
            if on_event is not None:
                on_event(event)
    return job.summary


def evolve(
    seeds: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    update: bool = False,
    retry: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    **settings: Any,
) -> Summary:
    """Evolve seeds; the same as `evolve_async` from a script without an event loop."""
    return asyncio.run(
        evolve_async(seeds, out, update=update, retry=retry, on_event=on_event, **settings)
    )
