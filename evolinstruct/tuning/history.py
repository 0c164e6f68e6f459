"""How a tuned pack came about, as the folder beside it tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from evolinstruct.errors import InputError, UsageError
from evolinstruct.tuning.directory import TunedDir
from evolinstruct.tuning.trial import Trial, read_trials


class Step(NamedTuple):
    """One step of tuning.

    Attributes:
        number: of the step; in step 0 the pack's own method is tried.
        trials: of its candidates.
        used: the method that is in use after it.
    """

    number: int
    trials: Sequence[Trial]
    used: Trial

    @property
    def best(self) -> Trial | None:
        """The candidate that failed least often; None where none was tried."""
        tried = [trial for trial in self.trials if trial.rate is not None]
        return min(tried, key=lambda trial: trial.rate or 0.0, default=None)


class Took(NamedTuple):
    """What one step took: calls, tokens in and out, and dollars, None where they are unknown."""

    calls: int
    tokens: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class History:
    """What was tried, and what it took.

    Attributes:
        pack: the folder of the pack.
        trials: every method, in order.
        state: what the folder says of how tuning went.
    """

    pack: Path
    trials: Sequence[Trial]
    state: dict[str, Any]

    def steps(self) -> Iterator[Step]:
        """Yield the steps that were made."""
        used = self.trials[0]
        for number, group in groupby(self.trials, lambda trial: trial.step):
            trials = list(group)
            used = next((trial for trial in trials if trial.chosen), used)
            yield Step(number, trials, used)

    def took(self, step: int) -> Took:
        """Return what a step took."""
        rows = [row for row in self.state.get("usage", []) if row["generation"] == step]
        costs = [row["cost"] for row in rows]
        known = None if None in costs else sum((Decimal(str(each)) for each in costs), Decimal(0))
        tokens = sum(row["prompt_tokens"] + row["completion_tokens"] for row in rows)
        return Took(sum(row["calls"] for row in rows), tokens, known)


def find_tuned(paths: Sequence[Path]) -> Path | None:
    """Return the only one of these folders if it is that of a tuned pack; None if none is.

    Raises:
        UsageError: one of several is.
    """
    tuned = [path for path in paths if TunedDir(path).history.lines.exists()]
    if tuned and len(paths) > 1:
        raise UsageError(f"{tuned[0]} is a tuned pack, which has a page of its own; name it alone.")
    return tuned[0] if tuned else None


def read_history(pack: Path) -> History:
    """Read how a tuned pack came about.

    Raises:
        InputError: a file cannot be read, or nothing was tried so far.
    """
    directory = TunedDir(pack).history
    trials = list(read_trials(directory.path))
    if not trials:
        raise InputError(f"{directory.lines} holds no trial yet; run the same tune to its end.")
    return History(pack, trials, directory.state())
