"""Tuning a pack from Python."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from evolinstruct.api.evolving import Seeds
from evolinstruct.api.waiting import follow, waiting
from evolinstruct.settings import Layer, SettingArguments, gather
from evolinstruct.tuning import SIZES, Tuned, TuneSummary, Wish, prepare

if TYPE_CHECKING:
    from evolinstruct.console import Console


class TuneArguments(SettingArguments, total=False):
    """What `tune` takes: how much of it, by the names of its flags, and every setting."""

    steps: int
    candidates: int
    development: int
    mini_batch: int
    rounds: int
    gain: bool


async def tune_async(
    seeds: Seeds,
    out: str | Path,
    *,
    on_event: Callable[[Tuned], None] | None = None,
    recipe: str | Path | None = None,
    **settings: Unpack[TuneArguments],
) -> TuneSummary:
    """Have a model rewrite the method of a pack, until it fails less often.

    Args:
        seeds: one or several seed files, or ``starter``.
        out: the folder of the tuned pack.
        on_event: is called as each instruction is evolved and each method is written.
        recipe: as in `prepare`.
        settings: as in `prepare`, ``prompts`` for the pack to begin with; and how much is done, as
            `evolinstruct tune --help` has it: ``steps``, ``candidates``, ``development``,
            ``mini_batch``, ``rounds`` and ``gain``.

    Returns:
        How it ended, with every method that was tried; the pack is in its `pack`.

    Raises:
        EvolinstructError: it could not begin, or ended early; the same call goes on.
    """
    sources = [seeds] if isinstance(seeds, str | Path) else seeds
    size = {name: value for name, value in settings.items() if name in SIZES}
    others = {name: value for name, value in settings.items() if name not in SIZES}
    wish = Wish(tuple(map(str, sources)), str(out), **size)  # type: ignore[arg-type]
    job = prepare(wish, gather(Layer(others), recipe))

    async def show(console: Console, events: AsyncGenerator[Tuned]) -> None:
        from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow
        from evolinstruct.console.tune import progress_of, show_tuned  # noqa: PLC0415 - slow

        await show_stage(console, events, progress_of)
        show_tuned(console, job.summary)

    await follow(job.events(), on_event, show)
    return job.summary


tune = waiting(tune_async)
