"""How a figure is written in a table of the terminal: one function for each, of a group's lines.

Knows figures. Knows no table, and prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rich.text import Text

from evolinstruct.analysis.diversity import Distinctness
from evolinstruct.analysis.figures import Group
from evolinstruct.statistics import BAND, Quartiles

NONE = "-"
BAND_SHOWN = f"{BAND[0]} to {BAND[1]}"
_CENT = 0.01

Cell = str | Text
Show = Callable[[Group], str]


def number(value: float | None) -> str:
    """Write a whole number."""
    return NONE if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """Write a share."""
    return NONE if value is None else f"{value:.1%}"


def money(value: float | None) -> str:
    """Write dollars; nothing where they are unknown, or none."""
    if not value:
        return NONE  # unknown, or free
    return f"${value:,.2f}" if value >= _CENT else f"${value:.5f}"


def pool(group: Group) -> str:
    """Write how many instructions were to be evolved."""
    return f"{group.pool:,}"


def kept(group: Group) -> str:
    """Write how many were kept."""
    return f"{group.kept:,}"


def share(group: Group) -> str:
    """Write which share of those that are settled was kept."""
    return percent(group.kept_share)


def rejected(group: Group) -> str:
    """Write how many were rejected."""
    return f"{group.rejected.total():,}"


def failed(group: Group) -> str:
    """Write how many failed."""
    return f"{group.failed.total():,}"


def by_rule(rule: str) -> Show:
    """Return what writes how many a rule rejected."""
    return lambda group: f"{group.rejected[rule]:,}"


def rule_share(rule: str, group: Group) -> str:
    """Write which share of those that are settled a rule rejected."""
    return percent(group.rejected[rule] / group.finished if group.finished else None)


def left_band(group: Group) -> str:
    """Write which share left the band of words that the prompts ask for."""
    return NONE if group.band is None else percent(group.band.left)


def tokens_per_kept(group: Group) -> str:
    """Write the tokens for each kept instruction."""
    return number(group.per_kept(group.tokens))


def cost_per_kept(group: Group) -> str:
    """Write the dollars for each kept instruction."""
    return money(group.per_kept(group.cost))


def _of(counter: str, part: str, group: Group) -> str:
    quartiles = Quartiles.of(getattr(group, counter))
    return NONE if quartiles is None else number(getattr(quartiles, part))


def added_at_all(group: Group) -> str:
    """Write the median of words added, of plain in-depth operations if there are any."""
    return _of("added" if group.added else "added_apart", "median", group)


def quartiles(counter: str) -> dict[str, Show]:
    """Return what writes the quartiles of what a counter counts."""
    return {
        "  lower quartile": partial(_of, counter, "lower"),
        "  median": partial(_of, counter, "median"),
        "  upper quartile": partial(_of, counter, "upper"),
    }


def _distinct(length: int, found: Distinctness | None) -> str:
    return NONE if found is None else f"{found.distinct[length - 1]:.3f}"


def _copies(found: Distinctness | None) -> str:
    return NONE if found is None else percent(found.copies)


COUNTS: dict[str, Show] = {
    "pool": pool,
    "kept": kept,
    "kept share": share,
    "rejected": rejected,
}
FAILED: dict[str, Show] = {"failed": failed}
SPENT: dict[str, Show] = {
    "  tokens": lambda group: number(group.tokens),
    "  tokens per kept": tokens_per_kept,
    "  cost": lambda group: money(group.cost),
    "  cost per kept": cost_per_kept,
}
VARIETY: dict[str, Callable[[Distinctness | None], str]] = {
    **{f"distinct-{length}": partial(_distinct, length) for length in (1, 2, 3)},
    "copies": _copies,
}
COMPARED: dict[str, Show] = {
    **COUNTS,
    **FAILED,
    "words of an instruction": partial(_of, "instruction_words", "median"),
    "words of an answer": partial(_of, "output_words", "median"),
    "words added, in-depth": partial(_of, "added", "median"),
    f"outside {BAND_SHOWN}": left_band,
    "words added, others": partial(_of, "added_apart", "median"),
    "tokens per kept": tokens_per_kept,
    "cost per kept": cost_per_kept,
}
