"""The state of a run: what its run.json says, as typed values.

Reads what this version and older ones wrote. Knows nothing of a run's lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from evolinstruct.errors import InputError
from evolinstruct.run.counts import Counts
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.settings import Recipe


@dataclass(frozen=True, slots=True)
class Used:
    """What the calls of one generation, operation and purpose took, over all commands.

    Attributes:
        generation: 0 where seeds are answered.
        operation: its name; None where seeds are answered.
        purpose: evolve, compare, answer.
        calls: how many.
        prompt_tokens: tokens of all prompts; None if the service said nothing.
        completion_tokens: tokens of all replies.
        cost: dollars; None where a price is unknown.
    """

    generation: int
    operation: str | None
    purpose: str
    calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None

    @property
    def tokens(self) -> int | None:
        """Tokens of prompts and replies together."""
        if self.prompt_tokens is None and self.completion_tokens is None:
            return None
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)


@dataclass(frozen=True, slots=True)
class State:
    """What run.json says: what was asked, made with what, and how it went.

    Attributes:
        status: ``done``, ``running``, or the sentence that the last command ended with.
        exit_code: of the last command; None while it is running, or was killed.
        started: when the last command began.
        ended: when it ended, or None.
        versions: of the programs that made it.
        recipe: what was asked for.
        seeds: the seed files, how they were read, and how many seeds there are.
        pack: name of the prompt pack.
        all_counts: the counts of each generation that is complete, that of the seeds included.
        dataset_lines: how many lines dataset.jsonl holds; None if it was not made.
        usage: what the calls used, by generation, operation and purpose.
    """

    status: str
    exit_code: int | None
    started: datetime | None
    ended: datetime | None
    versions: Mapping[str, str]
    recipe: Recipe
    seeds: Mapping[str, Any]
    pack: str
    all_counts: tuple[Counts, ...]
    dataset_lines: int | None
    usage: tuple[Used, ...]

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
            recipe=Recipe.of_run(said["recipe"]),
            seeds=said.get("seeds", {}),
            pack=said.get("pack", {}).get("name", ""),
            all_counts=tuple(
                Counts.from_json(item["tally"]) for item in said.get("generations", ())
            ),
            dataset_lines=(said.get("dataset") or {}).get("lines"),
            usage=tuple(_used(row) for row in said.get("usage", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{run_dir.path / 'run.json'} is not as this version of evolinstruct writes it"
            f" ({type(error).__name__}: {str(error).splitlines()[0]}); look at the run with the"
            " version that made it, or run its `evolve` command again."
        ) from error


def _time(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)


def _used(row: Mapping[str, Any]) -> Used:
    known: dict[str, Any] = {field.name: row.get(field.name) for field in fields(Used)}
    cost = known["cost"]
    return Used(**{**known, "calls": known["calls"] or 0, "cost": cost and float(cost)})
