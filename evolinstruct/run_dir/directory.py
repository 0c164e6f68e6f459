"""Run directory: the names of a run's files, what may stand there, and the pool.

A generation's pool, what it evolves, is read from the files of the generations before it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evolinstruct.atomic_write import refuse_link
from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Line, Member, Rejected, encode
from evolinstruct.run_dir.lines import LazyLine, LineFile, lazy_lines, matches, members
from evolinstruct.run_dir.owned import OwnedDir
from evolinstruct.run_dir.shape import find_misfit

KINDS: dict[type[Line], str] = {Kept: "", Rejected: ".rejected", Failed: ".failed"}
"""What stands between ``generation-N`` and ``.jsonl`` for each kind of line."""
_IN_PLACE = re.compile(r"\.lock|events\.jsonl|(journal|gate)\.sqlite(-\w+)?")
_REPLACED = re.compile(
    r"((run|live)\.json|dataset\.jsonl|generation-\d+(\.\w+)?\.jsonl)(\.partial)?"
)
_FOLDERS = ("prompts", ".prompts.partial")
"""The names of what a run writes: files in place, files whole, folders."""


class RunDir(OwnedDir):
    """A directory that holds one run."""

    lock_name = ".lock"
    state_name = "run.json"
    journal_name = "journal.sqlite"

    # Opening

    def check_place(self) -> None:
        """Refuse a place that cannot hold the run; change nothing.

        Raises:
            InputError: it is a file, cannot be written, or holds other files or a newer run.
        """
        if not self.path.exists():
            self.check_parent()
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
        self.refuse_links()
        self.state()

    def refuse_links(self) -> None:
        """Refuse a link under a name that a run writes: a file elsewhere would be changed."""
        for path in self.path.iterdir():
            if _IN_PLACE.fullmatch(path.name) or _REPLACED.fullmatch(path.name):
                refuse_link(path, hard=bool(_IN_PLACE.fullmatch(path.name)))
            elif path.name in _FOLDERS and path.is_symlink():
                raise InputError(f"{path} is a link, so nothing is written there; move it away.")

    # run.json

    @property
    def is_run(self) -> bool:
        """Whether the directory holds a run."""
        return (self.path / "run.json").is_file()

    @property
    def live(self) -> Path:
        """What a run that is going on says of its progress; gone when it has ended."""
        return self.path / "live.json"

    @property
    def events(self) -> Path:
        """What has happened in the run, where that is wanted; no command reads it."""
        return self.path / "events.jsonl"

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

    def misfit(self, state: Any) -> str | None:
        """Return what of run.json is not as a run writes it."""
        return find_misfit(state)

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


def _is_first_file(path: Path) -> bool:
    """Tell whether a run makes the file before run.json: a run killed there leaves it alone."""
    names = (".lock", "run.json.partial", "journal.sqlite", "gate.sqlite", "events.jsonl")
    return path.name.startswith(names)


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def outside(out: Path, inputs: Iterable[Path] = ()) -> Path:
    """Return a file's path if it may be written.

    Raises:
        InputError: it lies in a run's directory, or is an input.
    """
    folder = out.resolve().parent
    if RunDir(folder).is_run:
        raise InputError(f"{out} lies among the files of a run; name a file outside {folder}.")
    if out.exists() and any(each.exists() and out.samefile(each) for each in inputs):
        raise InputError(f"{out} is read here, and would be lost; name another file.")
    return out


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
