"""Answers set aside: those to an instruction that were not taken.

A line's field ``set_aside`` is one JSON text, a list of objects with the keys of `SetAside`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

NONE = "[]"

AGREES, OUTVOTED, FAILED = "agrees", "outvoted", "failed: "
"""Why an answer is set aside; behind the last stands what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """An answer that was not taken.

    Attributes:
        output: the answer.
        model: the model that wrote it.
        why: ``agrees`` (it has the result of the one that was taken), ``outvoted``, or ``failed:``
            and what is wrong with it.
    """

    output: str
    model: str
    why: str


def encode(answers: Iterable[SetAside]) -> str:
    """Return answers as the field of a line has them: one JSON text."""
    found = [asdict(answer) for answer in answers]
    return json.dumps(found, ensure_ascii=False) if found else NONE
