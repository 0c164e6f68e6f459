"""`select` on the terminal: what was taken, and what was passed over, by reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evolinstruct.selection.reasons import in_words
from evolinstruct.text import command, counted, decimal, listed, one_line

if TYPE_CHECKING:
    from evolinstruct.selection import Selection


def told(selection: Selection, out: Path) -> Iterator[str]:
    """Yield sentences on a selection."""
    wish, values = selection.wish, [each.value for each in selection.chosen.values()]
    taken = counted(len(values), "instruction")
    span = f"{decimal(max(values))} down to {decimal(min(values))}"
    yield f"{taken} of {selection.considered:,} taken; {one_line(wish.by)} is {span}."
    if selection.passed:
        yield f"Passed over: {listed(in_words(selection.passed))}."
    if selection.bands:
        bands = [
            f"{has:,} of {wanted:,} in {one_line(band)}"
            for band, (wanted, has) in selection.bands.items()
        ]
        yield f"By band: {listed(bands)}."
    if len(values) < wish.count:
        yield f"There are fewer than the {wish.count:,} that were asked for."
    yield f"Selection: {out}"
    if wish.target.is_dir():
        line = command("evolinstruct", "export", wish.target, "-o", "DIR", "--format", "chat")
        yield f"Next: `{line} {command('--only', out)}`"
