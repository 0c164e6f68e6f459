"""The files of a run: append, read back, refuse to mix.

Knows the names of the files, who may write them, and how the pool of a generation is read from
those before it. Knows nothing of how a line comes about.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Line, Rejected, encode
from evolinstruct.run_dir.lines import LineFile, Written, matches, newest_of_each, whole_lines

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
        if not self.path.exists():
            self._check_above()
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path} is a file; name a directory for the run with -o.")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise InputError(f"{self.path} cannot be written; choose another directory with -o.")
        if not self.is_run and any(not _is_beginning(item) for item in self.path.iterdir()):
            if self.journal.exists():
                raise InputError(
                    f"{self.path} holds a journal, but no run.json; restore run.json from a copy,"
                    " or name with -o a new directory with nothing in it but copies of the files"
                    " journal.sqlite*, whose replies are not paid for again."
                )
            raise InputError(
                f"{self.path} holds files but no run (there is no run.json);"
                " choose an empty or a new directory with -o."
            )
        self.state()

    def _check_above(self) -> None:
        """Refuse a directory that could not be made."""
        above = next(parent for parent in self.path.absolute().parents if parent.exists())
        if not above.is_dir():
            raise InputError(f"{above} is a file, so {self.path} cannot be made; correct -o.")
        if not os.access(above, os.W_OK | os.X_OK):
            raise InputError(
                f"{above} cannot be written, so {self.path} cannot be made; correct -o."
            )

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
    def gate(self) -> Path:
        """What the rules for duplicates know; made anew from the journal where it is missing."""
        return self.path / "gate.sqlite"

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
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(
                f"{path} cannot be read ({type(error).__name__}: {error});"
                " restore it, or choose another directory with -o."
            ) from error
        if version > FORMAT:
            raise InputError(f"{path} is from a newer version of evolinstruct; update it.")
        return dict(state)

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace run.json, whole or not at all.

        Raises:
            InputError: it cannot be written.
        """
        text = json.dumps({"format": FORMAT, **state}, ensure_ascii=False, indent=2) + "\n"
        with replaced(self.path / "run.json") as file:
            file.write(text.encode())

    # Lines

    def file(self, generation: int, kind: type[Line] = Kept) -> Path:
        """Return the file that holds one kind of line of a generation."""
        return self.path / f"generation-{generation}{KINDS[kind]}.jsonl"

    def read(self, generation: int, kind: type[Any] = Kept) -> Iterator[Any]:
        """Yield the lines of a file in order, but for a last one that a crash tore.

        Raises:
            InputError: a line cannot be read.
        """
        return (written.decoded() for written in self.written(generation, kind))

    def written(self, generation: int, kind: type[Any] = Kept) -> Iterator[Written]:
        """Yield the lines of a file as they are written; see `read`."""
        return whole_lines(self.file(generation, kind), kind)

    def pool(self, generation: int) -> Iterator[Kept]:
        """Yield what a generation evolves: per seed, in seed order, its newest instruction."""
        earlier = [self.written(number) for number in range(1, generation)]
        return (line.decoded() for line in newest_of_each(self.written(0), earlier))

    def finished(self, generation: int) -> int:
        """Return how many lines a generation's files hold."""
        paths = [self.file(generation, kind) for kind in KINDS]
        return sum(_count_lines(path) for path in paths if path.exists())

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


def _is_beginning(path: Path) -> bool:
    """Tell whether a file is one that a run makes before run.json, where it may be killed."""
    names = (".lock", "run.json.partial", "journal.sqlite", "gate.sqlite")
    return path.name.startswith(names)


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


class GenerationFiles:
    """The three files of one generation while it is written, in pool order."""

    def __init__(
        self, run_dir: RunDir, generation: int, kinds: tuple[type[Line], ...], *, beside: bool
    ) -> None:
        """Open the files for the given kinds of line; see `LineFile` for `beside`."""
        self._files = {
            kind: LineFile(run_dir.file(generation, kind), beside=beside) for kind in kinds
        }
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:
            for file in self._files.values():
                stack.push(file)
            if error is not None:
                raise error
