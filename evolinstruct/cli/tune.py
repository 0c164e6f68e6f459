"""`evolinstruct tune`: have a model rewrite the method of a pack until it fails less often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli.interrupts import interruptible
from evolinstruct.cli.options import (
    AsJson,
    Quiet,
    Sources,
    Verbose,
    read_settings,
    stage_options,
    switch,
    takes,
)
from evolinstruct.cli.reporting import Report, reported

if TYPE_CHECKING:
    from evolinstruct.tuning import TuneJob

_OPTIONS = stage_options(
    *("seed", "recipe", "limit", "sample", "map", "skip_bad"),
    *("answers", "no_answers", "pick", "evolve_answers", "sandbox"),
    *("compare", "eliminate", "rules", "no_rules", "strict", "against"),
)
_WHAT = "What is tuned, and how long"
_Out = Annotated[
    str, typer.Option("--out", "-o", metavar="PACK_DIR", help="The folder of the tuned pack.")
]


def _number(name: str, about: str, least: int = 1) -> Any:
    return typer.Option(name, metavar="N", min=least, max=10_000, help=about, rich_help_panel=_WHAT)


_From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="PACK",
        show_default=False,
        help=f"The pack to begin with, by name or folder (default {defaults.PACK}).",
        rich_help_panel=_WHAT,
    ),
]
_Steps = Annotated[int, _number("--steps", "How often the method is rewritten at most.")]
_Candidates = Annotated[int, _number("--candidates", "How many methods are written in a step.")]
_Development = Annotated[
    int, _number("--development", "On how many instructions each method is tried.")
]
_Batch = Annotated[
    int,
    _number("--mini-batch", "How many other instructions are evolved in a step, to be analysed."),
]
_Rounds = Annotated[int, _number("--rounds", "How often each of these is evolved.")]
_Gain = Annotated[
    bool,
    switch(
        "--gain",
        about="Count a rewrite as a failure, too, that is ranked no harder than its seed.",
        panel=_WHAT,
    ),
]
_DryRun = Annotated[bool, switch("--dry-run", about="Say what it would take; make no call.")]


@takes(_OPTIONS, "flags")
def command(
    sources: Sources,
    out: _Out,
    pack: _From = None,
    steps: _Steps = defaults.TUNING_STEPS,
    candidates: _Candidates = defaults.TUNING_CANDIDATES,
    development: _Development = defaults.TUNING_DEVELOPMENT,
    mini_batch: _Batch = defaults.TUNING_BATCH,
    rounds: _Rounds = defaults.TUNING_ROUNDS,
    gain: _Gain = False,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Have a model rewrite the method of a pack, until it fails less often (Auto Evol-Instruct).

    The pack is ready for `evolve --prompts PACK_DIR`; how it came about stands in PACK_DIR/tuning.
    The same command goes on where it was stopped, and pays for nothing twice. The optimizing model
    is that of --model optimize=NAME and analyse=NAME. What is tried is asked for at temperature 0,
    the optimizing model at 0.6, unless --temperature PURPOSE=X says otherwise.

    For example: evolinstruct tune starter -o my-pack --client offline --steps 2
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct import tuning  # noqa: PLC0415 - slow

        size = mini_batch, rounds, development, steps, candidates
        wish = tuning.Wish(tuple(sources), out, *size, gain)
        given = {**flags, "prompts": pack} if pack is not None else flags
        job = tuning.prepare(wish, read_settings(given))
        if dry_run:
            _tell(job, report)
        else:
            _tune(job, report)


def _tell(job: TuneJob, report: Report) -> None:
    from evolinstruct.console.tune import show_expected  # noqa: PLC0415 - slow

    expected = job.expected()
    show_expected(report.console, expected, job.receivers())
    report.facts = {
        "expected": [each.to_json() for each in expected],
        "receivers": job.receivers(),
    }


def _tune(job: TuneJob, report: Report) -> None:
    from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow
    from evolinstruct.console.tune import progress_of, show_tuned  # noqa: PLC0415 - slow

    try:
        interruptible(
            report, job.interrupt, lambda: show_stage(report.console, job.events(), progress_of)
        )
    finally:
        show_tuned(report.console, job.summary)
        report.facts = job.summary.to_json()
        report.exit_code = job.summary.exit_code or 0
