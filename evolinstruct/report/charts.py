"""The charts of a report: of each its values, a sentence on what they show, and a table of them.

What the columns of these tables are called and how they are computed is stated in
`analysis.statistics`; how a chart is drawn, in `report.drawing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evolinstruct.analysis.measurement import RunStatistics
from evolinstruct.analysis.statistics import GroupStatistics, Table, find, in_table
from evolinstruct.quartiles import BAND, Quartiles
from evolinstruct.report import drawing
from evolinstruct.report.drawing import Spec
from evolinstruct.text import dollars, number, percent

_TAIL = 0.05
_BINS = 24
_TICKS = 8
_OUTCOMES = {"kept": "var(--kept)", "rejected": "var(--rejected)", "failed": "var(--failed)"}
_PARTS = {"prompts": "var(--third)", "replies": "var(--fourth)"}
_NOT_SCORED = "None of them was scored."
_NO_TOKENS = "The service reported no tokens."

_Groups = Mapping[str, GroupStatistics]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, and the same in words and numbers.

    Attributes:
        title: what it is about.
        says: what it shows, in a sentence.
        spec: its Vega-Lite specification; None where there is nothing to draw.
        head: names of the table's columns.
        rows: the table.
    """

    title: str
    says: str
    spec: Spec | None
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def charts(run: RunStatistics) -> Iterator[Chart]:
    """Yield the charts of a run, in the order in which they are read."""
    generations = {str(key): group for key, group in run.generations.items()}
    with_seeds = {"seeds": run.seeds, **generations}
    yield _outcomes("Kept and rejected by generation", "generation", generations)
    yield _outcomes("Kept and rejected by operation", "operation", run.operations)
    yield _rules(run)
    yield _growth(run.total, generations)
    yield _lengths("Length of instructions", "instruction lengths", with_seeds)
    yield _lengths("Length of answers", "answer lengths", with_seeds)
    yield _spending(run.operations)
    yield _tokens(run.purposes)


def difficulty_charts(run: RunStatistics) -> Iterator[Chart]:
    """Yield the charts of a run whose difficulty was scored."""
    generations = {str(key): group for key, group in run.generations.items()}
    yield _means({"seeds": run.seeds, **generations})
    yield _gains(run.operations)


def _columns(by: str, table: Table, groups: _Groups) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of a table: a row for each group, a column a statistic."""
    shown = in_table(table)
    title = shown[0].section
    head = [by, *(statistic.label_under(title) for statistic in shown)]
    rows = [
        [name, *(statistic.text(group) for statistic in shown)] for name, group in groups.items()
    ]
    return head, rows


def _outcomes(title: str, by: str, groups: _Groups) -> Chart:
    counts = {name: _ends(group) for name, group in groups.items()}
    values = [
        {by: name, "outcome": outcome, "count": count, "place": place}
        for name, ends in counts.items()
        for place, (outcome, count) in enumerate(ends.items())
    ]
    share = find("kept_share")
    labels = [{by: name, "label": share.text(group)} for name, group in groups.items()]
    there = {
        outcome: colour
        for outcome, colour in _OUTCOMES.items()
        if any(ends[outcome] for ends in counts.values())
    }
    kept = {
        name: found
        for name, group in groups.items()
        if (found := group.counts.kept_share) is not None
    }
    spec = drawing.shares(by, "outcome", values, there, labels)
    says = _extremes(kept, "was kept", f"{by} " if by == "generation" else "")
    return Chart(title, says, spec if values else None, *_columns(by, "outcomes", groups))


def _ends(group: GroupStatistics) -> dict[str, int]:
    counts = group.counts
    return {
        "kept": counts.kept,
        "rejected": counts.rejected.total(),
        "failed": counts.failed.total(),
    }


def _extremes(shares: Mapping[str, float], what: str, noun: str) -> str:
    """Say between which two shares all lie."""
    if not shares:
        return "No instruction has ended yet."
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    low, high = percent(shares[least]), percent(shares[most])
    if low == high:
        return f"{high} {what} throughout."
    return f"From {low} ({noun}{least}) to {high} ({noun}{most}) {what}."


def _rules(run: RunStatistics) -> Chart:
    counts = run.total.counts
    by_rule = counts.rejected.most_common()
    says = "No evolution was rejected."
    if by_rule:
        rule, count = by_rule[0]
        says = (
            f"{counts.rejected.total():,} of {counts.finished:,} evolutions were rejected;"
            f" the most by {rule}, {percent(counts.share(count))} of all."
        )
    values = [{"rule": rule, "count": count, "label": f"{count:,}"} for rule, count in by_rule]
    spec = drawing.ranked("rule", "evolutions rejected", values, "var(--rejected)")
    rows = [
        [rule, number(count), percent(counts.share(count)), _most(rule, run.operations)]
        for rule, count in by_rule
    ]
    head = ["rule", "rejected", "of all evolutions", "most of them by"]
    return Chart("Why evolutions were rejected", says, spec if by_rule else None, head, rows)


def _most(rule: str, operations: _Groups) -> str:
    """Return the operation whose evolutions a rule rejected most, and how many."""
    by = Counter({name: group.counts.rejected[rule] for name, group in operations.items()})
    return " ".join(f"{name} ({count:,})" for name, count in by.most_common(1))


def _growth(total: GroupStatistics, groups: _Groups) -> Chart:
    low, high = BAND
    least, most = _span([group.added for group in groups.values()])
    width = max(1, -(-(most - least) // _BINS))
    first = least // width * width
    values = [
        {"generation": f"gen. {key}", "start": start, "end": start + width, "count": count}
        for key, group in groups.items()
        for start, count in _binned(group.added, first, width, most).items()
    ]
    band = total.band
    says = "No plain in-depth evolution was kept yet."
    if band is not None:
        says = (
            f"The prompts ask for {low} to {high} more words (the shaded band);"
            f" {percent(1 - band.outside)} kept to it."
        )
    spec = drawing.histograms(
        "generation",
        [f"gen. {key}" for key in groups],
        values,
        title="words added, plain in-depth operations",
        step=width,
        ticks=_ticks(first, most),
        band=BAND,
    )
    table = _columns("generation", "growth", groups)
    return Chart("Words added by a rewrite", says, spec if values else None, *table)


def _span(many: Sequence[Counter[int]]) -> tuple[int, int]:
    """Return the numbers between which nearly all lie, the band included."""
    every: Counter[int] = sum(many, Counter())
    return min(0, _percentile(every, _TAIL / 5)), max(
        2 * BAND[1], _percentile(every, 1 - _TAIL / 5)
    )


def _ticks(first: int, last: int) -> list[int]:
    """Return round numbers, about eight at most, for an axis."""
    step = 10
    while (last - first) // step > _TICKS:
        step *= 2
    return list(range(-(-first // step) * step, last + step, step))


def _percentile(counts: Counter[int], part: float) -> int:
    """Return the number that this part of all does not exceed; 0 of none."""
    passed, total = 0, counts.total()
    for value in sorted(counts):
        passed += counts[value]
        if passed >= part * total:
            return value
    return 0


def _binned(counts: Counter[int], first: int, width: int, most: int) -> Counter[int]:
    """Count by bins; what lies beyond the ends is in the first and last."""
    bins: Counter[int] = Counter()
    for value, count in counts.items():
        place = min(max(value, first), most) - first
        bins[first + place // width * width] += count
    return bins


def _lengths(title: str, table: Table, groups: _Groups) -> Chart:
    counted = {
        name: group.instruction_words if table == "instruction lengths" else group.output_words
        for name, group in groups.items()
    }
    found = {name: Quartiles.of(counts) for name, counts in counted.items()}
    values = [
        {
            "generation": name,
            "low": _percentile(counted[name], _TAIL),
            "lower": quartiles.lower,
            "median": quartiles.median,
            "upper": quartiles.upper,
            "high": _percentile(counted[name], 1 - _TAIL),
            "label": number(quartiles.median),
        }
        for name, quartiles in found.items()
        if quartiles is not None
    ]
    says = "There is none."
    if values:
        says = (
            f"Half lie within the bar, nine in ten within the line; the median goes from"
            f" {values[0]['label']} words to {values[-1]['label']}."
        )
    spec = drawing.spreads("generation", values)
    return Chart(title, says, spec if values else None, *_columns("generation", table, groups))


def _spending(operations: _Groups) -> Chart:
    per_kept = find("tokens_per_kept")
    found = {
        name: tokens
        for name, group in operations.items()
        if (tokens := per_kept.number(group)) is not None
    }
    values = [
        {"operation": name, "count": tokens, "label": number(tokens)}
        for name, tokens in sorted(found.items(), key=lambda item: -item[1])
    ]
    says = _NO_TOKENS
    if values:
        first, last = values[0], values[-1]
        says = (
            f"A kept instruction by {first['operation']} takes {first['label']} tokens,"
            f" one by {last['operation']} {last['label']}."
        )
    spec = drawing.ranked("operation", per_kept.label, values, "var(--third)")
    table = _columns("operation", "spending", operations)
    return Chart("What a kept instruction takes", says, spec if values else None, *table)


def _tokens(purposes: _Groups) -> Chart:
    values = [
        {"purpose": name, "part": part, "count": count}
        for name, group in purposes.items()
        for part, count in zip(_PARTS, (group.prompt_tokens, group.completion_tokens), strict=True)
        if count
    ]
    tokens = sum(group.tokens or 0 for group in purposes.values())
    cost = sum(group.cost or 0 for group in purposes.values())
    says = _NO_TOKENS
    if values:
        name = max(purposes, key=lambda name: purposes[name].tokens or 0)
        of_all = percent((purposes[name].tokens or 0) / tokens)
        says = f"{tokens:,} tokens in all, {of_all} of them to {name}"
        says += f"; together {dollars(cost)}." if cost else "."
    spec = drawing.stacked("purpose", "part", list(purposes), values, _PARTS)
    table = _columns("purpose", "tokens", purposes)
    return Chart("Tokens and cost by purpose", says, spec if values else None, *table)


def _means(generations: _Groups) -> Chart:
    values = _intervals("generation", generations, "difficulty")
    says = _NOT_SCORED
    if values:
        says = (
            f"The mean goes from {values[0]['label']} to {values[-1]['label']}; nine times in ten"
            " a mean lies within its line."
        )
    spec = drawing.means("generation", "difficulty", values, "var(--kept)")
    table = _columns("generation", "difficulty", generations)
    return Chart("Difficulty by generation", says, spec if values else None, *table)


def _gains(operations: _Groups) -> Chart:
    values = sorted(_intervals("operation", operations, "gain"), key=lambda each: -each["mean"])
    says = _NOT_SCORED
    if values:
        first, last = values[0], values[-1]
        says = (
            f"{first['operation']} pays most, with {first['label']} points over the parent;"
            f" {last['operation']} least, with {last['label']}."
        )
    spec = drawing.means("operation", "points over the parent", values, "var(--third)")
    table = _columns("operation", "difficulty", operations)
    return Chart("What an operation gains", says, spec if values else None, *table)


def _intervals(by: str, groups: _Groups, key: str) -> list[dict[str, Any]]:
    """Return the mean of each group that has one, with the ends of its interval."""
    found = []
    for name, group in groups.items():
        mean = find(f"{key}.mean").number(group)
        low, high = (find(f"{key}.{end}").number(group) for end in ("low", "high"))
        if mean is not None:
            label = find(f"{key}.mean").text(group)
            ends = {"low": mean if low is None else low, "high": mean if high is None else high}
            found.append({by: name, "mean": mean, **ends, "label": label})
    return found
