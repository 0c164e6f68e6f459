"""What run.json says of a run, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolinstruct.errors import InputError
from evolinstruct.run.counts import Counts
from evolinstruct.run_dir.directory import RunDir

if TYPE_CHECKING:
    from evolinstruct.settings import Recipe


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What the calls of one generation, operation and purpose took, over all commands.

    Attributes:
        generation: which one; 0 where seeds are answered.
        operation: which one; None where seeds are answered.
        purpose: what the calls were for: evolve, compare or answer.
        calls: how many there were.
        prompt_tokens: tokens of all prompts; None if the service reported none.
        completion_tokens: tokens of all replies.
        cost: dollars; None where a price is unknown.
        cached_tokens: of the prompts', those that the service had in its cache; None if none.
    """

    generation: int
    operation: str | None
    purpose: str
    calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None
    cached_tokens: int | None = None

    @property
    def tokens(self) -> int | None:
        """Tokens of prompts and replies together."""
        if self.prompt_tokens is None and self.completion_tokens is None:
            return None
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)


@dataclass(frozen=True)
class State:
    """What run.json says: what was asked for, what the run was made with, and how it went.

    Attributes:
        status: ``done``, ``running``, or the sentence that the last command ended with.
        exit_code: the exit code of the last command; None while it is running, or if it was killed.
        started: when the last command began.
        ended: when it ended, or None.
        versions: versions of the programs that made it.
        asked: what was asked for, as run.json has it; see `recipe`.
        seeds: the seed files, how they were read, and how many seeds there are.
        pack: name of the prompt pack.
        all_counts: the counts of each complete generation, the seeds included.
        dataset_lines: how many lines dataset.jsonl holds; None if it was not made.
        usage: what the calls used, by generation, operation and purpose.
        in_vain: how many calls were prefetched that no line has used.
        file: run.json.
    """

    status: str
    exit_code: int | None
    started: datetime | None
    ended: datetime | None
    versions: Mapping[str, str]
    asked: Mapping[str, Any]
    seeds: Mapping[str, Any]
    pack: str
    all_counts: tuple[Counts, ...]
    dataset_lines: int | None
    usage: tuple[UsageRow, ...]
    in_vain: int
    file: Path

    @cached_property
    def recipe(self) -> Recipe:
        """What was asked for.

        Raises:
            InputError: a setting is not one that this version reads.
        """
        from evolinstruct.settings import Recipe  # noqa: PLC0415 - slow

        try:
            return Recipe.of_run(self.asked)
        except (TypeError, ValueError) as error:
            raise _unreadable(self.file, error) from error

    @property
    def is_done(self) -> bool:
        """Whether all generations are complete."""
        return self.status == "done"

    @property
    def seconds(self) -> float | None:
        """How long the last command took; None while it is running."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()

    @property
    def preview_of(self) -> int | None:
        """How many seeds those of a preview were drawn from; None for a whole run."""
        return self.seeds.get("drawn_from")


def read_state(run_dir: RunDir) -> State:
    """Read run.json.

    Raises:
        InputError: it cannot be read, or is of another version.
    """
    said = run_dir.state()
    try:
        return State(
            status=said["status"],
            exit_code=said.get("exit_code"),
            started=_time(said.get("started")),
            ended=_time(said.get("ended")),
            versions=said.get("versions", {}),
            asked={**said["recipe"]},
            seeds=said.get("seeds", {}),
            pack=said.get("pack", {}).get("name", ""),
            all_counts=tuple(
                Counts.from_json(item["tally"]) for item in said.get("generations", ())
            ),
            dataset_lines=(said.get("dataset") or {}).get("lines"),
            usage=tuple(_usage_row(row) for row in said.get("usage", ())),
            in_vain=said.get("spent", {}).get("in_vain", 0),
            file=run_dir.path / "run.json",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable(run_dir.path / "run.json", error) from error


def _unreadable(file: Path, error: Exception) -> InputError:
    return InputError(
        f"{file} is not as this version of evolinstruct writes it"
        f" ({type(error).__name__}: {str(error).splitlines()[0]}); look at the run with the version"
        " that made it, or run its `evolve` command again."
    )


def _time(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)


def _usage_row(row: Mapping[str, Any]) -> UsageRow:
    known: dict[str, Any] = {field.name: row.get(field.name) for field in fields(UsageRow)}
    cost = known["cost"]
    return UsageRow(**{**known, "calls": known["calls"] or 0, "cost": cost and float(cost)})
