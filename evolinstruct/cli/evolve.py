"""`evolinstruct evolve`: evolve seeds over several generations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from evolinstruct.cli.interrupts import interruptible
from evolinstruct.cli.options import (
    AsJson,
    Out,
    Quiet,
    Sources,
    Update,
    Verbose,
    read_settings,
    run_directory,
    switch,
    takes_settings,
    word,
)
from evolinstruct.cli.reporting import Report, reported
from evolinstruct.errors import UsageError

if TYPE_CHECKING:
    from evolinstruct.run.job import Job

_Retry = Annotated[
    str | None,
    word(
        "Ask once more for the lines that are failed, truncated, or rejected by the rule of this"
        " name; other families stay as they are, unless one becomes a duplicate of what changes.",
        "WHAT",
        "--retry",
    ),
]
_DryRun = Annotated[
    bool, switch("--dry-run", about="Check everything and say how many calls at most; make none.")
]
_Forget = Annotated[
    bool,
    switch(
        "--forget-batches",
        about="Give up batches that the service does not know any more; what was in them is asked,"
        " and paid for, again.",
    ),
]


@takes_settings
def command(
    sources: Sources,
    out: Out,
    update: Update = False,
    retry: _Retry = None,
    forget_batches: _Forget = False,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Evolve seed instructions over several generations into RUN_DIR.

    The same command goes on where an earlier one was stopped, and pays for nothing twice.

    Variables of the environment may say who answers, how a run is carried out and what it may cost:
    EVOLINSTRUCT_ and the flag in capitals, such as EVOLINSTRUCT_BASE_URL. Flags win over them, and
    they over --recipe and --preset.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        if dry_run and retry is not None:
            raise UsageError("--retry makes calls and --dry-run none; leave one of them out.")
        from evolinstruct.run import job  # noqa: PLC0415 - slow

        run = job.prepare(sources, run_directory(out), read_settings(flags))
        if dry_run:
            _tell_forecast(run, report, out, update=update)
        else:
            how = {"update": update, "retry": retry, "forget_batches": forget_batches}
            _carry_out(run, report, out, how)


def _tell_forecast(run: Job, report: Report, out: str, *, update: bool) -> None:
    from evolinstruct.console.evolve import show_forecast  # noqa: PLC0415 - slow

    forecast = run.forecast(update=update)
    show_forecast(report.console, forecast, Path(out))
    report.facts = forecast.to_json()


def _carry_out(run: Job, report: Report, out: str, how: Mapping[str, Any]) -> None:
    from evolinstruct.console.evolve import show_summary  # noqa: PLC0415 - slow

    try:
        follow(run, report, **how)
    finally:
        show_summary(report.console, run.summary, Path(out))
        report.facts = run.summary.to_json()
        report.exit_code = run.summary.exit_code or 0


def follow(run: Job, report: Report, **how: Any) -> None:
    """Carry a run out and show how it goes; a signal ends it in good order."""
    from evolinstruct.console.progress import show_events  # noqa: PLC0415 - slow

    interruptible(report, run.interrupt, lambda: show_events(report.console, run.events(**how)))
