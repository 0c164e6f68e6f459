"""What a whole run would take, at the rate of a preview: calls, tokens and dollars."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from evolinstruct.analysis.state import State


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """What a whole run would take at a preview's rate.

    Attributes:
        seeds: how many seeds it has.
        drawn: how many of them the preview was made from.
        calls: how many calls.
        tokens: how many tokens, prompts and replies; None if the service said nothing.
        cost: dollars; None where a price is unknown.
    """

    seeds: int
    drawn: int
    calls: int
    tokens: int | None
    cost: float | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def extrapolate(state: State) -> Extrapolation:
    """Return what the whole run would take, from the state of a finished preview."""
    drawn = int(state.seeds["used"])
    seeds = state.preview_of or drawn
    calls = round(sum(counts.calls for counts in state.all_counts) * seeds / max(drawn, 1))
    made = sum(used.calls for used in state.usage)
    tokens = [used.tokens for used in state.usage if used.tokens is not None]
    costs = [used.cost for used in state.usage if used.cost is not None]
    share = calls / made if made else 0.0
    return Extrapolation(
        seeds=seeds,
        drawn=drawn,
        calls=calls,
        tokens=round(sum(tokens) * share) if tokens else None,
        cost=sum(costs) * share if len(costs) == len(state.usage) else None,
    )
