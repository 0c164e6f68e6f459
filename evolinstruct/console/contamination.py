"""Which test items surfaced in a run, as tables and the worst examples, beside the items.

Knows what was found, and how it is written. Prints on a page it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.text import Text

from evolinstruct.analysis.contamination import ContaminatedText, Finding, Found
from evolinstruct.console.lines import heading
from evolinstruct.console.page import Page, one_line, page_text
from evolinstruct.text import counted

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


def show(page: Page, source: Path, surfaced: ContaminatedText) -> None:
    """Print what surfaced: where, of which test sets, and the worst examples."""
    sets, items = counted(len(surfaced.items), "test set"), counted(surfaced.items.total(), "item")
    lines = counted(surfaced.total.lines, "line")
    page.print(f"{one_line(str(source))} · {lines} · {sets} of {items}")
    names = {number: "seeds" if number == 0 else str(number) for number in surfaced.generations}
    by_number = {names[number]: found for number, found in sorted(surfaced.generations.items())}
    _show_found(page, "By generation", {**by_number, "all": surfaced.total}, surfaced.total)
    if len(surfaced.operations) > 1:
        by_name = dict(sorted(surfaced.operations.items()))
        _show_found(page, "By operation", by_name, surfaced.total)
    page.print()
    for name, count in surfaced.items.items():
        page.print(f"{surfaced.surfaced[name]:,} of {counted(count, 'item')} of {one_line(name)}")
    for line in _explained(surfaced.total):
        page.print(line)
    for found in surfaced.worst():
        page.print()
        _show_finding(page, found)


def _show_found(page: Page, title: str, groups: Mapping[str, Found], total: Found) -> None:
    columns = [name for name in _COLUMNS if name in _ALWAYS or getattr(total, name)]
    rows = [
        [one_line(name), *(f"{getattr(found, column):,}" for column in columns)]
        for name, found in groups.items()
    ]
    page.table(title, ["", *columns], rows)


def _explained(total: Found) -> Iterator[str]:
    yield (
        "contaminated: the instruction shares 13 words in a row with an item, or has 70% of its"
        " 8-grams. weak: it shares 8 words in a row, which may be a common phrase."
    )
    if not total.contaminated + total.near + total.answers:
        yield "No item surfaced."


def _show_finding(page: Page, found: Finding) -> None:
    page.heading(heading(found.line))
    page.print(Text(_said(found), style="bold yellow" if found.how != "weak" else ""), _INDENT)
    answer = found.how == "answer"
    text = found.line.output if answer else found.line.instruction
    name = "the answer" if answer else "the instruction"
    for label, shown in ((name, text or ""), ("the item", found.item.text)):
        page.print(Text(f"{label}:", style="cyan"), _INDENT)
        page.print(page.shorten(page_text(shown), _LINES), _INDENT * 2)


def _said(found: Finding) -> str:
    place = f"{one_line(found.item.file)}, {one_line(found.item.place)}"
    if found.how == "near":
        return f"{place}, {found.share:.0%} alike"
    weak = ", weak" if found.how == "weak" else ""
    return f'{place}{weak}, {found.share:.0%} of it: "{one_line(found.gram)}"'
