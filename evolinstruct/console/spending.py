"""What a run is likely to cost, and what it has cost, as tables and sentences.

Knows estimates and summaries. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich import box
from rich.table import Table

from evolinstruct.llm import prices
from evolinstruct.run.estimate import Estimate
from evolinstruct.run.summary import Summary
from evolinstruct.text import clock, dollars

_UNKNOWN = "unknown"


def expected(estimate: Estimate) -> Table:
    """Return what a run is likely to take, a row for each generation and purpose."""
    table = _table(["expected", "purpose", "calls", "tokens in", "tokens out", "cost"])
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


def assumed(estimate: Estimate) -> str:
    """Say how long a run is likely to take, and what all of the figures rest on."""
    money = (
        "a price is unknown: name it with --price-in and --price-out"
        if estimate.cost is None
        else f"prices as of {prices.date()} unless given, which change: check them"
    )
    return (
        f"About {clock(estimate.seconds)} at {estimate.rate};"
        f" reckoned from the seeds, the prompts and {estimate.based_on}; {money}."
    )


def spent(summary: Summary) -> Table:
    """Return what was ever spent in the run directory, a row for each purpose."""
    table = _table(["spent", "calls", "in", "cached", "out", "reasoning", "cost"])
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


def _table(heads: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, 1))
    for head in heads:
        is_name = head in {"expected", "purpose", "spent"}
        table.add_column(head, justify="left" if is_name else "right", no_wrap=True)
    return table


def _generation(number: int) -> str:
    return f"generation {number}" if number else "seeds"


def _numbers(counts: Iterable[int]) -> list[str]:
    return [f"{count:,}" for count in counts]


def _sum(counts: Iterable[int | None]) -> str:
    known = [count for count in counts if count is not None]
    return f"{sum(known):,}" if known else "-"


def _cost(costs: Sequence[float | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    return dollars(Decimal(str(round(sum(known), 9)))) if len(known) == len(costs) else _UNKNOWN
