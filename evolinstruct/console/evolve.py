"""`evolve` on the terminal: what a run will take, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from evolinstruct.errors import Interrupted, WaitingForBatch
from evolinstruct.run.counts import Counts
from evolinstruct.text import NONE, clock, counted, dollars, listed, percent

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.llm.budget import Spending
    from evolinstruct.run.estimate import Estimate
    from evolinstruct.run.forecast import Forecast
    from evolinstruct.run.summary import Summary

_GAP = 2
_UNKNOWN = "unknown"


# What it will take


def show_forecast(console: Console, forecast: Forecast, out: Path) -> None:
    """Say what a run would take."""
    calls = [f"{count:,} {purpose}" for purpose, count in forecast.calls.items() if count]
    if forecast.second_looks:
        calls.append(f"{forecast.second_looks:,} compare again where unclear")
    if forecast.second_tries:
        calls.append(f"{forecast.second_tries:,} again where a reply is cut off")
    spared = ""
    if forecast.applicable:
        spared = (
            f", of which the journal spares at least {forecast.applicable:,},"
            f" so that at most {forecast.new_at_most:,} are new"
        )
    if forecast.estimate is not None:
        console.show(_expected(forecast.estimate), Text())
        console.say(_assumed(forecast.estimate))
    console.say(who_gets_texts(forecast.receivers))
    console.say(
        f"Everything is in order: {counted(forecast.seeds, 'seed')} would take at most"
        f" {counted(forecast.at_most, 'call')} ({listed(calls)}), each sent again only where"
        f" the service fails{spared}. No call was made, and nothing was written to {out}."
    )


def who_gets_texts(receivers: Mapping[str, Sequence[str]]) -> str:
    """Say which servers would get texts, and for what."""
    if not receivers:
        return "No text would leave this machine."
    places = [
        f"{server or 'wherever the client sends them'} ({', '.join(purposes)})"
        for server, purposes in receivers.items()
    ]
    return f"Texts would go to {listed(places)}."


def _expected(estimate: Estimate) -> Table:
    """Return what a run is likely to take, a row for each generation and purpose."""
    table = _table(["expected", "purpose"], ["calls", "tokens in", "tokens out", "cost"])
    shown = None
    for line in estimate.lines:
        first = "" if line.generation == shown else _generation(line.generation)
        shown = line.generation
        cost = _UNKNOWN if line.cost is None else dollars(line.cost)
        counts = line.calls, line.prompt_tokens, line.completion_tokens
        table.add_row(first, line.purpose, *_numbers(counts), cost)
    counts = estimate.calls, estimate.prompt_tokens, estimate.completion_tokens
    cost = _UNKNOWN if estimate.cost is None else dollars(estimate.cost)
    table.add_row("all", "", *_numbers(counts), cost, style="bold")
    return table


def _generation(number: int) -> str:
    return f"generation {number}" if number else "seeds"


def _assumed(estimate: Estimate) -> str:
    """Say how long a run is likely to take, and what the estimate rests on."""
    money = (
        "a price is unknown: name it with --price-in and --price-out"
        if estimate.cost is None
        else f"prices by {listed(estimate.priced_by)}; check them, because they change"
    )
    return (
        f"About {clock(estimate.seconds)} at {estimate.rate};"
        f" estimated from the seeds, the prompts and {estimate.based_on}; {money}."
        f" {_repeated(estimate.repeated_share)}"
    )


def _repeated(share: float) -> str:
    """Say what a service with a cache may charge less for."""
    if not share:
        return "No prompts share a beginning that is long enough for a cache (1,024 tokens)."
    return (
        f"At best {percent(share)} of the tokens in are beginnings that prompts share, of 1,024"
        " tokens or more, which cost less where the service keeps a cache; the costs above do"
        " without that."
    )


# What came of it


def show_summary(console: Console, summary: Summary, out: Path) -> None:
    """Print the final table, where the files are and what to do next.

    Print nothing of a run that ended before it made anything.
    """
    made = list(tables(summary, console.terminal.width))
    if not made:
        return
    for table in made:
        console.show(Text(), table)
    if console.verbosity >= 1:
        console.show(Text(), _operations(summary.all_counts))
        console.show(Text(), _spent(summary))
    console.say("")
    console.say(what_it_took(summary))
    for line in where_to_look(summary, out):
        console.say(line)


def what_it_took(summary: Summary) -> str:
    """Say how long the command took, and what the run has taken in all."""
    vain = ""
    if summary.in_vain:
        use = "in vain, because the gate dropped what they follow"
        vain = f"; {counted(summary.in_vain, 'call')} prefetched"
        vain += f" {use}" if summary.status == "done" else " and not used so far"
    return f"{took(summary.seconds, summary.spent, 'the run has')}{vain}."


def took(seconds: float, spent: Spending, whose: str) -> str:
    """Say how long a command took, and what was ever spent, as "the run has" taken it."""
    price = "at an unknown price" if spent.cost is None else f"for {dollars(spent.cost)}"
    return (
        f"Took {clock(seconds)}; {whose} taken {counted(spent.calls, 'call')} and"
        f" {counted(spent.tokens, 'token')}, {price}"
    )


def tables(summary: Summary, width: int) -> Iterator[Table]:
    """Yield the counts, a column for each generation: as many tables as the width needs."""
    all_counts = [counts for counts in summary.all_counts if counts.generation and counts.finished]
    if not all_counts:
        return
    rows = _rows(all_counts)
    names = max(len(name) for name, _ in rows)
    cells = max(len(cell) for _, cells in rows for cell in cells) + _GAP
    fitting = max(1, (width - names) // cells)
    heads = [*(str(counts.generation) for counts in all_counts), "all"]
    for start in range(0, len(heads), fitting):
        table = _table(["generation"], heads[start : start + fitting])
        for name, row in rows:
            style = "bold" if name == "kept" else ""
            table.add_row(name, *row[start : start + fitting], style=style)
        yield table


def _rows(all_counts: Sequence[Counts]) -> list[tuple[str, list[str]]]:
    """Return the rows, a cell for each generation and one for all."""

    def row(name: str, count: Callable[[Counts], int]) -> tuple[str, list[str]]:
        counts = [count(counts) for counts in all_counts]
        return name, _numbers([*counts, sum(counts)])

    rules = sorted({rule for counts in all_counts for rule in counts.rejected})
    rows = [
        row("pool", lambda counts: counts.pool),
        row("kept", lambda counts: counts.kept),
        row("rejected", lambda counts: counts.rejected.total()),
        *(row(f"  {rule}", partial(_rejected_by, rule)) for rule in rules),
        row("failed", lambda counts: counts.failed.total()),
    ]
    if any(counts.finished < counts.pool for counts in all_counts):
        rows.append(row("not finished", lambda counts: counts.pool - counts.finished))
    total = Counts()
    for counts in all_counts:
        total.include(counts)
    return [*rows, ("kept per 100 calls", [_kept_per_call(each) for each in (*all_counts, total)])]


def _rejected_by(rule: str, counts: Counts) -> int:
    return counts.rejected[rule]


def _kept_per_call(counts: Counts) -> str:
    return f"{counts.kept * 100 / counts.calls:.0f}" if counts.calls else NONE


def _operations(all_counts: Sequence[Counts]) -> Table:
    """Return how often each operation was drawn."""
    drawn = sum((counts.operations for counts in all_counts), Counter[str]())
    table = _table(["operation"], ["drawn"])
    for name, count in sorted(drawn.items()):
        table.add_row(name, f"{count:,}")
    return table


def _spent(summary: Summary) -> Table:
    """Return what was ever spent in the run directory, a row for each purpose."""
    table = _table(["spent"], ["calls", "in", "cached", "out", "reasoning", "cost"])
    for purpose in dict.fromkeys(row.purpose for row in summary.usage):
        rows = [row for row in summary.usage if row.purpose == purpose]
        table.add_row(
            purpose,
            f"{sum(row.calls for row in rows):,}",
            f"{sum(row.prompt_tokens for row in rows):,}",
            _sum(row.cached_tokens for row in rows),
            f"{sum(row.completion_tokens for row in rows):,}",
            _sum(row.reasoning_tokens for row in rows),
            _cost([row.cost for row in rows]),
        )
    rows = summary.usage
    if refused := sum(row.refused for row in rows):
        table.add_row("  turned down", f"{refused:,}", "", "", "", "", "")
    if lost := sum(row.unanswered_tokens for row in rows):
        calls = f"{sum(row.unanswered_calls for row in rows):,}"
        cost = _cost([row.unanswered_cost for row in rows])
        table.add_row("  no reply, at most", calls, f"{lost:,}", "", "", "", cost)
    return table


def _table(names: Sequence[str], figures: Sequence[str]) -> Table:
    """Return an empty table: names to the left, figures to the right."""
    # One more column of the gap is the box's own.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, _GAP - 1))
    for name in names:
        table.add_column(name, no_wrap=True)
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _numbers(counts: Iterable[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


def _sum(counts: Iterable[int | None]) -> str:
    known = [count for count in counts if count is not None]
    return f"{sum(known):,}" if known else NONE


def _cost(costs: Sequence[float | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    return dollars(sum(known)) if len(known) == len(costs) else _UNKNOWN


def where_to_look(summary: Summary, out: Path) -> Iterator[str]:
    """Yield where the files are, and what to do next."""
    if summary.dataset_lines is not None:
        lines = counted(summary.dataset_lines, "instruction")
        seeds = summary.dataset_lines - summary.kept
        among = f", {seeds:,} of them {'seed' if seeds == 1 else 'seeds'}" if seeds else ""
        yield f"{lines} with answers{among}, shuffled: {out / 'dataset.jsonl'}"
    yield f"What each generation kept, and what was rejected and why: {out}/generation-*.jsonl"
    if failed := sum(counts.failed.total() for counts in summary.all_counts):
        yield (
            f"{counted(failed, 'instruction')} got no answer from the service:"
            f" {out}/generation-*.failed.jsonl"
        )
    if summary.exit_code not in (
        Interrupted.exit_code,
        WaitingForBatch.exit_code,
    ):  # which says what is next itself
        yield f"Next: {_next_step(summary)}"


def _next_step(summary: Summary) -> str:
    if summary.status != "done":
        return (
            "correct what is named below, then run the same command again; it goes on from here"
            " and pays for nothing twice."
        )
    if summary.exit_code:
        return (
            "the same command with --retry failed asks for these again; --allow-failures N (or N%)"
            " counts a run with so many as a success."
        )
    more = summary.all_counts[-1].generation + 1
    if summary.dataset_lines is None:
        return "the same command with --answers --update answers what was kept."
    return f"look at the data; the same command with -g {more} adds a generation to it."
