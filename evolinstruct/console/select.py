"""`select` on the terminal: what was taken, and what was passed over, by reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evolinstruct.text import command, counted, decimal, listed, one_line

if TYPE_CHECKING:
    from evolinstruct.selection import Selection

_REASONS = {
    "copy": "{} of a text that is taken",
    "no_answer": "{} without an answer",
    "no_value": "{} for which the expression has no value",
    "in_no_band": "{} in none of the bands",
    "held_out": "{} held out",
    "not_embedded": "{} not embedded",
    "not_drawn": "{} not drawn into the sample that is compared",
    "too_alike": "{} too like a better one",
    "band_full": "{} more than their bands take",
    "worth_less": "{} worth less",
    "less_spread": "{} near one that is taken",
}
_NO_SCORE = "no_score_of_"


def told(selection: Selection, out: Path) -> Iterator[str]:
    """Yield sentences on a selection."""
    wish, values = selection.wish, [each.value for each in selection.chosen.values()]
    taken = counted(len(values), "instruction")
    span = f"{decimal(max(values))} down to {decimal(min(values))}"
    yield f"{taken} of {selection.considered:,} taken; {one_line(wish.by)} is {span}."
    if selection.passed:
        reasons = [_reason(name, count) for name, count in selection.passed.most_common()]
        yield f"Passed over: {listed(reasons)}."
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


def _reason(name: str, count: int) -> str:
    if name.startswith(_NO_SCORE):
        return f"{count:,} without a score of {one_line(name.removeprefix(_NO_SCORE))}"
    return _REASONS[name].format(f"{count:,}")
