"""Trials: how often a method fails on the instructions of the development set."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evolinstruct.intervals import of_share
from evolinstruct.run_dir import flat

FILE = "trials.jsonl"
NO_GAIN = "no_difficulty_gained"
"""Why a rewrite fails that is found no harder than its seed; no rule of runs."""


class Outcome(NamedTuple):
    """What became of one instruction: neither is set where it was kept.

    Attributes:
        rule: which rule rejected it.
        missing: why nothing is known of it.
    """

    rule: str | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One method, and how it did.

    Attributes:
        step: the step that brought it; 0 for the pack's own.
        candidate: its number in the step, from 1; 0 for the pack's own.
        method: its text; None where the reply held none.
        feedback: what it was written after.
        refused: why it was not tried.
        tried: how many instructions were evolved with it.
        failures: how many of them were rejected.
        rules: how many each rule rejected, as a JSON object.
        missing: how many more have no outcome, because a call failed.
        chosen: whether it is the method from here on.
    """

    step: int
    candidate: int
    method: str | None
    feedback: str | None
    refused: str | None
    tried: int
    failures: int
    rules: str
    missing: int
    chosen: bool

    @classmethod
    def refusing(
        cls, step: int, candidate: int, why: str, method: str | None, feedback: str | None
    ) -> Trial:
        """Return the trial of a candidate that is not tried."""
        return cls(step, candidate, method, feedback, why, 0, 0, "{}", 0, chosen=False)

    @classmethod
    def of(
        cls,
        step: int,
        candidate: int,
        method: str | None,
        feedback: str | None,
        outcomes: Iterable[Outcome],
    ) -> Trial:
        """Return the trial of a method by what became of the instructions."""
        found = list(outcomes)
        rules = Counter(each.rule for each in found if each.rule is not None)
        missing = sum(each.missing is not None for each in found)
        return cls(
            step,
            candidate,
            method,
            feedback,
            None,
            len(found) - missing,
            rules.total(),
            json.dumps(dict(sorted(rules.items()))),
            missing,
            chosen=False,
        )

    @property
    def rate(self) -> float | None:
        """The failure rate; None where nothing was tried."""
        return self.failures / self.tried if self.tried else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the rate lies nine times in ten, for so few instructions."""
        return None if self.rate is None else of_share(self.rate, self.tried)

    @property
    def by_rule(self) -> Mapping[str, int]:
        """How many each rule rejected."""
        found: dict[str, int] = json.loads(self.rules)
        return found

    @property
    def at_worst(self) -> float:
        """The failure rate if every outcome that is missing were a failure."""
        size = self.tried + self.missing
        return (self.failures + self.missing) / size if size else 1.0

    def is_better_than(self, other: Trial) -> bool:
        """Tell whether it fails less often, whatever its missing outcomes would have been."""
        return other.rate is not None and self.at_worst < other.rate

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **asdict(self),
            "rules": self.by_rule,
            "rate": self.rate,
            "interval": self.interval,
        }


def read_trials(folder: Path) -> Iterator[Trial]:
    """Yield the trials that a folder of `evolinstruct tune` holds, in their order.

    Raises:
        InputError: the file cannot be read, or a line is no trial.
    """
    mend = "move it away and run the same `evolinstruct tune` again, which pays for nothing twice"
    return flat.read(folder / FILE, Trial, "trial", mend)
