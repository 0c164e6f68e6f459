"""The command line: each command parses its options, hands over, and reports.

Commands import what they run only when they run it, so that `--help` is instant.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from evolinstruct.cli import (
    check,
    contamination,
    diversity,
    evolve,
    export,
    judge,
    merge,
    preview,
    prompts,
    refilter,
    report,
    review,
    rules,
    score,
    seeds,
    select,
    settings,
    show,
    stats,
    trace,
    tune,
    verify,
    view,
    work,
)
from evolinstruct.cli.help import Command, Group
from evolinstruct.errors import told

_HELP = {"help_option_names": ["-h", "--help"]}
_GROUPS: dict[str, dict[str, Callable[..., None]]] = {
    "Make": {
        "evolve": evolve.command,
        "work": work.command,
        "merge": merge.command,
        "preview": preview.command,
        "tune": tune.command,
        "check": check.command,
        "settings": settings.command,
        "rules": rules.command,
    },
    "Read": {
        "show": show.command,
        "trace": trace.command,
        "stats": stats.command,
        "report": report.command,
        "view": view.command,
    },
    "Judge": {
        "score": score.command,
        "diversity": diversity.command,
        "judge": judge.command,
        "review": review.command,
        "verify": verify.command,
        "contamination": contamination.command,
        "refilter": refilter.command,
    },
    "Bring in and out": {
        "seeds": seeds.command,
        "select": select.command,
        "export": export.command,
    },
}

app = typer.Typer(
    name="evolinstruct",
    help="Evolve seed instructions into harder, more diverse instruction data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=_HELP,
    cls=Group,
)
for _group, _commands in _GROUPS.items():
    for _name, _command in _commands.items():
        app.command(name=_name, cls=Command, rich_help_panel=_group, context_settings=_HELP)(
            _command
        )
app.add_typer(prompts.app, rich_help_panel="Make", context_settings=_HELP)


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
            "--version",
            "-V",
            callback=_version,
            is_eager=True,
            metavar="",
            help="Print the version.",
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
