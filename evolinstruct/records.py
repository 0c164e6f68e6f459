"""Records: the kinds of line in a run's files, and the ids that connect them.

Fields are written in the order in which they are defined here. A new field goes to the end, and is
None in the lines of older runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

_ID_BYTES = 8
NUMBERS = ("generation", "attempts")
"""The fields of a line that are whole numbers; all others are texts."""
_NEEDED = ("id", "seed_id", "generation", "instruction", "rule", "error")
_MOST = 10**6
_to_json = json.JSONEncoder(ensure_ascii=False).encode


def seed_id(text: str) -> str:
    """Return a seed's id: the digest of its joined text, as 16 hexadecimal digits."""
    return blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()


def child_id(seed: str, generation: int) -> str:
    """Return the id of a family's place in a generation, whatever text takes that place."""
    return blake2b(f"{seed}/{generation}".encode(), digest_size=_ID_BYTES).hexdigest()


def join_input(instruction: str, given: str | None) -> str:
    """Join an instruction and its input by a line break (paper, section 3), unless it is empty."""
    return f"{instruction}\n{given}" if given and given.strip() else instruction


@dataclass(frozen=True, slots=True)
class Kept:
    """An instruction of the data set: a seed (generation 0) or an evolution that was kept.

    Attributes:
        id: names the place (family and generation), not the text.
        seed_id: the id of the family's seed; equal to ``id`` in generation 0.
        parent_id: the id of the instruction that it was evolved from; None for a seed.
        generation: its number; 0 for seeds.
        operation: the operation that made it; None for a seed.
        format: the data format that ``complicate_input`` drew, otherwise None.
        instruction: the whole text, with a seed's input joined.
        input: a seed's own input; None in later generations.
        output: the answer; None if there is none.
        model: the model that answered, or that rewrote if no answers are asked for.
        compared: the verdict of the comparison: ``not equal``, ``unclear``, or None if not asked.
        seed_source: the name of the file that the seed came from.
        checks: what the instruction demands of its answer and code can verify, and what the checks
            of the pack saw of it, as one JSON text (`evolinstruct.checks`); ``[]`` where there is
            nothing.
        set_aside: the answers that were not taken, as one JSON text (`evolinstruct.set_aside`);
            ``[]`` where there are none.
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
    checks: str | None = None
    set_aside: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An evolution that a rule eliminated: the fields of `Kept`, and the reason.

    Attributes:
        rule: the name of the rule.
        evidence: what the rule found, such as the words that matched.
        raw: the reply as it came: the rewrite, or the answer if the rule is about answers.
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
    checks: str | None = None
    set_aside: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """An evolution that a failed call or a broken rule ended.

    Attributes:
        purpose: the purpose of the call, such as ``evolve`` or ``answer``.
        error: a short name for scripts, such as ``timeout``.
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


@dataclass(frozen=True, slots=True)
class Member:
    """A family in the pool of a generation.

    Attributes:
        newest: its newest instruction, which is to be evolved.
        rejected: the operation whose rewrite of it a rule rejected in the generation before.
    """

    newest: Kept
    rejected: str | None = None

    def after(self, line: Line) -> Member:
        """Return the family in the pool of the next generation, after the line of this one."""
        if isinstance(line, Kept):
            return Member(line)
        return Member(self.newest, line.operation if isinstance(line, Rejected) else None)


def text_digest(instruction: str, output: str | None = None) -> str:
    """Return the digest of what is judged: the instruction, and its answer where that is judged."""
    text = instruction if output is None else f"{instruction}\0{output}"
    return seed_id(text.encode(errors="replace").decode())  # as the files have it


def digests_of(line: Kept | Rejected) -> set[str]:
    """Return the digests of what may have been judged of a line; what has another is void."""
    alone = text_digest(line.instruction)
    return {alone, text_digest(line.instruction, line.output)} if line.output else {alone}


_L = TypeVar("_L", Kept, Rejected, Failed)


def encode(line: Line) -> bytes:
    """Return a line as JSON in UTF-8 with a final line break; equal lines give equal bytes."""
    fields = {name: getattr(line, name) for name in line.__slots__}
    return _to_json(fields).encode(errors="replace") + b"\n"


def decode(kind: type[_L], line: bytes | str) -> _L:
    """Read a line of the given kind.

    Raises:
        ValueError: it is not a JSON object, or does not have exactly the fields of the kind.
    """
    try:
        record = kind(**decode_object(line))
    except TypeError as error:
        raise ValueError(str(error)) from error
    require_types(record)
    return record


def decode_object(line: bytes | str) -> dict[str, Any]:
    """Read a line of JSON.

    Raises:
        ValueError: it is not an object.
    """
    try:
        fields: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (column {error.colno})") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(fields, dict):
        raise ValueError(f"expected an object, found {type(fields).__name__}")  # noqa: TRY004
    return fields


def require_types(line: Line) -> None:
    """Refuse a line that lacks what every line has, or holds a value of another type.

    Raises:
        ValueError: names the field.
    """
    for name in line.__slots__:
        value = getattr(line, name)
        if value is None:
            fits = name not in _NEEDED
        elif name in NUMBERS:
            fits = type(value) is int and 0 <= value < _MOST
        else:
            fits = isinstance(value, str)
        if not fits:
            raise ValueError(f"it has no proper {name!r}")
