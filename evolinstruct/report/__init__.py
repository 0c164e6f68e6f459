"""One file that shows what runs came to, for a browser that need not be online.

Opens the runs, measures them, draws a sample of their families and puts the page together.

    story     the statistics on top, and where several runs differ
    charts    what is charted, with the same as a table
    drawing   charts as SVG, by Vega-Lite                      (only user of vl_convert)
    sample    whole families, drawn by a seed, as plain data
    examples  what each operation does, with the words that differ
    markup    HTML, every text in it escaped
    page      the parts as one page, with page.css and page.js

Whatever a model wrote is data on the page: nothing of it is ever markup, style or script.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evolinstruct import defaults
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.statistics import measure
from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError
from evolinstruct.report.drawing import Drawing
from evolinstruct.report.page import GENERATOR, compose
from evolinstruct.report.sample import draw_families

_HEAD = 2_000
"""Within so many bytes a page of ours says that it is one."""


def write_report(
    runs: Sequence[Run],
    out: Path,
    rows: int = defaults.REPORT_ROWS,
    seed: int = defaults.SEED,
) -> None:
    """Write one self-contained page about runs.

    Args:
        runs: one, or several to compare.
        out: the file; a report that is there is written anew, any other file is refused.
        rows: so many lines of all runs are embedded at most, as whole families.
        seed: what the families and the examples are drawn by.

    Raises:
        InputError: a run cannot be read, the place is taken, or the plotting library is missing.
    """
    _check(out)
    drawing = Drawing()
    measured = [measure(run, sample_seed=seed) for run in runs]
    samples = [
        draw_families(run, found, rows // len(runs), seed)
        for run, found in zip(runs, measured, strict=True)
    ]
    page = compose(runs, measured, samples, drawing, seed)
    with replaced(out) as file:
        # A half of a surrogate pair, which a reply may hold, cannot be written as UTF-8.
        file.write(page.encode("utf-8", "replace"))


def _check(out: Path) -> None:
    """Refuse a place where a report cannot be written without loss."""
    if out.is_dir():
        raise InputError(f"{out} is a directory; name a file in it, as {out / 'report.html'}.")
    if not out.parent.is_dir():
        raise InputError(f"There is no directory {out.parent}; make it, or name another file.")
    if out.exists() and not _is_report(out):
        raise InputError(f"{out} is there and is no report of ours; name another file.")


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return GENERATOR.encode() in file.read(_HEAD)
