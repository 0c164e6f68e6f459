"""The story in numbers, on top of a report.

One run is told in a sentence and tiles; several in a table that marks where they differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evolinstruct.analysis.comparison import (
    DIFFERS,
    MEANING,
    Compared,
    compare,
    compare_rules,
    exactly,
    roughly,
)
from evolinstruct.analysis.difficulty import PAPER, PAPER_MEANS, Difficulties, Mean
from evolinstruct.analysis.measurement import RunStatistics
from evolinstruct.analysis.statistics import GroupStatistics, find
from evolinstruct.quartiles import Quartiles
from evolinstruct.report.markup import Html, join, tag, text
from evolinstruct.text import (
    NONE,
    clock,
    counted,
    dollars,
    listed,
    number,
    percent,
    short_number,
)


def tell(runs: Sequence[RunStatistics], names: Sequence[str]) -> Html:
    """Return the story of one run, or of several side by side."""
    if len(runs) > 1:
        return join([*_notices(runs, names), _side_by_side(runs, names)])
    tiles = [tile(*parts) for parts in _tiles(runs[0]) if parts[1] != NONE]
    return join(
        [
            tag("p", text(_sentence(runs[0])), class_="lead"),
            *_notices(runs, names),
            tag("dl", *tiles, class_="tiles"),
        ]
    )


def tell_difficulty(run: RunStatistics, name: str) -> Html:
    """Return what became of the difficulty of a run, in sentences; the run is named if need be."""
    found = run.difficulties
    if found is None:
        return Html("")
    begun = [tag("strong", text(name), dir="auto"), text(": ")] if name else []
    judge = f", judged by {found.way.model}" if found.way.model else ""
    how = f"Difficulty by {found.way.method}{judge}, of {found.total.value.count:,} evolved"
    about = [
        f"{how} instructions; an interval holds nine times in ten, each family one draw, and leaves"
        " out what a judge gets wrong."
    ]
    about += [f"The paper's means: {PAPER_MEANS}."] if found.way.method == PAPER else []
    return join(
        [
            tag("p", *begun, text(risen(found)), class_="lead"),
            tag("p", text(" ".join(about)), class_="hint"),
        ]
    )


def risen(found: Difficulties) -> str:
    """Say by how much, and how surely, the last generation is harder than the first."""
    rise, gain = found.last_over_first, found.total.gain
    if rise.mean is not None and rise.low is not None:
        first = f"An instruction of the last generation is {_harder(rise)} than its family's first"
        first += f" evolved one ({rise.low:+z.2f} to {rise.high:+z.2f})"
    elif gain.mean is not None and gain.low is not None:
        first = f"A rewrite is {_harder(gain)} than its parent"
        first += f" ({gain.low:+z.2f} to {gain.high:+z.2f})"
    else:
        return "Too few families were scored to tell whether rewrites are harder."
    share = percent(found.total.not_harder_share)
    return f"{first}; {share} of the rewrites did not get harder."


def _harder(mean: Mean) -> str:
    value = mean.mean or 0.0
    return f"{abs(value):.2f} points {'harder' if value >= 0 else 'easier'}"


def _sentence(run: RunStatistics) -> str:
    counts, seeds = run.total.counts, counted(run.seeds.counts.kept, "seed")
    if not counts.finished:
        return f"{seeds}, of which none has been evolved yet."
    rejected = counts.rejected.total()
    failed = f"{counts.failed.total():,} failed" if counts.failed else "none failed"
    return (
        f"{seeds} became {counted(counts.kept, 'evolved instruction')} in"
        f" {counted(max(run.generations), 'generation')}; {counted(rejected, 'evolution')}"
        f" ({percent(counts.share(rejected))}) rejected by"
        f" {counted(len(counts.rejected), 'rule')}, {failed}."
    )


def _tiles(run: RunStatistics) -> Iterator[tuple[str, str, str]]:
    """Yield name, figure and what it means."""
    total, counts = run.total, run.total.counts
    in_all = run.spent
    lines = run.state.dataset_lines
    yield "in the data set", number(lines), "seeds with an answer, and all that was kept"
    share = find("kept_share").text(total)
    yield "kept", share, f"{counts.kept:,} of {counts.finished:,} evolutions"
    yield "words of an instruction", *_lengths(run)
    yield "words added", *_growth(total)
    calls = short_number(in_all.calls or None)
    yield "calls", calls, f"{_each(in_all.calls, counts.kept)} for each kept"
    tokens = short_number(in_all.tokens)
    yield "tokens", tokens, f"{_each(in_all.tokens, counts.kept)} for each kept"
    if in_all.cost:
        each = dollars(in_all.cost / counts.kept) if counts.kept else NONE
        yield "cost", dollars(in_all.cost), f"{each} for each kept"
    sampled = number(find("texts").number(total) or 0)
    copies = find("copies").text(total)
    yield "copies", copies, f"of {sampled} sampled instructions repeat another"
    yield "time", _time(run), "of the last command"


def _each(amount: int | None, kept: int) -> str:
    if amount is None or not kept:
        return NONE
    return f"{amount / kept:,.1f}" if amount < 100 * kept else f"{amount / kept:,.0f}"


def _time(run: RunStatistics) -> str:
    return NONE if run.state.seconds is None else clock(run.state.seconds)


def _lengths(run: RunStatistics) -> tuple[str, str]:
    median = find("instruction_words.median")
    evolved = [group for group in run.generations.values() if group.counts.kept]
    if not evolved or not run.seeds.counts.kept:
        return NONE, ""
    return (
        f"{median.text(run.seeds)} → {median.text(evolved[-1])}",
        "median, from the seeds to the last generation",
    )


def _growth(total: GroupStatistics) -> tuple[str, str]:
    grown = Quartiles.of(total.added)
    if grown is None:
        return NONE, ""
    outside = find("words_added_band.outside")
    return (
        f"{grown.median:+z,.0f}",
        f"median of plain in-depth steps; {outside.text(total)} {outside.label}",
    )


def tile(name: str, figure: str, meaning: str) -> Html:
    """Return a figure under its name, with what it means."""
    return tag(
        "div",
        tag("dt", text(name)),
        tag("dd", text(figure), class_="figure"),
        tag("dd", text(meaning), class_="meaning"),
        class_="tile",
    )


def _notices(runs: Sequence[RunStatistics], names: Sequence[str]) -> Iterator[Html]:
    """Yield what has to be known before any figure is believed."""
    states = {name: run.state for name, run in zip(names, runs, strict=True)}
    offline = [name for name, state in states.items() if state.recipe.client == "offline"]
    if offline:
        yield _notice(
            f"Made by the offline client, which is no language model: {listed(offline)}."
            " Such texts are for trying the pipeline, not for training."
        )
    for name, state in states.items():
        if not state.is_done:
            yield _notice(f"{name} is not finished ({state.status}); it is shown as it stands.")


def _notice(sentence: str) -> Html:
    return tag("p", text(sentence), class_="notice")


def _side_by_side(runs: Sequence[RunStatistics], names: Sequence[str]) -> Html:
    totals = [run.total for run in runs]
    rules = [*compare_rules(totals)]
    lines = [run.state.dataset_lines for run in runs]
    rows = [
        exactly("seeds", [number(run.seeds.counts.kept) for run in runs]),
        exactly("generations", [str(len(run.generations)) for run in runs]),
        roughly("in the data set", [*map(number, lines)], lines),
        *compare("comparison", totals),
        *compare("diversity", totals),
        *(Compared(f"rejected by {row.name}", row.cells, row.matters) for row in rules),
        roughly(
            "time of the last command", [*map(_time, runs)], [run.state.seconds for run in runs]
        ),
    ]
    shown = tag(
        "div",
        tag(
            "table",
            tag("caption", text("The runs side by side")),
            tag(
                "thead",
                tag(
                    "tr", tag("th", scope="col"), *(tag("th", text(n), scope="col") for n in names)
                ),
            ),
            tag("tbody", *map(_compared, rows)),
        ),
        class_="scrolls",
        tabindex="0",
        role="region",
        aria_label="The runs side by side",
    )
    return join([shown, tag("p", text(MEANING), class_="hint")])


def _compared(row: Compared) -> Html:
    mark = f"{DIFFERS} " if row.matters else ""
    return tag(
        "tr",
        tag("th", text(mark + row.name), scope="row"),
        *(tag("td", text(cell)) for cell in row.cells),
        class_="differs" if row.matters else "same",
    )
