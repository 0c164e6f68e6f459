"""An index of all lines of a run, so that they are searched, filtered and sorted at once.

    database  its tables, and where they lie: in `view.sqlite` beside the run
    update    reads what is new in the files of the run
    query     what somebody looks for, as SQL

It is derived: made from the JSONL files, and made anew where they changed in any other way than by
growing. It holds where each line stands, not its text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from evolinstruct.analysis.line_index.database import Database
from evolinstruct.analysis.line_index.query import Query
from evolinstruct.analysis.line_index.update import Update, kind_of, state_of
from evolinstruct.errors import InputError
from evolinstruct.records import Kept, Line
from evolinstruct.run_dir.lines import read_line

__all__ = ["Found", "FoundLine", "LineCount", "LineIndex", "Query", "kind_of"]

_FAMILY = """
SELECT files.name, start, length FROM lines JOIN files ON files.number = file
WHERE seed_id IN (SELECT seed_id FROM lines WHERE id = ?) ORDER BY generation, lines.number
"""
_PARENT = """
SELECT files.name, start, length FROM lines JOIN files ON files.number = file
WHERE id = ? AND kind IN ('seed', 'kept') LIMIT 1
"""
_VALUES = """
SELECT name, value FROM ways CROSS JOIN scores ON way = ways.number AND line = ?
"""


@dataclass(frozen=True, slots=True)
class LineCount:
    """How many lines there are of one generation, kind, operation and rule.

    Attributes:
        generation: its number.
        kind: seed, kept, rejected or failed.
        operation: the operation; empty for seeds.
        rule: the rule that rejected them, or else empty.
        lines: how many.
    """

    generation: int
    kind: str
    operation: str
    rule: str
    lines: int


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line that was found.

    Attributes:
        line: the line.
        values: what was measured of it, by name.
        parent: the instruction that it was made of; None for a seed.
    """

    line: Line
    values: dict[str, float]
    parent: Kept | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a query finds: how many lines, and those of the page that was asked for."""

    total: int
    lines: list[FoundLine]


class LineIndex:
    """All lines of a run, to be found; threads may share it."""

    def __init__(self, path: Path) -> None:
        """Name the run directory; nothing is read or made yet."""
        self._path = path
        self._database = Database(path)
        self._in_use = Lock()  # a connection does one thing at a time
        self._starting = Lock()
        self._update: Update | None = None
        self._updated: Future[None] | None = None
        self._known: object = None

    # Being up to date

    def refresh(self, patience: float) -> bool:
        """Read what is new in the files; return whether that is done after so many seconds.

        Raises:
            InputError: a file cannot be read or is not one of a run, or the index cannot be made.
        """
        with self._starting:
            if self._updated is None or self._updated.done():
                if self._known == state_of(self._path):
                    return True
                self._updated = Future()
                Thread(target=self._bring_up_to_date, args=[self._updated], daemon=True).start()
            updated = self._updated
        try:
            updated.result(patience)
        except TimeoutError:
            return False
        return True

    @property
    def share(self) -> float:
        """How much of what is new has been read so far."""
        return self._update.share if self._update else 0.0

    def _bring_up_to_date(self, updated: Future[None]) -> None:
        try:
            state = state_of(self._path)
            with self._using() as db:
                self._update = Update(db, self._path)
                self._update.carry_out()
                self._known = state
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
            updated.set_exception(error)
        else:
            updated.set_result(None)

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._in_use:
            try:
                yield self._database.connection()
            except sqlite3.Error as error:
                self._forget()
                raise InputError(
                    f"{self._database.file} cannot be used ({error}); remove it, and load the page"
                    " again."
                ) from error

    def close(self) -> None:
        """Let the file go, whatever is being read; the next refresh opens it again."""
        if self._update is not None:
            self._update.is_stopped = True
        with self._in_use:
            self._forget()

    def _forget(self) -> None:
        self._database.close()
        self._known = None

    # Finding

    def find(self, query: Query) -> Found:
        """Return the lines of one page of what is looked for, and how many there are in all.

        Raises:
            UsageError: a measure is not one that was scored.
            InputError: a file has changed since it was read.
        """
        with self._using() as db:
            ways = dict(db.execute("SELECT name, number FROM ways"))
            (total,) = db.execute(*query.count(ways)).fetchone()
            rows = db.execute(*query.select(ways)).fetchall()
            return Found(total, [self._found(db, *row) for row in rows])

    def _found(self, db: sqlite3.Connection, number: int, *place: Any) -> FoundLine:
        line = self._line(*place)
        values = dict(db.execute(_VALUES, [number]))
        parent = db.execute(_PARENT, [line.parent_id]).fetchone()
        before = self._line(*parent) if parent else None
        return FoundLine(line, values, before if isinstance(before, Kept) else None)

    def family(self, line_id: str) -> list[Line]:
        """Return the lines of the family of a line, by generation; none if no line has the id.

        Raises:
            InputError: a file has changed since it was read.
        """
        with self._using() as db:
            rows = db.execute(_FAMILY, [line_id]).fetchall()
        return [self._line(*place) for place in rows]

    def counts(self) -> list[LineCount]:
        """Return how many lines there are of each generation, kind, operation and rule."""
        with self._using() as db:
            return [
                LineCount(*row) for row in db.execute("SELECT * FROM counts ORDER BY 1, 2, 3, 4")
            ]

    def measures(self) -> list[str]:
        """Return the names of what was scored."""
        with self._using() as db:
            return [name for (name,) in db.execute("SELECT name FROM ways ORDER BY name")]

    def _line(self, name: str, start: int, length: int) -> Line:
        path = self._path / name
        try:
            with path.open("rb") as file:
                file.seek(start)
                return read_line(file.read(length))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} has changed while it was read; load the page again."
            ) from error
