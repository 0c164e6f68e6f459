"""`verify` on the terminal: each constraint with the share of answers that meet it."""

from __future__ import annotations

from evolinstruct.analysis.verification import Verification
from evolinstruct.console.page import Page
from evolinstruct.text import counted, percent


def show(page: Page, found: Verification) -> None:
    """Print the constraints, the rarest met first, and how many answers meet all of theirs."""
    names = sorted(found.asked, key=lambda name: (found.met[name] / found.asked[name], name))
    rows = [
        [
            name,
            f"{found.asked[name]:,}",
            f"{found.met[name]:,}",
            percent(found.met[name] / found.asked[name]),
        ]
        for name in names
    ]
    if rows:
        page.table("Constraints", ["", "asked", "met", "share"], rows)
        page.print()
    share = f" ({percent(found.whole / found.answers)})" if found.answers else ""
    page.print(f"{found.whole:,} of {counted(found.answers, 'answer')} meet all of theirs{share}.")
    if found.without:
        page.print(f"{counted(found.without, 'row')} without constraints.")
    if found.unanswered:
        page.print(f"{counted(found.unanswered, 'row')} without an answer.")
