"""What is asked, held against what is there: every check that comes before the first call.

Reads the prompt pack, all seeds and the run directory, and changes nothing. Knows what makes
another run of it, and what only extends it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, cast

from evolinstruct import elimination, prompts
from evolinstruct.contamination import Items
from evolinstruct.elimination import CONTAMINATED
from evolinstruct.errors import InputError, UsageError
from evolinstruct.recipe import Recipe, SeedChoice, Settings
from evolinstruct.records import Kept, encode, join_input, seed_id
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.seeds import Counts, read_seeds
from evolinstruct.seeds.items import read_items
from evolinstruct.selection import draw_sample


class SeedLines:
    """The seeds as lines of generation 0; can be read more than once, standard input too."""

    def __init__(
        self, sources: Sequence[str], choice: SeedChoice, drawn: int | None = None, by: int = 0
    ) -> None:
        """Name the sources; nothing is read yet.

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
        self._stdin = _spooled(sys.stdin.buffer) if "-" in self.sources else None
        if self._stdin is not None:
            weakref.finalize(self, self._stdin.close)

    def read(self, counts: Counts | None = None) -> Iterator[Kept]:
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

    def _all(self, counts: Counts | None = None) -> Iterator[Kept]:
        lines = self._every(counts)
        if self.choice.sample is None:
            return lines
        return (line for line in lines if line.id in self._sample)

    def _every(self, counts: Counts | None = None) -> Iterator[Kept]:
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
            mapping=choice.map,
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
        rules: the elimination rules that are on, with their settings.
        against: the test items that are not to surface; None if none are given.
        contaminated: how many of the seeds hold one.
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
    rules: Mapping[str, Any]
    against: Items | None
    contaminated: int


def make_plan(
    sources: Sequence[str], run_dir: RunDir, settings: Settings, preview: int | None = None
) -> Plan:
    """Check everything that can be checked without a call.

    With `preview`, plan a preview: a run of only so many of the seeds, drawn by the run's seed.

    Raises:
        UsageError: an operation, a rule or a pack that there is not.
        InputError: a pack, a seed file, a test set or the directory is wrong.
    """
    run_dir.check()
    pack = prompts.read(prompts.find(settings.recipe.prompts))
    weights = weights_in_use(settings.recipe, pack)
    recipe = settings.recipe
    against = read_items(recipe.against) if recipe.against else None
    rules = elimination.choose(
        recipe.rules, eliminate=recipe.eliminate, against=against
    ).described()
    state = run_dir.state()
    seeds = SeedLines(sources, settings.seeds, preview, recipe.seed)
    was_preview = _is_preview(state)
    if preview and state and not was_preview:
        raise InputError(
            f"{run_dir.path} holds a whole run; look at it with `evolinstruct show {run_dir.path}`,"
            " or name another directory with -o."
        )
    found = _Comparison(run_dir, grows_anywhere=was_preview)
    counts = Counts()
    surfacing = _Surfacing(against, rules.get(CONTAMINATED))
    for line in seeds.read(counts):
        found.see(line)
        surfacing.see(line)
    differences, additions = _against(state, settings.recipe, pack) if state else ([], [])
    if state:
        differences += _other_rules(state, recipe, rules)
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
        rules,
        against,
        surfacing.count,
    )


def weights_in_use(recipe: Recipe, pack: prompts.Pack) -> dict[str, float]:
    """Return the operations in use and their weights.

    Raises:
        UsageError: the pack has no such operation, or none has a weight.
    """
    known = {operation.name: operation.weight for operation in pack.operations}
    chosen = dict(recipe.operations) or known
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise UsageError(
                f"There is no operation {name!r} in the pack {pack.name}{hint};"
                f" there are {', '.join(sorted(known))}."
            )
    if not any(chosen.values()):
        raise UsageError("Every operation has the weight 0; give at least one a weight.")
    return chosen


def _against(
    state: Mapping[str, Any], recipe: Recipe, pack: prompts.Pack
) -> tuple[list[str], list[str]]:
    """Compare the recipe with that of the run in the directory."""
    old = Recipe(**state["recipe"])
    differences, additions = [], []
    for name, ours, theirs in recipe.differences(old):
        if name == "generations" and recipe.generations > old.generations:
            additions.append(_generations(old.generations + 1, recipe.generations))
        elif name not in ("prompts", "rules", "against"):  # known by what they say: see below
            verb = "were" if name.endswith("s") else "was"
            differences.append(f"{name} {verb} {_shown(theirs)}, now {_shown(ours)}")
    if pack.digest != state["pack"]["digest"]:
        differences.append(f"the prompts of the pack were {state['pack']['name']}, now they differ")
    return differences, additions


def _other_rules(
    state: Mapping[str, Any], recipe: Recipe, rules: Mapping[str, Any]
) -> Iterator[str]:
    """Say which rules judge otherwise than those of the run in the directory."""
    there = state.get("rules")
    if Recipe(**state["recipe"]).eliminate != recipe.eliminate:
        return  # which says it all
    if there is None:
        yield "it was made with the rules of an earlier version"
        return
    for name in {**there, **rules}:
        if there.get(name) != rules.get(name):
            was, now = _shown_rule(there.get(name)), _shown_rule(rules.get(name))
            yield f"the rule {name} was {was}, now {now}"


def _shown_rule(settings: Mapping[str, Any] | None) -> str:
    if settings is None:
        return "off"
    shown = [
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in settings.items()
    ]
    return f"on ({', '.join(shown)})" if shown else "on"


def _generations(first: int, last: int) -> str:
    return f"generation {last}" if first == last else f"generations {first} to {last}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(
            str(item) if name == "default" else f"{name}={item}" for name, item in value.items()
        )
        return inner or "not set"
    return (
        {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


def _is_preview(state: Mapping[str, Any]) -> bool:
    """Tell whether the seeds in the directory are drawn from more, which may come between them."""
    return state.get("seeds", {}).get("drawn_from") is not None


class _Comparison:
    """Holds the seeds, as they are read, against generation 0 of the run in the directory."""

    def __init__(self, run_dir: RunDir, *, grows_anywhere: bool) -> None:
        """Take up the seeds that are there; new ones may come between them, or only at the end."""
        self._grows_anywhere = grows_anywhere
        self.size = 0
        self.unanswered = 0
        self.digest = blake2b(digest_size=16)
        self._added = 0
        self._first_other: int | None = None
        self._there = _readable(run_dir)
        self._next = next(self._there, None)

    def see(self, line: Kept) -> None:
        self.size += 1
        self.unanswered += line.output is None
        self.digest.update(encode(line))
        there, is_same = self._next, self._next is not None and _same_seed(self._next, line)
        if there is None or (self._grows_anywhere and not is_same):
            self._added += 1
            return
        self._next = next(self._there, None)
        if self._first_other is None and not is_same:
            self._first_other = self.size

    def report(self, differences: list[str], additions: list[str]) -> None:
        """Say how the seeds differ from those of the run, or what they add to them."""
        fewer = sum(1 for _ in self._there) + (self._next is not None)
        known = self.size - self._added + fewer
        if self._first_other is not None:
            differences.append(f"seed {self._first_other} is another one")
        elif fewer:
            differences.append(f"the seeds were {known}, now {self.size}")
        elif self._added and known:
            additions.append(f"{self._added} seed{'s' if self._added > 1 else ''}")


class _Surfacing:
    """Counts the seeds that hold a test item."""

    def __init__(self, against: Items | None, settings: Mapping[str, Any] | None) -> None:
        self._against = against if settings is not None else None
        self._settings = settings or {}
        self.count = 0

    def see(self, line: Kept) -> None:
        if self._against is None:
            return
        words, share = int(self._settings["words"]), self._settings["share"]
        found = self._against.index.find(line.instruction, words, share)
        self.count += found is not None and found.is_strong


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
