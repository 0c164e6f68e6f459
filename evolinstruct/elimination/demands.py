"""The rule for what code verifies of an answer: what was asked for, and what the pack checks."""

from __future__ import annotations

from evolinstruct.checks import NONE, decode, faults, lacks, seen_faults
from evolinstruct.elimination.rule import Answer, Rule


def _fails(answer: Answer) -> str | None:
    if answer.checks is None or answer.checks == NONE:
        return None
    checks = decode(answer.checks)
    found = faults(checks, answer.response) or seen_faults(checks)
    return found[0] if found else None


def _unknown(answer: Answer) -> str | None:
    if answer.checks is None or answer.checks == NONE:
        return None
    found = lacks(decode(answer.checks))
    return found[0] if found else None


RULES: tuple[Rule[Answer], ...] = (
    Rule(
        name="check_failed",
        meaning="The answer fails a demand of the instruction that code verifies, or a check of the"
        " pack.",
        cause="the answering model does not meet such demands: read some of them, or let a stronger"
        " model answer",
        stage="answer",
        check=_fails,
    ),
    Rule(
        name="not_runnable",
        meaning="The sandbox cannot run the code of the answer, so nobody knows whether it is"
        " right.",
        cause="the sandbox is not all of Python: read what it lacks, ask for code without it, or"
        " run with --sandbox docker",
        stage="answer",
        check=_unknown,
    ),
)
