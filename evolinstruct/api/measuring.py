"""Measuring, comparing and selecting from Python."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from evolinstruct import defaults, diversity, judging
from evolinstruct.api.waiting import follow, waiting
from evolinstruct.errors import UsageError
from evolinstruct.judging import Judged, JudgeSummary, Results
from evolinstruct.judging import Wish as JudgeWish
from evolinstruct.report.judging import write_page
from evolinstruct.scoring import Scored, ScoreSummary
from evolinstruct.scoring import Wish as ScoreWish
from evolinstruct.scoring import prepare as prepare_scoring
from evolinstruct.selection import Selection
from evolinstruct.selection import Wish as SelectionWish
from evolinstruct.selection import select as select_best
from evolinstruct.settings import Layer, SettingArguments, gather

if TYPE_CHECKING:
    from evolinstruct.analysis.diversity import MakeEmbedder
    from evolinstruct.console import Console
    from evolinstruct.diversity.survey import Survey
    from evolinstruct.embedding import Embedding

# Scores


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
    """Measure the instructions of a run or a file, by asking a model about them.

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
    wish = ScoreWish(str(target), place, measures, method, compared, times)
    job = prepare_scoring(wish, gather(Layer(settings), recipe))

    async def show(console: Console, events: AsyncGenerator[Scored]) -> None:
        from evolinstruct.console.score import progress_of, show_scored  # noqa: PLC0415 - slow
        from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow

        await show_stage(console, events, progress_of)
        show_scored(console, job.summary)

    await follow(job.events(retry=retry), on_event, show)
    return job.summary


score = waiting(score_async)


# Judging


async def judge_async(
    questions: str | Path,
    contestants: Mapping[str, str | Path],
    out: str | Path,
    *,
    judges: str | Sequence[str] = (),
    of: Literal["answers", "instructions"] = "answers",
    by: str | None = None,
    on_event: Callable[[Judged], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    recipe: str | Path | None = None,
    **settings: Unpack[SettingArguments],
) -> JudgeSummary:
    """Compare models, or sets of answers, by asking judges about each two in both orders.

    Args:
        questions: a file of questions, in any shape that seeds have.
        contestants: two or more by their names: a file of answers each, or ``MODEL`` or
            ``MODEL@URL`` that is asked for them.
        out: the directory in which verdicts, results and report.html are written.
        judges: one or several models, as ``MODEL`` or ``MODEL@URL``; that of the settings unless
            named.
        of: what is compared: answers, or the instructions that runs made from the questions.
        by: by which measure of the pack (method preference) judges decide.
        on_event: is called as each question is judged.
        on_notice: is called with sentences on what the results may suffer from.
        recipe: as in `prepare`.
        settings: as in `prepare`; those that say what a run makes have no effect.

    Returns:
        How it ended; its `results` say who wins how often, from 0 to 1, with 95% intervals.

    Raises:
        EvolinstructError: it could not begin, or ended early; the same call goes on.
    """
    named = tuple(f"{name}={where}" for name, where in contestants.items())
    asked = (judges,) if isinstance(judges, str) else tuple(judges)
    wish = JudgeWish(str(out), str(questions), named, asked, of, by)
    job = judging.prepare(wish, gather(Layer(settings), recipe))
    for remark in job.remarks:
        (on_notice or _ignore)(remark)

    async def show(console: Console, events: AsyncGenerator[Judged]) -> None:
        from evolinstruct.console.judge import progress_of, show_judged  # noqa: PLC0415 - slow
        from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow

        for remark in job.remarks:
            console.warn(remark)
        await show_stage(console, events, progress_of)
        show_judged(console, job.summary)

    try:
        await follow(job.events(), on_event, show)
    finally:
        if job.summary.results is not None:
            write_page(out, job.summary.results, job.remarks)
    return job.summary


judge = waiting(judge_async)


def recount_verdicts(out: str | Path) -> Results:
    """Count the verdicts in a directory of `judge` anew, with those of people; ask no model.

    Args:
        out: the directory; its summary and report.html are written anew.

    Returns:
        Who wins how often, from 0 to 1, with 95% intervals.

    Raises:
        InputError: the directory holds no verdicts, or a file is damaged or cannot be written.
    """
    results, remarks = judging.recount(str(out))
    write_page(out, results, remarks)
    return results


# Diversity


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
    """Measure how unlike instructions are in meaning; needs the extra ``diversity``.

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

    async def show(console: Console, events: AsyncGenerator[Embedding]) -> None:
        from evolinstruct.console.diversity import show_embedding  # noqa: PLC0415 - slow

        await show_embedding(console, events)

    await follow(job.events(), on_event, show)
    options = Options(compared, drawn_by, near, clusters)
    return await asyncio.to_thread(job.survey, options)


measure_diversity = waiting(measure_diversity_async)


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


# Selection


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
