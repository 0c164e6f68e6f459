"""The rule for what an instruction demands of its answer in a way that code can verify."""

from __future__ import annotations

from evolinstruct.checks import NONE, decode, faults
from evolinstruct.elimination.rule import Answer, Rule


def _fails(answer: Answer) -> str | None:
    if answer.checks is None or answer.checks == NONE:
        return None
    found = faults(decode(answer.checks), answer.response)
    return found[0] if found else None


RULES: tuple[Rule[Answer], ...] = (
    Rule(
        name="check_failed",
        meaning="The answer does not do what the instruction demands, as code verifies it.",
        cause="the answering model does not follow such constraints: read some of them, or let a"
        " stronger model answer",
        stage="answer",
        check=_fails,
    ),
)
