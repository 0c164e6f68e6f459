"""Optimizing by the offline client: it reads which cases failed, and adds cautions to a method.

A habit of its own that a method warns of does not show where the method is tried. So a method gets
better by each caution that it gains, and worse by each that it loses: as good as drawn.
"""

from __future__ import annotations

import re

from evolinstruct.llm.base import CallContext
from evolinstruct.llm.offline.grammar import Writer
from evolinstruct.llm.offline.misbehaving import CAUTIONS

_FAILED = re.compile(
    r"^Case (\d+)$(?:(?!^Case \d).)*?\(rejected by (\w+)", re.MULTILINE | re.DOTALL
)
_MOST_ADDED = 3
_DROPS_IN = 3
"""One rewritten method in so many lacks a line of the one before."""


def analyse(context: CallContext, writer: Writer) -> str:
    """Return which cases failed and by which rule, and what the method does not say."""
    said = [
        f"Case {number} failed: {rule}." for number, rule in _FAILED.findall(context.instruction)
    ]
    missing = _missing(context) or ["nothing"]
    return "\n".join([*(said or ["No case failed."]), f"Not said: {writer.pick(missing)}"])


def optimize(context: CallContext, writer: Writer) -> str:
    """Return the method with a few cautions more, and at times with a line less."""
    lines = (context.method or "").split("\n")
    if len(lines) > 1 and writer.roll(_DROPS_IN) == 0:
        del lines[writer.roll(len(lines))]
    if missing := _missing(context):
        cautions = writer.walk(missing)
        added = {next(cautions) for _ in range(1 + writer.roll(_MOST_ADDED))}
        lines += [f"- {caution}" for caution in missing if caution in added]
    return "\n".join(lines)


def _missing(context: CallContext) -> list[str]:
    return [caution for caution in CAUTIONS if caution not in (context.method or "")]
