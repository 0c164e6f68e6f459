"""The rules that drop an evolution: texts in, evidence or None out.

They are the paper's rules, and further ones for what its follow-ups saw go wrong. Each is a pure
function with a name, a meaning and parameters of its own.
"""

from __future__ import annotations

from evolinstruct.elimination.builtin import (
    ANSWER_RULES,
    COMPARISON,
    POOL_RULES,
    REWRITE_RULES,
    RULES,
    cause_of,
    papers_alone,
)
from evolinstruct.elimination.contamination import CONTAMINATED
from evolinstruct.elimination.duplicates import DUPLICATE, NEAR_DUPLICATE
from evolinstruct.elimination.meaning import NEAR_MEANING
from evolinstruct.elimination.plugins import names as names_of_others
from evolinstruct.elimination.rule import (
    Answer,
    Objection,
    Parameter,
    Rewrite,
    Rule,
    RuleInfo,
    Setting,
)
from evolinstruct.elimination.ruleset import RuleSet, RuleSetting, choose, find, parse_words

__all__ = [
    "ANSWER_RULES",
    "COMPARISON",
    "CONTAMINATED",
    "DUPLICATE",
    "NEAR_DUPLICATE",
    "NEAR_MEANING",
    "POOL_RULES",
    "REWRITE_RULES",
    "RULES",
    "Answer",
    "Objection",
    "Parameter",
    "Rewrite",
    "Rule",
    "RuleInfo",
    "RuleSet",
    "RuleSetting",
    "Setting",
    "cause_of",
    "choose",
    "find",
    "names_of_others",
    "papers_alone",
    "parse_words",
]
