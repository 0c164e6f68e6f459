"""What a run came to, as a table and a few sentences.

Knows summaries and all_counts, and how many columns fit a width. Prints nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from rich import box
from rich.table import Table

from evolinstruct.errors import Interrupted
from evolinstruct.run.counts import Counts
from evolinstruct.run.summary import Summary
from evolinstruct.text import counted

_GAP = 2


def generations(summary: Summary, width: int) -> Iterator[Table]:
    """Yield the counts, a column for each generation: as many tables as the width needs."""
    all_counts = [counts for counts in summary.all_counts if counts.generation and counts.finished]
    if not all_counts:
        return
    rows = _rows(all_counts)
    names = max(len(name) for name, _ in rows)
    cells = max(len(cell) for _, cells in rows for cell in cells) + _GAP
    fitting = max(1, (width - names) // cells)
    heads = [*(str(counts.generation) for counts in all_counts), "all"]
    for start in range(0, len(heads), fitting):
        table = _table("generation", *heads[start : start + fitting])
        for name, row in rows:
            style = "bold" if name == "kept" else ""
            table.add_row(name, *row[start : start + fitting], style=style)
        yield table


def operations(all_counts: Sequence[Counts]) -> Table:
    """Return how often each operation was drawn."""
    drawn = sum((counts.operations for counts in all_counts), Counter[str]())
    table = _table("operation", "drawn")
    for name, count in sorted(drawn.items()):
        table.add_row(name, f"{count:,}")
    return table


def _table(first: str, *others: str) -> Table:
    # One more column of the gap is the box's own.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, _GAP - 1))
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _rows(all_counts: Sequence[Counts]) -> list[tuple[str, list[str]]]:
    """Return the rows, a cell for each generation and one for all."""

    def row(name: str, count: Callable[[Counts], int]) -> tuple[str, list[str]]:
        counts = [count(counts) for counts in all_counts]
        return name, [f"{number:,}" for number in (*counts, sum(counts))]

    rules = sorted({rule for counts in all_counts for rule in counts.rejected})
    rows = [
        row("pool", lambda counts: counts.pool),
        row("kept", lambda counts: counts.kept),
        row("rejected", lambda counts: counts.rejected.total()),
        *(row(f"  {rule}", partial(_rejected_by, rule)) for rule in rules),
        row("failed", lambda counts: counts.failed.total()),
    ]
    if any(counts.finished < counts.pool for counts in all_counts):
        rows.append(row("not finished", lambda counts: counts.pool - counts.finished))
    kept, calls = (
        sum(counts.kept for counts in all_counts),
        sum(counts.calls for counts in all_counts),
    )
    shares = [_share(counts.kept, counts.calls) for counts in all_counts]
    return [*rows, ("kept per 100 calls", [*shares, _share(kept, calls)])]


def _rejected_by(rule: str, counts: Counts) -> int:
    return counts.rejected[rule]


def _share(kept: int, calls: int) -> str:
    return f"{kept * 100 / calls:.0f}" if calls else "-"


def where_to_look(summary: Summary, out: Path) -> Iterator[str]:
    """Yield where the files are, and what to do next."""
    if summary.dataset_lines is not None:
        lines = counted(summary.dataset_lines, "instruction")
        yield f"{lines} with answers, shuffled: {out / 'dataset.jsonl'}"
    yield f"What each generation kept, and what was rejected and why: {out}/generation-*.jsonl"
    if failed := sum(counts.failed.total() for counts in summary.all_counts):
        yield (
            f"{counted(failed, 'instruction')} got no answer from the service:"
            f" {out}/generation-*.failed.jsonl"
        )
    if summary.exit_code != Interrupted.exit_code:  # which says what is next itself
        yield f"Next: {_next_step(summary)}"


def _next_step(summary: Summary) -> str:
    if summary.status != "done":
        return (
            "put right what is said below, and run the same command again; it goes on from here,"
            " and pays for nothing twice."
        )
    if summary.exit_code:
        return (
            "the same command with --retry failed asks for these again; --allow-failures N (or N%)"
            " counts a run with so many as a success."
        )
    more = summary.all_counts[-1].generation + 1
    if summary.dataset_lines is None:
        return "the same command with --answers --update answers what was kept."
    return f"look at the data; the same command with -g {more} adds a generation to it."
