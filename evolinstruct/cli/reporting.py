"""How a command ends: a sentence on stderr, an exit code, with --json one object on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from evolinstruct.errors import EvolinstructError, Interrupted

if TYPE_CHECKING:
    from evolinstruct.console import Console


class Report:
    """What a command has to tell.

    Attributes:
        console: for a person.
        facts: for a script, with --json.
        exit_code: of the process.
    """

    def __init__(self, console: Console) -> None:
        """Begin with nothing to tell."""
        self.console = console
        self.facts: dict[str, Any] = {}
        self.exit_code = 0

    def end_with(self, error: BaseException) -> None:
        """Tell what ended the command early."""
        told = _told(error)
        self.console.error(told, error)
        self.exit_code = told.exit_code
        self.facts = {**self.facts, "status": str(told), "exit_code": told.exit_code}


@contextmanager
def reported(*, quiet: bool = False, verbose: int = 0, as_json: bool = False) -> Iterator[Report]:
    """Lend a report to a command, and end the process with it, whatever happened.

    Raises:
        typer.Exit: always, with the exit code.
    """
    from evolinstruct.console import Console  # noqa: PLC0415 - slow

    report = Report(Console(-1 if quiet else verbose))
    try:
        yield report
    except (typer.Exit, BrokenPipeError):
        raise  # nobody reads on: typer ends the process without a word
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence
        report.end_with(error)
    if as_json:
        _print(report)
    raise typer.Exit(report.exit_code)


def _print(report: Report) -> None:
    """Print the facts as one JSON object on stdout."""
    try:
        typer.echo(json.dumps(report.facts))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.stdout = None  # what it holds back cannot be told either
        report.end_with(OSError(error.errno, error.strerror, "the standard output"))


def _told(error: BaseException) -> EvolinstructError:
    """Return what a user is told of an error."""
    match error:
        case EvolinstructError():
            return error
        case KeyboardInterrupt():
            return Interrupted("Interrupted; run the same command again.")
        case OSError(filename=name, strerror=said) if said:
            place = f"{name}: " if name else ""
            return EvolinstructError(f"{place}{said}; put that right and run the command again.")
        case _:
            return EvolinstructError(
                f"Unexpected {type(error).__name__}: {error};"
                " -vv shows where, which belongs in a report of this."
            )
