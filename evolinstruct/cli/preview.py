"""`evolinstruct preview`: evolve a handful of seeds, and show what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from evolinstruct import defaults
from evolinstruct.cli.evolve import follow
from evolinstruct.cli.options import (
    AsJson,
    Quiet,
    Sources,
    Update,
    Verbose,
    read_settings,
    run_directory,
    takes_settings,
    word,
)
from evolinstruct.cli.reporting import Report, reported

_Out = Annotated[
    str | None,
    word(
        "Keep the preview here: `evolve` with the same -o makes it whole and pays for nothing"
        " again (default: a directory that is removed).",
        "RUN_DIR",
        "--out",
        "-o",
    ),
]
_Number = Annotated[
    str, typer.Option("--number", "-n", metavar="N", help="How many seeds, drawn by --seed.")
]


@takes_settings
def command(
    sources: Sources,
    out: _Out = None,
    number: _Number = str(defaults.PREVIEWED),
    update: Update = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    flags: Mapping[str, Any] = {},
) -> None:
    """Evolve a handful of the seeds; show what becomes of them and what a whole run would cost.

    Added and removed words are coloured, or marked {+so+} and [-so-] where there is no colour.
    Takes the options of evolve, and the same variables of the environment.
    """
    with reported(quiet=quiet, verbose=verbose, as_json=as_json) as report:
        show(report, sources, out, number, flags, update=update, as_json=as_json)


def show(
    report: Report,
    sources: Sequence[str],
    out: str | None,
    number: str,
    flags: Mapping[str, Any],
    *,
    update: bool = False,
    as_json: bool = False,
) -> None:
    """Carry a preview out, and show what becomes of its seeds."""
    from evolinstruct.analysis import preview  # noqa: PLC0415 - slow
    from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
    from evolinstruct.filters import whole_number  # noqa: PLC0415 - slow
    from evolinstruct.run import job  # noqa: PLC0415 - slow

    with _directory(out) as run:
        count = whole_number("--number", number, 1)
        drawn = job.prepare(sources, run, read_settings(flags), preview=count)
        follow(drawn, report, update=update)
        made = Run(run)
        whole = preview.extrapolate(made.state)
        report.exit_code = drawn.summary.exit_code or 0
        report.facts = {**drawn.summary.to_json(), "whole_run": whole.to_json()}
        if not as_json:
            from evolinstruct.analysis.scores import ScoreBook  # noqa: PLC0415 - slow
            from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
            from evolinstruct.console.trace import show_preview  # noqa: PLC0415 - slow

            place, scores = Path(out) if out else None, ScoreBook.open(run)
            show_preview(Page(), made.families(), scores, whole, place)


@contextmanager
def _directory(out: str | None) -> Iterator[Path]:
    if out is not None:
        yield run_directory(out)
        return
    with TemporaryDirectory(prefix="evolinstruct-preview-") as folder:
        yield Path(folder)
