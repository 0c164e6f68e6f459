"""Every rule that comes along, in the order in which they are asked.

Knows the rules by name, those that come with calls included. Which of them are on is chosen
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from evolinstruct.elimination import answers, content, drift, form, paper, pool
from evolinstruct.elimination import contamination as surfaced
from evolinstruct.elimination.rule import Answer, Rewrite, Rule, RuleInfo

_T = TypeVar("_T", bound=RuleInfo)


def _table(*rules: _T) -> Mapping[str, _T]:
    return MappingProxyType({rule.name: rule for rule in rules})


REWRITE_RULES: Mapping[str, Rule[Rewrite]] = _table(
    *paper.STRUCTURAL,
    *paper.REWRITES,
    *form.RULES,
    *drift.RULES,
    *content.RULES,
    *surfaced.REWRITES,
)
"""The rules for rewrites, in the order in which they are asked."""

ANSWER_RULES: Mapping[str, Rule[Answer]] = _table(
    *paper.ANSWERS,
    *answers.RULES,
    *surfaced.ANSWERS,
)
"""The rules for answers, in the order in which they are asked."""

POOL_RULES: Mapping[str, RuleInfo] = _table(*pool.RULES)
"""The rules that look at the whole pool, in the order in which they are asked."""

COMPARISON = "no_information_gain"
"""The rule that takes a call; whether it is on is the setting `compare`."""

RULES: Mapping[str, RuleInfo] = _table(
    RuleInfo(
        name="refused_by_service",
        meaning="The service will not process the instruction or its evolution.",
        cause="a content filter stands before the model: look at the evidence and at the seeds, or "
        "use another service",
        stage="service",
        structural=True,
    ),
    RuleInfo(
        name="too_long",
        meaning="The instruction does not fit into the model's context.",
        cause="seeds or evolved instructions are very long: use a model with a larger context, or "
        "lower --max-tokens",
        stage="service",
        structural=True,
    ),
    RuleInfo(
        name="truncated",
        meaning="The reply was cut off at its limit of tokens.",
        cause="the limit is too low for the model, most of all for one that reasons: raise "
        "--max-tokens",
        stage="service",
        structural=True,
    ),
    *REWRITE_RULES.values(),
    RuleInfo(
        name=COMPARISON,
        meaning="The model finds the rewrite equal to its parent (paper, 1).",
        cause="the rewrites add nothing, or the comparing model calls everything equal: read some "
        "pairs, and try another model for compare",
        stage="comparison",
        paper=1,
        cost="one call, or two",
    ),
    *POOL_RULES.values(),
    *ANSWER_RULES.values(),
)
"""Every rule that a rejected line may name, but those of the user's own."""


def papers_alone() -> dict[str, bool]:
    """Return what to set so that, of the rules on by default, only the paper's own stay on."""
    return {
        name: False
        for name, rule in RULES.items()
        if rule.on and rule.paper is None and not rule.structural and not rule.against
    }


def cause_of(name: str) -> str:
    """Return the usual cause of many evolutions falling to a rule."""
    known = RULES.get(name)
    return known.cause if known else "it is a rule of your own: read some of the lines it drops"
