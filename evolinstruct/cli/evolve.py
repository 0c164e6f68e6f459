"""`evolinstruct evolve`: evolve seeds over several generations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from evolinstruct.cli.interrupts import interruptible
from evolinstruct.cli.merge import take_in
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
_Prepare = Annotated[
    bool,
    switch(
        "--prepare",
        about="Write what `evolinstruct work` needs on other machines; make no call.",
    ),
]
_Ray = Annotated[
    str | None,
    word(
        "Have a Ray cluster make the calls, an actor for each of its processors: its address, or"
        " auto. All nodes must see RUN_DIR. Needs the extra ray.",
        "ADDRESS",
        "--ray",
    ),
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
    prepare: _Prepare = False,
    ray: _Ray = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Evolve seed instructions over several generations into RUN_DIR.

    The same command goes on where an earlier one was stopped, and pays for nothing twice.

    Who answers, how a run is carried out and what it may cost may also stand in variables, as
    EVOLINSTRUCT_BASE_URL, in .env here, in a profile and in your settings file. What is nearer
    wins: flags, variables, .env, --recipe, --profile, your settings, --preset.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        _refuse_contradictions(sources, retry, ray, dry_run=dry_run, prepare=prepare)
        from evolinstruct.run import job  # noqa: PLC0415 - slow

        def planned() -> Job:
            return job.prepare(sources, run_directory(out), read_settings(flags))

        if ray is not None:
            _spread(planned, report, Path(out), ray, update=update)
            update = False  # it is carried over by now
        run = planned()
        if dry_run:
            _tell_forecast(run, report, out, update=update)
        else:
            how = {
                "update": update,
                "retry": retry,
                "forget_batches": forget_batches,
                "only_prepare": prepare,
            }
            _carry_out(run, report, out, how)
            if prepare:
                from evolinstruct.console.shards import show_prepared  # noqa: PLC0415 - slow

                show_prepared(report.console, Path(out))


def _refuse_contradictions(
    sources: list[str], retry: str | None, ray: str | None, *, dry_run: bool, prepare: bool
) -> None:
    idle = "--dry-run" if dry_run else "--prepare" if prepare else None
    for option, given in (("--retry", retry), ("--ray", ray)):
        if given is not None and idle:
            raise UsageError(f"{option} makes calls and {idle} none; leave one of them out.")
    if dry_run and prepare:
        raise UsageError("--dry-run writes nothing and --prepare does; leave one of them out.")
    if ray is not None and "-" in sources:
        raise UsageError("--ray reads the seeds more than once; name a file in place of -.")


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


def _spread(
    planned: Callable[[], Job], report: Report, run: Path, address: str, *, update: bool
) -> None:
    """Have the shards of a run worked on by a cluster, and merge them."""
    from evolinstruct.console.shards import progress_of_all  # noqa: PLC0415 - slow
    from evolinstruct.console.stage import show_stage  # noqa: PLC0415 - slow
    from evolinstruct.run.cluster import Cluster, files_of  # noqa: PLC0415 - slow

    cluster = Cluster(run, address)
    follow(planned(), report, update=update, only_prepare=True)
    events = cluster.events()
    interruptible(
        report, cluster.interrupt, lambda: show_stage(report.console, events, progress_of_all)
    )
    for why in cluster.ended_early:
        report.console.warn(why)
    if files := sorted(files_of(run).glob("*.sqlite")):
        take_in(report, run, files)


def follow(run: Job, report: Report, **how: Any) -> None:
    """Carry a run out and show how it goes; a signal ends it in good order."""
    from evolinstruct.console.progress import show_events  # noqa: PLC0415 - slow

    interruptible(report, run.interrupt, lambda: show_events(report.console, run.events(**how)))
