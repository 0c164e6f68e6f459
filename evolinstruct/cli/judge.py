"""`evolinstruct judge`: tell which of several models, or sets of answers, is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    from evolinstruct.judging import JudgeJob, Results

_OPTIONS = stage_options("prompts", "recipe")
_WHAT = "What is judged, and by whom"
_Out = Annotated[str, typer.Option("--out", "-o", metavar="DIR", help="Where the files go.")]
_Questions = Annotated[
    str | None,
    word(
        "The questions, in any shape that seeds have; with `skill` and `difficulty`, where they"
        " are told apart by these.",
        "FILE",
        "--questions",
        panel=_WHAT,
    ),
]
_Contestants = Annotated[
    list[str] | None,
    word(
        "One who is compared: a file of answers, or a model that is asked for them. Twice or more.",
        "NAME=FILE|MODEL[@URL]",
        "--contestant",
        panel=_WHAT,
    ),
]
_Judges = Annotated[
    list[str] | None,
    word(
        "A model that judges (default: --model). May be repeated.",
        "MODEL[@URL]",
        "--judge",
        panel=_WHAT,
    ),
]
_Of = Annotated[
    str,
    word(
        "answers, or instructions: those that runs made from the same seeds, the questions.",
        "KIND",
        "--of",
        panel=_WHAT,
    ),
]
_By = Annotated[
    str | None,
    word(
        "By which measure of the pack (method preference) judges decide.",
        "MEASURE",
        "--by",
        panel=_WHAT,
    ),
]
_Plan = Annotated[
    bool,
    switch("--plan", about="Say what it would take and what could be seen; make no call."),
]


@takes(_OPTIONS, "flags")
def command(
    out: _Out,
    questions: _Questions = None,
    contestants: _Contestants = None,
    judges: _Judges = None,
    of: _Of = "answers",
    by: _By = None,
    plan: _Plan = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Compare models, or sets of answers, by asking judges about each two in both orders.

    The verdicts stand in verdicts.jsonl, what they come to in summary.json and report.html. The
    same command goes on where it was stopped, and pays for nothing twice. With -o DIR alone, what
    people have said of the blind pairs since is taken in, without a call.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct import judging  # noqa: PLC0415 - slow

        if questions is None:
            if contestants or judges or plan:
                raise UsageError("--questions: no file is named; name the questions.")
            _recount(out, report)
            return
        names = tuple(contestants or ()), tuple(judges or ())
        wish = judging.Wish(out, questions, *names, of, by)
        job = judging.prepare(wish, read_settings(flags))
        for remark in job.remarks:
            report.console.warn(remark)
        if plan:
            _tell(job, report)
        else:
            _judge(job, out, report)


def _recount(out: str, report: Report) -> None:
    from evolinstruct import judging  # noqa: PLC0415 - slow
    from evolinstruct.console.judge import show_results  # noqa: PLC0415 - slow

    results, remarks = judging.recount(out)
    show_results(report.console, results)
    _write_page(out, results, remarks, report)
    report.facts = results.to_json()


def _tell(job: JudgeJob, report: Report) -> None:
    from evolinstruct.console.judge import show_plan  # noqa: PLC0415 - slow

    expected = job.expected()
    show_plan(report.console, expected, job.receivers(), job.questions, job.visible)
    report.facts = {
        "questions": job.questions,
        "visible": round(job.visible, 4),
        "receivers": job.receivers(),
        "expected": [each.to_json() for each in expected],
    }


def _judge(job: JudgeJob, out: str, report: Report) -> None:
    from evolinstruct.console.judge import progress_of, show_judged  # noqa: PLC0415 - slow
    from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow

    try:
        interruptible(
            report, job.interrupt, lambda: show_stage(report.console, job.events(), progress_of)
        )
    finally:
        show_judged(report.console, job.summary)
        if job.summary.results is not None:
            _write_page(out, job.summary.results, job.remarks, report)
            report.facts = {**job.summary.to_json(), **job.summary.results.to_json()}
        report.exit_code = job.summary.exit_code or 0


def _write_page(out: str, results: Results, remarks: Sequence[str], report: Report) -> None:
    from evolinstruct.report.judging import write_page  # noqa: PLC0415 - slow

    report.console.say(f"Report: {write_page(out, results, remarks)}")
