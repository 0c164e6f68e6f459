"""How a command ends: a sentence on stderr, an exit code, with --json one object on stdout.

Also the files that a command writes beside that: never over what it reads, nor into a run.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import typer

from evolinstruct.errors import told

if TYPE_CHECKING:
    from evolinstruct.console import Console


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Those that ask for an end."""


class Report:
    """What a command has to tell.

    Attributes:
        facts: for a script, with --json.
        exit_code: of the process.
    """

    def __init__(self, verbosity: int) -> None:
        """Begin with nothing to tell."""
        self._verbosity = verbosity
        self.facts: dict[str, Any] = {}
        self.exit_code = 0

    @cached_property
    def console(self) -> Console:
        """For a person; loaded when there is something to say."""
        from evolinstruct.console import Console  # noqa: PLC0415 - slow

        return Console(self._verbosity)

    def end_with(self, error: BaseException) -> None:
        """Tell what ended the command early."""
        ending = told(error)
        self.console.error(ending, error)
        self.exit_code = ending.exit_code
        self.facts = {**self.facts, "status": str(ending), "exit_code": ending.exit_code}


@contextmanager
def reported(*, quiet: bool = False, verbose: int = 0, as_json: bool = False) -> Iterator[Report]:
    """Lend a report to a command, and end the process with it, whatever happened.

    Raises:
        typer.Exit: always, with the exit code.
    """
    report = Report(-1 if quiet else verbose)
    _prepare_stdout()
    try:
        end_as_interrupted()
        yield report
    except (typer.Exit, BrokenPipeError):
        raise  # nobody reads on: typer ends the process without a word
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence
        report.end_with(error)
    if as_json:
        _print(report)
    raise typer.Exit(report.exit_code)


def end_as_interrupted() -> None:
    """Let every signal that asks for an end act as Ctrl-C, from the first moment on."""
    if threading.current_thread() is not threading.main_thread():
        return  # where no signal arrives
    for name in SIGNALS:
        if signal.getsignal(name) is not signal.SIG_IGN:  # as under nohup
            signal.signal(name, signal.default_int_handler)


def _prepare_stdout() -> None:
    """Let any text be printed: in an encoding that lacks a character, a mark stands for it."""
    if sys.stdout is None:  # closed before the program began
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


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


class HasJson(Protocol):
    """What a list has a line of."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""


@contextmanager
def json_list(out: Path | None, inputs: Iterable[Path] = ()) -> Iterator[Callable[[HasJson], None]]:
    """Lend what adds a line of JSON to a list; the file appears when it is whole.

    Where no file is named, what is added goes nowhere.

    Raises:
        InputError: the file may not or cannot be written.
    """
    if out is None:
        yield lambda _: None
        return
    from evolinstruct.atomic_write import replaced  # noqa: PLC0415 - slow
    from evolinstruct.run_dir.directory import outside  # noqa: PLC0415 - slow

    with replaced(outside(out, inputs)) as file:
        yield lambda each: _write(file, each)


def _write(file: BinaryIO, each: HasJson) -> None:
    file.write(json.dumps(each.to_json(), ensure_ascii=False).encode("utf-8", "replace") + b"\n")
