"""Reasons: why instructions were passed over, in words."""

from __future__ import annotations

from collections import Counter

from evolinstruct.text import one_line

_REASONS = {
    "copy": "{} of a text that is taken",
    "no_answer": "{} without an answer",
    "no_value": "{} for which the expression has no value",
    "in_no_band": "{} in none of the bands",
    "held_out": "{} held out",
    "not_embedded": "{} not embedded",
    "not_drawn": "{} not drawn into the sample that is compared",
    "too_alike": "{} too like a better one",
    "band_full": "{} more than their bands take",
    "worth_less": "{} worth less",
    "less_spread": "{} near one that is taken",
}
_NO_SCORE = "no_score_of_"


def in_words(passed: Counter[str]) -> list[str]:
    """Return what was passed over, the most frequent reason first."""
    return [_reason(name, count) for name, count in passed.most_common()]


def _reason(name: str, count: int) -> str:
    if name.startswith(_NO_SCORE):
        return f"{count:,} without a score of {one_line(name.removeprefix(_NO_SCORE))}"
    return _REASONS[name].format(f"{count:,}")
