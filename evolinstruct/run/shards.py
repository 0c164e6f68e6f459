"""Shards: the parts into which a run's seeds are divided, and the file in which one is worked on.

A worker fills a journal of its own, a shard's file, with the calls for its part of the seeds. A
table in that file says which shard of which run it is, and how the work went.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

from evolinstruct.errors import InputError, UsageError
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.journal.shard import read_state, settle, write_state
from evolinstruct.run_dir.directory import outside
from evolinstruct.run_dir.owned import OwnedDir
from evolinstruct.settings import Execution, flag_of
from evolinstruct.text import dollars

_MOST = 100_000
_DIVIDED = ("rpm", "tpm", "max_calls", "max_tokens_total", "max_cost")
"""The rates and caps of a run, of which each shard has its part."""
_SPENT = {"max_calls": "calls", "max_tokens_total": "tokens", "max_cost": "cost"}
_LEAST_DOLLARS = Decimal("0.000001")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One of so many parts of a run's seeds, counted from 1.

    Which seeds are its own depends on their ids alone, not on how many there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, word: str) -> Shard:
        """Read a shard that is written as 3/16.

        Raises:
            UsageError: it is none.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", word)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of <= _MOST:
            raise UsageError(
                f"--shard must be written as 3/16, from 1/16 to 16/16 (given: {word!r})."
            )
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, seed_id: str) -> bool:
        """Tell whether a family is one of its own."""
        return int(seed_id, 16) % self.of == self.number - 1

    def includes(self, other: Shard) -> bool:
        """Tell whether all families of another one are its own, too."""
        return other.of % self.of == 0 and (other.number - self.number) % self.of == 0

    def part_of(self, whole: int | Decimal) -> int | Decimal:
        """Return its part of a count or of dollars; those of all shards are no more than all."""
        if isinstance(whole, Decimal):
            return (whole / self.of).quantize(_LEAST_DOLLARS, ROUND_FLOOR)
        return whole * self.number // self.of - whole * (self.number - 1) // self.of


def divided(execution: Execution, shard: Shard, spent: Spending) -> Execution:
    """Return how a shard is worked on: with its part of each rate, and of what caps leave.

    Args:
        execution: how the whole run is carried out.
        shard: which shard.
        spent: what the run has spent so far, without its shards.

    Raises:
        UsageError: a part is nothing.
    """
    parts = dict[str, Any]()
    for name in _DIVIDED:
        whole = getattr(execution, name)
        if whole is None:
            continue
        left = whole - ((getattr(spent, _SPENT[name]) or 0) if name in _SPENT else 0)
        part = shard.part_of(left)
        if part <= 0:
            raise UsageError(
                f"{flag_of(name)} {whole} leaves nothing for the shard {shard}; give a higher one,"
                " or take fewer shards."
            )
        parts[name] = part
    return execution.model_copy(update=parts)


def parts_of(execution: Execution) -> list[str]:
    """Return the rates and caps of a shard, as flags."""
    values = ((name, getattr(execution, name)) for name in _DIVIDED)
    return [
        f"{flag_of(name)} {dollars(value) if name == 'max_cost' else format(value, ',')}"
        for name, value in values
        if value is not None
    ]


class ShardFile(OwnedDir):
    """The file of one shard, which one worker at a time fills."""

    def __init__(self, path: Path) -> None:
        """Name the file; nothing is read or made yet.

        Raises:
            InputError: it lies among the files of a run.
        """
        outside(path)
        super().__init__(path.parent)
        self.lock_name = f".{path.name}.lock"
        self.journal_name = self.state_name = path.name

    def close(self) -> None:
        """Leave the file in one piece, and give the lock back."""
        if self._identities:  # the lock was had, and so the file is nobody else's
            settle(self.journal)
        super().close()

    def state(self) -> dict[str, Any]:
        """Return what the file says of itself; an empty dict if there is none.

        Raises:
            InputError: it cannot be read, or is no shard's file.
        """
        return read_state(self.journal) if self.journal.exists() else {}

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace what the file says of itself."""
        self.check_intact()
        write_state(self.journal, state)


def require_shard(state: Mapping[str, Any], path: Path, run: int, method: int) -> None:
    """Refuse a file that is not a shard of this run, by its state.

    Args:
        state: of the file.
        path: of the file.
        run: the number of the run's journal.
        method: the number of the run's method.

    Raises:
        InputError: it is of another run, or made by another method.
    """
    if state["run"] != run:
        raise InputError(f"{path} is a shard of another run; name the files of this one.")
    if state["method"] != method:
        raise InputError(
            f"{path} is made by method {state['method']}, the run by {method}; work on the shard"
            " with the version of evolinstruct that made the run."
        )


def own_spending(state: Mapping[str, Any]) -> Spending:
    """Return what a run has spent without its shards, by its run.json."""
    spent, shards = state.get("spent", {}), state.get("shards", ())
    names = ("prompt_tokens", "completion_tokens", "unanswered_tokens")
    costs = (Decimal(str(spent.get(name) or 0)) for name in ("cost", "unanswered_cost"))
    return Spending(
        spent.get("calls", 0) - sum(each["calls"] for each in shards),
        sum(spent.get(name) or 0 for name in names) - sum(each["tokens"] for each in shards),
        sum(costs, Decimal(0)) - sum(Decimal(str(each["cost"] or 0)) for each in shards),
    )
