"""`contamination` on the terminal: counts by generation and operation, and the worst examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.text import Text

from evolinstruct.analysis.contamination import ContaminationResult, ItemMatch, OverlapCounts
from evolinstruct.console.page import Page, page_text
from evolinstruct.console.show import heading
from evolinstruct.text import counted, one_line

_LINES = 6
_INDENT = "  "
_COLUMNS = {
    "lines": "lines",
    "contaminated": "contaminated",
    "near": "near",
    "answers": "answers",
    "weak": "weak",
}
_ALWAYS = ("lines", "contaminated", "weak")


def show(page: Page, source: Path, result: ContaminationResult) -> None:
    """Print how many lines hold test items, of which test sets, and the worst examples."""
    sets, items = counted(len(result.items), "test set"), counted(result.items.total(), "item")
    lines = counted(result.total.lines, "line")
    page.print(f"{one_line(str(source))} · {lines} · {sets} of {items}")
    names = {number: "seeds" if number == 0 else str(number) for number in result.generations}
    by_number = {names[number]: found for number, found in sorted(result.generations.items())}
    _show_counts(page, "By generation", {**by_number, "all": result.total}, result.total)
    if len(result.operations) > 1:
        by_name = dict(sorted(result.operations.items()))
        _show_counts(page, "By operation", by_name, result.total)
    page.print()
    for name, count in result.items.items():
        page.print(f"{result.items_found[name]:,} of {counted(count, 'item')} of {one_line(name)}")
    for line in _explained(result.total):
        page.print(line)
    for match in result.worst():
        page.print()
        _show_match(page, match)


def _show_counts(
    page: Page, title: str, groups: Mapping[str, OverlapCounts], total: OverlapCounts
) -> None:
    columns = [name for name in _COLUMNS if name in _ALWAYS or getattr(total, name)]
    rows = [
        [one_line(name), *(f"{getattr(found, column):,}" for column in columns)]
        for name, found in groups.items()
    ]
    page.table(title, ["", *columns], rows)


def _explained(total: OverlapCounts) -> Iterator[str]:
    yield (
        "contaminated: the instruction shares 13 words in a row with an item, or has 70% of its"
        " 8-grams. weak: it shares 8 words in a row, which may be a common phrase."
    )
    if not total.contaminated + total.near + total.answers:
        yield "No test item was found."


def _show_match(page: Page, match: ItemMatch) -> None:
    page.heading(heading(match.line))
    page.print(Text(_said(match), style="bold yellow" if match.how != "weak" else ""), _INDENT)
    answer = match.how == "answer"
    text = match.line.output if answer else match.line.instruction
    name = "the answer" if answer else "the instruction"
    for label, shown in ((name, text or ""), ("the item", match.item.text)):
        page.print(Text(f"{label}:", style="cyan"), _INDENT)
        page.print(page.shorten(page_text(shown), _LINES), _INDENT * 2)


def _said(match: ItemMatch) -> str:
    place = f"{one_line(match.item.file)}, {one_line(match.item.place)}"
    if match.how == "near":
        return f"{place}, {match.share:.0%} alike"
    weak = ", weak" if match.how == "weak" else ""
    return f'{place}{weak}, {match.share:.0%} of it: "{one_line(match.gram)}"'
