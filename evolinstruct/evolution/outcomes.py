"""What an instruction is on its way through a generation, and the lines in which it can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evolinstruct.elimination import Objection
from evolinstruct.errors import CallFailed, RuleFailed
from evolinstruct.records import Failed, Kept, Line, Rejected


@dataclass(frozen=True, slots=True)
class Proposal:
    """An instruction that waits for its answer.

    Attributes:
        line: the line it will be, its answer still missing.
        raw: the reply that it was read from; None for a seed, which nobody rewrote.
        answered: the line that its answer makes of it, where there is one already.
    """

    line: Kept
    raw: str | None = None
    answered: Line | None = None


def rejected(line: Kept, objection: Objection, raw: str | None) -> Rejected:
    """Return a line as what a rule made of it.

    Args:
        line: the line as it would be.
        objection: why it is dropped.
        raw: the reply that brought what is dropped.
    """
    fields: dict[str, Any] = {name: getattr(line, name) for name in Kept.__slots__}
    return Rejected(**fields, rule=objection.rule, evidence=objection.evidence, raw=raw)


def failed(line: Kept, failure: CallFailed | RuleFailed) -> Failed:
    """Return a line as what a failed call made of it, or a rule that raised.

    Args:
        line: the line as it would be.
        failure: what ended it; a call's names its purpose.
    """
    if isinstance(failure, RuleFailed):
        failure, purpose = CallFailed("rule_error", str(failure), attempts=0), "rule"
    else:
        purpose = failure.purpose
    return Failed(
        id=line.id,
        seed_id=line.seed_id,
        parent_id=line.parent_id,
        generation=line.generation,
        operation=line.operation,
        purpose=purpose,
        error=failure.error,
        attempts=failure.attempts,
        message=failure.message,
    )
