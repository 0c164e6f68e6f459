"""Log: what a run tells, for Python's `logging` and for `events.jsonl`, where those are wanted.

The logger has the name `evolinstruct`; nobody sees what it says who does not ask for it, as with
``logging.basicConfig(level=logging.INFO)``. The file gets a line an event:

    {"at": 1764409512.3, "event": "generation_started", "generation": 1, "generations": 4, …}

No text of an instruction or a reply is in either. No command reads the file; it decides nothing.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from evolinstruct.atomic_write import write_errors_explained
from evolinstruct.errors import EvolinstructError, Interrupted
from evolinstruct.records import Failed, Line, Rejected
from evolinstruct.run.counts import Counts, LowYield
from evolinstruct.run.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    LineWritten,
    Notice,
)
from evolinstruct.run_dir import flat

LOGGER = logging.getLogger("evolinstruct")
LOGGER.addHandler(logging.NullHandler())  # else what is grave is printed where nobody asked


class Log:
    """Logs the events of a run, and adds them to a file where one is named; a context manager."""

    def __init__(self, path: Path | None = None) -> None:
        """Name the file; it is not opened yet."""
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Log:
        """Open the file; a last line that a killed command tore makes way.

        Raises:
            InputError: it cannot be written, or is a link.
        """
        if self._path is not None:
            with write_errors_explained(self._path):
                self._file = flat.opened(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        if self._path is not None and self._file is not None:
            with write_errors_explained(self._path):
                self._file.close()
            self._file = None

    def see(self, event: Event) -> None:
        """Log an event: a loss as a warning, a line as a detail, whatever else as information.

        Raises:
            InputError: the file cannot be written.
        """
        self._add(_entry(event))

    def see_early_end(self, error: EvolinstructError) -> None:
        """Log what ends the run early.

        Raises:
            InputError: the file cannot be written.
        """
        level = logging.INFO if isinstance(error, Interrupted) else logging.ERROR
        figures = {"error": type(error).__name__, "exit_code": error.exit_code}
        self._add(_Entry(level, str(error), "ended_early", {**figures, "text": str(error)}))

    def _add(self, entry: _Entry) -> None:
        LOGGER.log(entry.level, "%s", entry.sentence)
        if self._path is not None and self._file is not None:
            line = json.dumps({"at": time.time(), "event": entry.name, **entry.figures})
            with write_errors_explained(self._path):
                self._file.write(line.encode() + b"\n")
                self._file.flush()  # whoever follows the file sees each line whole


class _Entry(NamedTuple):
    """What is told of an event: to the logger a sentence, to the file a name and figures."""

    level: int
    sentence: str
    name: str
    figures: dict[str, Any]


def _entry(event: Event) -> _Entry:
    match event:
        case Notice(text=text, is_loss=is_loss):
            level = logging.WARNING if is_loss else logging.INFO
            return _Entry(level, text, "notice", {"text": text, "is_loss": is_loss})
        case LowYield():
            return _of_low_yield(event)
        case GenerationStarted(counts=counts, generations=generations):
            number = counts.generation
            sentence = f"Generation {number} of {generations} begins." if number else "Seeds begin."
            figures = {"generation": number, "generations": generations, "pool": counts.pool}
            return _Entry(logging.INFO, sentence, "generation_started", figures)
        case LineWritten():
            return _of_line(event)
        case GenerationEnded(counts=counts, is_new=is_new):
            ended: dict[str, Any] = {**counts.to_json(), "is_new": is_new}
            return _Entry(logging.INFO, _how_it_ended(counts), "generation_ended", ended)
        case Finished(dataset_lines=lines):
            sentence = f"Finished: {lines or 'no'} lines in the data set."
            return _Entry(logging.INFO, sentence, "finished", {"dataset_lines": lines})


def _of_low_yield(event: LowYield) -> _Entry:
    lost = event.rule or "the service's failures"
    sentence = (
        f"Generation {event.generation} keeps {event.kept_share:.0%};"
        f" {lost} takes {event.rule_share:.0%}."
    )
    told = ("generation", "kept_share", "finished", "rule", "rule_share")  # the rest is texts
    figures = {name: getattr(event, name) for name in told}
    return _Entry(logging.WARNING, sentence, "low_yield", figures)


def _of_line(event: LineWritten) -> _Entry:
    line, cost = event.line, event.cost
    figures = {
        "id": line.id,
        "generation": line.generation,
        "operation": line.operation,
        "kind": _kind(line),
        "why": _why(line),
        "calls": event.calls,
        "replayed": event.replayed,
        "tokens": event.tokens,
        "cost": None if cost is None else str(cost),
    }
    return _Entry(logging.DEBUG, f"{line.id} is {_kind(line)}.", "line_written", figures)


def _kind(line: Line) -> str:
    return type(line).__name__.lower()


def _why(line: Line) -> str | None:
    """Return the rule that rejected a line, or the error that it failed with."""
    if isinstance(line, Rejected):
        return line.rule
    return line.error if isinstance(line, Failed) else None


def _how_it_ended(counts: Counts) -> str:
    title = f"Generation {counts.generation}" if counts.generation else "Seeds"
    return (
        f"{title}: {counts.kept} kept, {counts.rejected.total()} rejected,"
        f" {counts.failed.total()} failed."
    )
