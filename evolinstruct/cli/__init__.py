"""The command line: parses, hands over, reports. The only importer of typer.

Commands import what they run only when they run it, so that `--help` is instant.
"""

from __future__ import annotations

from typing import Annotated

import typer

from evolinstruct.cli import evolve, prompts

app = typer.Typer(
    name="evolinstruct",
    help="Evolve seed instructions into harder, more diverse instruction data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="evolve")(evolve.command)
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
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Evolve seed instructions into harder, more diverse instruction data."""


def main() -> None:
    """Run the program."""
    app()
