"""Summary: how a run went, for stdout and for run.json. It never holds a secret."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

from evolinstruct.defaults import METHOD
from evolinstruct.evolution.preferring import judged_by
from evolinstruct.llm import address
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.prices import Applied
from evolinstruct.llm.usage import Account
from evolinstruct.run.counts import Counts
from evolinstruct.run.plan import Plan
from evolinstruct.seeds.sources import writable


@dataclass(slots=True)
class Summary:
    """How a run ended.

    Attributes:
        status: done, or why not.
        exit_code: the command's exit code.
        all_counts: the counts of each generation that was reached.
        dataset: lines, size and digest of dataset.jsonl; None if it was not made.
        calls: how many calls this command made, by purpose.
        replayed: how many the journal spared it.
        seconds: how long this command has taken.
        spent: what was ever spent in the run directory.
        in_vain: how many calls were ever prefetched and are used by no line so far.
        usage: the same by generation, operation, purpose, model and service tier.
        prices: at which this command reckoned what it spent.
        journal: the number of the journal.
    """

    status: str = "running"
    exit_code: int | None = None
    all_counts: list[Counts] = field(default_factory=list)
    dataset: dict[str, Any] | None = None
    calls: dict[str, int] = field(default_factory=dict)
    replayed: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    spent: Spending = field(default_factory=Spending)
    in_vain: int = 0
    usage: list[Account] = field(default_factory=list)
    prices: list[Applied] = field(default_factory=list)
    journal: int | None = None

    @property
    def dataset_lines(self) -> int | None:
        """How many lines dataset.jsonl holds; None if it was not made."""
        return None if self.dataset is None else int(self.dataset["lines"])

    @property
    def kept(self) -> int:
        """How many rewrites were kept in all generations."""
        return sum(counts.kept for counts in self.all_counts if counts.generation)

    @property
    def tokens_per_kept(self) -> float | None:
        """Tokens in and out, as reported, for each instruction that was kept; None if none was."""
        tokens = sum(row.prompt_tokens + row.completion_tokens for row in self.usage)
        return round(tokens / self.kept, 1) if self.kept else None

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return {
            "status": self.status,
            "exit_code": self.exit_code,
            "dataset_lines": self.dataset_lines,
            "calls": self.calls,
            "replayed": self.replayed,
            "spent": self.spent_to_json(),
            "generations": [counts.to_json() for counts in self.all_counts],
        }

    def spent_to_json(self) -> dict[str, Any]:
        """Return what was ever spent; calls without a reply apart, at the most they can cost."""
        usage = self.usage
        return {
            "calls": self.spent.calls,
            "prompt_tokens": sum(row.prompt_tokens for row in usage),
            "completion_tokens": sum(row.completion_tokens for row in usage),
            "cached_tokens": _reported([row.cached_tokens for row in usage]),
            "reasoning_tokens": _reported([row.reasoning_tokens for row in usage]),
            "cost": _known([row.cost for row in usage]),
            "refused": sum(row.refused for row in usage),
            "unanswered": sum(row.unanswered_calls for row in usage),
            "unanswered_tokens": sum(row.unanswered_tokens for row in usage),
            "unanswered_cost": _known([row.unanswered_cost for row in usage]),
            "tokens_per_kept": self.tokens_per_kept,
            "in_vain": self.in_vain,
        }


def _reported(counts: list[int | None]) -> int | None:
    """Return the sum of what was reported, None where nothing was."""
    found = [count for count in counts if count is not None]
    return sum(found) if found else None


def _known(costs: list[float | None]) -> float | None:
    """Return the sum in dollars, None where a part of it is unknown."""
    found = [cost for cost in costs if cost is not None]
    return round(sum(found), 9) if len(found) == len(costs) else None


def describe(
    plan: Plan, summary: Summary, records: Sequence[dict[str, Any]], started: str
) -> dict[str, Any]:
    """Return the content of run.json: what was asked, made with what, and how it went."""
    recipe, execution = plan.settings.recipe, plan.settings.execution
    return {
        "method": METHOD,
        "status": summary.status,
        "exit_code": summary.exit_code,
        "started": started,
        "ended": None if summary.exit_code is None else now(),
        "versions": _versions(),
        "recipe": recipe.model_dump(),
        "rules": dict(plan.rules),
        "reviews": _reviews(plan),
        "conduct": _without_secrets(execution.model_dump(mode="json")),
        "seeds": {
            "files": [writable(name) for name in plan.seeds.sources],
            **plan.settings.seeds.model_dump(),
            "used": plan.size,
            "drawn_from": _drawn_from(plan, records),
            "duplicates": plan.counts.duplicates,
            "skipped": plan.counts.skipped,
            "digest": plan.digest,
        },
        "pack": {"name": plan.pack.name, "digest": plan.pack.digest},
        "judged_by": judged_by(recipe, plan.pack),
        "generations": list(records),
        "dataset": summary.dataset,
        "journal": summary.journal,
        "spent": summary.spent_to_json(),
        "usage": [account.to_json() for account in summary.usage],
        "prices": _prices(plan, summary),
        "shards": list(plan.state.get("shards", ())),
    }


def _reviews(plan: Plan) -> dict[str, Any] | None:
    reviews = plan.reviews
    return {"lines": reviews.changes, "digest": reviews.digest} if reviews.digest else None


def _prices(plan: Plan, summary: Summary) -> list[dict[str, Any]]:
    """Return the prices that this and earlier commands reckoned at, each once."""
    known: list[dict[str, Any]] = [*plan.state.get("prices", ())]
    new = (applied.to_json() for applied in summary.prices)
    return known + [row for row in new if row not in known]


def _drawn_from(plan: Plan, records: Sequence[dict[str, Any]]) -> int | None:
    """Return of how many seeds a preview's are drawn: an earlier preview's, until it has grown."""
    if plan.seeds.drawn_from is not None or records:
        return plan.seeds.drawn_from
    earlier: int | None = plan.state.get("seeds", {}).get("drawn_from")
    return earlier


def now() -> str:
    """Return the present time, for run.json."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def _versions() -> dict[str, str]:
    names = ("evolinstruct", "openai", "pydantic")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def _without_secrets(execution: dict[str, Any]) -> dict[str, Any]:
    """Leave user names, passwords and queries out of server addresses."""
    urls = {purpose: [*map(address.bare, urls)] for purpose, urls in execution["base_url"].items()}
    return {**execution, "base_url": urls}
