"""A run as tables of other packages, and as the small one that a notebook shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolinstruct.analysis.state import State
from evolinstruct.installation import import_extra
from evolinstruct.records import NUMBERS, Line
from evolinstruct.run.counts import Counts
from evolinstruct.text import counted, dollars

if TYPE_CHECKING:
    from datasets import Dataset
    from pandas import DataFrame


def to_pandas(kind: type[Line], lines: Iterable[Line]) -> DataFrame:
    """Return lines as a DataFrame.

    Raises:
        InputError: pandas is not installed, or a line cannot be read.
    """
    pandas = import_extra("pandas", "pandas", "A DataFrame")
    return pandas.DataFrame(_columns(kind, lines))


def to_dataset(kind: type[Line], lines: Iterable[Line]) -> Dataset:
    """Return lines as a Dataset, whose columns have the same types in every run.

    Raises:
        InputError: datasets is not installed, or a line cannot be read.
    """
    datasets = import_extra("datasets", "hf", "A Dataset")
    columns = _columns(kind, lines)
    types = {name: "int64" if name in NUMBERS else "string" for name in columns}
    features = datasets.Features({name: datasets.Value(each) for name, each in types.items()})
    return datasets.Dataset.from_dict(columns, features)


def _columns(kind: type[Line], lines: Iterable[Line]) -> dict[str, list[Any]]:
    """Return the values of each field."""
    columns: dict[str, list[Any]] = {field.name: [] for field in fields(kind)}
    for line in lines:
        for name, values in columns.items():
            values.append(getattr(line, name))
    return columns


_CELL = '<td style="text-align: right">'
"""Colours are left to the notebook, which has a light and a dark theme."""


def html_of(path: Path, state: State) -> str:
    """Return a run in a few lines of HTML: how it ended, its generations, what it has taken."""
    rows = "".join(map(_row, state.all_counts))
    heads = "".join(f"<th>{name}</th>" for name in ("generation", "pool", *_ENDS))
    return (
        f"<p><b>{escape(str(path))}</b>: {escape(state.status)}</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p>{escape(' · '.join(_taken(state)))}</p>"
    )


_ENDS = ("kept", "rejected", "failed")


def _row(counts: Counts) -> str:
    ends = counts.kept, counts.rejected.total(), counts.failed.total()
    numbers = (counts.generation, counts.pool, *ends)
    return f"<tr>{''.join(f'{_CELL}{number:,}</td>' for number in numbers)}</tr>"


def _taken(state: State) -> Iterator[str]:
    if state.dataset_lines is not None:
        yield f"{counted(state.dataset_lines, 'line')} in dataset.jsonl"
    yield counted(sum(row.calls for row in state.usage), "call")
    yield counted(sum(row.tokens or 0 for row in state.usage), "token")
    costs = [row.cost for row in state.usage]
    known = [cost for cost in costs if cost is not None]
    if known:
        yield dollars(sum(known)) if len(known) == len(costs) else f"{dollars(sum(known))} or more"
