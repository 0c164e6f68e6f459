"""`evolinstruct work`: make the calls of one shard of a prepared run, on any machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolinstruct.cli.interrupts import interruptible
from evolinstruct.cli.options import AsJson, Quiet, Verbose, takes, work_options
from evolinstruct.cli.reporting import Report, reported

if TYPE_CHECKING:
    from evolinstruct.run.work import ShardJob

_OPTIONS = work_options()
_Run = Annotated[
    Path,
    typer.Argument(metavar="RUN_DIR", show_default=False, help="A run, prepared by evolve."),
]
_Shard = Annotated[
    str,
    typer.Option(
        "--shard",
        metavar="N/OF",
        help="Which part of the seeds, such as 3/16; the ids of seeds decide whose each one is.",
    ),
]
_Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", help="The shard's file, on a local disk.")
]


@takes(_OPTIONS, "flags")
def command(
    run: _Run,
    shard: _Shard,
    out: _Out,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Make the calls of one shard of a prepared run; their replies fill a file of its own.

    Nothing is written to RUN_DIR, which may be a copy on another machine. The same command goes on
    where it was stopped. Rates and caps are those of the whole run, of which a shard has its part.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        from evolinstruct.run import work  # noqa: PLC0415 - slow
        from evolinstruct.run.shards import Shard  # noqa: PLC0415 - slow
        from evolinstruct.settings import Layer, flag_of, read_words  # noqa: PLC0415 - slow

        given = read_words(flags, Layer({}, named=flag_of))
        _work(work.prepare(run, Shard.parse(shard), out, given), report, run)


def _work(job: ShardJob, report: Report, run: Path) -> None:
    from evolinstruct.console.shards import progress_of, show_worked  # noqa: PLC0415 - slow
    from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow

    for notice in job.notices():
        report.console.say(notice)
    events = job.events()
    try:
        interruptible(
            report, job.interrupt, lambda: show_stage(report.console, events, progress_of)
        )
    finally:
        show_worked(report.console, job.summary, run)
        report.facts = job.summary.to_json()
        report.exit_code = job.summary.exit_code or 0
