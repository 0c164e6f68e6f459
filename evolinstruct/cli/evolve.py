"""`evolinstruct evolve`: evolve seeds over several generations."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evolinstruct.cli.options import Out, Quiet, Sources, Verbose, settings_from, takes_settings
from evolinstruct.cli.reporting import reported

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.job import Job
    from evolinstruct.recipe import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@takes_settings
def command(
    sources: Sources,
    out: Out,
    update: Annotated[
        bool, typer.Option("--update", help="Carry a run over to other settings; says first what it costs.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, say how many calls at most, make none.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object about the run on stdout.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Evolve seed instructions over several generations into RUN_DIR.

    The same command goes on where an earlier one was stopped, and pays for nothing twice.
    """
    with reported(quiet=quiet, verbose=verbose) as console:
        from evolinstruct import job  # noqa: PLC0415 - slow

        run = job.prepare(sources, Path(out), _settled(flags))
        if dry_run:
            forecast = run.forecast()
            console.forecast(forecast, Path(out))
            _print_json(as_json, forecast.to_json())
            return
        try:
            asyncio.run(_carry_out(run, console, update=update))
        finally:
            if run.summary.tallies:
                console.summary(run.summary, Path(out))
                _print_json(as_json, run.summary.to_json())
    raise typer.Exit(run.summary.exit_code or 0)


def _settled(flags: Mapping[str, Any]) -> Settings:
    from evolinstruct import recipe  # noqa: PLC0415 - slow

    file = recipe.read_file(Path(flags["recipe"])) if "recipe" in flags else None
    return recipe.settle(settings_from(flags), flags.get("preset"), file)


async def _carry_out(run: Job, console: Console, *, update: bool) -> None:
    loop = asyncio.get_running_loop()
    for name in _SIGNALS:
        loop.add_signal_handler(name, run.interrupt)
    await console.follow(run.events(update=update))


def _print_json(asked: bool, values: dict[str, Any]) -> None:
    if asked:
        typer.echo(json.dumps(values, ensure_ascii=False))
