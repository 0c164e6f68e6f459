"""What a run came to, in figures: counts, growth, lengths, variety, tokens and cost.

Reads a run once, family by family, and holds counts only: quartiles are exact, since lengths are
counted, and variety is measured on a sample that is drawn by a seed. Knows nothing of how figures
are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from evolinstruct import defaults
from evolinstruct.analysis.diversity import Distinctness, Diversity
from evolinstruct.analysis.families import Family
from evolinstruct.analysis.run_state import State, Used
from evolinstruct.analysis.runs import Run
from evolinstruct.records import Failed, Kept, Rejected
from evolinstruct.statistics import BAND, Band, Quartiles
from evolinstruct.words import count_words


@dataclass(slots=True)
class Group:
    """The figures of one generation, one operation, or all.

    Attributes:
        pool: how many evolutions were begun; of the seeds, how many there are.
        kept: how many were kept.
        rejected: how many each rule eliminated.
        failed: how many each error ended.
        added: of kept evolutions by plain in-depth operations, by how many words they grew.
        added_apart: the same of the others, which have no band to keep to.
        instruction_words: lengths of the kept instructions.
        output_words: lengths of their answers.
        calls: how many calls were made for it.
        tokens: how many tokens they took, prompts and replies; None if the service said nothing.
        cost: what they cost in dollars; None where some price is unknown.
    """

    pool: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    added: Counter[int] = field(default_factory=Counter)
    added_apart: Counter[int] = field(default_factory=Counter)
    instruction_words: Counter[int] = field(default_factory=Counter)
    output_words: Counter[int] = field(default_factory=Counter)
    calls: int = 0
    tokens: int | None = None
    cost: float | None = 0.0

    @property
    def finished(self) -> int:
        """How many have ended as a line."""
        return self.kept + self.rejected.total() + self.failed.total()

    @property
    def kept_share(self) -> float | None:
        """The share of the settled that was kept."""
        return self.kept / self.finished if self.finished else None

    @property
    def band(self) -> Band | None:
        """How the growth by plain in-depth operations keeps to its band."""
        return Band.of(self.added)

    def per_kept(self, amount: float | None) -> float | None:
        """Return an amount for each kept instruction."""
        return None if amount is None or not self.kept else amount / self.kept

    def include(self, other: Group) -> None:
        """Add another group's figures to these."""
        self.pool += other.pool
        self.kept += other.kept
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        self.calls += other.calls
        self.tokens = _sum(self.tokens, other.tokens)
        known = self.cost is not None and other.cost is not None
        self.cost = (self.cost or 0) + (other.cost or 0) if known else None

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data: lengths and growth as their quartiles."""
        return {
            "pool": self.pool,
            "kept": self.kept,
            "kept_share": self.kept_share,
            "rejected": dict(sorted(self.rejected.items())),
            "failed": dict(sorted(self.failed.items())),
            "words_added": _shown(Quartiles.of(self.added)),
            "words_added_band": _shown(self.band),
            "words_added_by_others": _shown(Quartiles.of(self.added_apart)),
            "instruction_words": _shown(Quartiles.of(self.instruction_words)),
            "output_words": _shown(Quartiles.of(self.output_words)),
            "calls": self.calls,
            "tokens": self.tokens,
            "cost": self.cost,
            "tokens_per_kept": self.per_kept(self.tokens),
            "cost_per_kept": self.per_kept(self.cost),
        }


_COUNTERS = ("rejected", "failed", "added", "added_apart", "instruction_words", "output_words")
_A = TypeVar("_A", int, float)


def _sum(one: _A | None, other: _A | None) -> _A | None:
    if one is None:
        return other
    return one if other is None else one + other


def _shown(figures: Any) -> dict[str, Any] | None:
    return None if figures is None else asdict(figures)


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a run.

    Attributes:
        run: the directory, as it was named.
        state: what run.json says.
        seeds: how many seeds there are, and their lengths.
        cells: the figures of each generation and operation.
        plain: names of the plain in-depth operations, whose growth has a band.
        variety: by generation, that of its instructions; under None that of all.
        sample: so many texts variety was measured on, at most.
        sample_seed: what they were drawn by.
    """

    run: str
    state: State
    seeds: Group
    cells: Mapping[tuple[int, str | None], Group]
    plain: frozenset[str]
    variety: Mapping[int | None, Distinctness | None]
    sample: int
    sample_seed: int

    @property
    def generations(self) -> dict[int, Group]:
        """The figures by generation, from 1 up."""
        groups: dict[int, Group] = {}
        for (number, _), cell in sorted(self.cells.items(), key=lambda item: item[0][0]):
            if number:
                groups.setdefault(number, Group()).include(cell)
        return groups

    def unfinished(self, generation: int) -> int:
        """Return how many instructions a generation that has begun has yet to settle."""
        return self.seeds.pool - self.generations[generation].finished

    @property
    def operations(self) -> dict[str, Group]:
        """The figures by operation."""
        groups: dict[str, Group] = {}
        for (_, name), cell in sorted(self.cells.items(), key=lambda item: item[0][1] or ""):
            if name:
                groups.setdefault(name, Group()).include(cell)
        return groups

    @property
    def total(self) -> Group:
        """The figures of all evolutions, without the seeds."""
        total = Group()
        for group in self.generations.values():
            total.include(group)
        return total

    @property
    def purposes(self) -> dict[str, Group]:
        """Calls, tokens and cost by purpose, those for seeds included."""
        groups: dict[str, Group] = {}
        for used in self.state.usage:
            groups.setdefault(used.purpose, Group()).include(_bill(used))
        return groups

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "run": self.run,
            "status": self.state.status,
            "seconds": self.state.seconds,
            "seeds": self.seeds.to_json(),
            "total": self.total.to_json(),
            "generations": {str(key): group.to_json() for key, group in self.generations.items()},
            "operations": {name: group.to_json() for name, group in self.operations.items()},
            "purposes": {
                name: {"calls": group.calls, "tokens": group.tokens, "cost": group.cost}
                for name, group in self.purposes.items()
            },
            "variety": {
                "sample": self.sample,
                "seed": self.sample_seed,
                "all": _shown(self.variety[None]),
                "generations": {
                    str(key): _shown(found)
                    for key, found in self.variety.items()
                    if key is not None
                },
            },
            "band": list(BAND),
            "plain_operations": sorted(self.plain),
        }


def measure(
    run: Run, sample: int = defaults.VARIETY_SAMPLE, sample_seed: int = defaults.SEED
) -> Figures:
    """Read a run once and return its figures.

    Args:
        run: the run; one that is still going on is measured as far as it is written.
        sample: so many different texts of each generation tell how varied they are.
        sample_seed: what they are drawn by.

    Raises:
        InputError: the run is empty, or a file of it is missing or wrong.
    """
    varieties = {number: Diversity(sample, sample_seed) for number in run.generations}
    plain = frozenset(
        operation.name
        for operation in run.pack.operations
        if operation.kind == "in-depth" and not operation.uses_format
    )
    measuring = _Measuring(plain, varieties)
    for family in run.families():
        measuring.see(family)
    for used in run.state.usage:
        of_seeds = used.operation is None
        cell = measuring.seeds if of_seeds else measuring.cell(used.generation, used.operation)
        cell.include(_bill(used))
    every = sum(varieties.values(), Diversity(sample, sample_seed))
    return Figures(
        run=str(run.path),
        state=run.state,
        seeds=measuring.seeds,
        cells=measuring.cells,
        plain=plain,
        variety={
            **{number: variety.measured() for number, variety in varieties.items()},
            None: every.measured(),
        },
        sample=sample,
        sample_seed=sample_seed,
    )


def _bill(used: Used) -> Group:
    return Group(calls=used.calls, tokens=used.tokens, cost=used.cost)


class _Measuring:
    """Counts, family by family."""

    def __init__(self, plain: frozenset[str], varieties: dict[int, Diversity]) -> None:
        self.seeds = Group()
        self.cells: dict[tuple[int, str | None], Group] = {}
        self.varieties = varieties
        self._plain = plain

    def cell(self, generation: int, operation: str | None) -> Group:
        key = generation, operation
        if key not in self.cells:
            self.cells[key] = Group()
        return self.cells[key]

    def see(self, family: Family) -> None:
        words = {family.seed.id: self._keep(self.seeds, family.seed)}
        self.seeds.pool += 1
        for step in family.steps:
            line = step.line
            group = self.cell(line.generation, line.operation)
            group.pool += 1
            match line:
                case Rejected():
                    group.rejected[line.rule] += 1
                case Failed():
                    group.failed[line.error] += 1
                case Kept():
                    count = words[line.id] = self._keep(group, line)
                    growth = group.added if line.operation in self._plain else group.added_apart
                    growth[count - words[step.parent.id]] += 1

    def _keep(self, group: Group, line: Kept) -> int:
        """Count a kept line; return how many words it has."""
        count = count_words(line.instruction)
        group.kept += 1
        group.instruction_words[count] += 1
        if line.output is not None:
            group.output_words[count_words(line.output)] += 1
        self.varieties[line.generation].add(line.instruction)
        return count
