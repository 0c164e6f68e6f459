"""Answers set aside: those to an instruction that were not taken.

A line's field ``set_aside`` is one JSON text, a list of objects with the keys of `SetAside`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass

from evolinstruct.errors import InputError

NONE = "[]"

AGREES, OUTVOTED = "agrees", "outvoted"
LEVEL, NOT_PREFERRED = "level", "not preferred"
FAILED = "failed: "
"""Why an answer is set aside; behind the last stands what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """An answer that was not taken.

    Attributes:
        output: the answer.
        model: the model that wrote it.
        why: ``agrees`` (it has the result of the one that was taken) or ``outvoted``; ``level``
            (the judge found it no worse) or ``not preferred``; ``failed:`` and what is wrong.
    """

    output: str
    model: str
    why: str

    @property
    def is_worse(self) -> bool:
        """Whether it is known to be worse than the one that was taken."""
        return self.why in (OUTVOTED, NOT_PREFERRED) or self.why.startswith(FAILED)


def decode(text: str | None, where: str = "set_aside") -> list[SetAside]:
    """Read the answers that a line sets aside; none where the field is null.

    Raises:
        InputError: it is no such text; says where.
    """
    try:
        found = [SetAside(**each) for each in json.loads(text or NONE)]
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{where}: these are no answers set aside: {error}.") from error
    if not all(isinstance(said, str) for each in found for said in astuple(each)):
        raise InputError(f"{where}: an answer set aside has texts alone: output, model and why.")
    return found


def encode(answers: Iterable[SetAside]) -> str:
    """Return answers as the field of a line has them: one JSON text."""
    found = [asdict(answer) for answer in answers]
    return json.dumps(found, ensure_ascii=False) if found else NONE
