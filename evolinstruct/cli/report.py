"""`evolinstruct report`: write one page about runs, for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evolinstruct import defaults
from evolinstruct.cli.options import Verbose
from evolinstruct.cli.reporting import Report, reported

_RunDirs = Annotated[
    list[Path],
    typer.Argument(metavar="RUN_DIR...", help="A run, or several to compare; or a tuned pack."),
]
_Out = Annotated[
    Path,
    typer.Option(
        "--out", "-o", metavar="FILE", help="The page; an older report there is replaced."
    ),
]
_Rows = Annotated[
    int, typer.Option(metavar="N", min=1, help="Embed at most this many lines, as whole families.")
]
_Seed = Annotated[int, typer.Option(metavar="N", help="What samples are drawn by.")]


def command(
    run_dirs: _RunDirs,
    out: _Out,
    rows: _Rows = defaults.REPORT_ROWS,
    seed: _Seed = defaults.SEED,
    verbose: Verbose = 0,
) -> None:
    """Write one page that shows runs in a browser: figures, charts, examples, every instruction.

    Of a pack that `evolinstruct tune` made, it shows how often each method failed, why, what it
    says and what it took. The file needs nothing else and no network.
    """
    with reported(verbose=verbose) as report:
        from evolinstruct.tuning import find_tuned  # noqa: PLC0415 - slow

        if (pack := find_tuned(run_dirs)) is not None:
            from evolinstruct.report.tuning import write_tuning  # noqa: PLC0415 - slow

            write_tuning(pack, out)
        else:
            _write(run_dirs, out, rows, seed, report)
        report.console.say(f"{out} is written; open it in a browser.")


def _write(run_dirs: list[Path], out: Path, rows: int, seed: int, report: Report) -> None:
    from evolinstruct.analysis.runs import Run  # noqa: PLC0415 - slow
    from evolinstruct.report import write_report  # noqa: PLC0415 - slow

    runs = [Run(run_dir) for run_dir in run_dirs]
    write_report(runs, out, rows, seed)
    for run in runs:
        for notice in run.notices:
            report.console.say(notice)
