"""A run, read: its state, generations, lines and families.

Nothing is written: a run may be going on, or have been cut off, while it is read.

    run = evolinstruct.Run("demo")
    print(run.state.status, sum(1 for line in run.rejections() if line.rule == "unchanged"))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from heapq import nlargest
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from evolinstruct.analysis import tables
from evolinstruct.analysis.families import Family, assemble
from evolinstruct.analysis.state import read_state
from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Line, Rejected
from evolinstruct.run_dir.directory import KINDS, RunDir
from evolinstruct.run_dir.lines import ParsedLine, read_lines
from evolinstruct.run_dir.reviews import NONE, Reviews, Survey, decided_lines, read_reviews
from evolinstruct.text import did_you_mean

if TYPE_CHECKING:
    from datasets import Dataset
    from pandas import DataFrame

    from evolinstruct.prompts import Pack
    from evolinstruct.scoring import Score

_IDS = re.compile(rb'\{"id":\s*"([^"]*)",\s*"seed_id":\s*"([^"]*)"')
_FILE = re.compile(r"generation-(\d+)\.jsonl")
_NAMED = 5
_MOST_BESIDE = 1_000  # names of a folder that are looked through for the run that is meant
_NEAR = 3
_SLIPS = 2  # wrong characters of an id, as where two change places
_L = TypeVar("_L", Kept, Rejected, Failed)


class Run:
    """A run directory, for reading.

    Attributes:
        path: the directory.
        state: what run.json said when the run was opened.
        notices: sentences on what was found and left out, such as a torn last line.
    """

    def __init__(self, path: str | Path) -> None:
        """Open a run: finished, stopped, or still going on.

        Raises:
            InputError: this is no directory, it holds no run, or the run is of a newer version.
        """
        self.path = Path(path)
        self._dir = RunDir(self.path)
        _check(self._dir)
        self.state = read_state(self._dir)
        self.notices: list[str] = []

    # What there is

    @cached_property
    def generations(self) -> tuple[int, ...]:
        """The generations that have begun; 0 are the seeds.

        Raises:
            InputError: the run is empty, or a generation's file is missing.
        """
        names = (_FILE.fullmatch(path.name) for path in self.path.iterdir())
        found = sorted(int(name[1]) for name in names if name)
        last = max([*found, *(counts.generation for counts in self.state.all_counts)], default=-1)
        if last < 0:
            raise InputError(
                f"{self.path} holds a run that has no instruction yet;"
                " run its `evolve` command (again), then look."
            )
        for number in range(last + 1):
            if number not in found:
                raise InputError(
                    f"{self._dir.file(number)} is missing, of {last} generations;"
                    " run the same `evolve` command again, which writes it again."
                )
        return tuple(found)

    @cached_property
    def pack(self) -> Pack:
        """The prompt pack that the run is made with.

        Raises:
            InputError: the run's copy of it is missing or wrong.
        """
        from evolinstruct import prompts  # noqa: PLC0415 - slow

        if not self._dir.prompts.is_dir():
            raise InputError(
                f"{self._dir.prompts} is missing, the run's copy of its prompts;"
                " run the same `evolve` command again, which writes it again."
            )

        return prompts.read(self._dir.prompts)

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self._dir.journal

    def is_complete(self, generation: int) -> bool:
        """Tell whether a generation is complete, as far as run.json says."""
        return any(counts.generation == generation for counts in self.state.all_counts)

    # Lines

    def instructions(self, *generations: int) -> Iterator[Kept]:
        """Yield the seeds and what each generation kept, in order; name none for all generations.

        Raises:
            InputError: a file or a line cannot be read, or a generation does not exist.
        """
        return self._records(Kept, generations)

    def rejections(self, *generations: int) -> Iterator[Rejected]:
        """Yield what rules eliminated; see `instructions`."""
        return self._records(Rejected, generations)

    def failures(self, *generations: int) -> Iterator[Failed]:
        """Yield what got no answer from the service; see `instructions`."""
        return self._records(Failed, generations)

    def entries(self, kind: type[Line], *generations: int) -> Iterator[ParsedLine]:
        """Yield the lines of a kind with their bytes; see `instructions`."""
        for number in self._chosen(generations):
            yield from self._entries(number, kind)

    def _records(self, kind: type[_L], generations: tuple[int, ...]) -> Iterator[_L]:
        for entry in self.entries(kind, *generations):
            if isinstance(entry.line, kind):
                yield entry.line

    def _chosen(self, generations: tuple[int, ...]) -> tuple[int, ...]:
        there = self.generations
        for number in generations:
            if number not in there:
                raise InputError(
                    f"{self.path} has no generation {number}; its last one is {there[-1]}."
                )
        return tuple(sorted(generations)) or there

    def _entries(
        self, generation: int, kind: type[Line], holding: bytes = b""
    ) -> Iterator[ParsedLine]:
        path = self._dir.file(generation, kind)
        if kind is not Kept and not path.exists():
            return iter(())  # seeds that need no answer have neither file
        return read_lines(path, self._notice, holding)

    def _notice(self, sentence: str) -> None:
        if sentence not in self.notices:
            self.notices.append(sentence)

    def to_pandas(self, kind: type[Line] = Kept, *generations: int) -> DataFrame:
        """Return lines of a kind as a pandas DataFrame, a column for each field, held in memory.

        Args:
            kind: `Kept`, `Rejected` or `Failed`.
            generations: the generations to read; all if none is named.

        Raises:
            InputError: pandas is not installed, or a file or a line cannot be read.
        """
        return tables.to_pandas(kind, (entry.line for entry in self.entries(kind, *generations)))

    def to_dataset(self, kind: type[Line] = Kept, *generations: int) -> Dataset:
        """Return lines of a kind as a `datasets.Dataset`, held in memory; see `to_pandas`.

        Raises:
            InputError: datasets is not installed, or a file or a line cannot be read.
        """
        return tables.to_dataset(kind, (entry.line for entry in self.entries(kind, *generations)))

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of the run."""
        return tables.html_of(self.path, self.state)

    def scores(self) -> Iterator[Score]:
        """Yield the scores of the run's instructions as `scores.jsonl` has them, without void ones.

        A score is void if its text has changed since, or is gone. Without the file there are none.

        Raises:
            InputError: a file or a line cannot be read.
        """
        from evolinstruct import scoring  # noqa: PLC0415 - slow

        file = self.path / scoring.FILE
        if not file.exists():
            return
        known = {line.id: scoring.digests_of(line) for line in self.instructions()}
        for score in scoring.read_scores(file):
            if score.text_digest in known.get(score.id, ()):
                yield score

    def reviews(self) -> Reviews:
        """Return what people decided about the run's lines.

        Raises:
            InputError: a file or a line cannot be read.
        """
        return read_reviews(self.path)

    def survey(self) -> Survey:
        """Return how people's decisions stand beside the run's lines.

        Raises:
            InputError: a file or a line cannot be read.
        """
        reviews = self.reviews()
        return reviews.survey(decided_lines(self._dir, self.generations[-1], reviews))

    @property
    def applied_reviews(self) -> Reviews:
        """What people decided, if the run is made with it; see `reviews`."""
        return self.reviews() if self.state.recipe.reviews else NONE

    # Families

    def families(self, *generations: int) -> Iterator[Family]:
        """Yield each seed with everything that became of it, in the order of the seeds.

        Args:
            generations: the generations to read; all if none is named. If earlier ones are left
                out, the parent of a step is the newest instruction that was read.

        Raises:
            InputError: a file or a line cannot be read, or the files do not belong together.
        """
        return self._assembled(self._chosen(generations))

    def _assembled(self, generations: tuple[int, ...], seed_id: str = "") -> Iterator[Family]:
        """Yield all families, or the one of a seed."""

        def lines(number: int, kind: type[Line]) -> Iterator[Line]:
            found = (entry.line for entry in self._entries(number, kind, seed_id.encode()))
            return (line for line in found if line.seed_id == seed_id) if seed_id else found

        streams = {
            number: [lines(number, kind) for kind in KINDS if number or kind is not Kept]
            for number in generations
        }
        seeds = (line for line in lines(0, Kept) if isinstance(line, Kept))
        return assemble(seeds, streams, self._left_over)

    def _left_over(self, generation: int, line: Line) -> None:
        if self.is_complete(generation):
            raise InputError(
                f"{self.path}: line {line.id} of generation {generation} is not in the order of"
                " the seeds; run the same `evolve` command again, which writes the files again."
            )
        self._notice(
            f"Lines of generation {generation} are of other seeds, or ahead of them, and are left"
            f" out, because {self.path} is being written."
        )

    def family(self, line_id: str) -> Family:
        """Return the family of a line, named by its id or by a beginning that no other id has.

        Raises:
            InputError: no line's id begins so, or more than one does.
        """
        _, seed_id = self._find(line_id)
        return next(self._assembled(self.generations, seed_id))

    def find(self, prefix: str) -> str:
        """Return the id that begins so.

        Raises:
            InputError: no line's id begins so, or more than one does.
        """
        return self._find(prefix)[0]

    def _find(self, prefix: str) -> tuple[str, str]:
        """Return the id that begins so, and the id of its seed."""
        start = prefix.lower().encode(errors="replace")
        found: dict[bytes, bytes] = {}
        for line_id, seed_id in self._ids():
            if line_id.startswith(start):
                found[line_id] = seed_id
                if line_id == start or len(found) > _NAMED:
                    break
        if start in found:
            return start.decode(), found[start].decode()
        if len(found) == 1:
            return next((line.decode(), seed.decode()) for line, seed in found.items())
        raise self._not_found(prefix, [line.decode() for line in found])

    def _not_found(self, prefix: str, found: list[str]) -> InputError:
        if found:
            more = " and more" if len(found) > _NAMED else ""
            return InputError(
                f"{prefix!r} begins more than one id of {self.path}:"
                f" {', '.join(found[:_NAMED])}{more}; give more of it."
            )
        near = ", ".join(self._near(prefix))
        hint = f"; similar ids are {near}" if near else ""
        return InputError(
            f"No line of {self.path} has an id that begins with {prefix!r}{hint};"
            " `evolinstruct show` prints the ids."
        )

    def _near(self, prefix: str) -> list[str]:
        """Return the ids that are most like it at both ends, as after one wrong character."""
        likeness = _likeness(prefix)
        nearest = nlargest(2 * _NEAR, self._ids(), likeness)
        near = [ids[0].decode() for ids in nearest if likeness(ids) >= len(prefix) - _SLIPS]
        return list(dict.fromkeys(near))[:_NEAR]  # a seed may have two lines

    def _ids(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (id, seed id) of every line, read off its bytes because parsing is slower."""
        paths = (self._dir.file(number, kind) for number in self.generations for kind in KINDS)
        for path in paths:
            if path.exists():
                with path.open("rb") as file:
                    for ids in map(_IDS.match, file):
                        if ids:
                            yield ids[1], ids[2]


def _check(run_dir: RunDir) -> None:
    """Refuse a path that holds no run."""
    path = run_dir.path
    if not path.exists():
        near = did_you_mean(str(path), map(str, _runs_beside(path)))
        raise InputError(f"There is no directory {path}{near}; name that of a run.")
    if not path.is_dir():
        raise InputError(f"{path} is a file; name the directory of a run.")
    if not run_dir.is_run:
        raise InputError(
            f"{path} holds no run (run.json is missing); name the directory that"
            " `evolinstruct evolve -o` has written."
        )


def _runs_beside(path: Path) -> list[Path]:
    """Return the runs in the folder that a path would be in."""
    if not path.parent.is_dir():
        return []
    beside = islice(path.parent.iterdir(), _MOST_BESIDE)
    return [each for each in beside if RunDir(each).is_run]


def _likeness(given: str) -> Callable[[tuple[bytes, bytes]], int]:
    """Return what counts how many characters an id shares at its ends with the given one."""
    wanted = given.encode()
    turned = wanted[::-1]

    def likeness(ids: tuple[bytes, bytes]) -> int:
        whole, cut = ids[0], ids[0][: len(wanted)]
        return _common(whole, wanted) + max(
            _common(whole[::-1], turned), _common(cut[::-1], turned)
        )

    return likeness


def _common(one: bytes, other: bytes) -> int:
    """Return with how many equal characters the two begin."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
