"""Seed lines: the seeds of a run as lines of generation 0.

Chooses the rows that a run takes and gives each its id. They can be read more than once, pipes and
standard input too.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from evolinstruct import checks, set_aside
from evolinstruct.filters import draw_sample
from evolinstruct.records import Kept, encode, join_input, seed_id
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.lines import LineFile
from evolinstruct.seeds import Seed, SeedCounts, read_seeds
from evolinstruct.seeds.sources import copy_streams
from evolinstruct.settings import SeedSettings


class SeedLines:
    """The seeds as lines of generation 0; can be read more than once, pipes too."""

    def __init__(
        self, sources: Sequence[str], choice: SeedSettings, drawn: int | None = None, by: int = 0
    ) -> None:
        """Name the sources; only those that can be read but once are read, and copied to disk.

        Args:
            sources: the seed files.
            choice: which of their rows become instructions.
            drawn: only so many of those, drawn, in their order; None for all.
            by: the seed that they are drawn by.
        """
        self.sources = tuple(sources)
        self.choice = choice
        self._draw = drawn
        self._by = by
        self._streams = copy_streams(self.sources)
        for stream in self._streams.values():
            weakref.finalize(self, stream.close)

    def read(self, counts: SeedCounts | None = None) -> Iterator[Kept]:
        """Yield the lines in file order.

        Raises:
            InputError: a file or a row is wrong.
        """
        lines = self._all(counts)
        return lines if self._draw is None else (line for line in lines if line.id in self._drawn)

    @cached_property
    def drawn_from(self) -> int | None:
        """How many lines those that are read are drawn from; None if they are all."""
        return None if self._draw is None else sum(1 for _ in self._all())

    @cached_property
    def _drawn(self) -> frozenset[str]:
        names = (line.id for line in self._all())
        return frozenset(draw_sample(names, self._draw or 0, self._by, str))

    @cached_property
    def _sample(self) -> frozenset[str]:
        names = (line.id for line in self._every())
        return frozenset(draw_sample(names, self.choice.sample or 0, self._by, str))

    def _all(self, counts: SeedCounts | None = None) -> Iterator[Kept]:
        lines = self._every(counts)
        if self.choice.sample is None:
            return lines
        return (line for line in lines if line.id in self._sample)

    def _every(self, counts: SeedCounts | None = None) -> Iterator[Kept]:
        choice = self.choice
        for seed in read_seeds(
            self.sources,
            skip_bad=choice.skip_bad,
            limit=choice.limit,
            counts=counts or SeedCounts(),
            streams=self._streams,
            mapping=choice.map,
        ):
            yield seed_line(seed)


def write_seeds(seeds: SeedLines, run_dir: RunDir) -> None:
    """Write generation 0 without asking anybody; an answer that is in its file already stays.

    Raises:
        InputError: a file cannot be read or written.
    """
    path = run_dir.file(0)
    there = run_dir.lazy_lines(0) if path.exists() else iter(())
    with LineFile(path) as file:
        for seed in seeds.read():
            known = next(there, None)
            is_same = known is not None and known.id == seed.id
            file.write(known.raw if known is not None and is_same else encode(seed))
        file.finish()


def seed_line(seed: Seed) -> Kept:
    """Return the line of generation 0 that a seed becomes, a family of its own."""
    text = join_input(seed.instruction, seed.input)
    name = seed_id(text)
    return Kept(
        id=name,
        seed_id=name,
        parent_id=None,
        generation=0,
        operation=None,
        format=None,
        instruction=text,
        input=seed.input,
        output=seed.output,
        model=None,
        compared=None,
        seed_source=Path(seed.source).name,
        checks=checks.NONE,
        set_aside=set_aside.NONE,
    )


def as_read(seed: Kept) -> Kept:
    """Return a seed as it was read: without the answer that the run wrote, if it wrote one."""
    if seed.model is None:
        return seed
    return replace(seed, output=None, model=None, checks=checks.NONE, set_aside=set_aside.NONE)
