"""The options that say which lines are meant, stated once for every command that takes them.

Knows names and help texts; what the words mean, `selection` knows.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from evolinstruct.cli.options import takes

_PANEL = "Which lines"


def _which(about: str, metavar: str, *names: str) -> Any:
    return typer.Option(
        *names, metavar=metavar, help=about, rich_help_panel=_PANEL, show_default=False
    )


_Word = str | None
_Words = list[str] | None

FILTERS: dict[str, Any] = {
    "generation": Annotated[
        _Words,
        _which(
            "Of these generations, as 2, 1,3 or 1-3; 0 are the seeds.", "N", "-g", "--generation"
        ),
    ],
    "operation": Annotated[
        _Words, _which("Made by these operations, divided by commas or repeated.", "NAMES")
    ],
    "rule": Annotated[_Words, _which("Rejected by these rules.", "NAMES")],
    "seed_id": Annotated[
        _Words, _which("Of the families of these seeds: ids, or their beginnings.", "IDS")
    ],
    "grep": Annotated[_Word, _which("With this text in any of their texts, in any case.", "TEXT")],
    "regex": Annotated[_Word, _which("The same with a regular expression.", "PATTERN")],
    "min_words": Annotated[_Word, _which("With an instruction of at least so many words.", "N")],
    "max_words": Annotated[_Word, _which("With one of at most so many.", "N")],
}
"""Every filter by its name for `selection.select`; the flag is the name with dashes."""

takes_filters = takes(FILTERS, "filters")
"""Gives a command every filter, as `filters`."""
