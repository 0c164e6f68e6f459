"""What a person sees on the terminal: progress, notices, tables, errors; all on stderr.

The only importer of rich. Knows events, all_counts and errors, and nothing of how they come about.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from rich.console import Console as Terminal
from rich.live import Live
from rich.text import Text

from evolinstruct.console.progress import Progress, losses
from evolinstruct.console.texts import excerpt, harmless, harmless_lines
from evolinstruct.errors import EvolinstructError, Interrupted, StopRun
from evolinstruct.records import Failed
from evolinstruct.run.counts import Counts, LowYield
from evolinstruct.run.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    LineWritten,
    Notice,
)
from evolinstruct.text import counted, listed

if TYPE_CHECKING:
    from evolinstruct.connection_check import ConnectionResult
    from evolinstruct.console.progress import Progress
    from evolinstruct.run.forecast import Forecast
    from evolinstruct.run.summary import Summary

_REDRAW_EVERY = 0.1
_SAY_EVERY = 10.0
_SAY_LATER_EVERY = 60.0
_LATER = 120.0
_MARGIN = 3
"""Columns left free: a typed ^C must not wrap the line that is being redrawn."""
_UNBOUNDED = 1_000
_TRACEBACKS = 2
"""So many -v show where an error came from."""


class _Stderr:
    """The standard error of the process; where it is gone or full, nobody is told, and that is all.

    A run does not end since nobody reads how it goes: a terminal is closed, a pipe breaks.
    """

    def __init__(self) -> None:
        if sys.stderr is None:  # closed before the program began
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123

    def write(self, text: str) -> int:
        with self._even_if_gone():
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with self._even_if_gone():
            sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)

    @contextmanager
    def _even_if_gone(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stderr.fileno())  # or what is left unsaid would end the process
            os.close(nowhere)


class Console:
    """Shows a run to a person."""

    def __init__(self, verbosity: int = 0) -> None:
        """Say nothing but errors below 0, more above it."""
        self._verbosity = verbosity
        file = cast("TextIO", _Stderr())
        bounded = file.isatty()
        self._terminal = Terminal(
            file=file,
            highlight=False,
            soft_wrap=not bounded,
            width=None if bounded else _UNBOUNDED,
        )
        self._draws = bounded and not self._terminal.is_dumb_terminal
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._calls = 0
        self._finished_before: list[int] = []
        self._is_interrupted = False

    # While it runs

    async def follow(self, events: AsyncIterator[Event]) -> None:
        """Show each event as it comes, and how far it is in between."""
        if self._verbosity < 0:
            async for _ in events:
                pass
            return
        ticking = asyncio.create_task(self._redraw() if self._draws else self._say_how_far())
        try:
            async for event in events:
                self._show(event)
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking
            self._end_progress()

    def _show(self, event: Event) -> None:
        if isinstance(event, GenerationStarted):
            self._say_finished_before()
        match event:
            case LineWritten():
                self._advance(event)
            case GenerationStarted():
                self._start(event)
            case GenerationEnded():
                self._end_generation(event)
            case LowYield():
                self._warn(event)
            case Notice(text):
                self.say(text)
            case Finished():
                self._finished_before.clear()  # where nothing was anew, nothing needs telling apart

    def _start(self, event: GenerationStarted) -> None:
        from evolinstruct.console.progress import Progress  # noqa: PLC0415 - slow

        self._progress = Progress(event, self._calls, time.monotonic)
        if self._draws:
            self._live = Live(
                console=self._terminal,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
                get_renderable=self._drawn,
            )
            self._live.start()

    def _drawn(self) -> Text:
        return self._progress.drawn(self._terminal.width - _MARGIN) if self._progress else Text()

    async def _redraw(self) -> None:
        while True:
            await asyncio.sleep(_REDRAW_EVERY)
            if self._live is not None:
                self._live.refresh()

    async def _say_how_far(self) -> None:
        began = time.monotonic()
        while True:
            early = time.monotonic() - began < _LATER
            await asyncio.sleep(_SAY_EVERY if early else _SAY_LATER_EVERY)
            if self._progress is not None:
                self.say(self._progress.plain())

    def _advance(self, event: LineWritten) -> None:
        self._calls = event.calls
        if self._progress is not None:
            self._progress.see(event)
        if isinstance(line := event.line, Failed):
            self.detail(
                f"No answer for {line.id} ({line.operation or 'seed'}, {line.purpose},"
                f" {counted(line.attempts, 'attempt')}): {line.error}, {line.message}"
            )

    def _end_generation(self, event: GenerationEnded) -> None:

        self._end_progress()
        if not event.is_new:
            self._finished_before.append(event.counts.generation)
        elif event.counts.generation:
            self.say(_what_came_of(event.counts))
        elif lost := losses(event.counts):
            self.say(f"Seeds that got no good answer and stay without: {', '.join(lost)}.")

    def _say_finished_before(self) -> None:
        last = max(self._finished_before, default=0)
        self._finished_before.clear()
        if last:
            which = "Generation 1 was" if last == 1 else f"Generations 1 to {last} were"
            self.say(f"{which} finished before.")

    def _end_progress(self) -> None:
        self._progress = None
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _warn(self, event: LowYield) -> None:
        text = Text("Low yield: ", style="bold yellow")
        text.append(
            f"{event.kept_share:.0%} of the first {counted(event.finished, 'instruction')}"
            f" of generation {event.generation} were kept.",
            style="default",
        )
        if event.rule:
            text.append(f"\n  {event.rule_share:.0%} were rejected by {event.rule}, such as: ")
            text.append(excerpt(event.example))
        else:
            text.append(f"\n  {event.rule_share:.0%} got no answer from the service.")
        text.append(f"\n  Usual cause: {event.cause}.")
        self._terminal.print(text)

    def interrupted(self) -> None:
        """Say what an interruption waits for, and how not to wait; once."""
        if not self._is_interrupted:
            self._is_interrupted = True
            self.say(
                "Interrupted: calls under way get a few seconds to end; Ctrl-C again ends at once."
            )

    # Words

    def say(self, text: str) -> None:
        """Print a sentence, unless quiet."""
        if self._verbosity >= 0:
            self._terminal.print(Text(harmless(text)))

    def detail(self, text: str) -> None:
        """Print a sentence that only -v shows."""
        if self._verbosity >= 1:
            self._terminal.print(Text(harmless(text), style="dim"))

    def error(self, error: EvolinstructError, cause: BaseException) -> None:
        """Print what ended the command: a sentence, and with -vv where its cause arose."""
        if self._verbosity >= _TRACEBACKS:
            self._terminal.print(Text(harmless_lines("".join(traceback.format_exception(cause)))))
        text = Text(_heading(error), style="bold red")
        text.append(harmless(str(error)), style="default")
        self._terminal.print(text)

    # Ends

    def forecast(self, forecast: Forecast, out: Path) -> None:
        """Say what a run would take."""
        from evolinstruct.console import spending  # noqa: PLC0415 - slow

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
        if self._verbosity >= 0 and forecast.estimate is not None:
            self._terminal.print(spending.expected(forecast.estimate), Text())
            self.say(spending.assumed(forecast.estimate))
        self.say(
            f"Everything is in order: {counted(forecast.seeds, 'seed')} would take at most"
            f" {counted(forecast.at_most, 'call')} ({listed(calls)}), each sent again only where"
            f" the service fails{spared}. Nothing was asked, and nothing written to {out}."
        )

    def connections(self, results: Sequence[ConnectionResult]) -> None:
        """Print what the connection check found out."""
        from evolinstruct.console import check  # noqa: PLC0415 - slow

        if self._verbosity < 0:
            return
        for result in results:
            self._terminal.print(check.shown(result))
        problems = sum(result.problem is not None for result in results)
        self.say(
            f"{problems} of {counted(len(results), 'model')} cannot be used yet."
            if problems
            else "A run with the same settings can start."
        )

    def summary(self, summary: Summary, out: Path) -> None:
        """Print the final table, where the files are and what to do next.

        Of a run that ended before it made anything, nothing.
        """
        from evolinstruct.console import spending, tables  # noqa: PLC0415 - slow

        made = list(tables.generations(summary, self._terminal.width))
        if self._verbosity < 0 or not made:
            return
        for table in made:
            self._terminal.print(Text(), table)
        if self._verbosity >= 1:
            self._terminal.print(Text(), tables.operations(summary.all_counts))
            self._terminal.print(Text(), spending.spent(summary))
        self.say("")
        for line in tables.where_to_look(summary, out):
            self.say(line)


def _what_came_of(counts: Counts) -> str:
    failed = f", {counts.failed.total():,} failed" if counts.failed else ""
    return (
        f"Generation {counts.generation}: {counts.kept:,} of {counts.pool:,} kept,"
        f" {counts.rejected.total():,} rejected{failed}."
    )


def _heading(error: EvolinstructError) -> str:
    if isinstance(error, Interrupted):
        return ""  # says so itself, and is no error
    return "Stopped: " if isinstance(error, StopRun) and error.exit_code > 1 else "Error: "
