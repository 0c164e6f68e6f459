"""`evolinstruct score`: measure difficulty, quality and more of instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli.interrupts import interruptible
from evolinstruct.cli.options import (
    AsJson,
    Quiet,
    Verbose,
    read_settings,
    stage_options,
    switch,
    takes,
    word,
)
from evolinstruct.cli.reporting import Report, reported
from evolinstruct.errors import UsageError

if TYPE_CHECKING:
    from evolinstruct.scoring import ScoreJob

_OPTIONS = stage_options("prompts", "seed", "recipe")
_MEASURES = "What is measured"
_LEAST, _DIGITS = 2, 9  # instructions to be compared; digits of their number
_Target = Annotated[
    str, typer.Argument(metavar="RUN_DIR|FILE", show_default=False, help="A run, or any seed file.")
]
_Out = Annotated[
    str | None,
    word("Where the files go; needed for a file that is no run.", "DIR", "--out", "-o"),
]
_By = Annotated[
    list[str] | None,
    word(
        "difficulty (the default), quality, tags, solved, or a measure of the pack. May be"
        " repeated, or divided by commas.",
        "MEASURE",
        "--by",
        panel=_MEASURES,
    ),
]
_Method = Annotated[
    str | None,
    word(
        "How difficulty is found: ranking (families in order among anchors, the default), pairwise,"
        " or paper (a number from 1 to 10).",
        "NAME",
        "--method",
        panel=_MEASURES,
    ),
]
_Pairwise = Annotated[
    bool, switch("--pairwise", about="Short for --method pairwise.", panel=_MEASURES)
]
_Sample = Annotated[
    str | None,
    word(
        f"How many instructions are compared in pairs, or all (default {defaults.COMPARED}).",
        "N",
        "--sample",
        panel=_MEASURES,
    ),
]
_Solver = Annotated[
    str | None,
    word(
        "The model that solves, for --by solved; short for --model solve=NAME.",
        "MODEL",
        "--solver",
        panel=_MEASURES,
    ),
]
_Times = Annotated[
    int,
    typer.Option(
        "-k", metavar="N", min=2, max=100, help="How often it solves.", rich_help_panel=_MEASURES
    ),
]
_Retry = Annotated[
    str | None,
    word("Ask once more for the judgements that are failed; all others stay.", "WHAT", "--retry"),
]
_DryRun = Annotated[bool, switch("--dry-run", about="Say what it would take; make no call.")]


@takes(_OPTIONS, "flags")
def command(
    target: _Target,
    out: _Out = None,
    by: _By = None,
    method: _Method = None,
    pairwise: _Pairwise = False,
    sample: _Sample = None,
    solver: _Solver = None,
    times: _Times = defaults.SOLVED,
    retry: _Retry = None,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Measure the instructions of a run or a file, by asking a model about them.

    The scores stand in scores.jsonl, each with the range in which its value may lie. The same
    command goes on where it was stopped, and pays for nothing twice. Judges are asked at
    temperature 0, unless --temperature score=X says otherwise.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct import scoring  # noqa: PLC0415 - slow

        if pairwise and method not in (None, "pairwise"):
            raise UsageError("--pairwise and --method name two methods; leave one of them out.")
        method = "pairwise" if pairwise else method
        if dry_run and retry is not None:
            raise UsageError("--retry makes calls and --dry-run none; leave one of them out.")
        if sample is not None and method != "pairwise":
            raise UsageError("--sample is for --pairwise; leave it out.")
        models = [*flags.get("model", ()), *([f"solve={solver}"] if solver else ())]
        wish = scoring.Wish(target, out, _names(by), method, _size(sample), times)
        job = scoring.prepare(wish, read_settings({**flags, "model": models} if models else flags))
        if solver and not job.solves:
            raise UsageError("--solver is for --by solved; leave it out.")
        if dry_run:
            _tell(job, report)
        else:
            _score(job, report, retry)


def _names(by: list[str] | None) -> tuple[str, ...]:
    """Return the measures, each once, in the order in which they are named."""
    names = [name.strip() for words in by or ("difficulty",) for name in words.split(",")]
    return tuple(dict.fromkeys(filter(None, names)))


def _size(sample: str | None) -> int | None:
    """Return how many instructions are compared; None for all."""
    if sample is None:
        return defaults.COMPARED
    if sample == "all":
        return None
    if not sample.isdecimal() or len(sample) > _DIGITS or int(sample) < _LEAST:
        raise UsageError(f"--sample must be a number of 2 or more, or all (given: {sample!r}).")
    return int(sample)


def _tell(job: ScoreJob, report: Report) -> None:
    from evolinstruct.console.score import show_expected  # noqa: PLC0415 - slow

    expected = job.expected()
    show_expected(report.console, expected, job.receivers())
    report.facts = {
        "receivers": job.receivers(),
        "expected": [each.to_json() for each in expected],
    }


def _score(job: ScoreJob, report: Report, retry: str | None) -> None:
    from evolinstruct.console.score import progress_of, show_scored  # noqa: PLC0415 - slow
    from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow

    events = job.events(retry=retry)
    try:
        interruptible(
            report, job.interrupt, lambda: show_stage(report.console, events, progress_of)
        )
    finally:
        show_scored(report.console, job.summary)
        report.facts = job.summary.to_json()
        report.exit_code = job.summary.exit_code or 0
