"""What is asked, held against what is there: every check that comes before the first call.

Reads the prompt pack, all seeds and the run directory, and changes nothing. Knows what makes
another run of it, and what only extends it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, cast

from evolinstruct import prompts
from evolinstruct.errors import InputError, UsageError
from evolinstruct.recipe import Recipe, SeedChoice, Settings
from evolinstruct.records import Kept, encode, join_input, seed_id
from evolinstruct.run_dir import RunDir
from evolinstruct.seeds import Counts, read_seeds


class SeedLines:
    """The seeds as lines of generation 0; can be read more than once, standard input too."""

    def __init__(self, sources: Sequence[str], choice: SeedChoice) -> None:
        """Name the sources; nothing is read yet."""
        self.sources = tuple(sources)
        self.choice = choice
        self._stdin = _spooled(sys.stdin.buffer) if "-" in self.sources else None

    def read(self, counts: Counts | None = None) -> Iterator[Kept]:
        """Yield the lines in file order.

        Raises:
            InputError: a file or a row is wrong.
        """
        if self._stdin is not None:
            self._stdin.seek(0)
        choice = self.choice
        for seed in read_seeds(
            self.sources,
            field=choice.field,
            skip_bad=choice.skip_bad,
            limit=choice.limit,
            counts=counts or Counts(),
            stdin=self._stdin,
        ):
            text = join_input(seed.instruction, seed.input)
            name = seed_id(text)
            yield Kept(
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
            )


def _spooled(stream: BinaryIO) -> BinaryIO:
    """Copy a stream that can be read but once to where it can be read again."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the plan
    shutil.copyfileobj(stream, copy)
    return cast("BinaryIO", copy)


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that passed every check.

    Attributes:
        settings: as asked.
        seeds: where the seeds come from.
        pack: the prompt pack.
        weights: the operations in use and their weights.
        size: how many seeds there are.
        unanswered: how many of them have no answer.
        digest: of all seeds, in order.
        counts: what the seed files held beside them.
        differences: what makes it another run than the one in the directory, a phrase each.
        additions: what it adds to that run, a phrase each.
        state: what the directory's run.json said, empty for a new run.
    """

    settings: Settings
    seeds: SeedLines
    pack: prompts.Pack
    weights: Mapping[str, float]
    size: int
    unanswered: int
    digest: str
    counts: Counts
    differences: tuple[str, ...]
    additions: tuple[str, ...]
    state: Mapping[str, Any]


def make_plan(sources: Sequence[str], run_dir: RunDir, settings: Settings) -> Plan:
    """Check everything that can be checked without a call.

    Raises:
        UsageError: an operation or a pack that there is not.
        InputError: a pack, a seed file or the directory is wrong.
    """
    run_dir.check()
    pack = prompts.read(prompts.find(settings.recipe.prompts))
    weights = _weights(settings.recipe, pack)
    state = run_dir.state()
    seeds = SeedLines(sources, settings.seeds)
    found = _Comparison(run_dir)
    counts = Counts()
    for line in seeds.read(counts):
        found.see(line)
    differences, additions = _against(state, settings.recipe, pack) if state else ([], [])
    found.report(differences, additions)
    return Plan(
        settings,
        seeds,
        pack,
        weights,
        found.size,
        found.unanswered,
        found.digest.hexdigest(),
        counts,
        tuple(differences),
        tuple(additions),
        state,
    )


def _weights(recipe: Recipe, pack: prompts.Pack) -> dict[str, float]:
    known = {operation.name: operation.weight for operation in pack.operations}
    chosen = dict(recipe.operations) or known
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(
                f"--operations: {name!r} is no operation of the pack {pack.name}{hint};"
                f" there are {', '.join(sorted(known))}."
            )
    if not any(chosen.values()):
        raise UsageError("--operations: every weight is 0; give at least one operation a weight.")
    return chosen


def _against(
    state: Mapping[str, Any], recipe: Recipe, pack: prompts.Pack
) -> tuple[list[str], list[str]]:
    """Compare the recipe with that of the run in the directory."""
    old = Recipe(**state["recipe"])
    differences, additions = [], []
    for name, ours, theirs in recipe.differences(old):
        if name == "generations" and recipe.generations > old.generations:
            additions.append(f"generations {old.generations + 1} to {recipe.generations}")
        elif name != "prompts":  # a pack is known by what it says, not by where it lies
            differences.append(f"{name} was {_shown(theirs)}, now {_shown(ours)}")
    if pack.digest != state["pack"]["digest"]:
        differences.append(f"the prompts of the pack were {state['pack']['name']}, now they differ")
    return differences, additions


def _shown(value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(
            str(item) if name == "default" else f"{name}={item}" for name, item in value.items()
        )
        return inner or "not set"
    return (
        {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


class _Comparison:
    """Holds the seeds, as they are read, against generation 0 of the run in the directory."""

    def __init__(self, run_dir: RunDir) -> None:
        self.size = 0
        self.unanswered = 0
        self.digest = blake2b(digest_size=16)
        self._added = 0
        self._first_other: int | None = None
        self._there = _readable(run_dir)

    def see(self, line: Kept) -> None:
        self.size += 1
        self.unanswered += line.output is None
        self.digest.update(encode(line))
        there = next(self._there, None)
        if there is None:
            self._added += 1
        elif self._first_other is None and not _same_seed(there, line):
            self._first_other = self.size

    def report(self, differences: list[str], additions: list[str]) -> None:
        """Say how the seeds differ from those of the run, or what they add to them."""
        fewer = sum(1 for _ in self._there)
        known = self.size - self._added + fewer
        if self._first_other is not None:
            differences.append(f"seed {self._first_other} is another one")
        elif fewer:
            differences.append(f"the seeds were {known}, now {self.size}")
        elif self._added and known:
            additions.append(f"{self._added} seeds")


def _readable(run_dir: RunDir) -> Iterator[Kept]:
    """Yield the whole lines of generation 0: a crash may have torn the last one."""
    if not run_dir.file(0).exists():
        return
    try:
        yield from run_dir.read(0)
    except InputError:
        return


def _same_seed(there: Kept, line: Kept) -> bool:
    """Tell whether a line is the seed, but for an answer that the run itself added to it."""
    if there.model is not None:
        there = replace(there, model=None, output=None)
    return there == line
