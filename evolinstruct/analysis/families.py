"""Families: each seed with everything that became of it, generation by generation.

The files of a run are each in the order of the seeds, so families are put together again one at a
time, with one line of each file in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from evolinstruct.records import Failed, Kept, Line, Member, Rejected


@dataclass(frozen=True, slots=True)
class FamilyStep:
    """What one generation made of a family.

    Attributes:
        member: the family as the generation found it.
        line: what came of it.
    """

    member: Member
    line: Line

    @property
    def parent(self) -> Kept:
        """The instruction that was evolved: the newest of the family by then."""
        return self.member.newest


@dataclass(frozen=True, slots=True)
class Family:
    """A seed and its descendants.

    Attributes:
        seed: the instruction of generation 0.
        steps: one for each generation that has ended for this family, in order.
        unanswered: why the seed got no answer, if one was asked for.
    """

    seed: Kept
    steps: tuple[FamilyStep, ...]
    unanswered: Rejected | Failed | None = None

    @property
    def newest(self) -> Kept:
        """The newest kept instruction."""
        kept = [step.line for step in self.steps if isinstance(step.line, Kept)]
        return kept[-1] if kept else self.seed

    def step(self, line_id: str) -> FamilyStep | None:
        """Return the step that made the line with that id; None for the seed."""
        return next((step for step in self.steps if step.line.id == line_id), None)


Streams = Mapping[int, list[Iterator[Line]]]
"""The files of each generation, in the order of the seeds; a seed is in at most one of them."""


def assemble(
    seeds: Iterator[Kept], streams: Streams, on_left_over: Callable[[int, Line], None]
) -> Iterator[Family]:
    """Yield a family for each seed; hold no more than one line of each file.

    Args:
        seeds: the lines of generation 0.
        streams: the other lines; in generation 0, those of seeds that got no answer.
        on_left_over: called with the generation and the first line of a file that belongs to none
            of the seeds; the rest of that file is not read.
    """
    heads = {
        generation: [_Head(lines) for lines in files]
        for generation, files in sorted(streams.items())
    }
    for seed in seeds:
        yield _family(seed, heads)
    for generation, files in heads.items():
        for head in files:
            if head.line is not None:
                on_left_over(generation, head.line)


class _Head:
    """The next line of a file, which only the seed that it belongs to takes."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.line = next(lines, None)

    def take(self, seed_id: str) -> Line | None:
        if self.line is None or self.line.seed_id != seed_id:
            return None
        taken, self.line = self.line, next(self._lines, None)
        return taken


def _family(seed: Kept, heads: Mapping[int, list[_Head]]) -> Family:
    member, steps, unanswered = Member(seed), [], None
    for generation, files in heads.items():
        line = next((found for head in files if (found := head.take(seed.id))), None)
        if line is None:
            continue
        if generation == 0:
            unanswered = line
            continue
        steps.append(FamilyStep(member, line))
        member = member.after(line)
    return Family(seed, tuple(steps), unanswered if not isinstance(unanswered, Kept) else None)
