"""`evolinstruct prompts`: see, copy, check and try prompt packs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli import preview
from evolinstruct.cli.help import Command, Group
from evolinstruct.cli.options import Quiet, Verbose, takes_settings
from evolinstruct.cli.reporting import reported
from evolinstruct.errors import UsageError

app = typer.Typer(
    name="prompts", help="See, copy, check and try prompt packs.", no_args_is_help=True, cls=Group
)

_Pack = Annotated[str, typer.Argument(metavar="PACK", help="A built-in name or a folder.")]


@app.command(name="list", cls=Command)
def list_packs(verbose: Verbose = 0) -> None:
    """List the built-in packs."""
    with reported(verbose=verbose):
        from evolinstruct import prompts  # noqa: PLC0415 - slow

        for name in prompts.builtin():
            typer.echo(f"{name}\t{prompts.read(prompts.find(name)).description}")


@app.command(cls=Command)
def show(
    pack: _Pack = defaults.PACK,
    name: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Only this file, such as compare.")
    ] = None,
    verbose: Verbose = 0,
) -> None:
    """Print a pack's operations and files, or one file's text."""
    with reported(verbose=verbose):
        from evolinstruct import prompts  # noqa: PLC0415 - slow

        folder = prompts.find(pack)
        if name is not None:
            typer.echo(prompts.find_file(folder, name).read_text(encoding="utf-8"), nl=False)
            return
        found = prompts.read(folder)
        typer.echo(f"{found.name} ({found.language}): {found.description}\n{folder}\n")
        for operation in found.operations:
            skips = f"  skips {', '.join(sorted(operation.skips))}" if operation.skips else ""
            typer.echo(
                f"  {operation.name:<20}{operation.kind:<12}weight {operation.weight:g}{skips}"
            )
        typer.echo(f"\nFormats: {', '.join(found.formats)}.")
        typer.echo(f"Markers: {', '.join(found.markers)}.")
        measures = ", ".join(f"{name} ({method})" for name, method in sorted(found.measures))
        typer.echo(f"Measures: {measures or 'those of general'}.")
        checks = [
            f"{name} ({', '.join(f'{key} {value:g}' for key, value in args.items())})"
            for name, args in found.checks.items()
        ]
        typer.echo(f"Checks of answers: {', '.join(checks) or 'none'}.")
        typer.echo("\nFiles, each shown by its name:")
        for file in prompts.files(folder):
            typer.echo(f"  {file}")


@app.command(cls=Command)
def copy(
    pack: _Pack,
    to: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    verbose: Verbose = 0,
) -> None:
    """Copy a pack to a folder of your own, to change it there."""
    with reported(verbose=verbose):
        from evolinstruct import prompts, text  # noqa: PLC0415 - slow

        prompts.copy(prompts.find(pack), to)
        check = text.command("evolinstruct", "prompts", "check", to)
        typer.echo(
            f"Copied to {to}; change it there, check it with `{check}`, and use it with"
            f" {text.command('--prompts', to)}.",
            err=True,
        )


@app.command(cls=Command)
def check(pack: _Pack, verbose: Verbose = 0) -> None:
    """Check a whole pack; an error names the file and the line."""
    with reported(verbose=verbose):
        from evolinstruct import prompts, text  # noqa: PLC0415 - slow

        found = prompts.read(prompts.find(pack))
        typer.echo(
            f"{found.name} is in order: {text.counted(len(found.operations), 'operation')},"
            f" {text.counted(len(found.formats), 'format')},"
            f" {text.counted(len(found.measures), 'measure')},"
            f" {text.counted(len(found.checks), 'check')} of answers.",
            err=True,
        )


@app.command(name="try", cls=Command)
@takes_settings
def try_pack(
    pack: _Pack,
    sources: Annotated[
        str, typer.Option("--seeds", metavar="FILE", help="Seeds, as evolve takes them.")
    ] = "starter",
    number: Annotated[
        str, typer.Option("--number", "-n", metavar="N", help="How many seeds, drawn by --seed.")
    ] = "3",
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Evolve three seeds with a pack, and show them. Takes the options of evolve."""
    with reported(quiet=quiet, verbose=verbose) as report:
        if flags.get("prompts") is not None:
            raise UsageError("prompts try takes the pack as its argument; leave --prompts out.")
        preview.show(report, [sources], None, number, {**flags, "prompts": pack})
