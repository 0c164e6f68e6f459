"""The table of all built-in rules, in the order in which they look.

They stand in the modules named after what they look at. Only the rules that calls bring stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from evolinstruct.defaults import REVIEWER
from evolinstruct.elimination import (
    answered,
    answers,
    contamination,
    content,
    demands,
    drift,
    duplicates,
    form,
    garbled,
    language,
    leaks,
    meaning,
    paper,
    placeholders,
    references,
)
from evolinstruct.elimination.rule import Answer, Rewrite, Rule, RuleInfo

_T = TypeVar("_T", bound=RuleInfo)


def _table(*rules: _T) -> Mapping[str, _T]:
    return MappingProxyType({rule.name: rule for rule in rules})


REWRITE_RULES: Mapping[str, Rule[Rewrite]] = _table(
    *paper.STRUCTURAL,
    *leaks.RULES,
    *form.RULES,
    *garbled.REWRITES,
    *language.RULES,
    *answered.RULES,
    *drift.RULES,
    *content.RULES,
    *placeholders.RULES,
    *references.RULES,
    *contamination.REWRITES,
)
"""The rules for rewrites."""

ANSWER_RULES: Mapping[str, Rule[Answer]] = _table(
    *paper.ANSWERS,
    *garbled.ANSWERS,
    *answers.RULES,
    *demands.RULES,
    *contamination.ANSWERS,
)
"""The rules for answers."""

POOL_RULES: Mapping[str, RuleInfo] = _table(*duplicates.RULES, *meaning.RULES)
"""The rules that look at the whole pool; the gate applies them."""

COMPARISON = "no_information_gain"
"""The rule that takes a call; the setting `compare` switches it."""

RULES: Mapping[str, RuleInfo] = _table(
    RuleInfo(
        name="refused_by_service",
        meaning="The service refuses to process the instruction or its evolution.",
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
    RuleInfo(
        name=REVIEWER,
        meaning="A person who reviewed it rejects it.",
        cause="people reject much of what the rules let pass: read their reasons, and look for a "
        "rule, an operation or a model that would spare them the work",
        stage="review",
        cost="a person's time",
    ),
    *POOL_RULES.values(),
    *ANSWER_RULES.values(),
)
"""Every built-in rule; a rejected line names one of these or a rule of the user's own."""


def papers_alone() -> dict[str, bool]:
    """Return what to set so that, of the rules on by default, only the paper's own stay on."""
    return {
        name: False for name, rule in RULES.items() if rule.default == "on" and rule.paper is None
    }


def cause_of(name: str) -> str:
    """Return why many evolutions may fall to a rule."""
    known = RULES.get(name)
    return known.cause if known else "it is a rule of your own: read some of the lines it drops"
