"""The figures of one run as tables, or those of several side by side.

Knows figures and how each is written. Prints on a page it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.text import Text

from evolinstruct.console.page import Page, one_line
from evolinstruct.console.texts import clock
from evolinstruct.distributions import BAND, Quartiles
from evolinstruct.review.figures import Figures, Group
from evolinstruct.review.variety import Distinctness
from evolinstruct.run.events import counted

_NONE = "-"
_DIFFERS = "≠ "
_SAME = "  "
_CENT = 0.01
_BAND = f"{BAND[0]} to {BAND[1]}"

Cell = str | Text
Show = Callable[[Group], str]


def show(page: Page, runs: Sequence[Figures]) -> None:
    """Print the figures of one run, or those of several side by side."""
    if len(runs) == 1:
        show_figures(page, runs[0])
    else:
        compare_figures(page, runs)


def show_figures(page: Page, figures: Figures) -> None:
    """Print the figures of one run."""
    _show_run(page, figures)
    _show_generations(page, figures)
    _show_operations(page, figures)
    _show_rules(page, figures)
    _show_purposes(page, figures)
    _say_how(page, [figures])


def compare_figures(page: Page, runs: Sequence[Figures]) -> None:
    """Print the figures of several runs side by side, with a mark where they differ."""
    names = _names(runs)
    rows: list[list[Cell]] = []
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
    _say_how(page, runs)


# One run


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
    rows: list[list[Cell]] = [
        *_rows(_COUNTS, columns),
        *([f"  {rule}", *_each(columns, _by_rule(rule))] for rule in _rules(figures)),
        *_rows(_FAILED, columns),
        *_unsettled(figures),
        ["words of an instruction"],
        *_rows(_quartiles("instruction_words"), columns),
        ["words of an answer"],
        *_rows(_quartiles("output_words"), columns),
        ["words added, plain in-depth"],
        *_rows(_quartiles("added"), columns),
        *_rows({f"  outside {_BAND}": _left_band}, columns),
        ["variety"],
        *_varied(varied),
        ["spent"],
        *_rows(_SPENT, columns),
    ]
    page.table("By generation", ["", "seeds", *map(str, groups), "all"], _filled(rows))


def _show_operations(page: Page, figures: Figures) -> None:
    groups = figures.operations
    if not groups:
        return
    head = ["", "drawn", "kept", "share", "rejected", "failed", "added", "outside", "tokens"]
    shows = [
        *(_pool, _kept, _share, _rejected, _failed),
        *(_added_at_all, _left_band, _tokens_per_kept),
    ]
    if any(group.cost for group in groups.values()):
        head.append("cost")
        shows.append(_cost_per_kept)
    rows = [[name, *(show(group) for show in shows)] for name, group in groups.items()]
    page.table("By operation", head, rows)
    page.print(
        f"added: median of words added. outside: share that left {_BAND} words, which only the"
        " plain in-depth operations are asked to keep. tokens, cost: for each kept instruction."
    )


def _show_rules(page: Page, figures: Figures) -> None:
    total = figures.total
    if not total.rejected:
        return
    rows = []
    for rule, count in total.rejected.most_common():
        by = Counter({name: group.rejected[rule] for name, group in figures.operations.items()})
        name, most = by.most_common(1)[0]
        share = _percent(count / total.settled)
        rows.append([rule, f"{count:,}", share, f"{name} ({most:,})"])
    page.table("By rule", ["", "rejected", "of all", "most of them by"], rows)


def _show_purposes(page: Page, figures: Figures) -> None:
    groups = figures.purposes
    if not groups:
        return
    head = ["", "calls", "tokens", *(["cost"] if any(g.cost for g in groups.values()) else [])]
    rows = [
        [name, f"{group.calls:,}", _number(group.tokens), _money(group.cost)][: len(head)]
        for name, group in groups.items()
    ]
    page.table("By purpose", head, rows)


def _say_how(page: Page, runs: Sequence[Figures]) -> None:
    page.print()
    page.print(
        f"Variety is measured on at most {counted(runs[0].sample, 'text')} of each generation,"
        f" drawn by the seed {runs[0].sample_seed}: distinct-n is the share of different phrases"
        " of n words, copies that of instructions that repeat another."
    )


def _rules(figures: Figures) -> list[str]:
    return sorted(figures.total.rejected)


def _rows(shows: dict[str, Show], columns: Sequence[Group]) -> Iterator[list[Cell]]:
    for name, show in shows.items():
        yield [name, *_each(columns, show)]


def _each(columns: Sequence[Group], show: Show) -> list[Cell]:
    return [show(group) for group in columns]


def _unsettled(figures: Figures) -> Iterator[list[Cell]]:
    left = [figures.unsettled(number) for number in figures.generations]
    if any(left):
        yield ["not yet settled", _NONE, *(f"{count:,}" for count in (*left, sum(left)))]


def _varied(found: Sequence[Distinctness | None]) -> Iterator[list[Cell]]:
    for name, show in _VARIETY.items():
        yield [f"  {name}", *map(show, found)]


def _filled(rows: Sequence[list[Cell]]) -> list[list[Cell]]:
    """Leave out rows that say nothing, and titles that then stand over nothing."""
    said = [row for row in rows if len(row) == 1 or any(cell != _NONE for cell in row[1:])]
    indented = [*(str(row[0]).startswith(" ") for row in said[1:]), False]
    return [row for row, below in zip(said, indented, strict=True) if len(row) > 1 or below]


# Several runs


def _names(runs: Sequence[Figures]) -> list[str]:
    """Return the names of the runs, without the folders they lie in where that tells them apart."""
    short = [one_line(Path(figures.run).name) for figures in runs]
    if len(set(short)) == len(short) and all(short):
        return short
    return [one_line(figures.run) for figures in runs]


def _marked(name: str, *cells: str) -> list[Cell]:
    differ = len(set(cells)) > 1
    style = "bold yellow" if differ else ""
    mark = _DIFFERS if differ else _SAME
    return [f"{mark}{name}", *(Text(cell, style=style) for cell in cells)]


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
    yield ["time of the last command", *(_NONE if s is None else clock(s) for s in seconds)]


def _by_rules(runs: Sequence[Figures]) -> Iterator[list[str]]:
    for rule in sorted({rule for run in runs for rule in run.total.rejected}):
        yield [rule, *(_rule_share(rule, run.total) for run in runs)]


def _varieties(runs: Sequence[Figures]) -> Iterator[list[str]]:
    for name, show in _VARIETY.items():
        yield [name, *(show(run.variety[None]) for run in runs)]


def _sections(runs: Sequence[Figures]) -> Iterator[tuple[str, list[Group]]]:
    numbers = sorted({number for run in runs for number in run.generations})
    for number in numbers:
        groups = [run.generations.get(number, Group()) for run in runs]
        yield f"generation {number}", groups
    for name in sorted({name for run in runs for name in run.operations}):
        yield name, [run.operations.get(name, Group()) for run in runs]


def _compared(groups: Sequence[Group]) -> Iterator[list[str]]:
    for name, show in _COMPARED.items():
        cells = [show(group) for group in groups]
        if any(cell != _NONE for cell in cells):
            yield [name, *cells]


# How figures are written


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _percent(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1%}"


def _money(value: float | None) -> str:
    if not value:
        return _NONE  # unknown, or free
    return f"${value:,.2f}" if value >= _CENT else f"${value:.5f}"


def _pool(group: Group) -> str:
    return f"{group.pool:,}"


def _kept(group: Group) -> str:
    return f"{group.kept:,}"


def _share(group: Group) -> str:
    return _percent(group.kept_share)


def _rejected(group: Group) -> str:
    return f"{group.rejected.total():,}"


def _failed(group: Group) -> str:
    return f"{group.failed.total():,}"


def _by_rule(rule: str) -> Show:
    return lambda group: f"{group.rejected[rule]:,}"


def _rule_share(rule: str, group: Group) -> str:
    return _percent(group.rejected[rule] / group.settled if group.settled else None)


def _left_band(group: Group) -> str:
    return _NONE if group.band is None else _percent(group.band.left)


def _tokens_per_kept(group: Group) -> str:
    return _number(group.per_kept(group.tokens))


def _cost_per_kept(group: Group) -> str:
    return _money(group.per_kept(group.cost))


def _of(counter: str, part: str, group: Group) -> str:
    quartiles = Quartiles.of(getattr(group, counter))
    return _NONE if quartiles is None else _number(getattr(quartiles, part))


def _added_at_all(group: Group) -> str:
    return _of("added" if group.added else "added_apart", "median", group)


def _quartiles(counter: str) -> dict[str, Show]:
    return {
        "  lower quartile": partial(_of, counter, "lower"),
        "  median": partial(_of, counter, "median"),
        "  upper quartile": partial(_of, counter, "upper"),
    }


def _distinct(length: int, found: Distinctness | None) -> str:
    return _NONE if found is None else f"{found.distinct[length - 1]:.3f}"


def _copies(found: Distinctness | None) -> str:
    return _NONE if found is None else _percent(found.copies)


_COUNTS: dict[str, Show] = {
    "pool": _pool,
    "kept": _kept,
    "kept share": _share,
    "rejected": _rejected,
}
_FAILED: dict[str, Show] = {"failed": _failed}
_SPENT: dict[str, Show] = {
    "  tokens": lambda group: _number(group.tokens),
    "  tokens per kept": _tokens_per_kept,
    "  cost": lambda group: _money(group.cost),
    "  cost per kept": _cost_per_kept,
}
_VARIETY: dict[str, Callable[[Distinctness | None], str]] = {
    **{f"distinct-{length}": partial(_distinct, length) for length in (1, 2, 3)},
    "copies": _copies,
}
_COMPARED: dict[str, Show] = {
    **_COUNTS,
    **_FAILED,
    "words of an instruction": partial(_of, "instruction_words", "median"),
    "words of an answer": partial(_of, "output_words", "median"),
    "words added, in-depth": partial(_of, "added", "median"),
    f"outside {_BAND}": _left_band,
    "words added, others": partial(_of, "added_apart", "median"),
    "tokens per kept": _tokens_per_kept,
    "cost per kept": _cost_per_kept,
}
