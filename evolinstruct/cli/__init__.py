"""The command line: each command parses its options, hands over, and reports.

Commands import what they run only when they run it, so that `--help` is instant.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from evolinstruct.cli import (
    check,
    contamination,
    diversity,
    evolve,
    export,
    judge,
    preview,
    prompts,
    refilter,
    report,
    review,
    rules,
    score,
    seeds,
    select,
    show,
    stats,
    trace,
    verify,
    view,
)
from evolinstruct.errors import told

app = typer.Typer(
    name="evolinstruct",
    help="Evolve seed instructions into harder, more diverse instruction data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="evolve")(evolve.command)
app.command(name="preview")(preview.command)
app.command(name="show")(show.command)
app.command(name="trace")(trace.command)
app.command(name="stats")(stats.command)
app.command(name="score")(score.command)
app.command(name="diversity")(diversity.command)
app.command(name="select")(select.command)
app.command(name="judge")(judge.command)
app.command(name="check")(check.command)
app.command(name="rules")(rules.command)
app.command(name="refilter")(refilter.command)
app.command(name="contamination")(contamination.command)
app.command(name="seeds")(seeds.command)
app.command(name="verify")(verify.command)
app.command(name="export")(export.command)
app.command(name="report")(report.command)
app.command(name="view")(view.command)
app.command(name="review")(review.command)
app.add_typer(prompts.app)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - slow

        typer.echo(f"evolinstruct {version('evolinstruct')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, metavar="", help="Print the version."
        ),
    ] = False,
) -> None:
    """Evolve seed instructions into harder, more diverse instruction data."""


def main() -> None:
    """Run the program."""
    try:
        app()
    except OSError as error:  # of what no command prints, such as --help
        sys.stdout = None  # what it holds back cannot be printed either
        sys.exit(f"Error: {told(OSError(error.errno, error.strerror, 'the standard output'))}")
