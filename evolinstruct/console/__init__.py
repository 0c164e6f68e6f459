"""What a person sees on the terminal: words go to stderr, what was asked for to stdout.

The only importer of rich. `Console` says words; `page.Page` shows what was asked for. Every other
file is named after the command that it serves.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO, cast

from rich.console import Console as Terminal
from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from evolinstruct.errors import EvolinstructError, Interrupted, StopRun
from evolinstruct.text import harmless, harmless_lines

_UNBOUNDED = 1_000
_TRACEBACKS = 2
"""The verbosity (-vv) that shows where an error came from."""
_MARGIN = 3
"""Columns left free: a typed ^C must not wrap the line that is being redrawn."""


class Drawing(Protocol):
    """Lines that are drawn anew again and again."""

    def refresh(self) -> None:
        """Draw them anew."""
        ...

    def stop(self) -> None:
        """Take them away."""
        ...


class _Stderr:
    """The standard error of the process; words are dropped where it is gone or full.

    A run does not end because nobody reads how it goes: a terminal is closed, a pipe breaks.
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
            os.dup2(nowhere, sys.stderr.fileno())  # else what is left unsaid would end the process
            os.close(nowhere)


class Console:
    """Says things to a person.

    Attributes:
        terminal: where they are printed: stderr.
        verbosity: below 0 only errors and losses are said, above 0 details too.
        is_drawn_on: whether lines can be drawn anew, as on a terminal.
    """

    def __init__(self, verbosity: int = 0) -> None:
        """Say nothing but errors and losses below 0, more above it."""
        self.verbosity = verbosity
        file = cast("TextIO", _Stderr())
        bounded = file.isatty()
        self.terminal = Terminal(
            file=file,
            highlight=False,
            soft_wrap=not bounded,
            width=None if bounded else _UNBOUNDED,
        )
        self.is_drawn_on = bounded and not self.terminal.is_dumb_terminal
        self._is_interrupted = False

    def say(self, text: str) -> None:
        """Print a sentence, unless quiet."""
        self.show(Text(harmless(text)))

    def warn(self, text: str) -> None:
        """Print a sentence about something that was lost, even if quiet."""
        self.terminal.print(Text(harmless(text)))

    def show(self, *parts: RenderableType) -> None:
        """Print tables or marked text, unless quiet."""
        if self.verbosity >= 0:
            self.terminal.print(*parts)

    def draw(self, lines: Callable[[int], Text]) -> Drawing:
        """Begin to draw lines that fit a width, beneath all that is said meanwhile."""
        live = Live(
            console=self.terminal,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=lambda: lines(self.terminal.width - _MARGIN),
        )
        live.start()
        return live

    def detail(self, text: str) -> None:
        """Print a sentence that only -v shows."""
        if self.verbosity >= 1:
            self.terminal.print(Text(harmless(text), style="dim"))

    def error(self, error: EvolinstructError, cause: BaseException) -> None:
        """Print what ended the command: a sentence, and with -vv where its cause arose."""
        if self.verbosity >= _TRACEBACKS:
            self.terminal.print(Text(harmless_lines("".join(traceback.format_exception(cause)))))
        text = Text(_heading(error), style="bold red")
        text.append(harmless(str(error)), style="default")
        self.terminal.print(text)

    def interrupted(self) -> None:
        """Say what an interruption waits for, and how not to wait; once."""
        if not self._is_interrupted:
            self._is_interrupted = True
            self.say(
                "Interrupted: calls under way get a few seconds to end; Ctrl-C again ends at once."
            )


def _heading(error: EvolinstructError) -> str:
    if isinstance(error, Interrupted):
        return ""  # its sentence says so, and it is no error
    return "Stopped: " if isinstance(error, StopRun) and error.exit_code > 1 else "Error: "
