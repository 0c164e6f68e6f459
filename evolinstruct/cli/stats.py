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
    typer.Option(metavar="N", help="Measure diversity on at most N texts of each generation."),
]
_Seed = Annotated[str, typer.Option(metavar="N", help="The seed that draws them.")]
_Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Show difficulty as this method found it, such as paper (default: the method with most"
        " scores).",
    ),
]


def command(
    run_dirs: _RunDirs,
    as_json: _AsJson = False,
    as_csv: _AsCsv = False,
    sample: _Sample = str(defaults.DIVERSITY_SAMPLE),
    seed: _Seed = str(defaults.SEED),
    method: _Method = None,
    verbose: Verbose = 0,
) -> None:
    """Print figures of runs by generation, operation, rule and purpose; several side by side."""
    with reported(verbose=verbose, as_json=as_json) as report:
        if as_json and as_csv:
            raise UsageError("--json and --csv cannot both be given; name one of them.")
        from evolinstruct.analysis.measurement import measure, rows  # noqa: PLC0415 - slow
        from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
        from evolinstruct.filters import whole_number  # noqa: PLC0415 - slow

        runs = [Run(run_dir) for run_dir in run_dirs]
        size = whole_number("--sample", sample, 1) or 0
        drawn_by = whole_number("--seed", seed) or 0
        found = [measure(run, size, drawn_by, method) for run in runs]
        if as_json:
            report.facts = {"runs": [each.to_json() for each in found]}
        elif as_csv:
            csv.writer(sys.stdout).writerows(rows(found))
        else:
            from evolinstruct.console.page import Page  # noqa: PLC0415 - slow
            from evolinstruct.console.stats import show  # noqa: PLC0415 - slow

            show(Page(), found)
        for run in runs:
            for notice in run.notices:
                report.console.say(notice)
