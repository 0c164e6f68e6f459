"""`seeds` on the terminal: what seed files hold, and every problem in them."""

from __future__ import annotations

from collections.abc import Iterator

from evolinstruct.console.page import Page, one_line, page_text
from evolinstruct.seeds.survey import FileSurvey, Survey
from evolinstruct.text import counted

_INDENT = "  "
_LINES = 8


def show(page: Page, survey: Survey) -> None:
    """Print each file, the sums, the first few seeds and every problem."""
    for file in survey.files:
        page.print(f"{one_line(file.name)}: {counted(file.rows, 'row')}")
        for line in _of_file(file):
            page.print(one_line(line), _INDENT)
    page.print()
    for line in _together(survey):
        page.print(line)
    for number, text in enumerate(survey.first, 1):
        page.print()
        page.print(f"Seed {number}, as it would be evolved:")
        page.print(page.shorten(page_text(text), _LINES), _INDENT)
    if survey.problems:
        page.print()
        page.print(
            f"{counted(survey.bad, 'row')} cannot be read (--skip-bad leaves such rows out):"
        )
        for problem in survey.problems:
            page.print(one_line(problem), _INDENT)
        if survey.bad > len(survey.problems):
            page.print(f"… and {survey.bad - len(survey.problems):,} more", _INDENT)


def _of_file(file: FileSurvey) -> Iterator[str]:
    is_mixed = len(file.shapes) > 1
    for shape, rows in file.shapes.most_common():
        first = f", first in {file.first_places[shape]}" if is_mixed else ""
        yield f"shape: {shape} ({counted(rows, 'row')}{first})"
    for (part, name), rows in file.mapping.items():
        every = "" if rows == file.rows - file.bad else f" ({counted(rows, 'row')})"
        yield f"{part} from {name}{every}"


def _together(survey: Survey) -> Iterator[str]:
    yield (
        f"{counted(survey.seeds, 'seed')}: {survey.with_input:,} with an input,"
        f" {survey.with_output:,} with an answer; {counted(survey.duplicates, 'exact duplicate')}"
        " left out."
    )
    if survey.multi_turn:
        yield (
            f"{counted(survey.multi_turn, 'conversation')} of several turns: only the first turn of"
            " the user is evolved."
        )
    if lengths := survey.lengths:
        yield (
            f"Words: {lengths.least:,.0f} to {lengths.most:,.0f}, {lengths.median:,.0f} in the"
            " median."
        )
        scripts = [f"{name} {count:,}" for name, count in survey.scripts.most_common()]
        yield f"Scripts: {', '.join(scripts)}."
