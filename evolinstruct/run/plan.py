"""Plan: everything that can be checked before the first call, checked.

Reads the prompt pack, all seeds, the test sets and the run directory, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evolinstruct import elimination, equality, prompts, sandbox
from evolinstruct.checks import AGREEMENT
from evolinstruct.contamination import Items
from evolinstruct.elimination import CONTAMINATED
from evolinstruct.errors import InputError, UsageError
from evolinstruct.evolution.answering import PURPOSE as ANSWER
from evolinstruct.evolution.calls import answers_asked
from evolinstruct.purposes import asked_by, asks_sandbox
from evolinstruct.records import Kept
from evolinstruct.run.differences import (
    SeedComparison,
    check_state,
    differing_method,
    differing_reviews,
    differing_rules,
    differing_settings,
    is_preview,
)
from evolinstruct.run.seed_lines import SeedLines
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.reviews import NONE, Reviews, read_reviews
from evolinstruct.seeds import SeedCounts
from evolinstruct.seeds.test_items import read_test_items
from evolinstruct.settings import Recipe, Settings
from evolinstruct.settings.kinds import VERIFIED, WAYS_TO_PICK
from evolinstruct.text import command, did_you_mean


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
        counts: what the seed files held besides.
        differences: what makes it another run than the one in the directory, a phrase each.
        additions: what it adds to that run, a phrase each.
        state: what the directory's run.json said, empty for a new run.
        rules: the elimination rules that are on, with their settings.
        against: the test items that no text may hold; None if none are given.
        contaminated: how many of the seeds hold one.
        reviews: what people decided about its lines, as far as that is asked for.
    """

    settings: Settings
    seeds: SeedLines
    pack: prompts.Pack
    weights: Mapping[str, float]
    size: int
    unanswered: int
    digest: str
    counts: SeedCounts
    differences: tuple[str, ...]
    additions: tuple[str, ...]
    state: Mapping[str, Any]
    rules: Mapping[str, Any]
    against: Items | None
    contaminated: int
    reviews: Reviews


def make_plan(
    sources: Sequence[str], run_dir: RunDir, settings: Settings, preview: int | None = None
) -> Plan:
    """Check everything that can be checked without a call.

    With `preview`, plan a preview: a run of only so many of the seeds, drawn by the run's seed.

    Raises:
        UsageError: an operation, a rule or a pack is unknown.
        InputError: a pack, a seed file, a test set, a review or the directory is wrong.
    """
    run_dir.check_place()
    recipe = settings.recipe
    pack = prompts.read(prompts.find(recipe.prompts))
    weights = weights_in_use(recipe, pack)
    check_answers(recipe, pack)
    equality.require(recipe.equality)
    against = read_test_items(recipe.against) if recipe.against else None
    rules = elimination.choose(
        recipe.rules, eliminate=recipe.eliminate, test_items=against
    ).described()
    state = run_dir.state()
    check_state(run_dir, state)
    if not state and any(map(asks_sandbox, asked_by(recipe, pack.checks))):
        # A run that goes on may find all that it needs in its journal.
        sandbox.check_there(recipe.sandbox)
    reviews = read_reviews(run_dir.path) if recipe.reviews else NONE
    seeds = SeedLines(sources, settings.seeds, preview, recipe.seed)
    if preview:
        _refuse_whole_run(run_dir, state)
    found = SeedComparison(run_dir, state, grows_anywhere=is_preview(state))
    counts = SeedCounts()
    contaminated = _Contaminated(against, rules.get(CONTAMINATED))
    for line in seeds.read(counts):
        found.see(line)
        contaminated.see(line)
    differences, additions = differing_settings(state, recipe, pack) if state else ([], [])
    if state:
        differences += differing_rules(state, recipe, rules)
        differences += differing_reviews(state, reviews)
        differences += differing_method(state)
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
        contaminated.count,
        reviews,
    )


def _refuse_whole_run(run_dir: RunDir, state: Mapping[str, Any]) -> None:
    if state and not is_preview(state):
        raise InputError(
            f"{run_dir.path} holds a whole run; look at it with"
            f" `{command('evolinstruct', 'show', run_dir.path)}`,"
            " or name another directory with -o."
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
            hint = did_you_mean(name, known)
            raise UsageError(
                f"There is no operation {name!r} in the pack {pack.name}{hint};"
                f" there are {', '.join(sorted(known))}."
            )
    if not any(chosen.values()):
        raise UsageError("Every operation has the weight 0; give at least one a weight.")
    return chosen


def check_answers(recipe: Recipe, pack: prompts.Pack) -> None:
    """Refuse settings by which no answer can be picked.

    Raises:
        UsageError: they say nothing, or something that cannot be.
    """
    asked, pick = answers_asked(recipe, pack.checks), recipe.pick
    agrees = AGREEMENT in pack.checks
    if not recipe.answers:
        if pick:
            raise UsageError(f"--pick {pick} has nothing to take at --answers 0; leave one out.")
        if recipe.evolve_answers:
            raise UsageError(
                f"--evolve-answers {recipe.evolve_answers} has nothing to rewrite at --answers 0;"
                " leave one out."
            )
    elif asked > 1 and not (pick or agrees):
        ways = " or ".join(f"--pick {way}" for way in WAYS_TO_PICK)
        raise UsageError(f"Of {asked} answers one is taken; say how: {ways}.")
    elif pick and asked == 1:
        raise UsageError(f"--pick {pick} takes one of several answers; ask for them: --answers 3.")
    elif pick == VERIFIED and agrees:
        raise UsageError(
            f"--pick {pick} stops at the first answer that holds, and the pack {pack.name} checks"
            " whether all of them agree; leave --pick out."
        )
    elif pick == VERIFIED and not pack.verifies:
        raise UsageError(
            f"--pick {pick} goes by checks, and the pack {pack.name} has none; take --prompts"
            " verifiable, or another --pick."
        )
    elif asked > 1 and not recipe.may_vary(ANSWER):
        raise UsageError(
            f"{asked} answers at temperature 0 are {asked} times the same one; set --temperature"
            f" {ANSWER}=0.7, or another above 0."
        )


class _Contaminated:
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
