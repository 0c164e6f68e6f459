"""A report: one HTML file about runs, which needs no network and no other file.

    story     the statistics on top, and where several runs differ
    run_charts
              what is charted of runs, with the same as a table
    charts    the kinds of charts, drawn
    canvas    scales, axes, legends and texts, as SVG
    passages  texts with changed words marked, and code in a fixed width
    sample    whole families, drawn by a seed, as plain data
    examples  what each operation does, with the words that differ
    diversity how unlike in meaning the instructions are, with a map; where they were embedded
    pairs     which of them are most alike
    selection what would be selected, where instructions are scored
    markup    HTML, every text in it escaped
    frame     what stands around the content of every page, with page.css and theme.js
    page      the parts as one page, with page.js
    judging   the page of a contest: who is better, and how far that can be trusted
    tuning    the page of a tuned pack: how often its methods failed

What a model wrote is data on the page, never markup, style or script.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evolinstruct import defaults
from evolinstruct.analysis.measurement import measure
from evolinstruct.analysis.runs import Run
from evolinstruct.diversity import is_installed
from evolinstruct.report.frame import write_page
from evolinstruct.report.page import Meaning, compose
from evolinstruct.report.sample import draw_families
from evolinstruct.report.selection import selected_of


def write_report(
    runs: Sequence[Run],
    out: Path,
    rows: int = defaults.REPORT_ROWS,
    seed: int = defaults.SEED,
) -> None:
    """Write one self-contained page about runs.

    Args:
        runs: one run, or several to compare.
        out: the file; an older report is replaced, any other file is refused.
        rows: embed at most so many lines of all runs together, as whole families.
        seed: the seed that draws the families and the examples.

    Raises:
        InputError: a run cannot be read, or `out` cannot be written.
    """
    write_page(out, lambda: report_of(runs, rows, seed))


def report_of(
    runs: Sequence[Run], rows: int = defaults.REPORT_ROWS, seed: int = defaults.SEED
) -> str:
    """Return the page that `write_report` writes.

    Raises:
        InputError: a run cannot be read.
    """
    measured = [measure(run, sample_seed=seed) for run in runs]
    samples = [
        draw_families(run, found, rows // len(runs), seed)
        for run, found in zip(runs, measured, strict=True)
    ]
    meaning, selected = _meaning(runs, seed), [selected_of(run) for run in runs]
    return compose(runs, measured, samples, seed, meaning, selected)


def _meaning(runs: Sequence[Run], seed: int) -> Meaning | None:
    """Return what is known of the meaning of instructions; None where none was embedded."""
    if not is_installed():
        return None
    from evolinstruct.report.diversity import meaning_of  # noqa: PLC0415 - needs an extra

    return meaning_of(runs, seed)
