"""The files of a run: append, read back, refuse to mix.

Knows the names of the files, who may write them, and how the pool of a generation is read from
those before it. Knows nothing of how a line comes about.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from evolinstruct.errors import InputError
from evolinstruct.line_file import LineFile, matches
from evolinstruct.records import Failed, Kept, Line, Rejected, decode, encode

FORMAT = 1
KINDS: dict[type[Line], str] = {Kept: "", Rejected: ".rejected", Failed: ".failed"}
"""What stands between ``generation-N`` and ``.jsonl`` for each kind of line."""


class RunDir:
    """A directory that holds one run."""

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is read or made yet."""
        self.path = path
        self._lock: IO[str] | None = None

    # Opening

    def check(self) -> None:
        """Refuse a place where a run cannot lie; change nothing.

        Raises:
            InputError: it is a file, cannot be written, holds something else, or a newer run.
        """
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file; name a directory for the run with -o.")
        if not self.path.is_dir():
            return
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise InputError(f"{self.path} cannot be written; choose another directory with -o.")
        if not self.is_run and any(item.name != ".lock" for item in self.path.iterdir()):
            raise InputError(
                f"{self.path} holds files but no run (there is no run.json);"
                " choose an empty or a new directory with -o."
            )
        self.state()

    def open(self) -> None:
        """Make the directory if need be and become its one writer.

        Raises:
            InputError: another process is writing it, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / ".lock").open("a+")
        except OSError as error:
            raise InputError(
                f"The run directory {self.path} cannot be made: {error.strerror};"
                " choose another with -o."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "another process"
            self.close()
            raise InputError(
                f"{self.path} is being written by {holder};"
                " wait for it to end, or choose another directory with -o."
            ) from error
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._lock.flush()

    def close(self) -> None:
        """Let the next process write."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # run.json

    @property
    def is_run(self) -> bool:
        """Whether the directory holds a run."""
        return (self.path / "run.json").is_file()

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / "journal.sqlite"

    @property
    def prompts(self) -> Path:
        """The folder of the pack's copy."""
        return self.path / "prompts"

    @property
    def dataset(self) -> Path:
        """The merged and shuffled data set."""
        return self.path / "dataset.jsonl"

    def state(self) -> dict[str, Any]:
        """Return what run.json says, an empty dict where there is none.

        Raises:
            InputError: it cannot be read, or is from a newer version.
        """
        path = self.path / "run.json"
        if not path.exists():
            return {}
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            version = state["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} cannot be read ({type(error).__name__}: {error});"
                " restore it, or choose another directory with -o."
            ) from error
        if version > FORMAT:
            raise InputError(f"{path} is from a newer version of evolinstruct; update it.")
        return dict(state)

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace run.json, whole or not at all."""
        text = json.dumps({"format": FORMAT, **state}, ensure_ascii=False, indent=2) + "\n"
        beside = self.path / "run.json.partial"
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path / "run.json")

    # Lines

    def file(self, generation: int, kind: type[Line] = Kept) -> Path:
        """Return the file that holds one kind of line of a generation."""
        return self.path / f"generation-{generation}{KINDS[kind]}.jsonl"

    def read(self, generation: int, kind: type[Any] = Kept) -> Iterator[Any]:
        """Yield the lines of a file in order.

        Raises:
            InputError: a line cannot be read.
        """
        path = self.file(generation, kind)
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield decode(kind, line)
                except ValueError as error:
                    raise InputError(
                        f"{path}, line {number}, is no line of a run ({error});"
                        " run the same `evolve` command again to mend it."
                    ) from error

    def pool(self, generation: int) -> Iterator[Kept]:
        """Yield what a generation evolves: per seed, in seed order, its newest instruction."""
        earlier = [_Peekable(self.read(number)) for number in range(1, generation)]
        for seed in self.read(0):
            newest = seed
            for lines in earlier:
                newest = lines.take(seed.id) or newest
            yield newest

    def is_finished(self, files: dict[str, Any]) -> bool:
        """Tell whether a generation's files are what a finished run said of them."""
        return bool(files) and all(
            matches(self.path / name, described) for name, described in files.items()
        )

    def drop_after(self, generation: int) -> None:
        """Remove the files of later generations, left by a run that had more of them."""
        number = generation + 1
        while self.file(number).exists():
            for kind in KINDS:
                self.file(number, kind).unlink(missing_ok=True)
            number += 1

    # The data set

    def write_dataset(self, generations: int, seed: int) -> int:
        """Merge all instructions that have an answer, shuffle, and put the file in place.

        Where a line goes depends on the seed and its id alone. Only places in the files are
        sorted, on disk, so memory stays flat.

        Returns:
            How many lines it holds.
        """
        count = 0
        beside = self.dataset.with_name("dataset.jsonl.partial")
        with ExitStack() as stack:
            order = stack.enter_context(closing(sqlite3.connect("")))
            order.execute("CREATE TABLE lines (rank BLOB, file INT, start INT, size INT)")
            files = [
                stack.enter_context(self.file(number).open("rb"))
                for number in range(generations + 1)
            ]
            for number, file in enumerate(files):
                order.executemany(
                    "INSERT INTO lines VALUES (?, ?, ?, ?)", _places(file, number, seed)
                )
            out = stack.enter_context(beside.open("wb"))
            rows = order.execute("SELECT file, start, size FROM lines ORDER BY rank, file, start")
            for number, start, size in rows:
                files[number].seek(start)
                out.write(files[number].read(size))
                count += 1
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self.dataset)
        return count


def _places(file: IO[bytes], number: int, seed: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield (rank, file, start, size) of every line that has an answer."""
    start = 0
    for line in file:
        record = decode(Kept, line)
        if record.output is not None:
            rank = blake2b(f"{seed}/{record.id}/dataset".encode(), digest_size=8).digest()
            yield rank, number, start, len(line)
        start += len(line)


class _Peekable:
    """Lines in seed order of which the next is taken only by the seed it belongs to."""

    def __init__(self, lines: Iterator[Kept]) -> None:
        self._lines = lines
        self._next = next(lines, None)

    def take(self, seed_id: str) -> Kept | None:
        if self._next is None or self._next.seed_id != seed_id:
            return None
        taken, self._next = self._next, next(self._lines, None)
        return taken


class GenerationFiles:
    """The three files of one generation while it is written, in pool order."""

    def __init__(self, run_dir: RunDir, generation: int, kinds: tuple[type[Line], ...]) -> None:
        """Open the files for the given kinds of line."""
        self._files = {kind: LineFile(run_dir.file(generation, kind)) for kind in kinds}
        self._names = {kind: run_dir.file(generation, kind).name for kind in kinds}

    def write(self, line: Line) -> None:
        """Write a line to the file of its kind."""
        self._files[type(line)].write(encode(line))

    def flush(self) -> None:
        """Hand what was written to the system."""
        for file in self._files.values():
            file.flush()

    def finish(self) -> dict[str, Any]:
        """End the files; return each one's name with its lines, size and digest."""
        return {self._names[kind]: file.finish() for kind, file in self._files.items()}

    def __enter__(self) -> GenerationFiles:
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._files.values():
            file.__exit__(None, None, None)
