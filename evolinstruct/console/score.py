"""`score` on the terminal: what it will take, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evolinstruct.console import stage
from evolinstruct.console.evolve import took
from evolinstruct.console.stage import Progress, say_calls, warn_of_missing
from evolinstruct.text import counted

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.scoring import Expected, Scored, ScoreSummary

_OF_THE_PAPER = (
    "The paper's own judge: Alpaca 3.00, ShareGPT 4.63, its first generation 5.48, its fourth 7.08."
)


def show_expected(
    console: Console, expected: Sequence[Expected], receivers: Mapping[str, Sequence[str]]
) -> None:
    """Say what scoring would take."""
    rows = [((each.way.measure, each.way.method), each) for each in expected]
    say_calls(console, stage.show_expected(console, ("measure", "method"), rows, receivers))


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
