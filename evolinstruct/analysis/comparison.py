"""Runs side by side: the rows of a comparison, and which of their differences matter.

A difference matters where the intervals of the figures have nothing in common, so that chance alone
rarely makes it; where a figure has no interval, from a tenth of the greatest figure on. Runs of
different sizes differ in every count: what is compared of kept, rejected and failed is their share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evolinstruct.analysis.statistics import GroupStatistics, Statistic, Table, in_table
from evolinstruct.intervals import do_meet, of_share
from evolinstruct.text import NONE, percent

DIFFERS = "≠"
MEANING = (
    f"{DIFFERS} marks differences that matter: of shares, medians and means those beyond chance, of"
    " other figures those of a tenth and more."
)
_LEAST = 0.1


@dataclass(frozen=True, slots=True)
class Compared:
    """A row: its name, a cell for each run, and whether their difference matters."""

    name: str
    cells: Sequence[str]
    matters: bool


def exactly(name: str, cells: Sequence[str]) -> Compared:
    """Return a row in which every difference matters, such as one of settings."""
    return Compared(name, cells, len({*cells}) > 1)


def roughly(name: str, cells: Sequence[str], figures: Sequence[float | None]) -> Compared:
    """Return a row of figures without intervals; unknown ones do not differ."""
    known = [figure for figure in figures if figure is not None]
    span = max(known) - min(known) if known else 0.0
    return Compared(name, cells, span > 0 and span >= _LEAST * max(map(abs, known)))


def compare(table: Table, groups: Sequence[GroupStatistics | None]) -> Iterator[Compared]:
    """Yield a row for each statistic of a table that says something of a group.

    Args:
        table: which statistics.
        groups: that of each run; None where a run has none.
    """
    for statistic in in_table(table):
        row = _row(statistic, groups)
        if any(cell != NONE for cell in row.cells):
            yield row


def _row(statistic: Statistic, groups: Sequence[GroupStatistics | None]) -> Compared:
    cells = [NONE if group is None else statistic.text(group) for group in groups]
    there = [group for group, cell in zip(groups, cells, strict=True) if group and cell != NONE]
    if statistic.interval is None:
        return roughly(statistic.label, cells, [statistic.number(group) for group in there])
    found = [statistic.interval(group) for group in there]
    differs = not do_meet(interval for interval in found if interval is not None)
    return Compared(statistic.label, cells, differs)


def compare_rules(totals: Sequence[GroupStatistics]) -> Iterator[Compared]:
    """Yield a row for each rule: which share of the evolutions of each run it rejected."""
    for rule in sorted({rule for total in totals for rule in total.counts.rejected}):
        shares = [total.counts.share(total.counts.rejected[rule]) for total in totals]
        intervals = [
            of_share(share, total.counts.finished)
            for share, total in zip(shares, totals, strict=True)
            if share is not None
        ]
        yield Compared(rule, [percent(share) for share in shares], not do_meet(intervals))
