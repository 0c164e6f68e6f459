"""Run directory: the names of a run's files, the lock of its one writer, and the pool.

A generation's pool, what it evolves, is read from the files of the generations before it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from evolinstruct.atomic_write import refuse_link, replaced, without_links
from evolinstruct.errors import FilesGone, InputError
from evolinstruct.records import Failed, Kept, Line, Member, Rejected, encode
from evolinstruct.run_dir.lines import LazyLine, LineFile, lazy_lines, matches, members
from evolinstruct.run_dir.shape import find_misfit

FORMAT = 1
KINDS: dict[type[Line], str] = {Kept: "", Rejected: ".rejected", Failed: ".failed"}
"""What stands between ``generation-N`` and ``.jsonl`` for each kind of line."""
_IN_PLACE = re.compile(r"\.lock|(journal|gate)\.sqlite(-\w+)?")
_REPLACED = re.compile(r"(run\.json|dataset\.jsonl|generation-\d+(\.\w+)?\.jsonl)(\.partial)?")
_FOLDERS = ("prompts", ".prompts.partial")
"""The names of what a run writes: files in place, files whole, folders."""
_WATCHED = (".lock", "journal.sqlite", "journal.sqlite-wal")
"""What must not be removed under a run: with the lock goes the directory, with the rest replies."""


class RunDir:
    """A directory that holds one run."""

    def __init__(self, path: Path) -> None:
        """Name the directory; nothing is read or made yet."""
        self.path = path
        self._lock: IO[str] | None = None
        self._identities: dict[str, tuple[int, int]] = {}  # of the files that are watched

    # Opening

    def check_place(self) -> None:
        """Refuse a place that cannot hold the run; change nothing.

        Raises:
            InputError: it is a file, cannot be written, or holds other files or a newer run.
        """
        if not self.path.exists():
            self._check_parent()
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path} is a file; name a directory for the run with -o.")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise InputError(f"{self.path} cannot be written; choose another directory with -o.")
        if not self.is_run and any(not _is_first_file(item) for item in self.path.iterdir()):
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
        self._refuse_links()
        self.state()

    def _refuse_links(self) -> None:
        """Refuse a link under a name that a run writes: a file elsewhere would be changed."""
        for path in self.path.iterdir():
            if _IN_PLACE.fullmatch(path.name) or _REPLACED.fullmatch(path.name):
                refuse_link(path, hard=bool(_IN_PLACE.fullmatch(path.name)))
            elif path.name in _FOLDERS and path.is_symlink():
                raise InputError(f"{path} is a link, so nothing is written there; move it away.")

    def _check_parent(self) -> None:
        """Refuse a directory that cannot be made where it would be."""
        parent = next(parent for parent in self.path.absolute().parents if parent.exists())
        if not parent.is_dir():
            raise InputError(f"{parent} is a file, so {self.path} cannot be made; correct -o.")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise InputError(
                f"{parent} cannot be written, so {self.path} cannot be made; correct -o."
            )

    def open(self) -> None:
        """Make the directory if it does not exist, and take its lock as its one writer.

        The lock is a file of its own, because some file systems cannot lock a directory. It goes
        when the process ends, however it ends.

        Raises:
            InputError: another process holds the lock, or the directory cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_links()
            lock = self.path / ".lock"
            self._lock = open(lock, "a+", opener=without_links)  # noqa: SIM115
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
        self._identities = {".lock": _file_identity(os.fstat(self._lock.fileno()))}
        self._lock.truncate(0)
        self._lock.write(f"process {os.getpid()} on {socket.gethostname()}")
        self._lock.flush()

    def check_intact(self, *names: str) -> None:
        """Refuse to go on where another file, or none, stands under a name that is being written.

        Args:
            names: the files to look at; all that are watched if none is named.

        Raises:
            FilesGone: one was removed or replaced since it was first looked at.
        """
        for name in names or _WATCHED:
            found = _identity(self.path / name)
            known = self._identities.get(name, found)
            if found != known:
                what = self.path if name == ".lock" else self.path / name
                raise FilesGone(
                    f"{what} was removed or replaced while the run was writing it; put it back,"
                    " then run the same command again, or choose another directory with -o."
                )
            if found is not None:
                self._identities[name] = found

    def close(self) -> None:
        """Give the lock back."""
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
        """What the rules for duplicates remember; made again from the journal if it is missing."""
        return self.path / "gate.sqlite"

    @property
    def prompts(self) -> Path:
        """The folder with the copy of the prompt pack."""
        return self.path / "prompts"

    @property
    def dataset(self) -> Path:
        """The merged and shuffled data set."""
        return self.path / "dataset.jsonl"

    def state(self) -> dict[str, Any]:
        """Return what run.json says; an empty dict if there is none.

        Raises:
            InputError: it cannot be read, or is from a newer version.
        """
        path = self.path / "run.json"
        if not path.exists():
            return {}
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                f"{path} cannot be read ({type(error).__name__}: {error});"
                " restore it, or choose another directory with -o."
            ) from error
        version = state.get("format") if isinstance(state, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise InputError(f"{path} is from a newer version of evolinstruct; update it.")
        if (misfit := find_misfit(state)) is not None:
            raise InputError(
                f"{path} is not as a run writes it ({misfit}); restore it from a copy, or choose"
                " another directory with -o."
            )
        return dict(state)

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace run.json, as a whole or not at all.

        Raises:
            InputError: it cannot be written.
            FilesGone: the directory was removed or replaced.
        """
        self.check_intact(".lock")
        text = json.dumps({"format": FORMAT, **state}, ensure_ascii=False, indent=2) + "\n"
        with replaced(self.path / "run.json") as file:
            # A file name that is not UTF-8 has lone surrogates, which JSON can write as escapes.
            file.write(text.encode(errors="backslashreplace"))

    # Lines

    def file(self, generation: int, kind: type[Line] = Kept) -> Path:
        """Return the file that holds one kind of line of a generation."""
        return self.path / f"generation-{generation}{KINDS[kind]}.jsonl"

    def read(self, generation: int, kind: type[Any] = Kept) -> Iterator[Any]:
        """Yield the lines of a file in order, without a last one that a crash tore.

        Raises:
            InputError: a line cannot be read.
        """
        return (line.parse() for line in self.lazy_lines(generation, kind))

    def lazy_lines(self, generation: int, kind: type[Any] = Kept) -> Iterator[LazyLine]:
        """Yield the lines of a file as `read` does, but parse none of them."""
        return lazy_lines(self.file(generation, kind), kind)

    def pool(self, generation: int) -> Iterator[Member]:
        """Yield the families that a generation evolves, in the order of the seeds."""
        earlier = [self.lazy_lines(number) for number in range(1, generation)]
        before = generation - 1
        rejected = self.lazy_lines(before, Rejected) if before else iter(())
        return members(self.lazy_lines(0), earlier, rejected)

    def count_lines(self, generation: int) -> int:
        """Return how many lines the files of a generation hold, of all kinds."""
        paths = [self.file(generation, kind) for kind in KINDS]
        return sum(_count_lines(path) for path in paths if path.exists())

    def is_finished(self, files: dict[str, Any]) -> bool:
        """Tell whether a generation's files are, byte for byte, what run.json says of them."""
        return bool(files) and all(
            matches(self.path / name, described) for name, described in files.items()
        )

    def drop_after(self, generation: int) -> None:
        """Remove the files of later generations, left by a run of more generations."""
        self.check_intact()
        number = generation + 1
        while self.file(number).exists():
            for kind in KINDS:
                self.file(number, kind).unlink(missing_ok=True)
            number += 1


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other that may take its name; None if there is none."""
    try:
        return _file_identity(path.lstat())
    except OSError:
        return None


def _file_identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _is_first_file(path: Path) -> bool:
    """Tell whether a run makes the file before run.json: a run killed there leaves it alone."""
    names = (".lock", "run.json.partial", "journal.sqlite", "gate.sqlite")
    return path.name.startswith(names)


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


class GenerationFiles:
    """The files of one generation, one for each kind of line, while they are written."""

    def __init__(
        self, run_dir: RunDir, generation: int, kinds: tuple[type[Line], ...], *, beside: bool
    ) -> None:
        """Open the files for the given kinds of line; see `LineFile` for `beside`."""
        run_dir.check_intact()
        self._open = ExitStack()
        self._files = {
            kind: self._open.enter_context(LineFile(run_dir.file(generation, kind), beside=beside))
            for kind in kinds
        }
        self._names = {kind: run_dir.file(generation, kind).name for kind in kinds}

    def write(self, line: Line) -> None:
        """Write a line to the file of its kind."""
        self._files[type(line)].write(encode(line))

    def flush(self) -> None:
        """Hand the lines to the operating system, so that other processes can read them."""
        for file in self._files.values():
            file.flush()

    def finish(self) -> dict[str, Any]:
        """End the files; return the lines, size and digest of each by its name."""
        return {self._names[kind]: file.finish() for kind, file in self._files.items()}

    def __enter__(self) -> GenerationFiles:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._open.__exit__(*raised)
