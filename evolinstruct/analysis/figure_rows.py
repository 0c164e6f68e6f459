"""The figures of runs as rows of one flat table, for spreadsheets and data frames.

A row for each run's seeds, generations, operations, rules and purposes, and one for all of it.
Knows figures, and no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evolinstruct.analysis.figures import Figures

_QUARTILES = ("least", "lower", "median", "upper", "most")
_NESTED = {
    "words_added": _QUARTILES,
    "words_added_band": ("below", "within", "above"),
    "words_added_by_others": _QUARTILES,
    "instruction_words": _QUARTILES,
    "output_words": _QUARTILES,
}
_PLAIN = ("pool", "kept", "kept_share", "rejected", "failed")
_SPENT = ("calls", "tokens", "cost", "tokens_per_kept", "cost_per_kept")
_VARIETY = ("texts", "copies", "distinct_1", "distinct_2", "distinct_3")
_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    *("run", "by", "name"),
    *_PLAIN,
    *(f"{name}_{part}" for name, parts in _NESTED.items() for part in parts),
    *_SPENT,
    *_VARIETY,
)
"""The names of the columns, in their order."""


def rows(runs: Iterable[Figures]) -> Iterator[list[object]]:
    """Yield the names of the columns, then the rows; None where a column has nothing to say."""
    yield list(COLUMNS)
    for figures in runs:
        for by, name, found in _found(figures.to_json()):
            row: dict[str, object] = {"run": figures.run, "by": by, "name": name, **found}
            yield [_harmless(row.get(column)) for column in COLUMNS]


def _harmless(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_OF_FORMULAS) else cell


def _found(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, object]]]:
    variety = figures["variety"]
    yield "all", "", {**_group(figures["total"]), **_varied(variety["all"])}
    seeds = _varied(variety["generations"].get("0"))
    yield "generation", "0", {**_group(figures["seeds"]), **seeds}
    for name, group in figures["generations"].items():
        found = _varied(variety["generations"].get(name))
        yield "generation", name, {**_group(group), **found}
    for name, group in figures["operations"].items():
        yield "operation", name, _group(group)
    for name, count in figures["total"]["rejected"].items():
        yield "rule", name, {"rejected": count}
    for name, group in figures["purposes"].items():
        yield "purpose", name, dict(group)


def _group(group: Mapping[str, Any]) -> dict[str, object]:
    row = {name: group[name] for name in (*_PLAIN, *_SPENT)}
    row |= {name: sum(group[name].values()) for name in ("rejected", "failed")}
    for name, parts in _NESTED.items():
        if group[name] is not None:
            row |= {f"{name}_{part}": group[name][part] for part in parts}
    return row


def _varied(found: Mapping[str, Any] | None) -> dict[str, object]:
    if found is None:
        return {}
    distinct = {f"distinct_{length}": share for length, share in enumerate(found["distinct"], 1)}
    return {"texts": found["texts"], "copies": found["copies"], **distinct}
