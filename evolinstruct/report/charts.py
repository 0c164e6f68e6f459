"""What is charted: of each chart the values, a sentence on what they show, and the table of them.

Knows figures. How a chart looks, `report.specs` knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evolinstruct.analysis.figures import Figures, Group
from evolinstruct.report import specs
from evolinstruct.report.specs import Spec
from evolinstruct.report.writing import money, number, share
from evolinstruct.statistics import BAND, Quartiles

_TAIL = 0.05
_BINS = 24
_TICKS = 8
_OUTCOMES = {"kept": "var(--kept)", "rejected": "var(--rejected)", "failed": "var(--failed)"}
_PARTS = {"prompts": "var(--third)", "replies": "var(--fourth)"}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart and what says the same in words and numbers.

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


def charts(figures: Figures) -> Iterator[Chart]:
    """Yield the charts of a run, in the order in which they are read."""
    yield _outcomes(
        "Kept and rejected by generation",
        "generation",
        {str(key): group for key, group in figures.generations.items()},
    )
    yield _outcomes("Kept and rejected by operation", "operation", figures.operations)
    yield _rules(figures)
    yield _growth(figures)
    yield _lengths(figures, "Length of instructions", "instruction_words")
    yield _lengths(figures, "Length of answers", "output_words")
    yield _tokens_per_kept(figures)
    yield _purposes(figures)


def _outcomes(title: str, by: str, groups: Mapping[str, Group]) -> Chart:
    counts = {name: _ends(group) for name, group in groups.items()}
    values = [
        {by: name, "outcome": outcome, "count": count, "place": place}
        for name, ends in counts.items()
        for place, (outcome, count) in enumerate(ends.items())
    ]
    labels = [{by: name, "label": share(group.kept_share)} for name, group in groups.items()]
    there = {
        outcome: colour
        for outcome, colour in _OUTCOMES.items()
        if any(ends[outcome] for ends in counts.values())
    }
    kept = {name: group.kept_share or 0.0 for name, group in groups.items() if group.finished}
    spec = specs.shares(by, "outcome", values, there, labels)
    rows = [
        [name, number(group.finished), *map(number, counts[name].values()), share(group.kept_share)]
        for name, group in groups.items()
    ]
    return Chart(
        title,
        _extremes(kept, "was kept", f"{by} " if by == "generation" else ""),
        spec if values else None,
        [by, "begun", *_OUTCOMES, "kept share"],
        rows,
    )


def _ends(group: Group) -> dict[str, int]:
    return {
        "kept": group.kept,
        "rejected": group.rejected.total(),
        "failed": group.failed.total(),
    }


def _extremes(shares: Mapping[str, float], what: str, noun: str) -> str:
    """Say between which two shares all lie."""
    if not shares:
        return "Nothing is settled yet."
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    if share(shares[least]) == share(shares[most]):
        return f"{share(shares[most])} {what} throughout."
    low, high = f"{share(shares[least])} ({noun}{least})", f"{share(shares[most])} ({noun}{most})"
    return f"From {low} to {high} {what}."


def _rules(figures: Figures) -> Chart:
    total = figures.total
    counts = total.rejected.most_common()
    by = {
        rule: Counter({name: group.rejected[rule] for name, group in figures.operations.items()})
        for rule, _ in counts
    }
    most = {rule: _most(found) for rule, found in by.items()}
    says = "No evolution was rejected."
    if counts:
        rule, count = counts[0]
        says = (
            f"{total.rejected.total():,} of {total.finished:,} evolutions were rejected;"
            f" the most by {rule}, {share(count / total.finished)} of all."
        )
    values = [{"rule": rule, "count": count, "label": f"{count:,}"} for rule, count in counts]
    spec = specs.ranked("rule", "evolutions rejected", values, "var(--rejected)")
    rows = [
        [rule, number(count), share(count / total.finished), most[rule]] for rule, count in counts
    ]
    head = ["rule", "rejected", "of all evolutions", "most of them by"]
    return Chart("Why evolutions were rejected", says, spec if counts else None, head, rows)


def _most(found: Counter[str]) -> str:
    return " ".join(f"{name} ({count:,})" for name, count in found.most_common(1))


def _growth(figures: Figures) -> Chart:
    groups = figures.generations
    low, high = BAND
    total = figures.total
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
            f" {share(band.within / total.added.total())} kept to it."
        )
    spec = specs.histograms(
        "generation",
        [f"gen. {key}" for key in groups],
        values,
        title="words added, plain in-depth operations",
        step=width,
        ticks=_ticks(first, most),
        band=BAND,
    )
    head = ["generation", *_FIVE, f"within {low} to {high}", "others: median"]
    rows = [
        [
            str(key),
            *_five(group.added),
            share(group.band.within / group.added.total() if group.band else None),
            _median(group.added_apart),
        ]
        for key, group in groups.items()
    ]
    return Chart("Words added by a rewrite", says, spec if values else None, head, rows)


_FIVE = ("least", "lower quartile", "median", "upper quartile", "most")


def _five(counts: Mapping[int, int]) -> list[str]:
    found = Quartiles.of(counts)
    if found is None:
        return [number(None)] * len(_FIVE)
    return [
        number(value) for value in (found.least, found.lower, found.median, found.upper, found.most)
    ]


def _median(counts: Mapping[int, int]) -> str:
    found = Quartiles.of(counts)
    return number(found.median if found else None)


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


def _lengths(figures: Figures, title: str, counter: str) -> Chart:
    groups = {"seeds": figures.seeds}
    groups |= {str(key): group for key, group in figures.generations.items()}
    counted = {name: getattr(group, counter) for name, group in groups.items()}
    found = {name: Quartiles.of(counts) for name, counts in counted.items()}
    values = [
        {
            "generation": name,
            "low": _percentile(counted[name], _TAIL),
            "lower": quartiles.lower,
            "median": quartiles.median,
            "upper": quartiles.upper,
            "high": _percentile(counted[name], 1 - _TAIL),
            "label": f"{quartiles.median:,.0f}",
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
    spec = specs.spreads("generation", values)
    rows = [[name, *_five(counts)] for name, counts in counted.items()]
    return Chart(title, says, spec if values else None, ["generation", *_FIVE], rows)


def _tokens_per_kept(figures: Figures) -> Chart:
    groups = figures.operations
    found = {
        name: each
        for name, group in groups.items()
        if (each := group.per_kept(group.tokens)) is not None
    }
    values = [
        {"operation": name, "count": each, "label": number(each)}
        for name, each in sorted(found.items(), key=lambda item: -item[1])
    ]
    says = "The service reported no tokens."
    if values:
        first, last = values[0], values[-1]
        says = (
            f"A kept instruction by {first['operation']} takes {first['label']} tokens,"
            f" one by {last['operation']} {last['label']}."
        )
    spec = specs.ranked("operation", "tokens for each kept instruction", values, "var(--third)")
    rows = [
        [
            name,
            number(group.calls),
            number(group.tokens),
            number(group.per_kept(group.tokens)),
            money(group.per_kept(group.cost)),
        ]
        for name, group in groups.items()
    ]
    head = ["operation", "calls", "tokens", "tokens for each kept", "cost for each kept"]
    return Chart("What a kept instruction takes", says, spec if values else None, head, rows)


def _purposes(figures: Figures) -> Chart:
    groups = figures.purposes
    parts: dict[str, Counter[str]] = {name: Counter() for name in groups}
    for used in figures.state.usage:
        parts[used.purpose]["prompts"] += used.prompt_tokens or 0
        parts[used.purpose]["replies"] += used.completion_tokens or 0
    values = [
        {"purpose": name, "part": part, "count": count}
        for name, counts in parts.items()
        for part, count in counts.items()
        if count
    ]
    tokens = sum(group.tokens or 0 for group in groups.values())
    cost = sum(group.cost or 0 for group in groups.values())
    says = "The service reported no tokens."
    if values:
        name = max(groups, key=lambda name: groups[name].tokens or 0)
        of_all = share((groups[name].tokens or 0) / tokens)
        says = f"{tokens:,} tokens in all, {of_all} of them to {name}"
        says += f"; together {money(cost)}." if cost else "."
    spec = specs.stacked("purpose", "part", list(groups), values, _PARTS)
    rows = [
        [
            name,
            number(group.calls),
            number(parts[name]["prompts"]),
            number(parts[name]["replies"]),
            money(group.cost),
        ]
        for name, group in groups.items()
    ]
    head = ["purpose", "calls", "tokens of prompts", "tokens of replies", "cost"]
    return Chart("Tokens and cost by purpose", says, spec if values else None, head, rows)
