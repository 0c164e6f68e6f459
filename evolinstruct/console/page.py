"""The page that commands show on stdout: text wrapped to its width, tables, differences.

Texts of models, services and files go through `page_text` or `text.one_line`, so that nothing in
them can steer the terminal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console as Terminal
from rich.table import Table
from rich.text import Text

from evolinstruct.text import counted, harmless_lines, shorten
from evolinstruct.words import DiffPart

_PIPED = 80
_MOST = 1_000
_LEAST = 24
"""Text keeps at least so many columns, however deep it is indented."""
_GAP = 2
_NARROW = 10 + _GAP
_WORD = re.compile(r"\S+")
_KEPT, _LONG = 10, 20
"""Of a long part that is the same, 10 words are shown at each end if 20 or more are left out."""
_STYLES = {"same": "", "added": "green", "removed": "red strike"}
_MARKS = {"same": ("", ""), "added": ("{+", "+}"), "removed": ("[-", "-]")}


class Page:
    """A terminal, a pipe or a file that text is shown on.

    Attributes:
        width: columns that rules and tables keep to.
    """

    def __init__(self) -> None:
        """Show on stdout; lines are wrapped on a terminal, or where COLUMNS says how wide."""
        self._terminal = Terminal(highlight=False, emoji=False, markup=False)
        self._terminal.width = min(self._terminal.width, _MOST)
        self._wraps = self._terminal.is_terminal or "COLUMNS" in os.environ
        self.width = self._terminal.width if self._wraps else _PIPED

    @property
    def is_coloured(self) -> bool:
        """Whether colours show what is added and removed; without colours, marks do."""
        return self._terminal.color_system is not None and not self._terminal.no_color

    def print(self, text: Text | str = "", first: str = "", rest: str | None = None) -> None:
        """Print a text, wrapped; put `first` before its first line and `rest` before the others."""
        rest = first if rest is None else rest
        lines = (Text(text) if isinstance(text, str) else text).split("\n", allow_blank=True)
        begun = False
        for line in lines:
            room = max(_LEAST, self.width - cell_len(rest))
            for part in line.wrap(self._terminal, room) if self._wraps else [line]:
                shown = Text.assemble((rest if begun else first, "dim"), part)
                shown.rstrip()
                self._terminal.print(shown, soft_wrap=True)
                begun = True

    def heading(self, text: Text) -> None:
        """Print a heading, and a line from it to the right edge if there is room."""
        left = self.width - text.cell_len - 1
        if left > 1:
            text = text + Text(" " + "─" * left, style="dim")
        self.print(text)

    def table(
        self,
        title: str,
        head: Sequence[str],
        rows: Sequence[Sequence[str | Text]],
        *,
        fits: bool = False,
    ) -> None:
        """Print a table, names left and figures right, in as many parts as the width needs.

        A row that is only a name begins a section. One that `fits` wraps its longest cells, so that
        it has no more parts than columns of ten characters need.
        """
        names = max(cell_len(str(row[0])) for row in [head, *rows])
        widths = [
            max(cell_len(str(row[column])) for row in [head, *rows] if len(row) > column) + _GAP
            for column in range(1, len(head))
        ]
        room = self.width - names
        if fits and sum(widths) > room:
            widest = max(_NARROW, room // len(widths))
            widths = [min(width, widest) for width in widths]
        for start, end in _parts(widths, room):
            self.print()
            self.print(Text(title if start == 0 else f"{title}, continued", style="bold"))
            self._terminal.print(_table(head, rows, start + 1, widths[start:end]), soft_wrap=True)

    def shorten(self, text: str, lines: int) -> str:
        """Return the first lines of a text, as wrapped here, and how many more there are."""
        room = self.width - _GAP * 2
        kept: list[str] = []
        used = 0
        every = text.split("\n")
        for number, line in enumerate(every):
            used += max(1, -(-cell_len(line) // room))
            if used > lines and kept:
                more = f"… {counted(len(every) - number, 'more line')}"
                return "\n".join(kept).rstrip() + f"\n{more}"
            kept.append(shorten(line, room * lines))
        return "\n".join(kept)

    def diff(self, parts: Iterable[DiffPart]) -> Text:
        """Return a text with the words that were added and removed coloured or marked.

        Of a long part that is the same, only the ends are shown.
        """
        shown = Text()
        for part in parts:
            if part.kind == "same" and (ends := _ends(part.text)) is not None:
                first, left_out, last = ends
                shown.append(page_text(first))
                shown.append(f"[… {left_out:,} unchanged words …]", style="dim")
                shown.append(page_text(last))
                continue
            words = part.text.strip()
            blank, _, space = part.text.partition(words)
            before, after = ("", "") if self.is_coloured else _MARKS[part.kind]
            shown.append(page_text(blank))
            shown.append(f"{before}{page_text(words)}{after}", style=_STYLES[part.kind])
            shown.append(page_text(space))
        return shown


def _ends(text: str) -> tuple[str, int, str] | None:
    """Return the beginning and the end of a long text, and how many words are between them."""
    words = list(_WORD.finditer(text))
    left_out = len(words) - 2 * _KEPT
    if left_out < _LONG:
        return None
    return text[: words[_KEPT].start()], left_out, text[words[-_KEPT - 1].end() :]


def page_text(text: str) -> str:
    """Return foreign text so that it may be printed: harmless, tabs as blanks, one line break."""
    return harmless_lines(text.replace("\r\n", "\n").expandtabs(4))


def _parts(widths: Sequence[int], room: int) -> Iterable[tuple[int, int]]:
    """Yield (start, end) of the columns that fit side by side."""
    start, used = 0, 0
    for column, width in enumerate(widths):
        if column > start and used + width > room:
            yield start, column
            start, used = column, 0
        used += width
    yield start, len(widths)


def _table(
    head: Sequence[str], rows: Sequence[Sequence[str | Text]], start: int, widths: Sequence[int]
) -> Table:
    """Return the columns from `start` on that have these widths; longer cells are wrapped."""
    end = start + len(widths)
    # One more column of the gap is the box's own.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, _GAP - 1))
    table.add_column(head[0], no_wrap=True)
    for name, width in zip(head[start:end], widths, strict=True):
        table.add_column(name, justify="right", max_width=width - _GAP, overflow="fold")
    for row in rows:
        is_section = len(row) == 1
        table.add_row(row[0], *row[start:end], style="bold" if is_section else "")
    return table
