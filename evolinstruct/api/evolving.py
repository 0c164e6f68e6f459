"""Making a run from Python."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from evolinstruct.api.waiting import follow, waiting
from evolinstruct.run.events import Event
from evolinstruct.run.job import Job
from evolinstruct.run.job import prepare as prepare_job
from evolinstruct.run.summary import Summary
from evolinstruct.settings import Layer, SettingArguments, gather

if TYPE_CHECKING:
    from evolinstruct.console import Console

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
    """Evolve seeds over several generations into a run directory.

    In a notebook it shows beneath the cell how far it is, unless `on_event` is given.

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

    async def show(console: Console, events: AsyncGenerator[Event]) -> None:
        from evolinstruct.console.evolve import show_summary  # noqa: PLC0415 - slow
        from evolinstruct.console.progress import show_events  # noqa: PLC0415 - slow

        await show_events(console, events)
        show_summary(console, job.summary, Path(out))

    await follow(job.events(update=update, retry=retry), on_event, show)
    return job.summary


evolve = waiting(evolve_async)
