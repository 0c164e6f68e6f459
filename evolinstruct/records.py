"""The lines of a run's files, and the ids that tie them together.

Knows the fields of each kind of line, how a line is written and read, and how an id is made.
Knows nothing of where files lie or of what decides a line's content.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

_ID_BYTES = 8
_to_json = json.JSONEncoder(ensure_ascii=False).encode


def seed_id(text: str) -> str:
    """Return the id of a seed: a digest of its joined text, 16 hexadecimal digits."""
    return blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


def child_id(seed: str, generation: int) -> str:
    """Return the id of the place that a family's instruction takes in a generation."""
    return blake2b(f"{seed}/{generation}".encode(), digest_size=_ID_BYTES).hexdigest()


def join_input(instruction: str, given: str | None) -> str:
    """Join a seed's instruction and its non-empty input by a line break (paper, section 3)."""
    return f"{instruction}\n{given}" if given and given.strip() else instruction


@dataclass(frozen=True, slots=True)
class Kept:
    """An instruction of the data set: a seed (generation 0) or an evolution that was kept.

    Attributes:
        id: names the place (family and generation), not the text.
        seed_id: the family's seed; equal to ``id`` in generation 0.
        parent_id: the instruction it was evolved from; None for a seed.
        generation: 0 for seeds.
        operation: the operation that made it; None for a seed.
        format: the data format that ``complicate_input`` drew, else None.
        instruction: the whole text, a seed's input joined in.
        input: a seed's own input; None later.
        output: the answer, where there is one.
        model: the model that answered, or that rewrote where answers are off.
        compared: verdict of the comparison: ``not equal``, ``unclear``, or None if not asked.
        seed_source: the file that the seed came from.
    """

    id: str
    seed_id: str
    parent_id: str | None
    generation: int
    operation: str | None
    format: str | None
    instruction: str
    input: str | None
    output: str | None
    model: str | None
    compared: str | None
    seed_source: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An evolution that a rule eliminated: the fields of :class:`Kept` and why.

    Attributes:
        rule: the name of the rule.
        evidence: what it saw, such as the words that matched.
        raw: the reply as it came: the rewrite, or for rules about the answer the answer.
    """

    id: str
    seed_id: str
    parent_id: str | None
    generation: int
    operation: str | None
    format: str | None
    instruction: str
    input: str | None
    output: str | None
    model: str | None
    compared: str | None
    seed_source: str | None
    rule: str
    evidence: str
    raw: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """An evolution that got no answer from the service.

    Attributes:
        purpose: the call that failed: evolve, compare or answer.
        error: a short machine-readable name.
        attempts: how often the call was sent.
        message: what the service said.
    """

    id: str
    seed_id: str
    parent_id: str | None
    generation: int
    operation: str | None
    purpose: str
    error: str
    attempts: int
    message: str


Line = Kept | Rejected | Failed
_L = TypeVar("_L", Kept, Rejected, Failed)


def encode(line: Line) -> bytes:
    """Return the line as UTF-8 JSON with a final newline: equal lines give equal bytes."""
    fields = {name: getattr(line, name) for name in line.__slots__}
    return _to_json(fields).encode() + b"\n"


def decode(kind: type[_L], line: bytes | str) -> _L:
    """Read back a line of the given kind.

    Raises:
        ValueError: it is no JSON object, or its fields are not those of the kind.
    """
    fields: Any = json.loads(line)
    if not isinstance(fields, dict):
        raise ValueError(f"expected an object, found {type(fields).__name__}")  # noqa: TRY004
    try:
        return kind(**fields)
    except TypeError as error:
        raise ValueError(str(error)) from error
