"""The texts that are scored: the instructions of a run or of a file, by family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO, Protocol

from evolinstruct.errors import InputError
from evolinstruct.filters import draw_sample
from evolinstruct.records import Kept
from evolinstruct.run.seed_lines import seed_line
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.lines import OneGeneration, read_line
from evolinstruct.seeds import SeedCounts, read_seeds


class Texts(Protocol):
    """Instructions that can be read again and again."""

    def lines(self) -> Iterator[Kept]:
        """Yield them, in the order in which their scores are written."""

    def families(self) -> Iterator[list[Kept]]:
        """Yield each seed with its kept descendants, the oldest first."""


def find_texts(target: str) -> Texts:
    """Return the texts of a run directory, of a file of its lines, or of a seed file.

    Raises:
        InputError: there is no such run or file, or it cannot be read.
    """
    path = Path(target)
    if path.is_dir():
        run = RunDir(path)
        if not run.is_run or not run.file(0).exists():
            raise InputError(
                f"{target} holds no run with instructions (run.json and generation-0.jsonl);"
                " name the directory of a run, or a file."
            )
        run.state()
        return RunTexts(run)
    return FileTexts(target, _from_lines(path) or list(_from_seeds(target)))


class RunTexts:
    """The instructions of a run, read from its files as they stand."""

    def __init__(self, run: RunDir) -> None:
        """Note which generations there are."""
        self._run = run
        self._generations = [*_existing(run)]

    def lines(self) -> Iterator[Kept]:
        """Yield the seeds, then what each generation kept."""
        for number in self._generations:
            yield from self._run.read(number)

    def families(self) -> Iterator[list[Kept]]:
        """Yield each family, in the order of the seeds."""
        later = [OneGeneration(self._run.lazy_lines(number)) for number in self._generations[1:]]
        for seed in self._run.lazy_lines(0):
            found = [each for each in (lines.take(seed.seed_id) for lines in later) if each]
            yield [seed.parse(), *(line.parse() for line in found)]


def _existing(run: RunDir) -> Iterator[int]:
    for number in count():
        if not run.file(number).exists():
            return
        yield number


@dataclass(frozen=True)
class FileTexts:
    """The instructions of a file, held in memory.

    Attributes:
        name: of the file.
        found: its lines.
    """

    name: str
    found: list[Kept]

    def lines(self) -> Iterator[Kept]:
        """Yield them in the order of the file."""
        return iter(self.found)

    def families(self) -> Iterator[list[Kept]]:
        """Yield those with the same seed together, by where the first of them stands."""
        families: dict[str, list[Kept]] = {}
        for line in self.found:
            families.setdefault(line.seed_id, []).append(line)
        for family in families.values():
            yield sorted(family, key=lambda line: line.generation)


def _from_lines(path: Path) -> list[Kept]:
    """Return the instructions of a file that a run wrote, each once; none if it is another file.

    Raises:
        InputError: a line is damaged, or two texts have one id: scores are found by it.
    """
    if not path.is_file():
        return []
    try:
        with path.open("rb") as file:
            return _distinct(file, path) if _kept(next(file, b"")) else []
    except (OSError, ValueError):
        return []  # whoever reads it as seeds says why


def _distinct(file: BinaryIO, path: Path) -> list[Kept]:
    found: dict[str, Kept] = {}
    file.seek(0)
    for number, raw in enumerate(file, 1):
        try:
            line = _kept(raw) if raw.strip() else None
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}; correct it.") from error
        if line is not None and found.setdefault(line.id, line) != line:
            raise InputError(
                f"{path}, line {number}: an earlier line has the id {line.id} too, and is not the"
                " same; score files of several runs one by one."
            )
    return list(found.values())


def _kept(raw: bytes) -> Kept | None:
    """Read a line of a run's file; None if it holds no instruction that was kept.

    Raises:
        ValueError: it is no such line, or no UTF-8 file can hold its text.
    """
    line = read_line(raw)
    if not isinstance(line, Kept):
        return None
    f"{line.instruction}{line.output}".encode()  # raises for half a surrogate pair
    return line


def _from_seeds(name: str) -> Iterator[Kept]:
    """Yield the rows of a seed file of any shape, each as a family of its own."""
    seeds = read_seeds([name], skip_bad=False, limit=None, counts=SeedCounts())
    return map(seed_line, seeds)


def drawn(texts: Texts, number: int | None, seed: int) -> list[Kept]:
    """Return so many of the texts, drawn by the digests of their ids; all of them for None."""
    if number is None:
        return list(texts.lines())
    return draw_sample(texts.lines(), number, seed, lambda line: line.id)
