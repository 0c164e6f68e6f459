"""The figures of one run as tables.

Knows which figures stand in which table. Prints on a page it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from evolinstruct.analysis.diversity import Distinctness
from evolinstruct.analysis.figures import Figures, Group
from evolinstruct.console import cells
from evolinstruct.console.page import Page, one_line
from evolinstruct.text import clock, counted


def show_figures(page: Page, figures: Figures) -> None:
    """Print the figures of one run."""
    _show_run(page, figures)
    _show_generations(page, figures)
    _show_operations(page, figures)
    _show_rules(page, figures)
    _show_purposes(page, figures)
    say_how(page, [figures])


def _show_run(page: Page, figures: Figures) -> None:
    state = figures.state
    about = [
        one_line(figures.run),
        state.status if state.is_done else f"not finished ({one_line(state.status)})",
        counted(figures.seeds.kept, "seed"),
        f"client {one_line(state.recipe.client)}",
    ]
    if state.preview_of:
        about.append(f"a preview, drawn from {counted(state.preview_of, 'seed')}")
    if state.seconds is not None:
        about.append(f"the last command took {clock(state.seconds)}")
    page.print(" · ".join(about))


def _show_generations(page: Page, figures: Figures) -> None:
    groups = figures.generations
    columns = [figures.seeds, *groups.values(), figures.total]
    varied = [figures.variety.get(number) for number in (0, *groups)]
    varied.append(figures.variety[None])
    rows: list[list[cells.Cell]] = [
        *_rows(cells.COUNTS, columns),
        *([f"  {rule}", *_each(columns, cells.by_rule(rule))] for rule in _rules(figures)),
        *_rows(cells.FAILED, columns),
        *_unsettled(figures),
        ["words of an instruction"],
        *_rows(cells.quartiles("instruction_words"), columns),
        ["words of an answer"],
        *_rows(cells.quartiles("output_words"), columns),
        ["words added, plain in-depth"],
        *_rows(cells.quartiles("added"), columns),
        *_rows({f"  outside {cells.BAND_SHOWN}": cells.left_band}, columns),
        ["variety"],
        *_varied(varied),
        ["spent"],
        *_rows(cells.SPENT, columns),
    ]
    page.table("By generation", ["", "seeds", *map(str, groups), "all"], _filled(rows))


def _show_operations(page: Page, figures: Figures) -> None:
    groups = figures.operations
    if not groups:
        return
    head = ["", "drawn", "kept", "share", "rejected", "failed", "added", "outside", "tokens"]
    shows = [
        *(cells.pool, cells.kept, cells.share, cells.rejected, cells.failed),
        *(cells.added_at_all, cells.left_band, cells.tokens_per_kept),
    ]
    if any(group.cost for group in groups.values()):
        head.append("cost")
        shows.append(cells.cost_per_kept)
    rows = [[name, *(show(group) for show in shows)] for name, group in groups.items()]
    page.table("By operation", head, rows)
    page.print(
        f"added: median of words added. outside: share that left {cells.BAND_SHOWN} words, which"
        " only the plain in-depth operations are asked to keep. tokens, cost: for each kept"
        " instruction."
    )


def _show_rules(page: Page, figures: Figures) -> None:
    total = figures.total
    if not total.rejected:
        return
    rows = []
    for rule, count in total.rejected.most_common():
        by = Counter({name: group.rejected[rule] for name, group in figures.operations.items()})
        name, most = by.most_common(1)[0]
        share = cells.percent(count / total.finished)
        rows.append([rule, f"{count:,}", share, f"{name} ({most:,})"])
    page.table("By rule", ["", "rejected", "of all", "most of them by"], rows)


def _show_purposes(page: Page, figures: Figures) -> None:
    groups = figures.purposes
    if not groups:
        return
    head = ["", "calls", "tokens", *(["cost"] if any(g.cost for g in groups.values()) else [])]
    rows = [
        [name, f"{group.calls:,}", cells.number(group.tokens), cells.money(group.cost)][: len(head)]
        for name, group in groups.items()
    ]
    page.table("By purpose", head, rows)


def _rules(figures: Figures) -> list[str]:
    return sorted(figures.total.rejected)


def _rows(shows: dict[str, cells.Show], columns: Sequence[Group]) -> Iterator[list[cells.Cell]]:
    for name, show in shows.items():
        yield [name, *_each(columns, show)]


def _each(columns: Sequence[Group], show: cells.Show) -> list[cells.Cell]:
    return [show(group) for group in columns]


def _unsettled(figures: Figures) -> Iterator[list[cells.Cell]]:
    left = [figures.unfinished(number) for number in figures.generations]
    if any(left):
        yield ["not yet settled", cells.NONE, *(f"{count:,}" for count in (*left, sum(left)))]


def _varied(found: Sequence[Distinctness | None]) -> Iterator[list[cells.Cell]]:
    for name, show in cells.VARIETY.items():
        yield [f"  {name}", *map(show, found)]


def _filled(rows: Sequence[list[cells.Cell]]) -> list[list[cells.Cell]]:
    """Leave out rows that say nothing, and titles that then stand over nothing."""
    said = [row for row in rows if len(row) == 1 or any(cell != cells.NONE for cell in row[1:])]
    indented = [*(str(row[0]).startswith(" ") for row in said[1:]), False]
    return [row for row, below in zip(said, indented, strict=True) if len(row) > 1 or below]


def say_how(page: Page, runs: Sequence[Figures]) -> None:
    """Say how variety is measured."""
    page.print()
    page.print(
        f"Diversity is measured on at most {counted(runs[0].sample, 'text')} of each generation,"
        f" drawn by the seed {runs[0].sample_seed}: distinct-n is the share of different phrases"
        " of n words, copies that of instructions that repeat another."
    )
