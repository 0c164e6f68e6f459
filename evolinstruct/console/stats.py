"""`stats` on the terminal: the statistics of one run as tables, or of several side by side.

Which statistics a table shows, and what each is called, is stated in `analysis.statistics`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from evolinstruct.analysis.comparison import (
    DIFFERS,
    MEANING,
    Compared,
    compare,
    compare_rules,
    exactly,
    roughly,
)
from evolinstruct.analysis.difficulty import PAPER, PAPER_MEANS, Difficulties
from evolinstruct.analysis.measurement import RunStatistics
from evolinstruct.analysis.statistics import SECTIONS, GroupStatistics, Table, in_table
from evolinstruct.console.page import Page
from evolinstruct.text import NONE, clock, counted, listed, number, one_line, percent

if TYPE_CHECKING:
    from evolinstruct.scoring import Way

Cell = str | Text
_ALL = "all"
"""What all evolved instructions are called; their figures come first."""


def show(page: Page, runs: Sequence[RunStatistics]) -> None:
    """Print the statistics of one run, or those of several side by side."""
    if len(runs) == 1:
        _show_run(page, runs[0])
    else:
        _show_comparison(page, runs)
    page.print()
    page.print(
        f"Diversity is measured on at most {counted(runs[0].sample, 'text')} of each generation,"
        f" drawn by the seed {runs[0].sample_seed}: distinct-n is the share of different phrases"
        " of n words, copies that of instructions that repeat another."
    )


# One run


def _show_run(page: Page, run: RunStatistics) -> None:
    page.print(" · ".join(_about(run)))
    _show_generations(page, run)
    _show_operations(page, run)
    _show_difficulty(page, run)
    _show_rules(page, run)
    if run.purposes:
        page.table("By purpose", *_columns("purposes", {_ALL: run.spent, **run.purposes}))


def _about(run: RunStatistics) -> Iterator[str]:
    state = run.state
    yield one_line(run.run)
    yield state.status if state.is_done else f"not finished ({one_line(state.status)})"
    yield counted(run.seeds.counts.kept, "seed")
    yield f"client {one_line(state.recipe.client)}"
    if state.preview_of:
        yield f"a preview, drawn from {counted(state.preview_of, 'seed')}"
    if state.seconds is not None:
        yield f"the last command took {clock(state.seconds)}"
    if state.in_vain:
        use = "in vain" if state.is_done else "and not used so far"
        yield f"{counted(state.in_vain, 'call')} prefetched {use}"


def _show_generations(page: Page, run: RunStatistics) -> None:
    groups = [run.total, run.seeds, *run.generations.values()]
    rows: list[list[Cell]] = []
    shown = sorted(in_table("generations"), key=lambda each: SECTIONS.index(each.section))
    for section, statistics in groupby(shown, key=lambda each: each.section):
        found = []
        for statistic in statistics:
            name = f"  {statistic.label_under(section)}" if section else statistic.label
            found += _filled([[name, *map(statistic.text, groups)]])
            if statistic.key == "rejected":
                found += _by_rule(run, groups)
        if section and found:
            rows.append([section])
        rows += found if section else [*found, *_unfinished(run)]
    page.table("By generation", ["", _ALL, "seeds", *map(str, run.generations)], rows)


def _filled(rows: Iterable[list[Cell]]) -> list[list[Cell]]:
    """Leave out rows that say nothing."""
    return [row for row in rows if any(cell != NONE for cell in row[1:])]


def _by_rule(run: RunStatistics, groups: Sequence[GroupStatistics]) -> Iterator[list[Cell]]:
    for rule in sorted(run.total.counts.rejected):
        yield [f"  {rule}", *(f"{group.counts.rejected[rule]:,}" for group in groups)]


def _unfinished(run: RunStatistics) -> Iterator[list[Cell]]:
    left = [run.unfinished(generation) for generation in run.generations]
    if any(left):
        yield ["not finished", number(sum(left)), NONE, *map(number, left)]


def _show_operations(page: Page, run: RunStatistics) -> None:
    if not run.operations:
        return
    head, rows = _columns("operations", {_ALL: run.total, **run.operations})
    page.table("By operation", head, rows)
    least, most = run.asked
    page.print(
        f"added: median of words added. outside: share whose growth is outside the {least} to"
        f" {most} words that only the plain in-depth operations are asked for. tokens, cost: for"
        " each kept instruction."
    )


def _columns(
    table: Table, groups: dict[str, GroupStatistics]
) -> tuple[list[str], list[list[Cell]]]:
    """Return the head and the rows of a table by name; a column that says nothing is left out."""
    shown = [
        statistic
        for statistic in in_table(table)
        if any(statistic.text(group) != NONE for group in groups.values())
    ]
    rows: list[list[Cell]] = [
        [name, *(statistic.text(group) for statistic in shown)] for name, group in groups.items()
    ]
    return ["", *(statistic.short for statistic in shown)], rows


def _show_difficulty(page: Page, run: RunStatistics) -> None:
    if run.difficulties is None:
        return
    generations = {f"generation {number}": group for number, group in run.generations.items()}
    groups = {_ALL: run.total, "seeds": run.seeds, **generations, **run.operations}
    page.table("Difficulty", *_columns("difficulty", groups))
    page.print(" ".join(about_difficulty(run.difficulties)))


def about_difficulty(found: Difficulties) -> Iterator[str]:
    """Yield sentences on how difficulty was measured and what its figures mean."""
    yield f"Difficulty {_by(found.way)}."
    yield (
        "from, to: nine times in ten the mean lies between them (a normal interval, in which each"
        " family is one draw; what a judge gets wrong is not in it). gain: over the parent. not"
        " harder: share of the rewrites that gained nothing. cost per point: what a kept"
        " instruction costs, divided by the gain."
    )
    if found.way.method == PAPER:
        yield f"The paper's own means by this method: {PAPER_MEANS}."


def _show_rules(page: Page, run: RunStatistics) -> None:
    counts = run.total.counts
    rows = []
    for rule, count in counts.rejected.most_common():
        by = Counter({name: of.counts.rejected[rule] for name, of in run.operations.items()})
        name, most = by.most_common(1)[0]
        rows.append([rule, f"{count:,}", percent(counts.share(count)), f"{name} ({most:,})"])
    if rows:
        page.table("By rule", ["", "rejected", "of all", "most of them by"], rows)


# Several runs


def _show_comparison(page: Page, runs: Sequence[RunStatistics]) -> None:
    rows: list[list[Cell]] = []
    for title, found in _sections(runs):
        marked = [*map(_marked, found)]
        rows += [[title], *marked] if marked else []
    page.table("Side by side", ["run", *_names(runs)], rows, fits=True)
    page.print()
    page.print(MEANING)
    for sentence in _about_ways(runs):
        page.print(sentence)


def _about_ways(runs: Sequence[RunStatistics]) -> Iterator[str]:
    """Yield sentences on how the difficulty of several runs was found, where it was."""
    pairs = zip(_names(runs), runs, strict=True)
    found = {name: run.difficulties.way for name, run in pairs if run.difficulties is not None}
    if found:
        yield f"Difficulty: {listed([f'{name} {_by(way)}' for name, way in found.items()])}."
    if len({way[:3] for way in found.values()}) > 1:
        yield "It was found in different ways, whose figures do not compare."


def _by(way: Way) -> str:
    judge = f", judged by {one_line(way.model)}" if way.model else ""
    return f"by {one_line(way.method)}{judge}"


def _names(runs: Sequence[RunStatistics]) -> list[str]:
    """Return the names of the runs, without the folders they lie in where that tells them apart."""
    short = [one_line(Path(run.run).name) for run in runs]
    if len(set(short)) == len(short) and all(short):
        return short
    return [one_line(run.run) for run in runs]


def _marked(row: Compared) -> list[Cell]:
    style = "bold yellow" if row.matters else ""
    mark = DIFFERS if row.matters else " "
    return [f"{mark} {row.name}", *(Text(cell, style=style) for cell in row.cells)]


def _sections(runs: Sequence[RunStatistics]) -> Iterator[tuple[str, Iterable[Compared]]]:
    """Yield the title and the rows of each section, whole runs first."""
    totals = [run.total for run in runs]
    yield "what was asked", _settings(runs)
    yield "what it came to", _totals(runs)
    yield "rejected, of all", compare_rules(totals)
    yield "diversity", compare("diversity", totals)
    for key in sorted({key for run in runs for key in run.generations}):
        generations = [run.generations.get(key) for run in runs]
        yield f"generation {key}", compare("comparison", generations)
    for name in sorted({name for run in runs for name in run.operations}):
        yield name, compare("comparison", [run.operations.get(name) for run in runs])


def _settings(runs: Sequence[RunStatistics]) -> Iterator[Compared]:
    recipes = [run.state.recipe.model_dump() for run in runs]
    for name in recipes[0]:
        values = [one_line(_setting(recipe[name])) for recipe in recipes]
        if len(set(values)) > 1:
            yield exactly(name, values)


def _setting(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items()) or "as the pack has it"
    return str(value)


def _totals(runs: Sequence[RunStatistics]) -> Iterator[Compared]:
    yield exactly("status", ["done" if run.state.is_done else "not finished" for run in runs])
    yield exactly("seeds", [number(run.seeds.counts.kept) for run in runs])
    yield exactly("generations", [str(len(run.generations)) for run in runs])
    yield from compare("comparison", [run.total for run in runs])
    times = [run.state.seconds for run in runs]
    shown = [NONE if time is None else clock(time) for time in times]
    yield roughly("time of the last command", shown, times)
