"""What a person sees on the terminal: progress, notices, tables, errors; all on stderr.

The only importer of rich. Knows events, tallies and errors, and nothing of how they come about.
Text from models and files is shown with its control characters made visible.
"""

from __future__ import annotations

import time
import traceback
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from evolinstruct.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    Said,
    Settled,
)
from evolinstruct.forecast import Forecast
from evolinstruct.summary import Summary
from evolinstruct.tally import LowYield, Tally

_PLAIN_EVERY = 10.0
_REDRAW_EVERY = 0.1
_EXCERPT = 200


def harmless(text: str) -> str:
    """Make control characters visible, so that no text can steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char
        if char.isprintable() or char == " "
        else char.encode("unicode_escape").decode()
        if unicodedata.category(char) != "Cf" or char in "\u202a\u202b\u202d\u202e"
        else char
        for char in text
    )


def excerpt(text: str, length: int = _EXCERPT) -> str:
    """Return the text on one line, harmless and no longer than so many characters."""
    line = harmless(" ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"


class Console:
    """Shows a run to a person."""

    def __init__(self, verbosity: int = 0) -> None:
        """Say nothing below 0, more above it."""
        self._verbosity = verbosity
        self._terminal = Terminal(stderr=True, highlight=False, soft_wrap=not _is_terminal())
        self._pace = _Pace()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._drawn = 0.0
        self._tally: Tally | None = None

    # While it runs

    async def follow(self, events: AsyncIterator[Event]) -> None:
        """Show each event as it comes."""
        try:
            async for event in events:
                if self._verbosity >= 0:
                    self._show(event)
        finally:
            self._end_progress()

    def _show(self, event: Event) -> None:
        match event:
            case Settled():
                self._advance(event)
            case GenerationStarted():
                self._start(event)
            case GenerationEnded():
                self._end_generation(event)
            case LowYield():
                self._warn(event)
            case Said(text):
                self.say(text)
            case Finished():
                pass

    def _start(self, event: GenerationStarted) -> None:
        self._tally = event.tally
        self._pace = _Pace()
        self._drawn = time.monotonic()
        title = f"generation {event.tally.generation}/{event.generations}"
        if event.tally.generation == 0:
            title = "seeds"
        if self._terminal.is_terminal:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[words]}"),
                console=self._terminal,
                transient=True,
            )
            self._task = self._progress.add_task(title, total=event.tally.pool, words="")
            self._progress.start()
        self._title = title

    def _advance(self, event: Settled) -> None:
        now = time.monotonic()
        self._pace.see(now, event.calls)
        every = _REDRAW_EVERY if self._progress else _PLAIN_EVERY
        if self._tally is None or now - self._drawn < every:
            return
        self._drawn = now
        words = self._words(self._tally)
        if self._progress and self._task is not None:
            self._progress.update(self._task, completed=self._tally.settled, words=words)
        else:
            self.say(f"{self._title}: {words}")

    def _words(self, tally: Tally) -> str:
        words = [f"{tally.settled:,} of {tally.pool:,}", f"{tally.kept:,} kept"]
        words += [f"{count:,} {rule}" for rule, count in tally.rejected.most_common(3)]
        if others := tally.rejected.total() - sum(n for _, n in tally.rejected.most_common(3)):
            words.append(f"{others:,} otherwise rejected")
        if tally.failed:
            words.append(f"{tally.failed.total():,} failed")
        words.append(f"{self._pace.calls_a_second:,.0f} calls/s")
        words.append(f"{_clock(self._pace.seconds_left(tally))} left")
        return " · ".join(words)

    def _end_generation(self, event: GenerationEnded) -> None:
        self._end_progress()
        tally = event.tally
        if tally.generation == 0:
            return
        again = "" if event.anew else " (finished before)"
        failed = f", {tally.failed.total():,} failed" if tally.failed else ""
        self.say(
            f"generation {tally.generation}: kept {tally.kept:,} of {tally.pool:,},"
            f" rejected {tally.rejected.total():,}{failed}{again}"
        )

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _warn(self, event: LowYield) -> None:
        of = f"of the first {event.settled:,} instructions of generation {event.generation}"
        text = Text("Low yield: ", style="bold yellow")
        text.append(f"{event.kept_share:.0%} {of} were kept.", style="default")
        if event.rule:
            text.append(f"\n  {event.rule_share:.0%} were rejected by {event.rule}, such as: ")
            text.append(excerpt(event.example))
        text.append(f"\n  Usual cause: {event.cause}")
        self._terminal.print(text)

    # Words

    def say(self, text: str) -> None:
        """Print a sentence, unless quiet."""
        if self._verbosity >= 0:
            self._terminal.print(Text(harmless(text)))

    def detail(self, text: str) -> None:
        """Print a sentence that only -v shows."""
        if self._verbosity >= 1:
            self._terminal.print(Text(harmless(text), style="dim"))

    def error(self, error: BaseException) -> None:
        """Print what ended the command: a sentence, and with -vv where it came from."""
        if self._verbosity >= 2:  # noqa: PLR2004 - the second v
            self._terminal.print(Text(harmless_lines("".join(traceback.format_exception(error)))))
        text = Text("Error: ", style="bold red")
        text.append(harmless(str(error)), style="default")
        self._terminal.print(text)

    # Ends

    def forecast(self, forecast: Forecast, out: Path) -> None:
        """Say what a run would take."""
        calls = ", ".join(f"{count:,} {purpose}" for purpose, count in forecast.calls.items())
        self.say(
            f"Everything is in order: {forecast.seeds:,} seeds would take at most"
            f" {forecast.at_most:,} calls ({calls}"
            + (f", {forecast.second_looks:,} second comparisons" if forecast.second_looks else "")
            + f"). Nothing was asked and nothing written to {out}."
        )

    def summary(self, summary: Summary, out: Path) -> None:
        """Print the final table, where the files are and what to do next."""
        if self._verbosity < 0:
            return
        self._terminal.print(_table(summary))
        if self._verbosity >= 1:
            self._terminal.print(_operations(summary.tallies))
        for line in _where_to_look(summary, out):
            self.say(line)


def harmless_lines(text: str) -> str:
    """Make control characters visible, but for line breaks."""
    return "\n".join(harmless(line) for line in text.split("\n"))


def _is_terminal() -> bool:
    return Terminal(stderr=True).is_terminal


class _Pace:
    """How fast it goes: over the last seconds, not since the start."""

    _WINDOW = 10.0

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._marks: list[tuple[float, int]] = []

    def see(self, now: float, calls: int) -> None:
        if not self._marks or now - self._marks[-1][0] >= _REDRAW_EVERY:
            self._marks.append((now, calls))
            while self._marks[-1][0] - self._marks[0][0] > self._WINDOW:
                self._marks.pop(0)

    @property
    def calls_a_second(self) -> float:
        (start, before), (end, after) = self._marks[0], self._marks[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def seconds_left(self, tally: Tally) -> float:
        spent = time.monotonic() - self._began
        return spent / tally.settled * (tally.pool - tally.settled) if tally.settled else 0.0


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _table(summary: Summary) -> Table:
    """Lay out the counts, a column for each generation."""
    tallies = [tally for tally in summary.tallies if tally.generation]
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("generation")
    for tally in tallies:
        table.add_column(str(tally.generation), justify="right")
    table.add_column("all", justify="right")
    _row(table, "pool", [tally.pool for tally in tallies])
    _row(table, "kept", [tally.kept for tally in tallies], "bold")
    rules = sorted({rule for tally in tallies for rule in tally.rejected})
    for rule in rules:
        _row(table, f"rejected: {rule}", [tally.rejected[rule] for tally in tallies])
    _row(table, "failed", [tally.failed.total() for tally in tallies])
    calls = [summary.calls_of(tally.generation) for tally in tallies]
    kept = [tally.kept for tally in tallies]
    shares = [_share(*pair) for pair in zip(kept, calls, strict=True)]
    table.add_row("kept per 100 calls", *shares, _share(sum(kept), sum(calls)))
    return table


def _row(table: Table, name: str, counts: Sequence[int], style: str = "") -> None:
    table.add_row(name, *(f"{n:,}" for n in counts), f"{sum(counts):,}", style=style)


def _share(kept: int, calls: int) -> str:
    return f"{kept * 100 / calls:.0f}" if calls else "-"


def _operations(tallies: Sequence[Tally]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("operation")
    table.add_column("drawn", justify="right")
    drawn: dict[str, int] = {}
    for tally in tallies:
        _add(drawn, tally.operations)
    for name, count in sorted(drawn.items()):
        table.add_row(name, f"{count:,}")
    return table


def _add(total: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        total[name] = total.get(name, 0) + count


def _where_to_look(summary: Summary, out: Path) -> list[str]:
    lines = []
    if summary.dataset_lines is not None:
        lines.append(
            f"{summary.dataset_lines:,} instructions with answers: {out / 'dataset.jsonl'}"
        )
    lines.append(
        f"What each generation kept, and why others were rejected: {out}/generation-*.jsonl"
    )
    failed = sum(tally.failed.total() for tally in summary.tallies)
    if failed:
        lines.append(
            f"{failed:,} instructions got no answer from the service:"
            f" {out}/generation-*.failed.jsonl"
        )
    return lines
