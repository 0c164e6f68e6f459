"""The page of a tuned pack: how often its methods failed, why, and what each says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evolinstruct.intervals import do_meet
from evolinstruct.report.canvas import Axis
from evolinstruct.report.charts import Bar, Chart, Interval, bars, card, lines
from evolinstruct.report.frame import framed, section, write_page
from evolinstruct.report.markup import Html, folded, join, table, tag, text
from evolinstruct.report.passages import plain
from evolinstruct.text import NONE, counted, dollars, number, percent
from evolinstruct.tuning import History, Step, Trial, read_history

_AXIS = Axis("failure rate, and the line in which it lies nine times in ten", percent, 0.05)
_SERIES = ("in use", "best of the step")
_ENDS = ("at first", "in the end")


def write_tuning(pack: Path, out: Path) -> None:
    """Write the page of a tuned pack.

    Raises:
        InputError: a file of its history cannot be read, or the page cannot be written.
    """
    write_page(out, lambda: _page(read_history(pack)))


def _page(history: History) -> str:
    steps = list(history.steps())
    links = {"story": "In short", "curve": "Failures", "costs": "Costs", "methods": "Methods"}
    main = [
        section("story", "In short", *_story(steps)),
        section("curve", "Failures", tag("div", *_charts(steps), class_="charts")),
        section("costs", "What it took", _costs(history, steps)),
        section("methods", "The methods", *_methods(steps)),
    ]
    return framed(str(history.pack), "Tuned", links, main, end=Html(""))


# In short


def _story(steps: Sequence[Step]) -> Iterator[Html]:
    first, last = steps[0].used, steps[-1].used
    yield tag("p", text(_sentence(first, last, len(steps) - 1)), class_="lead")
    yield tag(
        "p",
        text(
            "A rate is that of the development set, so the lowest of several is partly luck: a run"
            " with other seeds tells what the pack is worth."
        ),
        class_="hint",
    )


def _sentence(first: Trial, last: Trial, steps: int) -> str:
    made = f"{counted(steps, 'step')} on {counted(last.tried, 'instruction')}"
    if first == last:
        return f"No method failed less often than the pack's own, {percent(first.rate)}: {made}."
    said = f"The failure rate fell from {percent(first.rate)} to {percent(last.rate)} in {made}"
    spans = [trial.interval for trial in (first, last) if trial.interval is not None]
    return f"{said}, which may be chance." if do_meet(spans) else f"{said}."


# Failures


def _charts(steps: Sequence[Step]) -> Iterator[Html]:
    rows = {str(step.number): [_interval(step.used), _candidate(step)] for step in steps}
    head = ("step", "candidate", "failures", "tried", "rate", "from", "to", "missing")
    cells = [_cells(trial) for step in steps for trial in step.trials]
    says = {"": "How often the method in use failed after each step, and the best candidate."}
    yield card(Chart("Failure rate by step", says, lines(rows, _AXIS, _SERIES), head, {"": cells}))
    yield card(_by_rule(steps[0].used, steps[-1].used))


def _interval(trial: Trial | None) -> Interval | None:
    if trial is None or trial.rate is None or trial.interval is None:
        return None
    low, high = trial.interval
    return Interval(low, trial.rate, high, percent(trial.rate))


def _candidate(step: Step) -> Interval | None:
    return _interval(step.best) if step.number else None


def _cells(trial: Trial) -> list[str]:
    spans = (NONE, NONE) if trial.interval is None else tuple(map(percent, trial.interval))
    counts = map(number, (trial.failures, trial.tried))
    name = str(trial.candidate) if trial.candidate else "the pack's own"
    rate = percent(trial.rate)
    return [str(trial.step), name, *counts, rate, *spans, number(trial.missing)]


def _by_rule(first: Trial, last: Trial) -> Chart:
    """Return what fails by the first method and by the last one."""
    rules = dict.fromkeys((*first.by_rule, *last.by_rule))
    found = {name: [each.by_rule.get(name, 0) for each in (first, last)] for name in rules}
    rows = {
        name: [Bar((float(count),), number(count)) for count in counts]
        for name, counts in found.items()
    }
    drawing = bars(rows, Axis("instructions"), {"failures": "var(--rejected)"}, _ENDS)
    cells = [[name, *map(number, counts)] for name, counts in found.items()]
    says = {"": "How many instructions of the development set each rule rejected."}
    return Chart("Why", says, drawing if rows else None, ("rule", *_ENDS), {"": cells})


# What it took


def _costs(history: History, steps: Sequence[Step]) -> Html:
    rows = []
    for step in steps:
        calls, tokens, cost = history.took(step.number)
        price = NONE if cost is None else dollars(cost)
        rows.append([str(step.number), number(calls), number(tokens), price])
    return table("What each step took", ("step", "calls", "tokens", "cost"), rows)


# The methods


def _methods(steps: Sequence[Step]) -> Iterator[Html]:
    yield tag("p", text("The last one that was chosen is that of the pack."), class_="hint")
    yield join(_method(trial) for step in steps for trial in step.trials)


def _method(trial: Trial) -> Html:
    place = f"Step {trial.step}, candidate {trial.candidate}"
    name = place if trial.candidate else "The pack's own"
    said = f"not tried: {trial.refused}" if trial.refused else f"fails {percent(trial.rate)}"
    chosen = ", chosen" if trial.chosen and trial.candidate else ""
    parts = [plain(trial.method)] if trial.method else []
    if trial.feedback:
        parts += [tag("h3", text("Written after this feedback")), plain(trial.feedback)]
    return folded(f"{name}: {said}{chosen}", *parts)
