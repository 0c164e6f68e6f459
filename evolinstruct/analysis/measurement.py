"""A run is read once, family by family, and measured: its statistics by generation and operation.

Only counts are held: lengths are counted, which keeps quartiles exact, and diversity is measured on
a sample that is drawn by a seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from evolinstruct import defaults
from evolinstruct.analysis.difficulty import Difficulties, find_difficulties
from evolinstruct.analysis.families import Family
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.scores import ScoreBook
from evolinstruct.analysis.state import State
from evolinstruct.analysis.statistics import GroupStatistics, Table, in_table
from evolinstruct.diversity.phrases import Distinctness, Phrases
from evolinstruct.prose import count_prose
from evolinstruct.records import Kept
from evolinstruct.text import harmless_cell
from evolinstruct.words import count_words, letters_of_a_word


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """The statistics of a run.

    Attributes:
        run: the directory, as it was named.
        state: what run.json says.
        seeds: the seeds.
        cells: by generation and operation.
        plain: names of the plain in-depth operations, whose growth has a band.
        asked: the band: how many words they are asked to add, at least and at most.
        distinctness: how diverse the instructions of each generation are; under None, of all.
        sample: diversity is measured on at most so many texts.
        sample_seed: the seed that draws them.
        difficulties: how difficult its instructions are; None where that was not scored.
    """

    run: str
    state: State
    seeds: GroupStatistics
    cells: Mapping[tuple[int, str | None], GroupStatistics]
    plain: frozenset[str]
    asked: tuple[int, int]
    distinctness: Mapping[int | None, Distinctness | None]
    sample: int
    sample_seed: int
    difficulties: Difficulties | None

    @property
    def generations(self) -> dict[int, GroupStatistics]:
        """The statistics by generation, from 1 up."""
        found = self.difficulties
        groups: dict[int, GroupStatistics] = {}
        for (name, _), cell in sorted(self.cells.items(), key=lambda item: item[0][0]):
            if name:
                new = GroupStatistics(
                    distinctness=self.distinctness.get(name),
                    difficulty=None if found is None else found.generations.get(name),
                    asked=self.asked,
                )
                groups.setdefault(name, new).include(cell)
        return groups

    def unfinished(self, generation: int) -> int:
        """Return how many instructions of a generation have not ended yet."""
        return self.seeds.counts.pool - self.generations[generation].counts.finished

    @property
    def operations(self) -> dict[str, GroupStatistics]:
        """The statistics by operation."""
        found = self.difficulties
        groups: dict[str, GroupStatistics] = {}
        for (_, name), cell in sorted(self.cells.items(), key=lambda item: item[0][1] or ""):
            if name:
                difficulty = None if found is None else found.operations.get(name)
                new = GroupStatistics(difficulty=difficulty, asked=self.asked)
                groups.setdefault(name, new).include(cell)
        return groups

    @property
    def spent(self) -> GroupStatistics:
        """Calls, tokens and cost for every purpose, those of the seeds included."""
        spent = GroupStatistics()
        for group in self.purposes.values():
            spent.include(group)
        return spent

    @property
    def total(self) -> GroupStatistics:
        """The statistics of all evolutions, without the seeds; its diversity is with them."""
        total = GroupStatistics(
            distinctness=self.distinctness[None],
            difficulty=None if self.difficulties is None else self.difficulties.total,
            asked=self.asked,
        )
        for group in self.generations.values():
            total.include(group)
        return total

    @property
    def purposes(self) -> dict[str, GroupStatistics]:
        """Calls, tokens and cost by purpose, those for seeds included."""
        groups: dict[str, GroupStatistics] = {}
        for used in self.state.usage:
            groups.setdefault(used.purpose, GroupStatistics()).bill(used)
        return groups

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as plain data."""
        return {
            "run": self.run,
            "status": self.state.status,
            "seconds": self.state.seconds,
            "in_vain": self.state.in_vain,
            "seeds": self.seeds.to_json(),
            "total": self.total.to_json(),
            "generations": {str(key): group.to_json() for key, group in self.generations.items()},
            "operations": {name: group.to_json() for name, group in self.operations.items()},
            "purposes": {
                name: {each.key: each.number(group) for each in in_table("purposes")}
                for name, group in self.purposes.items()
            },
            "variety": {
                "sample": self.sample,
                "seed": self.sample_seed,
                "all": _plain(self.distinctness[None]),
                "generations": {
                    str(key): _plain(found)
                    for key, found in self.distinctness.items()
                    if key is not None
                },
            },
            "band": list(self.asked),
            "plain_operations": sorted(self.plain),
            "difficulty": self.difficulties and self.difficulties.way._asdict(),
        }


def _plain(found: Distinctness | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)


def rows(runs: Iterable[RunStatistics]) -> Iterator[list[object]]:
    """Yield the rows of one flat table for spreadsheets, the names of its columns first.

    It has a row for each run, generation, operation, rule and purpose. A column that has nothing
    to say of a row is None.
    """
    columns = in_table("csv")
    yield ["run", "by", "name", *(each.column for each in columns)]
    for run in runs:
        for by, name, found in _groups(run):
            values = [found.get(each.column) for each in columns]
            yield [harmless_cell(cell) for cell in (run.run, by, name, *values)]


def _groups(run: RunStatistics) -> Iterator[tuple[str, str, dict[str, object]]]:
    def numbers(group: GroupStatistics, table: Table = "csv") -> dict[str, object]:
        return {each.column: each.number(group) for each in in_table(table)}

    yield "all", "", numbers(run.total)
    for key, group in {0: run.seeds, **run.generations}.items():
        yield "generation", str(key), numbers(group)
    for name, group in run.operations.items():
        yield "operation", name, numbers(group)
    for name, count in sorted(run.total.counts.rejected.items()):
        yield "rule", name, {"rejected": count}
    for name, group in run.purposes.items():
        yield "purpose", name, numbers(group, "purposes")


# Reading a run


def measure(
    run: Run,
    sample: int = defaults.DIVERSITY_SAMPLE,
    sample_seed: int = defaults.SEED,
    method: str | None = None,
) -> RunStatistics:
    """Read a run once and return its statistics.

    Args:
        run: the run; one that is still going on is measured as far as it is written.
        sample: measure diversity on at most so many different texts of each generation.
        sample_seed: the seed that draws them.
        method: that by which difficulty was scored; None for the preferred one, if there is any.

    Raises:
        InputError: the run is empty, or a file of it is missing or wrong; or nothing was scored by
            the method.
    """
    samples = {generation: Phrases(sample, sample_seed) for generation in run.generations}
    plain = frozenset(
        operation.name
        for operation in run.pack.operations
        if operation.kind == "in-depth" and not operation.uses_format
    )
    difficulties = find_difficulties(ScoreBook.open(run.path), method, max(run.generations))
    measuring = _Measuring(plain, samples)
    for family in run.families():
        measuring.see(family)
        if difficulties is not None:
            difficulties.see(family)
    difficulties = difficulties or None  # every score may be void
    for used in run.state.usage:
        of_seeds = used.operation is None
        cell = measuring.seeds if of_seeds else measuring.cell(used.generation, used.operation)
        cell.bill(used)
    every = sum(samples.values(), Phrases(sample, sample_seed))
    distinctness: dict[int | None, Distinctness | None] = {None: every.measured()}
    distinctness |= {generation: found.measured() for generation, found in samples.items()}
    measuring.seeds.distinctness = distinctness.get(0)
    measuring.seeds.difficulty = None if difficulties is None else difficulties.seeds
    return RunStatistics(
        run=str(run.path),
        state=run.state,
        seeds=measuring.seeds,
        cells=measuring.cells,
        plain=plain,
        asked=run.pack.added_words,
        distinctness=distinctness,
        sample=sample,
        sample_seed=sample_seed,
        difficulties=difficulties,
    )


class _Measuring:
    """Counts, family by family."""

    def __init__(self, plain: frozenset[str], samples: Mapping[int, Phrases]) -> None:
        self.seeds = GroupStatistics()
        self.cells: dict[tuple[int, str | None], GroupStatistics] = {}
        self._samples = samples
        self._plain = plain

    def cell(self, generation: int, operation: str | None) -> GroupStatistics:
        key = generation, operation
        if key not in self.cells:
            self.cells[key] = GroupStatistics()
        return self.cells[key]

    def see(self, family: Family) -> None:
        words = {family.seed.id: self._measure(self.seeds, family.seed)}
        for step in family.steps:
            line = step.line
            group = self.cell(line.generation, line.operation)
            if isinstance(line, Kept):
                count = words[line.id] = self._measure(group, line)
                plain = line.operation in self._plain
                growth = group.added if plain else group.added_by_others
                added = count - words[step.parent.id]
                growth[int(added / letters_of_a_word(line.instruction))] += 1
            else:
                group.counts.pool += 1
                group.counts.add(line)

    def _measure(self, group: GroupStatistics, line: Kept) -> int:
        """Count a kept line; return how many words of prose it has."""
        group.counts.pool += 1
        group.counts.add(line)
        group.instruction_words[count_words(line.instruction)] += 1
        if line.output is not None:
            group.output_words[count_words(line.output)] += 1
        self._samples[line.generation].add(line.instruction)
        return count_prose(line.instruction)
