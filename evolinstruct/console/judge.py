"""`judge` on the terminal: what it will take, how far it is, and who is better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from evolinstruct.console import stage
from evolinstruct.console.evolve import took
from evolinstruct.console.stage import Progress, say_calls, warn_of_missing
from evolinstruct.judging.results import SKILL
from evolinstruct.text import counted, decimal, harmless, percent

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.judging import JudgeCounts, Judged, JudgeSummary, Rate, Results
    from evolinstruct.run.stage_job import Expected

_ALL = 0.5


def show_plan(
    console: Console,
    expected: Sequence[Expected],
    receivers: Mapping[str, Sequence[str]],
    questions: int,
    visible: float,
) -> None:
    """Say what judging would take, and what difference could be seen."""
    rows = [((each.model, each.purpose), each) for each in expected]
    say_calls(console, stage.show_expected(console, ("model", "to"), rows, receivers))
    some = counted(questions, "question")
    console.say(
        f"With {some}, a true win rate of {percent(0.5 + visible)} or more is seen four times in"
        " five; what is nearer to one half may pass for noise."
        if visible < _ALL
        else f"{some} are too few to tell any win rate from one half."
    )


def _table(*names: str, left: int) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
        title_style="",
    )
    for number, name in enumerate(names):
        justify = "left" if number < left else "right"
        table.add_column(name, justify=justify, no_wrap=number >= left)  # type: ignore[arg-type]
    return table


def _plain(text: str) -> Text:
    """Return a foreign text that can neither steer the terminal nor be taken for markup."""
    return Text(harmless(text))


def progress_of(event: Judged) -> Progress:
    """Return how far judging is."""
    counts = event.done, event.questions, event.failed
    return Progress("questions", *counts, event.spent, event.sending)


def show_judged(console: Console, summary: JudgeSummary) -> None:
    """Say what came of judging; nothing of what ended before it judged anything."""
    if summary.results is not None and summary.results.rates:
        show_results(console, summary.results)
    warn_of_missing(console, summary.failed)
    if summary.verdicts:
        console.say(f"{took(summary.seconds, summary.spent, 'verdicts have')}.")
        console.say(f"Verdicts: {summary.file}")


def show_results(console: Console, results: Results) -> None:
    """Show who is better, and how far that can be trusted."""
    for table in _tables(results):
        console.show(table, Text())
    for sentence in dict.fromkeys(f"{rate.says}." for rate in results.overall()):
        console.say(sentence)
    for each in results.strengths:
        span = f"{percent(each.low)} to {percent(each.high)}"
        console.say(
            f"{each.contestant} against an average contestant, by {each.judge}:"
            f" {percent(each.rate)} ({span})."
        )
    for counts in results.judges:
        console.say(" · ".join(_counts(counts)) + ".")
        if counts.void:
            console.warn(
                f"{counted(counts.void, 'verdict')} of {counts.judge} left out: the texts have"
                " changed, or are gone."
            )
    for agreed in results.agreements:
        console.say(
            f"{agreed.one} and {agreed.other} agree on {percent(agreed.same)} of"
            f" {counted(agreed.pairs, 'pair')} (kappa {decimal(agreed.kappa)})."
        )


def _tables(results: Results) -> Iterator[Table]:
    """Yield the rates of each judge and pair; those of skills where there is but one table."""
    by_judge: dict[tuple[str, str, str], list[Rate]] = {}
    for rate in results.rates:
        by_judge.setdefault((rate.judge, rate.first, rate.second), []).append(rate)
    for (judge, first, second), rates in by_judge.items():
        table = _table("questions", left=1)
        table.title = _plain(f"{first} against {second}, by {judge}")
        for name in ("n", "wins", "ties", "losses", "win rate", "95 in 100", "equal length"):
            table.add_column(name, justify="right", no_wrap=True)
        for rate in rates:
            if rate.group != SKILL or len(by_judge) == 1:
                table.add_row(*_row(rate))
        yield table


def _row(rate: Rate) -> Iterator[str | Text]:
    yield _plain(rate.name or "all")
    yield from (f"{count:,}" for count in (rate.questions, rate.wins, rate.ties, rate.losses))
    yield percent(rate.rate)
    yield f"{rate.low:.0%}-{rate.high:.0%}"
    yield percent(rate.controlled)


def _counts(counts: JudgeCounts) -> Iterator[str]:
    yield f"{counts.judge}: {counted(counts.verdicts, 'verdict')}"
    yield counted(counts.ties, "tie")
    if counts.flips is not None:
        share = percent(counts.flips / counts.verdicts) if counts.verdicts else "none"
        yield f"{counted(counts.flips, 'flip')} ({share}: the orders name different winners)"
    if counts.first is not None:
        yield f"the one shown first wins {percent(counts.first)}"
    if counts.missing:
        yield f"{counts.missing:,} missing"
