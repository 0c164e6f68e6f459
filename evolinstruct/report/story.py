"""The story in numbers: what stands on top of a report.

Knows figures and says what they come to, for one run in a sentence and tiles, for several in a
table that marks where they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolinstruct.analysis.figures import Figures
from evolinstruct.report.markup import Html, join, tag, text
from evolinstruct.report.writing import duration, large, money, number, share
from evolinstruct.statistics import BAND, Quartiles
from evolinstruct.text import counted

_DIFFERS = "≠"


def tell(runs: Sequence[Figures], names: Sequence[str]) -> Html:
    """Return the story of one run, or of several side by side."""
    if len(runs) > 1:
        return join([*_notices(runs, names), _side_by_side(runs, names)])
    figures = runs[0]
    tiles = [_tile(*parts) for parts in _measures(figures) if parts[1] != "–"]
    return join(
        [
            tag("p", text(_sentence(figures)), class_="lead"),
            *_notices(runs, names),
            tag("dl", *tiles, class_="tiles"),
        ]
    )


def _sentence(figures: Figures) -> str:
    total, last = figures.total, max(figures.generations, default=0)
    if not total.finished:
        return f"{counted(figures.seeds.kept, 'seed')}, of which none has been evolved yet."
    lost = [
        f"{counted(total.rejected.total(), 'evolution')} ({_of_settled(figures)}) rejected by"
        f" {counted(len(total.rejected), 'rule')}"
    ]
    lost.append(f"{total.failed.total():,} failed" if total.failed else "none failed")
    return (
        f"{counted(figures.seeds.kept, 'seed')} became {counted(total.kept, 'evolved instruction')}"
        f" in {counted(last, 'generation')}; {', '.join(lost)}."
    )


def _of_settled(figures: Figures) -> str:
    total = figures.total
    return share(total.rejected.total() / total.finished if total.finished else None)


def _measures(figures: Figures) -> Iterator[tuple[str, str, str]]:
    """Yield name, figure and what it means."""
    total, state = figures.total, figures.state
    lines = state.dataset_lines
    yield "in the data set", number(lines), "seeds with an answer, and all that was kept"
    yield "kept", share(total.kept_share), f"{total.kept:,} of {total.finished:,} evolutions"
    yield "words of an instruction", *_lengths(figures)
    yield "words added", *_growth(figures)
    spent = [group for group in figures.purposes.values() if group.calls]
    calls = sum(group.calls for group in spent)
    reported = [group.tokens for group in spent if group.tokens is not None]
    tokens = sum(reported) if reported else None
    yield (
        "calls",
        large(calls) if calls else number(None),
        f"{_per(calls, total.kept)} for each kept",
    )
    yield "tokens", large(tokens), f"{_per(tokens, total.kept)} for each kept"
    cost = sum(group.cost or 0 for group in spent)
    yield "cost", money(cost), f"{money(cost / total.kept if total.kept else None)} for each kept"
    variety = figures.variety[None]
    yield (
        "copies",
        share(variety.copies if variety else None),
        f"of {variety.texts if variety else 0:,} sampled instructions repeat another",
    )
    yield "time", duration(state.seconds), "of the last command"


def _per(amount: int | None, kept: int) -> str:
    if amount is None or not kept:
        return number(None)
    return f"{amount / kept:,.1f}" if amount < 100 * kept else f"{amount / kept:,.0f}"


def _lengths(figures: Figures) -> tuple[str, str]:
    before = Quartiles.of(figures.seeds.instruction_words)
    groups = [group for group in figures.generations.values() if group.kept]
    after = Quartiles.of(groups[-1].instruction_words) if groups else None
    if before is None or after is None:
        return number(None), ""
    return (
        f"{number(before.median)} → {number(after.median)}",
        "median, from the seeds to the last generation",
    )


def _growth(figures: Figures) -> tuple[str, str]:
    total = figures.total
    grown = Quartiles.of(total.added)
    if grown is None or total.band is None:
        return number(None), ""
    low, high = BAND
    return (
        f"{grown.median:+,.0f}",
        f"median of plain in-depth steps; {share(total.band.left)} left {low} to {high}",
    )


def _tile(name: str, figure: str, meaning: str) -> Html:
    return tag(
        "div",
        tag("dt", text(name)),
        tag("dd", text(figure), class_="figure"),
        tag("dd", text(meaning), class_="meaning"),
        class_="tile",
    )


def _notices(runs: Sequence[Figures], names: Sequence[str]) -> Iterator[Html]:
    """Yield what has to be known before any figure is believed."""
    states = {name: figures.state for name, figures in zip(names, runs, strict=True)}
    offline = [name for name, state in states.items() if state.recipe.client == "offline"]
    if offline:
        yield _notice(
            f"Made by the offline client, which is no language model: {' and '.join(offline)}."
            " Such texts are for trying the pipeline, not for training."
        )
    for name, state in states.items():
        if not state.is_done:
            yield _notice(f"{name} is not finished ({state.status}); it is shown as it stands.")


def _notice(sentence: str) -> Html:
    return tag("p", text(sentence), class_="notice")


def _side_by_side(runs: Sequence[Figures], names: Sequence[str]) -> Html:
    columns = [{measure[0]: measure for measure in _measures(figures)} for figures in runs]
    rows = [
        (name, [column[name][1] for column in columns])
        for name in columns[0]
        if any(column[name][1] != number(None) for column in columns)
    ]
    rows.insert(0, ("seeds", [number(figures.seeds.kept) for figures in runs]))
    rows.insert(1, ("generations", [str(len(figures.generations)) for figures in runs]))
    rules = sorted({rule for figures in runs for rule in figures.total.rejected})
    rows += [
        (f"rejected by {rule}", [_rule_share(figures, rule) for figures in runs]) for rule in rules
    ]
    return tag(
        "div",
        tag(
            "table",
            tag("caption", text(f"The runs side by side; {_DIFFERS} marks where they differ")),
            tag(
                "thead",
                tag(
                    "tr", tag("th", scope="col"), *(tag("th", text(n), scope="col") for n in names)
                ),
            ),
            tag("tbody", *(_compared(name, cells) for name, cells in rows)),
        ),
        class_="scrolls",
        tabindex="0",
        role="region",
        aria_label="The runs side by side",
    )


def _rule_share(figures: Figures, rule: str) -> str:
    total = figures.total
    return share(total.rejected[rule] / total.finished if total.finished else None)


def _compared(name: str, cells: Sequence[str]) -> Html:
    differ = len(set(cells)) > 1
    mark = f"{_DIFFERS} " if differ else ""
    return tag(
        "tr",
        tag("th", text(mark + name), scope="row"),
        *(tag("td", text(cell)) for cell in cells),
        class_="differs" if differ else "same",
    )
