"""The figures of several runs side by side, marked where they differ.

Knows which figures are compared. Prints on a page it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from evolinstruct.analysis.figures import Figures, Group
from evolinstruct.console import cells
from evolinstruct.console.figures import say_how, show_figures
from evolinstruct.console.page import Page, one_line
from evolinstruct.text import clock

_DIFFERS = "≠ "
_SAME = "  "


def show(page: Page, runs: Sequence[Figures]) -> None:
    """Print the figures of one run, or those of several side by side."""
    if len(runs) == 1:
        show_figures(page, runs[0])
    else:
        compare_figures(page, runs)


def compare_figures(page: Page, runs: Sequence[Figures]) -> None:
    """Print the figures of several runs side by side, with a mark where they differ."""
    names = _names(runs)
    rows: list[list[cells.Cell]] = []
    settings = list(_settings(runs))
    if settings:
        rows += [["what was asked"], *(_marked(*row) for row in settings)]
    rows += [["what it came to"], *(_marked(*row) for row in _totals(runs))]
    rows += [["rejected, of all"], *(_marked(*row) for row in _by_rules(runs))]
    rows += [["variety"], *(_marked(*row) for row in _varieties(runs))]
    for title, groups in _sections(runs):
        rows.append([title])
        rows += [_marked(*row) for row in _compared(groups)]
    page.table("Side by side", ["run", *names], rows)
    page.print()
    page.print(f"{_DIFFERS.strip()} marks where the runs differ.")
    say_how(page, runs)


def _names(runs: Sequence[Figures]) -> list[str]:
    """Return the names of the runs, without the folders they lie in where that tells them apart."""
    short = [one_line(Path(figures.run).name) for figures in runs]
    if len(set(short)) == len(short) and all(short):
        return short
    return [one_line(figures.run) for figures in runs]


def _marked(name: str, *shown: str) -> list[cells.Cell]:
    differ = len(set(shown)) > 1
    style = "bold yellow" if differ else ""
    mark = _DIFFERS if differ else _SAME
    return [f"{mark}{name}", *(Text(cell, style=style) for cell in shown)]


def _settings(runs: Sequence[Figures]) -> Iterator[list[str]]:
    recipes = [figures.state.recipe.model_dump() for figures in runs]
    for name in recipes[0]:
        values = [one_line(_setting(recipe[name])) for recipe in recipes]
        if len(set(values)) > 1:
            yield [name, *values]


def _setting(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items()) or "as the pack has it"
    return str(value)


def _totals(runs: Sequence[Figures]) -> Iterator[list[str]]:
    yield ["status", *("done" if run.state.is_done else "not finished" for run in runs)]
    yield ["seeds", *(f"{run.seeds.kept:,}" for run in runs)]
    yield ["generations", *(str(len(run.generations)) for run in runs)]
    yield from _compared([run.total for run in runs])
    seconds = [run.state.seconds for run in runs]
    yield ["time of the last command", *(cells.NONE if s is None else clock(s) for s in seconds)]


def _by_rules(runs: Sequence[Figures]) -> Iterator[list[str]]:
    for rule in sorted({rule for run in runs for rule in run.total.rejected}):
        yield [rule, *(cells.rule_share(rule, run.total) for run in runs)]


def _varieties(runs: Sequence[Figures]) -> Iterator[list[str]]:
    for name, show in cells.VARIETY.items():
        yield [name, *(show(run.variety[None]) for run in runs)]


def _sections(runs: Sequence[Figures]) -> Iterator[tuple[str, list[Group]]]:
    numbers = sorted({number for run in runs for number in run.generations})
    for number in numbers:
        groups = [run.generations.get(number, Group()) for run in runs]
        yield f"generation {number}", groups
    for name in sorted({name for run in runs for name in run.operations}):
        yield name, [run.operations.get(name, Group()) for run in runs]


def _compared(groups: Sequence[Group]) -> Iterator[list[str]]:
    for name, each in cells.COMPARED.items():
        shown = [each(group) for group in groups]
        if any(cell != cells.NONE for cell in shown):
            yield [name, *shown]
