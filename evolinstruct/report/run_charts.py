"""The charts of runs: of each its marks, a sentence on what they show, and a table of them.

Several runs share a chart. What the columns of the tables are called and how they are computed is
stated in `analysis.statistics`; how a chart is drawn, in `report.charts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from evolinstruct.analysis.measurement import RunStatistics
from evolinstruct.analysis.statistics import GroupStatistics, Table, find, in_table
from evolinstruct.quartiles import Quartiles
from evolinstruct.report.canvas import Axis
from evolinstruct.report.charts import (
    Bar,
    Chart,
    Interval,
    Spread,
    bars,
    histograms,
    lines,
    means,
    spreads,
)
from evolinstruct.text import decimal, dollars, number, percent, short_number

_TAIL = 0.05
_BINS = 24
_OUTCOMES = {"kept": "var(--kept)", "rejected": "var(--rejected)", "failed": "var(--failed)"}
_PARTS = {"prompts": "var(--third)", "replies": "var(--fourth)"}
_NOT_SCORED = "None of them was scored."
_NO_TOKENS = "The service reported no tokens."
_SEEDS = "seeds"
_ALL = "all"

_Groups = Mapping[str, GroupStatistics]
_Runs = Mapping[str, RunStatistics]
_Each = Callable[[RunStatistics], _Groups]


def charts(runs: _Runs) -> Iterator[Chart]:
    """Yield the charts of runs by their names, in the order in which they are read."""
    yield _outcomes("Kept and rejected by generation", "generation", runs, _generations)
    yield _outcomes("Kept and rejected by operation", "operation", runs, _operations)
    yield _growth(runs)
    yield _lengths("Length of instructions", "instruction lengths", runs)
    yield _lengths("Length of answers", "answer lengths", runs)
    yield _tokens(runs)
    yield _rules(runs)
    yield _spending(runs)


def difficulty_charts(runs: _Runs) -> Iterator[Chart]:
    """Yield the charts of runs whose difficulty was scored."""
    yield _means(runs)
    yield _gains(runs)


def _generations(run: RunStatistics) -> dict[str, GroupStatistics]:
    return {str(key): group for key, group in run.generations.items()}


def _with_seeds(run: RunStatistics) -> dict[str, GroupStatistics]:
    return {_SEEDS: run.seeds, **_generations(run)}


def _with_all(groups_of: _Each) -> _Each:
    return lambda run: {_ALL: run.total, **groups_of(run)}


def _operations(run: RunStatistics) -> dict[str, GroupStatistics]:
    return run.operations


def _names(runs: _Runs, groups_of: _Each) -> list[str]:
    """Return the names of the groups of all runs, those of the longest run first."""
    many = sorted((groups_of(run) for run in runs.values()), key=len, reverse=True)
    return [*dict.fromkeys(name for groups in many for name in groups)]


def _by_group(
    runs: _Runs, groups_of: _Each, noun: str = ""
) -> dict[str, list[GroupStatistics | None]]:
    """Return the groups of each run by their names; None where a run has none of that name."""
    return {
        f"{noun} {name}" if noun and name.isdigit() else name: [
            groups_of(run).get(name) for run in runs.values()
        ]
        for name in _names(runs, groups_of)
    }


def _named(runs: _Runs) -> dict[str, RunStatistics]:
    """Return runs by what they are called where one is told from another: an only one is not."""
    return dict(runs) if len(runs) > 1 else dict(zip([""], runs.values(), strict=True))


def _columns(by: str, table: Table) -> list[str]:
    """Return the head of a table: a column a statistic."""
    shown = in_table(table)
    return [by, *(statistic.label_under(shown[0].section) for statistic in shown)]


def _cells(
    table: Table,
    runs: _Runs,
    groups_of: _Each,
    all_of: Callable[[RunStatistics], GroupStatistics] = lambda run: run.total,
) -> dict[str, list[list[str]]]:
    """Return the rows of a table of each run: one for all, then one for each group."""
    return {
        name: [
            [group, *(statistic.text(found) for statistic in in_table(table))]
            for group, found in {_ALL: all_of(run), **groups_of(run)}.items()
        ]
        for name, run in _named(runs).items()
    }


# What became of them


def _outcomes(title: str, by: str, runs: _Runs, groups_of: _Each) -> Chart:
    rows = _by_group(runs, _with_all(groups_of), "gen." if by == "generation" else "")
    there = [
        name
        for name in _OUTCOMES
        if any(_ends(group)[name] for row in rows.values() for group in row if group)
    ]
    share = find("kept_share")

    def bar(group: GroupStatistics | None) -> Bar | None:
        if group is None or not group.counts.finished:
            return None
        ends, every = _ends(group), group.counts.finished
        return Bar(tuple(ends[name] / every for name in there), share.text(group))

    marks = {name: [bar(group) for group in row] for name, row in rows.items()}
    has_ended = any(map(any, marks.values()))
    axis = Axis("of the evolutions; beside each the share kept", _whole_percent, 0.2)
    drawing = bars(marks, axis, {name: _OUTCOMES[name] for name in there}, [*runs])
    noun = f"{by} " if by == "generation" else ""
    says = {name: _extremes(groups_of(run), noun) for name, run in _named(runs).items()}
    cells = _cells("outcomes", runs, groups_of)
    return Chart(title, says, drawing if has_ended else None, _columns(by, "outcomes"), cells)


def _whole_percent(share: float) -> str:
    return f"{share:z.0%}"


def _ends(group: GroupStatistics) -> dict[str, int]:
    counts = group.counts
    return {
        "kept": counts.kept,
        "rejected": counts.rejected.total(),
        "failed": counts.failed.total(),
    }


def _extremes(groups: _Groups, noun: str) -> str:
    """Say between which two shares all were kept."""
    shares = {
        name: found
        for name, group in groups.items()
        if (found := group.counts.kept_share) is not None
    }
    if not shares:
        return "No instruction has ended yet."
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    low, high = percent(shares[least]), percent(shares[most])
    if low == high:
        return f"{high} was kept throughout."
    return f"From {low} ({noun}{least}) to {high} ({noun}{most}) was kept."


def _rules(runs: _Runs) -> Chart:
    shares = {
        name: [
            run.total.counts.share(run.total.counts.rejected[name]) or 0 for run in runs.values()
        ]
        for name in {name for run in runs.values() for name in run.total.counts.rejected}
    }
    ordered = sorted(shares, key=lambda name: (-max(shares[name]), name))
    counts = [run.total.counts.rejected for run in runs.values()]
    if len(runs) > 1:  # of different sizes, so that counts do not compare
        axis = Axis("of all evolutions", percent, 0.001)
        rows = {name: [Bar((share,), percent(share)) for share in shares[name]] for name in ordered}
    else:
        axis = Axis("evolutions rejected")
        rows = {name: [Bar((of[name],), number(of[name])) for of in counts] for name in ordered}
    drawing = bars(rows, axis, {"rejected": "var(--rejected)"}, [*runs])
    says = {name: _rejected(run) for name, run in _named(runs).items()}
    head = ["rule", "rejected", "of all evolutions", "most of them by"]
    tables = {name: [*_by_rule(run)] for name, run in _named(runs).items()}
    return Chart("Why evolutions were rejected", says, drawing if rows else None, head, tables)


def _rejected(run: RunStatistics) -> str:
    counts = run.total.counts
    if not counts.rejected:
        return "No evolution was rejected."
    ((rule, count),) = counts.rejected.most_common(1)
    return (
        f"{counts.rejected.total():,} of {counts.finished:,} evolutions were rejected;"
        f" the most by {rule}, {percent(counts.share(count))} of all."
    )


def _by_rule(run: RunStatistics) -> Iterator[list[str]]:
    """Yield a row for each rule: what it rejected, and which operation's most."""
    counts = run.total.counts
    for rule, count in counts.rejected.most_common():
        by = Counter({name: of.counts.rejected[rule] for name, of in run.operations.items()})
        most = " ".join(f"{name} ({each:,})" for name, each in by.most_common(1))
        yield [rule, number(count), percent(counts.share(count)), most]


# Words


def _growth(runs: _Runs) -> Chart:
    groups = _by_group(runs, _generations, "gen.")
    added = [group.added for row in groups.values() for group in row if group]
    bands = [run.asked for run in runs.values()]
    band = min(least for least, _ in bands), max(most for _, most in bands)
    least, most = _span(added, band[1])
    width = max(1, -(-(most - least) // _BINS))
    first = least // width * width
    rows = {
        name: [_shares(group.added, first, width, most) if group else {} for group in row]
        for name, row in groups.items()
    }
    axis = Axis("words added, plain in-depth operations; asked for: shaded")
    drawing = histograms(rows, axis, width, band, [*runs])
    says = {name: _kept_to_band(run) for name, run in _named(runs).items()}
    head, cells = _columns("generation", "growth"), _cells("growth", runs, _generations)
    return Chart("Words added by a rewrite", says, drawing if any(added) else None, head, cells)


def _kept_to_band(run: RunStatistics) -> str:
    band, (low, high) = run.total.band, run.asked
    if band is None:
        return "No plain in-depth evolution was kept yet."
    return f"{percent(1 - band.outside)} added the {low} to {high} words that are asked for."


def _span(many: Sequence[Counter[int]], asked: int) -> tuple[int, int]:
    """Return the numbers between which nearly all lie, the band included."""
    every: Counter[int] = sum(many, Counter())
    return min(0, _percentile(every, _TAIL / 5)), max(2 * asked, _percentile(every, 1 - _TAIL / 5))


def _percentile(counts: Counter[int], part: float) -> int:
    """Return the number that this part of all does not exceed; 0 of none."""
    passed, total = 0, counts.total()
    for value in sorted(counts):
        passed += counts[value]
        if passed >= part * total:
            return value
    return 0


def _shares(counts: Counter[int], first: int, width: int, most: int) -> dict[int, float]:
    """Return the share of all in each bin; what lies beyond the ends is in the first and last."""
    bins: Counter[int] = Counter()
    for value, count in counts.items():
        place = min(max(value, first), most) - first
        bins[first + place // width * width] += count
    return {begin: count / counts.total() for begin, count in bins.items()}


def _lengths(title: str, table: Table, runs: _Runs) -> Chart:
    is_instruction = table == "instruction lengths"

    def spread(group: GroupStatistics | None) -> Spread | None:
        counts = group and (group.instruction_words if is_instruction else group.output_words)
        quartiles = Quartiles.of(counts) if counts else None
        if not counts or quartiles is None:
            return None
        return Spread(
            _percentile(counts, _TAIL),
            quartiles.lower,
            quartiles.median,
            quartiles.upper,
            _percentile(counts, 1 - _TAIL),
            number(quartiles.median),
        )

    groups = _by_group(runs, _with_seeds, "gen.")
    rows = {name: [spread(group) for group in row] for name, row in groups.items()}
    says = {
        name: _from_to([row[one] for row in rows.values()]) for one, name in enumerate(_named(runs))
    }
    axis = Axis("words: half within the bar, nine in ten within the line")
    drawing = spreads(rows, axis, [*runs]) if any(map(any, rows.values())) else None
    head, cells = _columns("generation", table), _cells(table, runs, _with_seeds)
    return Chart(title, says, drawing, head, cells)


def _from_to(found: Sequence[Spread | None]) -> str:
    medians = [spread.label for spread in found if spread is not None]
    if not medians:
        return "There is none."
    return f"The median goes from {medians[0]} words to {medians[-1]}."


# What they took


def _spending(runs: _Runs) -> Chart:
    per_kept = find("tokens_per_kept")
    groups = _by_group(runs, _operations)
    found = {
        name: [group and per_kept.number(group) for group in row] for name, row in groups.items()
    }
    most = {name: max(row, key=lambda each: each or 0) or 0 for name, row in found.items()}
    rows = {
        name: [Bar((each,), number(each)) if each else None for each in found[name]]
        for name in sorted(found, key=lambda name: (-most[name], name))
        if most[name]
    }
    drawing = bars(rows, Axis(per_kept.label), {"tokens": "var(--third)"}, [*runs])
    says = {name: _dearest(run.operations) for name, run in _named(runs).items()}
    head, cells = _columns("operation", "spending"), _cells("spending", runs, _operations)
    return Chart("What a kept instruction takes", says, drawing if rows else None, head, cells)


def _dearest(operations: _Groups) -> str:
    per_kept = find("tokens_per_kept")
    found = {name: per_kept.number(group) or 0 for name, group in operations.items()}
    taken = {name: tokens for name, tokens in found.items() if tokens}
    if not taken:
        return _NO_TOKENS
    first, last = max(taken, key=taken.__getitem__), min(taken, key=taken.__getitem__)
    return (
        f"A kept instruction by {first} takes {number(taken[first])} tokens,"
        f" one by {last} {number(taken[last])}."
    )


def _tokens(runs: _Runs) -> Chart:
    def bar(group: GroupStatistics | None) -> Bar | None:
        if group is None or not group.tokens:
            return None
        parts = (float(group.prompt_tokens or 0), float(group.completion_tokens or 0))
        return Bar(parts, short_number(group.tokens))

    groups = _by_group(runs, lambda run: run.purposes)
    rows = {name: [bar(group) for group in row] for name, row in groups.items()}
    rows = {name: row for name, row in rows.items() if any(row)}
    drawing = bars(rows, Axis("tokens", _short), _PARTS, [*runs])
    says = {name: _taken(run.purposes) for name, run in _named(runs).items()}
    head, cells = (
        _columns("purpose", "tokens"),
        _cells("tokens", runs, lambda run: run.purposes, lambda run: run.spent),
    )
    return Chart("Tokens and cost by purpose", says, drawing if rows else None, head, cells)


def _short(tokens: float) -> str:
    for unit, sign in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if tokens >= unit:
            return f"{tokens / unit:g}{sign}"
    return number(tokens)


def _taken(purposes: _Groups) -> str:
    tokens = sum(group.tokens or 0 for group in purposes.values())
    cost = sum(group.cost or 0 for group in purposes.values())
    if not tokens:
        return _NO_TOKENS
    name = max(purposes, key=lambda name: purposes[name].tokens or 0)
    of_all = percent((purposes[name].tokens or 0) / tokens)
    together = f"; together {dollars(cost)}." if cost else "."
    return f"{tokens:,} tokens in all, {of_all} of them to {name}{together}"


# Difficulty


def _means(runs: _Runs) -> Chart:
    groups = _by_group(runs, _with_seeds, "gen.")
    rows = {name: [_interval(group, "difficulty") for group in row] for name, row in groups.items()}
    says = {
        name: _risen([row[one] for row in rows.values()]) for one, name in enumerate(_named(runs))
    }
    drawing = lines(
        rows, Axis("mean, and the line in which it lies nine times in ten", decimal, 0.1), [*runs]
    )
    head, cells = _columns("generation", "difficulty"), _cells("difficulty", runs, _with_seeds)
    is_scored = any(map(any, rows.values()))
    return Chart("Difficulty by generation", says, drawing if is_scored else None, head, cells)


def _risen(found: Sequence[Interval | None]) -> str:
    scored = [mean.label for mean in found if mean is not None]
    if not scored:
        return _NOT_SCORED
    return f"The mean goes from {scored[0]} to {scored[-1]}."


def _gains(runs: _Runs) -> Chart:
    groups = _by_group(runs, _operations)
    found = {name: [_interval(group, "gain") for group in row] for name, row in groups.items()}
    most = {name: max(mean.mean for mean in row if mean) for name, row in found.items() if any(row)}
    rows = {name: found[name] for name in sorted(most, key=lambda name: (-most[name], name))}
    axis = Axis("points over the parent; lines hold nine times in ten", decimal, 0.1)
    drawing = means(rows, axis, [*runs], "var(--third)" if len(runs) == 1 else "")
    says = {name: _pays(run.operations) for name, run in _named(runs).items()}
    head, cells = _columns("operation", "difficulty"), _cells("difficulty", runs, _operations)
    return Chart("What an operation gains", says, drawing if rows else None, head, cells)


def _pays(operations: _Groups) -> str:
    found = {name: _interval(group, "gain") for name, group in operations.items()}
    scored = {name: mean for name, mean in found.items() if mean is not None}
    if not scored:
        return _NOT_SCORED
    first = max(scored, key=lambda name: scored[name].mean)
    last = min(scored, key=lambda name: scored[name].mean)
    return (
        f"{first} pays most, with {scored[first].label} points over the parent;"
        f" {last} least, with {scored[last].label}."
    )


def _interval(group: GroupStatistics | None, key: str) -> Interval | None:
    """Return the mean of a group and its interval; None where nothing was scored."""
    if group is None:
        return None
    mean = find(f"{key}.mean").number(group)
    low, high = (find(f"{key}.{end}").number(group) for end in ("low", "high"))
    if mean is None:
        return None
    label = find(f"{key}.mean").text(group)
    return Interval(mean if low is None else low, mean, mean if high is None else high, label)
