"""`score` on the terminal: what it will take, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from evolinstruct.console.evolve import took, who_gets_texts
from evolinstruct.console.stage import Progress, warn_of_missing
from evolinstruct.text import counted, dollars

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.scoring import Expected, Scored, ScoreSummary

_UNKNOWN = "unknown"
_OF_THE_PAPER = (
    "The paper's own judge: Alpaca 3.00, ShareGPT 4.63, its first generation 5.48, its fourth 7.08."
)


def show_expected(
    console: Console, expected: Sequence[Expected], receivers: Mapping[str, Sequence[str]]
) -> None:
    """Say what scoring would take."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("measure", "method"):
        table.add_column(name, no_wrap=True)
    for name in ("calls", "tokens in", "tokens out", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in expected:
        counts = (each.calls, each.prompt_tokens, each.completion_tokens)
        cost = _UNKNOWN if each.cost is None else dollars(each.cost)
        table.add_row(each.way.measure, each.way.method, *(f"{n:,}" for n in counts), cost)
    console.show(table, Text())
    console.say(who_gets_texts(receivers))
    calls = sum(each.calls for each in expected)
    console.say(
        f"About {counted(calls, 'call')}, and one more for each reply that cannot be read; what the"
        " journal holds is not paid again. No call was made, and nothing was written."
    )


def progress_of(event: Scored) -> Progress:
    """Return how far scoring is."""
    title = f"{event.way.measure} by {event.way.method}"
    return Progress(title, event.done, event.items, event.failed, event.spent, event.sending)


def show_scored(console: Console, summary: ScoreSummary) -> None:
    """Say what came of scoring; nothing of what ended before it scored anything."""
    for way, count in summary.scored.items():
        by = f" with {way.model}" if way.model else ""
        mean = "" if (found := summary.mean(way)) is None else f", mean {found:z.2f}"
        console.say(f"{way.measure} by {way.method}{by}: {counted(count, 'score')}{mean}.")
        if way.method == "paper":
            console.say(_OF_THE_PAPER)
    if summary.retried is not None:
        console.say(
            f"Retried: {counted(summary.retried, 'call')} that had brought no judgement."
            if summary.retried
            else "Nothing to retry: no judgement is missing."
        )
    if summary.unanswered:
        console.say(f"{counted(summary.unanswered, 'instruction')} without an answer to judge.")
    warn_of_missing(console, summary.failed)
    if summary.void:
        console.warn(
            f"{counted(summary.void, 'earlier score')} left out, because their texts have changed"
            " or are gone."
        )
    if summary.scored:
        console.say(f"{took(summary.seconds, summary.spent, 'scores have')}.")
        console.say(f"Scores: {summary.file}")
