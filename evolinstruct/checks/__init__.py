"""Checks: what an instruction demands of its answer, verified by code.

A line's field ``checks`` is one JSON text, a list of ``{"name": …, "args": {…}}``. No code of a
model is run here, and no call is made.
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
    of_rewrite,
    read,
)
from evolinstruct.checks.drawing import draw, go_together, suits
from evolinstruct.checks.table import CONSTRAINTS

__all__ = [
    "CONSTRAINTS",
    "NONE",
    "Check",
    "decode",
    "demanded",
    "draw",
    "encode",
    "faults",
    "findings",
    "go_together",
    "of_rewrite",
    "read",
    "suits",
]
