"""`seeds` on the terminal: what seed files hold, and every problem in them."""

from __future__ import annotations

from collections.abc import Iterator

from evolinstruct.console.page import Page, page_text
from evolinstruct.seeds.problems import remarks
from evolinstruct.seeds.summary import FileSummary, SeedSummary
from evolinstruct.text import counted, one_line

_INDENT = "  "
_LINES = 8


def show(page: Page, summary: SeedSummary) -> None:
    """Print each file, what they come to, the first few seeds and every problem."""
    for file in summary.files:
        page.print(f"{one_line(file.name)}: {counted(file.rows, 'row')}")
        for line in _of_file(file):
            page.print(one_line(line), _INDENT)
    page.print()
    for line in _together(summary):
        page.print(line)
    for number, text in enumerate(summary.first, 1):
        page.print()
        page.print(f"Seed {number}, as it would be evolved:")
        page.print(page.shorten(page_text(text), _LINES), _INDENT)
    if summary.problems:
        page.print()
        page.print(
            f"{counted(summary.bad, 'row')} cannot be read (--skip-bad leaves such rows out):"
        )
        for problem in summary.problems:
            page.print(one_line(problem), _INDENT)
        if summary.bad > len(summary.problems):
            page.print(f"… and {summary.bad - len(summary.problems):,} more", _INDENT)


def _of_file(file: FileSummary) -> Iterator[str]:
    is_mixed = len(file.layouts) > 1
    for layout, rows in file.layouts.most_common():
        first = f", first in {file.first_places[layout]}" if is_mixed else ""
        yield f"shape: {layout} ({counted(rows, 'row')}{first})"
    for (part, name), rows in file.mapping.items():
        every = "" if rows == file.rows - file.bad else f" ({counted(rows, 'row')})"
        yield f"{part} from {name}{every}"
    yield from file.notes


def _together(summary: SeedSummary) -> Iterator[str]:
    yield (
        f"{counted(summary.seeds, 'seed')}: {summary.with_input:,} with an input,"
        f" {summary.with_output:,} with an answer; {counted(summary.duplicates, 'exact duplicate')}"
        " left out."
    )
    yield from remarks(summary.remarks)
    if lengths := summary.lengths:
        yield (
            f"Words: {lengths.least:,.0f} to {lengths.most:,.0f}, {lengths.median:,.0f} in the"
            " median."
        )
        scripts = [f"{name} {count:,}" for name, count in summary.scripts.most_common()]
        yield f"Scripts: {', '.join(scripts)}."
