"""`evolinstruct stats`: print the figures of runs."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from evolinstruct import defaults
from evolinstruct.cli.options import Verbose, switch
from evolinstruct.cli.reporting import reported
from evolinstruct.errors import UsageError

_RunDirs = Annotated[
    list[Path], typer.Argument(metavar="RUN_DIR", help="A run, or several to compare.")
]
_AsJson = Annotated[bool, switch("--json", about="Print one JSON object on stdout.")]
_AsCsv = Annotated[
    bool, switch("--csv", about="Print a row for each run, generation, operation and rule.")
]
_Sample = Annotated[
    str,
    typer.Option(metavar="N", help="Measure diversity on this many texts of a generation."),
]
_Seed = Annotated[str, typer.Option(metavar="N", help="What the texts are drawn by.")]


def command(
    run_dirs: _RunDirs,
    as_json: _AsJson = False,
    as_csv: _AsCsv = False,
    sample: _Sample = str(defaults.VARIETY_SAMPLE),
    seed: _Seed = str(defaults.SEED),
    verbose: Verbose = 0,
) -> None:
    """Print figures of runs by generation, operation, rule and purpose; several side by side."""
    with reported(verbose=verbose, as_json=as_json) as report:
        if as_json and as_csv:
            raise UsageError("--json and --csv cannot both be given; name one of them.")
        from evolinstruct.analysis.figure_rows import rows  # noqa: PLC0415 - slow
        from evolinstruct.analysis.figures import measure  # noqa: PLC0415 - slow
        from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
        from evolinstruct.filters import whole_number  # noqa: PLC0415 - slow

        runs = [Run(run_dir) for run_dir in run_dirs]
        size = whole_number("--sample", sample, 1) or 0
        drawn_by = whole_number("--seed", seed) or 0
        figures = [measure(run, size, drawn_by) for run in runs]
        if as_json:
            report.facts = {"runs": [found.to_json() for found in figures]}
        elif as_csv:
            csv.writer(sys.stdout).writerows(rows(figures))
        else:
            from evolinstruct.console.comparison import show  # noqa: PLC0415 - slow
            from evolinstruct.console.page import Page  # noqa: PLC0415 - slow

            show(Page(), figures)
        for run in runs:
            for notice in run.notices:
                report.console.say(notice)
