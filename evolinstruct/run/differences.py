"""Differences between what is asked for and the run that is in the directory.

A difference makes another run, which needs ``--update``; an addition only extends the one that is
there. Settings are compared by what they say, not by the files that they were read from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from types import NoneType
from typing import Any

from evolinstruct import defaults, prompts
from evolinstruct.errors import InputError
from evolinstruct.evolution.preferring import judged_by
from evolinstruct.records import Kept, encode
from evolinstruct.run.counts import Counts
from evolinstruct.run.seed_lines import as_read
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.lines import LazyLine
from evolinstruct.run_dir.reviews import Reviews
from evolinstruct.settings import Recipe

_PARTS: dict[str, type | tuple[type, ...]] = {
    "status": str,
    "recipe": dict,
    "seeds": dict,
    "pack": dict,
    "generations": list,
    "usage": list,
    "rules": (dict, NoneType),
    "dataset": (dict, NoneType),
}
"""What a run.json consists of, as far as a run goes on from it."""
_KNOWN_BY_WHAT_THEY_SAY = ("prompts", "rules", "against", "reviews")


def check_state(run_dir: RunDir, state: Mapping[str, Any]) -> None:
    """Refuse a run.json that no run has written, before anything is concluded from it.

    Raises:
        InputError: a part is missing or wrong, or the run is of a newer method.
    """
    if not state:
        return
    if method_of(state) > defaults.METHOD:
        raise InputError(
            f"{run_dir.path} holds a run of a newer method, which evolinstruct"
            f" {_version(state)} finishes; use that version, or choose another directory with -o."
        )
    try:
        for name, kind in _PARTS.items():
            _require(state, name, kind)
        Recipe.of_run(state["recipe"])
        _require(state["pack"], "digest", str)
        for record in state["generations"]:
            _require(record, "made_from", str)
            _require(record, "files", dict)
            Counts.from_json(record["tally"])
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(
            f"{run_dir.path / 'run.json'} is not as it was written"
            f" ({str(error).splitlines()[0]});"
            " restore it from a copy, or choose another directory with -o."
        ) from error


def method_of(state: Mapping[str, Any]) -> int:
    """Return the number of the method that a run is made by; runs before 0.2 do not say it."""
    method = state.get("method", 1)
    return method if isinstance(method, int) else 1


def _version(state: Mapping[str, Any]) -> str:
    return str(state.get("versions", {}).get("evolinstruct", "of that time"))


def differing_method(state: Mapping[str, Any]) -> Iterator[str]:
    """Say that the run in the directory is made by an older method, if it is."""
    if method_of(state) != defaults.METHOD:
        yield (
            f"it is made by method {method_of(state)}, now {defaults.METHOD}"
            f" (evolinstruct {_version(state)} finishes it as it is)"
        )


def _require(said: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> None:
    if not isinstance(said.get(name), kind):
        raise TypeError(f"{name}: {said.get(name)!r}"[:80])


def differing_settings(
    state: Mapping[str, Any], recipe: Recipe, pack: prompts.Pack
) -> tuple[list[str], list[str]]:
    """Return the differences and the additions that settings and prompts make, a phrase each.

    Args:
        state: what the run.json in the directory says.
        recipe: what is asked for.
        pack: the prompts that are to be used.
    """
    old = Recipe.of_run(state["recipe"])
    differences, additions = [], []
    for name, ours, theirs in recipe.differences(old):
        if name == "generations" and recipe.generations > old.generations:
            additions.append(_generations(old.generations + 1, recipe.generations))
        elif name not in (
            "prompts",
            "rules",
            "against",
            "reviews",
        ):  # known by what they say: see below
            verb = "were" if name.endswith("s") else "was"
            differences.append(f"{name} {verb} {_shown(theirs)}, now {_shown(ours)}")
    judge = state.get("judged_by")
    if recipe.judges and judge and judge != judged_by(recipe, pack):
        differences.append("the prompt of the judge of answers differs")
    if pack.digest != state["pack"]["digest"]:
        differences.append(f"the prompts of the pack were {state['pack']['name']}, now they differ")
    return differences, additions


def differing_rules(
    state: Mapping[str, Any], recipe: Recipe, rules: Mapping[str, Any]
) -> Iterator[str]:
    """Say which rules judge otherwise than those of the run in the directory.

    Args:
        state: what its run.json says.
        recipe: what is asked for.
        rules: the rules that are to be on, with their settings.
    """
    there = state.get("rules")
    if Recipe.of_run(state["recipe"]).eliminate != recipe.eliminate:
        return  # which says it all
    if there is None:
        yield "it was made with the rules of an earlier version"
        return
    for name in {**there, **rules}:
        if there.get(name) != rules.get(name):
            was, now = _shown_rule(there.get(name)), _shown_rule(rules.get(name))
            yield f"the rule {name} was {was}, now {now}"


def differing_reviews(state: Mapping[str, Any], reviews: Reviews) -> Iterator[str]:
    """Say that other decisions of people apply than to the run in the directory, if they do."""
    there = state.get("reviews") or {"lines": 0, "digest": ""}
    if there["digest"] != reviews.digest:
        were, now = there["lines"], reviews.changes
        how = "they differ" if were == now else f"now {now:,}"
        yield f"the lines that people reject or edit were {were:,}, {how}"


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


def is_preview(state: Mapping[str, Any]) -> bool:
    """Tell whether the seeds in the directory are drawn from more, which may come between them."""
    return state.get("seeds", {}).get("drawn_from") is not None


class SeedComparison:
    """Compares the seeds, while they are read, with generation 0 of the run in the directory.

    Attributes:
        size: how many seeds came.
        unanswered: how many of them have no answer.
        digest: of all of them, in order.
    """

    def __init__(self, run_dir: RunDir, state: Mapping[str, Any], *, grows_anywhere: bool) -> None:
        """Read along with the seeds that the run has.

        Args:
            run_dir: where they are.
            state: what the run.json there says.
            grows_anywhere: whether new seeds may come between them, or only after the last.
        """
        self._grows_anywhere = grows_anywhere
        self._asked_before = state.get("seeds", {}).get("digest")
        self._were_written = bool(state.get("generations"))
        self.size = 0
        self.unanswered = 0
        self.digest = blake2b(digest_size=16)
        self._added = 0
        self._first_other: int | None = None
        self._there = _readable(run_dir)
        self._next = next(self._there, None)

    def see(self, line: Kept) -> None:
        """Compare the next seed."""
        self.size += 1
        self.unanswered += line.output is None
        written = encode(line)
        self.digest.update(written)
        is_same = self._is_next(line, written)
        if self._next is None or (self._grows_anywhere and not is_same):
            self._added += 1
            return
        self._next = next(self._there, None)
        if self._first_other is None and not is_same:
            self._first_other = self.size

    def _is_next(self, line: Kept, written: bytes) -> bool:
        """Tell whether the next line there is this one, but for an answer that the run added."""
        if self._next is None or self._next.raw == written:
            return self._next is not None
        try:
            there: Kept = self._next.parse()
        except InputError:  # it ends here: what comes is written again
            self._there, self._next = iter(()), None
            return False
        return there.model is not None and as_read(there) == line

    def report(self, differences: list[str], additions: list[str]) -> None:
        """Add how the seeds differ from those of the run, or what they add to it."""
        if self.digest.hexdigest() == self._asked_before:
            return  # whatever became of the file that they were written to
        fewer = sum(1 for _ in self._there) + (self._next is not None)
        known = self.size - self._added + fewer
        if self._first_other is not None:
            differences.append(f"seed {self._first_other} is another one")
        elif fewer:
            differences.append(f"the seeds were {known}, now {self.size}")
        elif self._added and known and self._were_written:
            additions.append(f"{self._added} seed{'s' if self._added > 1 else ''}")


def _readable(run_dir: RunDir) -> Iterator[LazyLine]:
    """Yield the whole lines of generation 0: a crash may have torn the last one."""
    return run_dir.lazy_lines(0) if run_dir.file(0).exists() else iter(())
