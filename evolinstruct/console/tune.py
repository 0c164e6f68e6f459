"""`tune` on the terminal: what it will take, how far it is, and which methods failed less often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from evolinstruct.console import stage
from evolinstruct.console.evolve import took
from evolinstruct.console.stage import Progress, warn_of_missing
from evolinstruct.text import command, counted, dollars, listed, one_line, percent

if TYPE_CHECKING:
    from evolinstruct.console import Console
    from evolinstruct.run.stage_job import Expected
    from evolinstruct.tuning import Trial, Tuned, TuneSummary

_WANTED = "outcome"


def show_expected(
    console: Console, expected: Sequence[Expected], receivers: Mapping[str, Sequence[str]]
) -> None:
    """Say what tuning would take at most."""
    rows = [((each.purpose, each.model), each) for each in expected]
    calls = stage.show_expected(console, ("purpose", "model"), rows, receivers)
    costs = [each.cost for each in expected]
    known = [cost for cost in costs if cost is not None]
    price = "at a price that is not known" if None in costs else f"for about {dollars(sum(known))}"
    console.say(
        f"At most about {counted(calls, 'call')}, {price}: fewer where rewrites are rejected, or no"
        " method gets better. It does not grow with the seeds, and what the journal holds is not"
        " paid again. No call was made, and nothing was written."
    )


def progress_of(event: Tuned) -> Progress:
    """Return how far tuning is."""
    counts = event.done, event.items, event.failed
    return Progress(event.title, *counts, event.spent, event.sending, _WANTED)


def show_tuned(console: Console, summary: TuneSummary) -> None:
    """Say what came of each step; nothing of what ended before anything was tried."""
    for step, trials in groupby(summary.trials, lambda trial: trial.step):
        console.say(_said(step, list(trials)))
    warn_of_missing(console, summary.failed, _WANTED)
    if not summary.trials:
        return
    if summary.ended is not None:
        console.say(_ended(summary))
    console.say(f"{took(summary.seconds, summary.spent, 'the tuning has')}.")
    if summary.ended is not None:
        use = command("evolinstruct", "evolve", "SEEDS", "--prompts", summary.pack)
        page = command("evolinstruct", "report", summary.pack, "-o", f"{summary.pack.name}.html")
        console.say(f"Pack: {summary.pack}, for `{use}`; `{page}` shows how it came about.")


def _said(step: int, trials: Sequence[Trial]) -> str:
    """Say what a step brought."""
    if step == 0:
        return f"The pack's own method fails {_rate(trials[0])}."
    said = [f"Step {step}: {counted(len(trials), 'candidate')}"]
    rates = [percent(trial.rate) for trial in trials if trial.rate is not None]
    said += [f"failing {listed(rates)}" if rates else "none fit to be tried"]
    chosen = next((trial for trial in trials if trial.chosen), None)
    end = f"candidate {chosen.candidate} is next" if chosen else "the method stays as it is"
    remarks = [f"candidate {each.candidate}: {each.refused}" for each in trials if each.refused]
    remarks += [
        f"candidate {each.candidate}: {counted(each.missing, _WANTED)} missing"
        for each in trials
        if each.missing
    ]
    return one_line("; ".join([", ".join(said), end, *remarks])) + "."


def _rate(trial: Trial) -> str:
    low, high = trial.interval or (0.0, 1.0)
    return (
        f"{percent(trial.rate)} of {trial.tried:,} instructions"
        f" ({percent(low)} to {percent(high)}, nine times in ten)"
    )


def _ended(summary: TuneSummary) -> str:
    first, *_, last = [*summary.chosen[:1], *summary.chosen]
    if last.step == 0:
        return f"Ended, because {summary.ended}: the pack keeps the method that it had."
    return (
        f"Ended, because {summary.ended}. The failure rate fell from {percent(first.rate)} to"
        f" {_rate(last)}."
    )
