"""Runs from Python: the same checks, the same files and the same guarantees as the command.

import evolinstruct

summary = evolinstruct.evolve("seeds.jsonl", "run", client="offline", generations=2)
evolinstruct.score("run", by=["difficulty", "quality"], client="offline")
best = evolinstruct.select("run", 50, "best.jsonl", apart=0.9)
hard = [score.id for score in evolinstruct.Run("run").scores() if score.value > 6]
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from evolinstruct import defaults, diversity
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.verification import verify
from evolinstruct.errors import UsageError
from evolinstruct.run.events import Event
from evolinstruct.run.job import Job
from evolinstruct.run.job import prepare as prepare_job
from evolinstruct.run.summary import Summary
from evolinstruct.scoring import Score, Scored, ScoreSummary, Wish
from evolinstruct.scoring import prepare as prepare_scoring
from evolinstruct.selection import Selection
from evolinstruct.selection import Wish as SelectionWish
from evolinstruct.selection import select as select_best
from evolinstruct.settings import Layer, SettingArguments, gather
from evolinstruct.tuning import SIZES, Tuned, TuneSummary
from evolinstruct.tuning import Wish as TuningWish
from evolinstruct.tuning import prepare as prepare_tuning

if TYPE_CHECKING:
    from evolinstruct.analysis.diversity import MakeEmbedder
    from evolinstruct.diversity.survey import Survey
    from evolinstruct.embedding import Embedding

__all__ = [
    "Run",
    "Score",
    "evolve",
    "evolve_async",
    "measure_diversity",
    "measure_diversity_async",
    "prepare",
    "score",
    "score_async",
    "select",
    "tune",
    "tune_async",
    "verify",
]

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


class TuneArguments(SettingArguments, total=False):
    """What `tune` takes: how much of it, by the names of its flags, and every setting."""

    steps: int
    candidates: int
    development: int
    batch: int
    rounds: int
    gain: bool


async def tune_async(
    seeds: Seeds,
    out: str | Path,
    *,
    on_event: Callable[[Tuned], None] | None = None,
    recipe: str | Path | None = None,
    **asked: Unpack[TuneArguments],
) -> TuneSummary:
    """Have a model rewrite the method of a pack, inside a running event loop.

    Args:
        seeds: one or several seed files, or ``starter``.
        out: the folder of the tuned pack.
        on_event: is called as each instruction is evolved and each method is written.
        recipe: as in `prepare`.
        asked: how much, as `evolinstruct tune --help` has it (``steps``, ``candidates``,
            ``development``, ``batch``, ``rounds``, ``gain``), and settings as in `prepare`;
            ``prompts`` names the pack to begin with.

    Returns:
        How it ended, with every method that was tried; the pack is in its `pack`.

    Raises:
        EvolinstructError: it could not begin, or ended early; the same call goes on.
    """
    sources = [seeds] if isinstance(seeds, str | Path) else seeds
    size = {name: value for name, value in asked.items() if name in SIZES}
    settings = {name: value for name, value in asked.items() if name not in SIZES}
    wish = TuningWish(tuple(map(str, sources)), str(out), **size)  # type: ignore[arg-type]
    job = prepare_tuning(wish, gather(Layer(settings), recipe))
    async with aclosing(job.events()) as events:
        async for event in events:
            if on_event is not None:
                on_event(event)
    return job.summary


def tune(
    seeds: Seeds,
    out: str | Path,
    *,
    on_event: Callable[[Tuned], None] | None = None,
    recipe: str | Path | None = None,
    **asked: Unpack[TuneArguments],
) -> TuneSummary:
    """Tune a pack; the same as `tune_async` from a script without an event loop.

    Raises:
        UsageError: it is called inside a running event loop, as in a notebook.
    """
    _refuse_running_loop("tune")
    return asyncio.run(tune_async(seeds, out, on_event=on_event, recipe=recipe, **asked))


async def measure_diversity_async(
    sources: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    embed: str = defaults.LOCAL,
    compared: int = defaults.COMPARED_SAMPLE,
    clusters: int = defaults.CLUSTERS,
    near: float = defaults.NEAR,
    drawn_by: int = defaults.SEED,
    on_event: Callable[[Embedding], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    recipe: str | Path | None = None,
    **settings: Unpack[SettingArguments],
) -> Survey:
    """Measure how unlike instructions are in meaning, inside a running event loop.

    Args:
        sources: one or several runs or files, which are compared.
        out: the folder that keeps the embeddings: that of each run unless named, needed for a file.
        embed: ``local``, or a model of the service that the settings name.
        compared: how many texts of a group are compared at most.
        clusters: how many clusters to look for.
        near: how alike two texts of a near pair are at least.
        drawn_by: a seed that draws samples and clusters.
        on_event: is called as each text is embedded.
        on_notice: is called with sentences on whatever was left out.
        recipe: as in `prepare`.
        settings: as in `prepare`, for a service only.

    Returns:
        The figures of each run or file, the clusters, and a map.

    Raises:
        EvolinstructError: it could not begin, or ended early; the same call goes on.
    """
    diversity.require()
    from evolinstruct.analysis.diversity import prepare as prepare_survey  # noqa: PLC0415 - numpy
    from evolinstruct.diversity.survey import Options  # noqa: PLC0415 - numpy

    named = [sources] if isinstance(sources, str | Path) else sources
    say = on_notice or _ignore
    make = _embedders(embed, settings, recipe, say)
    place = None if out is None else Path(out)
    job = prepare_survey([Path(source) for source in named], place, make, say)
    async with aclosing(job.events()) as events:
        async for event in events:
            if on_event is not None:
                on_event(event)
    options = Options(compared, drawn_by, near, clusters)
    return await asyncio.to_thread(job.survey, options)


def measure_diversity(
    sources: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    embed: str = defaults.LOCAL,
    compared: int = defaults.COMPARED_SAMPLE,
    clusters: int = defaults.CLUSTERS,
    near: float = defaults.NEAR,
    drawn_by: int = defaults.SEED,
    on_event: Callable[[Embedding], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    recipe: str | Path | None = None,
    **settings: Unpack[SettingArguments],
) -> Survey:
    """Measure diversity; `measure_diversity_async` from a script without an event loop.

    Raises:
        UsageError: it is called inside a running event loop, as in a notebook.
    """
    _refuse_running_loop("measure_diversity")
    return asyncio.run(
        measure_diversity_async(
            sources,
            out,
            embed=embed,
            compared=compared,
            clusters=clusters,
            near=near,
            drawn_by=drawn_by,
            on_event=on_event,
            on_notice=on_notice,
            recipe=recipe,
            **settings,
        )
    )


def _embedders(
    model: str,
    settings: Mapping[str, Any],
    recipe: str | Path | None,
    say: Callable[[str], None],
) -> MakeEmbedder:
    """Return what makes the embedder of a folder.

    Raises:
        UsageError: a setting is wrong, or about a service where none is asked.
    """
    from evolinstruct.embedding import (  # noqa: PLC0415 - numpy
        LocalEmbedder,
        ServiceEmbedder,
        with_model,
    )

    if model == defaults.LOCAL:
        if settings or recipe:
            name = next(iter(settings), "recipe")
            raise UsageError(f"{name} is about a service; name its model with embed.")
        return lambda _: LocalEmbedder()
    service = with_model(gather(Layer(settings), recipe), model)
    return lambda folder: ServiceEmbedder(service, folder, say)


def select(
    target: str | Path,
    count: int,
    out: str | Path | None = None,
    *,
    by: str = defaults.SELECTED_BY,
    filters: Mapping[str, object] | None = None,
    scores: str | Path | None = None,
    apart: float | None = None,
    diverse: Literal["k-centre", "facility"] | None = None,
    balance: str | None = None,
    hold_out: str | Path | Sequence[str | Path] = (),
    embeddings: str | Path | None = None,
    seed: int = defaults.SEED,
    on_notice: Callable[[str], None] | None = None,
) -> Selection:
    """Take the best instructions of a run or a file, by their scores; no model is asked.

    Args:
        target: a run directory, or any seed file.
        count: how many to take.
        out: the file to write; None to write nothing.
        by: the expression that tells which is better, such as ``difficulty*quality``.
        filters: which instructions may be taken: the words of `evolinstruct select` by the names of
            its options, such as ``{"generation": ["1-4"], "min": ["quality=7"]}``.
        scores: the file of scores, or its folder; beside the target unless named.
        apart: how alike two that are taken may be, such as 0.9.
        diverse: how to spread over all of them rather than to take the best.
        balance: ``difficulty``, ``skill``, or shares such as ``difficulty=1-4:40,8-10:60``.
        hold_out: runs, files or exports of whose families nothing may be taken.
        embeddings: the folder that keeps the embeddings; the run's unless named.
        seed: decides between equals.
        on_notice: is called with sentences on whatever was left out.

    Returns:
        What was chosen and why, and what was passed over, by reason.

    Raises:
        UsageError: an argument is wrong.
        InputError: a file cannot be read or written, or scores or embeddings are missing.
    """
    held = [hold_out] if isinstance(hold_out, str | Path) else hold_out
    wish = SelectionWish(
        target=Path(target),
        count=count,
        by=by,
        filters=filters or {},
        scores=None if scores is None else Path(scores),
        apart=apart,
        diverse=diverse,
        balance=balance,
        hold_out=tuple(map(Path, held)),
        embeddings=None if embeddings is None else Path(embeddings),
        seed=seed,
    )
    return select_best(wish, on_notice or _ignore, None if out is None else Path(out))


def _ignore(_: str) -> None:
    """Say nothing."""


def _refuse_running_loop(name: str) -> None:
    with suppress(RuntimeError):  # there is none
        asyncio.get_running_loop()
        raise UsageError(
            f"{name}() cannot wait inside a running event loop, as in a notebook;"
            f" write `await {name}_async(...)` with the same arguments."
        )
