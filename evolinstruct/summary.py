"""How a run went: what a script is told on stdout, and what run.json remembers.

Knows which facts belong there and that no secret does. Knows nothing of how a run is carried out.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from evolinstruct.llm.journal import Spent
from evolinstruct.plan import Plan
from evolinstruct.tally import Tally


@dataclass(slots=True)
class Summary:
    """How a run ended.

    Attributes:
        status: done, or why not.
        exit_code: the command's exit code.
        tallies: the counts of each generation that was reached.
        dataset_lines: how many lines dataset.jsonl holds; None if it was not made.
        calls: how many calls this command made, by purpose.
        replayed: how many the journal spared it.
        usage: what all calls in the journal used.
    """

    status: str = "running"
    exit_code: int | None = None
    tallies: list[Tally] = field(default_factory=list)
    dataset_lines: int | None = None
    calls: dict[str, int] = field(default_factory=dict)
    replayed: dict[str, int] = field(default_factory=dict)
    usage: list[Spent] = field(default_factory=list)

    def calls_of(self, generation: int) -> int:
        """Return how many calls a generation has taken, in whichever command."""
        return sum(spent.calls for spent in self.usage if spent.generation == generation)

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return {
            "status": self.status,
            "exit_code": self.exit_code,
            "dataset_lines": self.dataset_lines,
            "calls": self.calls,
            "replayed": self.replayed,
            "generations": [tally.to_json() for tally in self.tallies],
        }


def describe(
    plan: Plan, summary: Summary, records: Sequence[dict[str, Any]], started: str
) -> dict[str, Any]:
    """Return the content of run.json: what was asked, made with what, and how it went."""
    recipe, conduct = plan.settings.recipe, plan.settings.conduct
    dataset = None if summary.dataset_lines is None else {"lines": summary.dataset_lines}
    return {
        "status": summary.status,
        "exit_code": summary.exit_code,
        "started": started,
        "ended": None if summary.exit_code is None else now(),
        "versions": _versions(),
        "recipe": recipe.model_dump(),
        "conduct": _without_secrets(conduct.model_dump()),
        "seeds": {
            "files": list(plan.seeds.sources),
            **plan.settings.seeds.model_dump(),
            "used": plan.size,
            "duplicates": plan.counts.duplicates,
            "skipped": plan.counts.skipped,
            "digest": plan.digest,
        },
        "pack": {"name": plan.pack.name, "digest": plan.pack.digest},
        "generations": list(records),
        "dataset": dataset,
        "usage": [asdict(spent) for spent in summary.usage],
    }


def now() -> str:
    """Return the present time, for run.json."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    names = ("evolinstruct", "openai", "pydantic")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def _without_secrets(conduct: dict[str, Any]) -> dict[str, Any]:
    """Leave user names, passwords and queries out of server addresses."""
    urls = {purpose: _bare(url) for purpose, url in conduct["base_url"].items()}
    return {**conduct, "base_url": urls}


def _bare(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
