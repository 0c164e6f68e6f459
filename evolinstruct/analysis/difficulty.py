"""How difficulty goes through a run: its mean by generation and operation, and the gain of a step.

Instructions of one family are no draws of their own. So the spread of a mean is that of its
families, and an interval is as wide as few families make it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from evolinstruct.analysis.families import Family, FamilyStep
from evolinstruct.analysis.scores import DIFFICULTY, MeasureName, ScoreBook
from evolinstruct.intervals import SURE
from evolinstruct.records import Kept, Line

if TYPE_CHECKING:
    from evolinstruct.scoring import Way

PAPER = "paper"
PAPER_MEANS = "Alpaca 3.00, ShareGPT 4.63, round 1 5.48, round 4 7.08"
"""The means that the WizardLM paper reports of its own ratings from 1 to 10."""
_FELL = 5


@dataclass(slots=True)
class Mean:
    """A mean of numbers that come family by family, and where it lies nine times in ten.

    Attributes:
        families: how many there are.
        count: how many numbers.
        total: their sum.
    """

    families: int = 0
    count: int = 0
    total: float = 0.0
    _squares: float = 0.0
    _products: float = 0.0
    _counts: int = 0

    def add(self, numbers: Sequence[float]) -> None:
        """Take in the numbers of one more family."""
        if numbers:
            count, total = len(numbers), sum(numbers)
            self.families += 1
            self.count += count
            self.total += total
            self._squares += total * total
            self._products += total * count
            self._counts += count * count

    @property
    def mean(self) -> float | None:
        """Their mean; None of none."""
        return self.total / self.count if self.count else None

    @property
    def low(self) -> float | None:
        """The lower end of its interval; None where there are fewer than two families."""
        return None if self._half is None else self.total / self.count - self._half

    @property
    def high(self) -> float | None:
        """The upper end."""
        return None if self._half is None else self.total / self.count + self._half

    @property
    def _half(self) -> float | None:
        """Half the width: of a normal interval, by the spread of the families about the mean."""
        if self.families < 2:  # noqa: PLR2004 - one has no spread
            return None
        mean = self.total / self.count
        spread = self._squares - 2 * mean * self._products + mean * mean * self._counts
        correction = self.families / (self.families - 1)
        return SURE * sqrt(max(0.0, spread * correction)) / self.count


@dataclass(slots=True)
class Difficulty:
    """The difficulty of a group of instructions.

    Attributes:
        value: of an instruction.
        gain: by how much it is harder than its parent.
        rise: by how much it is harder than its seed.
        not_harder: how many are not harder than their parents.
    """

    value: Mean = field(default_factory=Mean)
    gain: Mean = field(default_factory=Mean)
    rise: Mean = field(default_factory=Mean)
    not_harder: int = 0

    @property
    def not_harder_share(self) -> float | None:
        """The share of the rewrites that are not harder than their parents."""
        return self.not_harder / self.gain.count if self.gain.count else None

    def add(self, found: Sequence[Placed]) -> None:
        """Take in what one more family has in this group."""
        self.value.add([each.value for each in found])
        gains = [each.gain for each in found if each.gain is not None]
        self.gain.add(gains)
        self.rise.add([each.rise for each in found if each.rise is not None])
        self.not_harder += sum(gain <= 0 for gain in gains)


class Placed(NamedTuple):
    """An instruction with its difficulty.

    Attributes:
        line: the instruction.
        value: its difficulty.
        gain: what that is more than its parent's; None where that is unknown, and for seeds.
        rise: what it is more than its seed's.
        step: how it came about; None for seeds.
    """

    line: Kept
    value: float
    gain: float | None = None
    rise: float | None = None
    step: FamilyStep | None = None


class Difficulties:
    """The difficulty of a run's instructions, family by family.

    Attributes:
        way: how it was measured.
        seeds: of the seeds.
        generations: by generation, from 1 up.
        operations: by operation.
        total: of all evolved instructions.
        last_over_first: by how much the last generation is harder than the first, in a family.
        fell: the rewrites that lost most.
    """

    def __init__(self, scores: ScoreBook, way: Way, last: int) -> None:
        """Begin with none; `last` is the last generation."""
        self.way = way
        self.seeds = Difficulty()
        self.generations: defaultdict[int, Difficulty] = defaultdict(Difficulty)
        self.operations: defaultdict[str, Difficulty] = defaultdict(Difficulty)
        self.total = Difficulty()
        self.last_over_first = Mean()
        self.fell: list[Placed] = []
        self._scores = scores
        self._last = last

    def __bool__(self) -> bool:
        """Tell whether anything was scored."""
        return bool(self.seeds.value.count or self.total.value.count)

    def see(self, family: Family) -> None:
        """Take in a family."""
        values = self._values([family.seed, *(step.line for step in family.steps)])
        if family.seed.id in values:
            self.seeds.add([Placed(family.seed, values[family.seed.id])])
        placed = list(_placed(family, values))
        self.total.add(placed)
        for generation in {each.line.generation for each in placed}:
            self.generations[generation].add(
                [each for each in placed if each.line.generation == generation]
            )
        for operation in {each.line.operation or "" for each in placed}:
            self.operations[operation].add(
                [each for each in placed if each.line.operation == operation]
            )
        self._compare_ends(placed)
        fell = [each for each in placed if each.gain is not None and each.gain <= 0]
        self.fell = nsmallest(_FELL, [*self.fell, *fell], key=_lost)

    def _values(self, lines: Iterable[Line]) -> dict[str, float]:
        scores = {line.id: self._scores.score(self.way, line) for line in lines}
        return {line_id: score.value for line_id, score in scores.items() if score is not None}

    def _compare_ends(self, placed: Iterable[Placed]) -> None:
        ends = {each.line.generation: each.value for each in placed}
        if self._last > 1 and {1, self._last} <= ends.keys():
            self.last_over_first.add([ends[self._last] - ends[1]])


def _placed(family: Family, values: dict[str, float]) -> Iterator[Placed]:
    seed = values.get(family.seed.id)
    for step in family.steps:
        line, value = step.line, values.get(step.line.id)
        if isinstance(line, Kept) and value is not None:
            parent = values.get(step.parent.id)
            yield Placed(line, value, _over(value, parent), _over(value, seed), step)


def _over(value: float, other: float | None) -> float | None:
    return None if other is None else value - other


def _lost(placed: Placed) -> tuple[float, str]:
    return placed.gain or 0.0, placed.line.id


def find_difficulties(scores: ScoreBook, method: str | None, last: int) -> Difficulties | None:
    """Return what takes in families; None where no method is named and nothing was scored.

    Raises:
        InputError: nothing was scored by the method.
    """
    if method is not None:
        scores.value_of(f"{DIFFICULTY}.{method}")
    way = scores.way(MeasureName(DIFFICULTY, method))
    return None if way is None else Difficulties(scores, way, last)
