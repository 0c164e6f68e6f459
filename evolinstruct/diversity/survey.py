"""Survey: how diverse sets of instructions are, by generation and operation, and what is alike.

Several sets are measured on equally many texts of each group, because most figures depend on how
many texts there are. Which texts those are, digests of their ids decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolinstruct import defaults
from evolinstruct.diversity.clusters import LEARNED_FROM, Clusters, divided
from evolinstruct.diversity.measures import MEASURES, Figures, measured
from evolinstruct.diversity.pairs import neighbours
from evolinstruct.diversity.plane import places
from evolinstruct.diversity.vectors import Vectors, one_thread
from evolinstruct.records import Kept
from evolinstruct.text import NONE, harmless_cell, number

PAIRS = 10
"""So many pairs of like texts are named."""
MAP_POINTS = 1_200
"""So many texts a map shows at most."""

Places = NDArray[np.intp]


@dataclass(slots=True)
class TextSet:
    """The instructions of a run or a file.

    Attributes:
        name: what it is called.
        ids: of the lines.
        generations: their numbers; 0 for seeds.
        operations: their names; None for seeds.
        texts: the instructions.
        families: the ids of their seeds.
    """

    name: str
    ids: list[str] = field(default_factory=list)
    generations: list[int] = field(default_factory=list)
    operations: list[str | None] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    families: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, lines: Iterable[Kept]) -> TextSet:
        """Return the instructions of lines."""
        found = cls(name)
        for line in lines:
            found.ids.append(line.id)
            found.generations.append(line.generation)
            found.operations.append(line.operation)
            found.texts.append(line.instruction)
            found.families.append(line.seed_id)
        return found

    def extend(self, other: TextSet) -> None:
        """Add the instructions of another set."""
        self.ids += other.ids
        self.generations += other.generations
        self.operations += other.operations
        self.texts += other.texts
        self.families += other.families

    def only(self, places: Places) -> TextSet:
        """Return the instructions at some places."""
        parts = (self.ids, self.generations, self.operations, self.texts, self.families)
        return TextSet(self.name, *([part[place] for place in places] for part in parts))


@dataclass(frozen=True, slots=True)
class Options:
    """How a survey is made.

    Attributes:
        sample: at most so many texts of each group are compared.
        seed: what samples and first centres are drawn by.
        near: two texts that are more alike than this are a near pair.
        clusters: how many clusters to look for.
    """

    sample: int = defaults.COMPARED_SAMPLE
    seed: int = defaults.SEED
    near: float = defaults.NEAR
    clusters: int = defaults.CLUSTERS


@dataclass(frozen=True, slots=True)
class SetFigures:
    """How diverse one set is.

    Attributes:
        name: what the set is called.
        whole: all of it.
        generations: by generation; 0 are the seeds.
        operations: by operation, without the seeds.
    """

    name: str
    whole: Figures
    generations: Mapping[int, Figures]
    operations: Mapping[str, Figures]

    def groups(self) -> Iterator[tuple[str, str, Figures]]:
        """Yield what a group is by, its name and its figures."""
        yield "all", "", self.whole
        yield from (("generation", str(key), found) for key, found in self.generations.items())
        yield from (("operation", name, found) for name, found in self.operations.items())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "all": self.whole.to_json(),
            "generations": {str(key): each.to_json() for key, each in self.generations.items()},
            "operations": {name: each.to_json() for name, each in self.operations.items()},
        }


@dataclass(frozen=True, slots=True)
class Cluster:
    """Instructions that are like each other.

    Attributes:
        texts: how many there are, by set and generation.
        share: of all instructions of all sets.
        line_id: the id of the most central instruction.
        name: the most central instruction.
    """

    texts: Mapping[str, Counter[int]]
    share: float
    line_id: str
    name: str

    @property
    def size(self) -> int:
        """How many instructions it has."""
        return sum(counts.total() for counts in self.texts.values())

    @property
    def opened_by(self) -> dict[str, int | None]:
        """The first generation of each set that has an instruction in it; None where none has."""
        return {name: min(counts, default=None) for name, counts in self.texts.items()}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "size": self.size,
            "share": round(self.share, 4),
            "id": self.line_id,
            "name": self.name,
            "opened_by": self.opened_by,
            "texts": {
                name: {str(key): counts[key] for key in sorted(counts)}
                for name, counts in self.texts.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Point:
    """An instruction on the map: its place from -1,000 to 1,000 in both directions."""

    set_number: int
    line_id: str
    generation: int
    operation: str | None
    cluster: int
    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two instructions of different families that are alike: their ids, generations and texts."""

    likeness: float
    ids: tuple[str, str]
    generations: tuple[int, int]
    texts: tuple[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "likeness": self.likeness,
            "ids": [*self.ids],
            "generations": [*self.generations],
            "texts": [*self.texts],
        }


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found out about sets of instructions.

    Attributes:
        model: what embedded them.
        options: how it was made.
        sets: the figures of each set.
        clusters: of all sets together, the largest first.
        near_families: the share of a sample of all sets that has a near text in another family.
        pairs: the most alike of that sample, of different families.
        points: a map of some instructions of all sets.
        shown: how much of the spread of the clusters the map shows.
    """

    model: str
    options: Options
    sets: tuple[SetFigures, ...]
    clusters: tuple[Cluster, ...]
    near_families: float
    pairs: tuple[Pair, ...]
    points: tuple[Point, ...]
    shown: float

    def to_json(self) -> dict[str, Any]:
        """Return all but the map as plain data."""
        return {
            "model": self.model,
            "sample": self.options.sample,
            "seed": self.options.seed,
            "near": self.options.near,
            "sets": [each.to_json() for each in self.sets],
            "near_families": round(self.near_families, 6),
            "pairs": [pair.to_json() for pair in self.pairs],
            "clusters": [each.to_json() for each in self.clusters],
        }

    def counted(self, names: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        """Return what clusters are counted by, and the counts of each, written for people.

        That is the generations of one set, with the one that opened the cluster; or several sets,
        under these names.
        """
        if len(self.sets) > 1:
            return [*names], [
                [number(counts.total()) for counts in cluster.texts.values()]
                for cluster in self.clusters
            ]
        (only,) = self.sets
        head = [*map(generation_name, only.generations), "opened by"]
        return head, [
            [
                *(number(cluster.texts[only.name][key]) for key in only.generations),
                generation_name(cluster.opened_by[only.name]),
            ]
            for cluster in self.clusters
        ]

    def rows(self) -> Iterator[list[object]]:
        """Yield the rows of one flat table for spreadsheets, the names of its columns first."""
        yield ["set", "by", "name", *(measure.key for measure in MEASURES)]
        for each in self.sets:
            for by, name, found in each.groups():
                values = [measure.value(found) for measure in MEASURES]
                yield [harmless_cell(cell) for cell in (each.name, by, name, *values)]


def generation_name(key: int | None) -> str:
    """Return what tables call a generation."""
    return NONE if key is None else str(key) if key else "seeds"


def surveyed(
    sets: Sequence[TextSet], vectors: Sequence[Vectors], model: str, options: Options
) -> Survey:
    """Measure, cluster and map sets of instructions.

    Args:
        sets: at least one; none is empty.
        vectors: of each set, those of its instructions.
        model: what made them.
        options: how to go about it.
    """
    with one_thread():
        return _surveyed(sets, vectors, model, options)


def _surveyed(
    sets: Sequence[TextSet], vectors: Sequence[Vectors], model: str, options: Options
) -> Survey:
    ranks = [_ranks(each.ids, options.seed) for each in sets]
    rank = np.concatenate(ranks)
    union = _Union(sets, Vectors(np.concatenate([each.rows for each in vectors])))
    learned_from = _lowest(rank, LEARNED_FROM)
    clusters = divided(union.vectors, learned_from, options.clusters, options.seed)
    near_families, pairs = _pairs(union, _lowest(rank, options.sample), options.near)
    points, shown = _map(union, clusters, _lowest(rank, MAP_POINTS))
    return Survey(
        model=model,
        options=options,
        sets=tuple(_figures(sets, vectors, ranks, options)),
        clusters=tuple(_clusters(sets, union, clusters)),
        near_families=near_families,
        pairs=pairs,
        points=tuple(points),
        shown=shown,
    )


class _Union:
    """The instructions of all sets, one after the other.

    Attributes:
        texts: their lines.
        set_numbers: for each line, the number of its set.
        vectors: for each line, its vector.
    """

    def __init__(self, sets: Sequence[TextSet], vectors: Vectors) -> None:
        self.texts = TextSet("")
        self.set_numbers: list[int] = []
        self.vectors = vectors
        for set_number, each in enumerate(sets):
            self.texts.extend(each)
            self.set_numbers += [set_number] * len(each.ids)


def _ranks(ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """Return a number for each id that a seed draws: the lowest are the sample."""
    digests = (blake2b(f"{seed}/{line}/sample".encode(), digest_size=8).digest() for line in ids)
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def _lowest(ranks: NDArray[np.uint64], size: int, among: Places | None = None) -> Places:
    """Return the places of the lowest ranks, in their order."""
    places = np.arange(len(ranks)) if among is None else among
    order = np.argsort(ranks[places], kind="stable")[:size]
    return np.sort(places[order])


# Figures

_Group = tuple[str, str]
"""What a group is by, and its name."""


def _figures(
    sets: Sequence[TextSet],
    vectors: Sequence[Vectors],
    ranks: Sequence[NDArray[np.uint64]],
    options: Options,
) -> Iterator[SetFigures]:
    groups = [_groups(each) for each in sets]
    for texts, rows, rank, own in zip(sets, vectors, ranks, groups, strict=True):
        found: dict[_Group, Figures] = {}
        for group, members in own.items():
            least = min(len(other[group]) for other in groups if group in other)
            drawn = _lowest(rank, min(options.sample, least), members)
            sample = [texts.texts[place] for place in drawn]
            found[group] = measured(sample, rows[drawn], len(members), options.near)
        yield SetFigures(
            texts.name,
            found["all", ""],
            {int(name): each for (by, name), each in found.items() if by == "generation"},
            {name: each for (by, name), each in found.items() if by == "operation"},
        )


def _groups(texts: TextSet) -> dict[_Group, Places]:
    """Return the places of each group's instructions: all, by generation, by operation."""
    groups: dict[_Group, Places] = {("all", ""): np.arange(len(texts.ids))}
    generations = np.asarray(texts.generations)
    operations = np.asarray([name or "" for name in texts.operations])
    for key in np.unique(generations).tolist():
        groups["generation", str(key)] = np.flatnonzero(generations == key)
    for name in np.unique(operations[operations != ""]).tolist():
        groups["operation", name] = np.flatnonzero(operations == name)
    return groups


# Pairs, clusters and the map


def _pairs(union: _Union, drawn: Places, near: float) -> tuple[float, tuple[Pair, ...]]:
    """Return the share of a sample with a near text in another family, and the nearest pairs."""
    texts = union.texts.only(drawn)
    found = neighbours(union.vectors[drawn], texts.families)
    pairs = (
        Pair(
            likeness=round(float(found.likeness[[one, other]].max()), 4),
            ids=(texts.ids[one], texts.ids[other]),
            generations=(texts.generations[one], texts.generations[other]),
            texts=(texts.texts[one], texts.texts[other]),
        )
        for one, other in found.pairs(PAIRS)
    )
    return found.share_above(near), tuple(pairs)


def _clusters(sets: Sequence[TextSet], union: _Union, clusters: Clusters) -> Iterator[Cluster]:
    names = [each.name for each in sets]
    counts = [{name: Counter[int]() for name in names} for _ in range(len(clusters))]
    members = clusters.members.tolist()
    for cluster, set_number, generation in zip(
        members, union.set_numbers, union.texts.generations, strict=True
    ):
        counts[cluster][names[set_number]][generation] += 1
    for cluster, texts in enumerate(counts):
        size = sum(each.total() for each in texts.values())
        place = clusters.most_central(cluster)
        yield Cluster(texts, size / len(members), union.texts.ids[place], union.texts.texts[place])


def _map(union: _Union, clusters: Clusters, drawn: Places) -> tuple[list[Point], float]:
    found, shown = places(union.vectors[drawn], clusters)
    texts = union.texts
    points = [
        Point(
            set_number=union.set_numbers[place],
            line_id=texts.ids[place],
            generation=texts.generations[place],
            operation=texts.operations[place],
            cluster=int(clusters.members[place]),
            x=x,
            y=y,
            text=texts.texts[place],
        )
        for place, (x, y) in zip(drawn.tolist(), found.tolist(), strict=True)
    ]
    return points, shown
