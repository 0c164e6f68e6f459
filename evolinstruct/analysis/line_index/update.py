"""An update of an index: reads what is new in the files of a run."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

from evolinstruct.analysis.line_index.database import make_tables
from evolinstruct.analysis.line_index.query import spaced
from evolinstruct.analysis.runs import Run
from evolinstruct.databases import transaction
from evolinstruct.defaults import SCORES
from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Line, Rejected
from evolinstruct.run_dir.directory import KINDS, RunDir
from evolinstruct.run_dir.lines import read_line
from evolinstruct.scoring import Way, digests_of, read_scores
from evolinstruct.words import count_words

_LINE = "INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TEXT = "INSERT INTO texts (rowid, text) VALUES (?, ?)"
_COUNT = """
INSERT INTO counts VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET lines = lines + excluded.lines
"""
_FILE = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)"
_SCORE = """
INSERT OR REPLACE INTO scores
SELECT ?, number, ? FROM lines WHERE id = ? AND instr(digests, ?)
"""


def state_of(path: Path) -> list[tuple[str, int, int, int]]:
    """Return what tells whether the files of a run have changed since.

    Raises:
        InputError: it holds no line yet.
    """
    files = [*_files(path), *filter(Path.exists, [path / SCORES])]
    found = ((each.name, each.stat()) for each in files)
    return [(name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in found]


def _files(path: Path) -> list[Path]:
    run_dir = RunDir(path)
    files = (run_dir.file(number, kind) for number in Run(path).generations for kind in KINDS)
    return [file for file in files if file.exists()]


class Update:
    """Reads what is new, in one transaction: a process that is killed leaves what was before.

    Attributes:
        share: how much of it has been read so far.
        is_stopped: whether it ends at once, with nothing read.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        """Prepare to bring an index of a run directory up to date."""
        self._db = db
        self._path = path
        self._counts: Counter[tuple[int, str, str, str]] = Counter()
        self._read = 0
        self._size = 1
        self.share = 0.0
        self.is_stopped = False

    def carry_out(self) -> None:
        """Read it.

        Raises:
            InputError: a file cannot be read, or is not one of a run; or it was stopped.
        """
        files = _files(self._path)
        with transaction(self._db):
            is_new = not self._have_only_grown(files)
            if is_new:
                make_tables(self._db)
            known = dict(self._db.execute("SELECT name, size FROM files"))
            self._size = 1 + sum(file.stat().st_size - known.get(file.name, 0) for file in files)
            added = sum([self._add(file) for file in files])
            self._db.executemany(_COUNT, [(*key, count) for key, count in self._counts.items()])
            self._score(is_new=bool(added))

    # Files

    def _have_only_grown(self, files: list[Path]) -> bool:
        """Tell whether each file that was read begins as it did then."""
        there = {file.name: file for file in files}
        rows = self._db.execute("SELECT name, size, inode, last, digest FROM files")
        return all(
            name in there and _begins_so(there[name], *described) for name, *described in rows
        )

    def _add(self, path: Path) -> int:
        """Add the whole lines that a file has got since it was read; return how many."""
        db, name = self._db, path.name
        row = db.execute("SELECT number, size FROM files WHERE name = ?", [name]).fetchone()
        number, start = row or (db.execute("SELECT count(*) FROM files").fetchone()[0], 0)
        added, last, raw = 0, 0, b""
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # it is being written
                if self.is_stopped:
                    raise InputError(f"The lines of {self._path} were not read to their end.")
                last, raw = start, line
                self._add_line(_parsed(path, line, start), number, start, len(line))
                start += len(line)
                added += 1
            if added:
                inode = os.fstat(file.fileno()).st_ino
                db.execute(_FILE, [number, name, start, inode, last, _digest(raw)])
        return added

    def _add_line(self, line: Line, file: int, start: int, length: int) -> None:
        rule = line.rule if isinstance(line, Rejected) else ""
        group = (line.generation, kind_of(line), line.operation or "", rule)
        words = 0 if isinstance(line, Failed) else count_words(line.instruction)
        digests = " ".join(digests_of(line)) if isinstance(line, Kept) else ""
        fields = (line.id, line.seed_id, *group, words, digests, file, start, length)
        number = self._db.execute(_LINE, (None, *fields)).lastrowid
        self._db.execute(_TEXT, (number, spaced(_text(line))))
        self._counts[group] += 1
        self._read += length
        self.share = self._read / self._size

    # Scores

    def _score(self, *, is_new: bool) -> None:
        """Read the scores, if they or the lines have changed since."""
        file = self._path / SCORES
        state = (file.stat().st_size, file.stat().st_mtime_ns) if file.exists() else (0, 0)
        if not is_new and self._db.execute("SELECT * FROM scored").fetchone() == state:
            return
        for table in ("ways", "scores", "scored"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - no data in it
        numbers: dict[Way, int] = {}
        ways: Counter[Way] = Counter()
        for score in read_scores(file) if file.exists() else ():
            number = numbers.setdefault(score.way, len(numbers))
            row = (number, score.value, score.id, score.text_digest)
            ways[score.way] += self._db.execute(_SCORE, row).rowcount
        self._db.executemany("INSERT INTO ways VALUES (?, ?)", _named(ways, numbers))
        self._db.execute("INSERT INTO scored VALUES (?, ?)", state)


def _named(ways: Counter[Way], numbers: Mapping[Way, int]) -> Iterator[tuple[int, str]]:
    """Yield the number and name of each way: that with most scores has the measure's own name."""
    taken: set[str] = set()
    for way, _ in (+ways).most_common():
        longer = f"{way.measure}.{way.method}" + (f"@{way.model}" if way.model else "")
        names = (way.measure, longer, f"{longer} by {way.pack}")
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield numbers[way], name


def _begins_so(path: Path, size: int, inode: int, last: int, digest: bytes) -> bool:
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        file.seek(last)
        return (
            found.st_ino == inode
            and found.st_size >= size
            and _digest(file.read(size - last)) == digest
        )


def _digest(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()


def _parsed(path: Path, raw: bytes, start: int) -> Line:
    try:
        return read_line(raw)
    except ValueError as error:
        raise InputError(
            f"{path}, at byte {start}, holds no line of a run ({error}); run the same `evolve`"
            " command again to mend it."
        ) from error


def kind_of(line: Line) -> str:
    """Return which of the kinds of line it is: seed, kept, rejected or failed."""
    match line:
        case Rejected():
            return "rejected"
        case Failed():
            return "failed"
    return "kept" if line.generation else "seed"


def _text(line: Line) -> str:
    """Return what is searched of a line: all that a model or a service has said in it."""
    if isinstance(line, Failed):
        return f"{line.error} {line.message}"
    parts = [line.instruction, line.output or ""]
    if isinstance(line, Rejected):
        parts += [line.rule, line.evidence, line.raw or ""]
    return "\n".join(parts)
