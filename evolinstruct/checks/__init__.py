"""Checks of an answer: by its text alone, or by what was seen when it was made.

A constraint is stated by the instruction and verified by code. A pack may name checks of its own
(`SEEN`), which hold what they saw. A line's field ``checks`` is one JSON text, a list of
``{"name": …, "args": {…}}``. No code of a model is run here, and no call is made.
"""

from __future__ import annotations

from evolinstruct.checks.check import (
    NONE,
    Check,
    decode,
    demanded,
    encode,
    faults,
    findings,
    lacks,
    of_rewrite,
    read,
    result_of,
    seen_faults,
    tests_of,
)
from evolinstruct.checks.drawing import draw, go_together, suits
from evolinstruct.checks.seen import AGREEMENT, SEEN, UNIT_TESTS, SeenCheck
from evolinstruct.checks.table import CONSTRAINTS

__all__ = [
    "AGREEMENT",
    "CONSTRAINTS",
    "NONE",
    "SEEN",
    "UNIT_TESTS",
    "Check",
    "SeenCheck",
    "decode",
    "demanded",
    "draw",
    "encode",
    "faults",
    "findings",
    "go_together",
    "lacks",
    "of_rewrite",
    "read",
    "result_of",
    "seen_faults",
    "suits",
    "tests_of",
]
