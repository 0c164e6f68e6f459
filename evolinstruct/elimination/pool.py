"""The rules that look at the whole pool: what is known of them, and what can be set.

They are asked at the gate, where all that came before is at hand; how alike two texts are is
measured elsewhere.
"""

from __future__ import annotations

from evolinstruct import similarity as likeness
from evolinstruct.elimination.rule import RuleInfo, Setting

DUPLICATE, NEAR_DUPLICATE = "duplicate", "near_duplicate"
_CAUSE = (
    "the seeds are alike to begin with, or the model makes the same of many, most of all in"
    " breadth: look at the pairs with `evolinstruct trace`, raise the temperature, or use seeds"
    " that are more diverse"
)

RULES: tuple[RuleInfo, ...] = (
    RuleInfo(
        name=DUPLICATE,
        meaning="The rewrite has the same words and signs as an instruction of another family.",
        cause=_CAUSE,
        stage="pool",
    ),
    RuleInfo(
        name=NEAR_DUPLICATE,
        meaning="The rewrite is nearly the same as an instruction of another family.",
        cause=_CAUSE,
        stage="pool",
        settings=(
            Setting("likeness", 0.8, 0.7, 1, "the share of word shingles in common"),
            Setting("differing", 12, 0, 10_000, "shingles that one of the two alone may have"),
        ),
        digest=likeness.version(),
    ),
)
"""In the order in which they are asked."""
