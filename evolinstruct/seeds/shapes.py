"""The shapes that a row of seed data comes in, and the instruction in each.

Knows the field names of Alpaca, Self-Instruct, prompt and completion, question and answer, chat
messages and ShareGPT. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from evolinstruct.records import join_input
from evolinstruct.seeds.problems import BadRow, kind_of, listed, nearest, shown

MAX_INSTRUCTION = 100_000
"""The longest instruction that is taken, its input included, in characters: no model takes more."""

Fields = dict[str, Any]
Texts = tuple[str, str | None, str | None]

TEXT_KEYS = ("instruction", "prompt", "question", "text")
_TURN_KEYS = ("messages", "conversations")
# In the order of trust: chat data often repeats its first turn as `prompt`, and Alpaca's rows are
# often rendered whole into `text`.
_KEYS = ("instruction", *_TURN_KEYS, "prompt", "question", "text")
_INPUTS = ("input", "context")
_OUTPUTS = ("output", "response", "completion", "answer")
_NO_INPUT = "<noinput>"  # what Self-Instruct writes where there is none

_USERS = ("user", "human")
_ASSISTANTS = ("assistant", "gpt")


def take(fields: Fields, field: str | None) -> Texts:
    """Return a row's instruction, its input and its output; None for each of the two it lacks.

    The text is verbatim but for white space around it: the id of a seed does not depend on that.

    Args:
        fields: the row.
        field: the field that holds the instruction; None finds it by the known names.

    Raises:
        BadRow: there is no instruction, or a text that cannot be used.
    """
    key = _instruction_key(fields, field)
    instruction, given, output = (
        _from_turns(fields, key) if key in _TURN_KEYS else _from_fields(fields, key)
    )
    instruction = instruction.strip()
    if not instruction:
        raise BadRow(f"`{key}` is empty")
    given = given.rstrip() if given and given.strip() not in ("", _NO_INPUT) else None
    length = len(join_input(instruction, given))
    if length > MAX_INSTRUCTION:
        raise BadRow(
            f"the instruction has {length:,} characters, more than the {MAX_INSTRUCTION:,} allowed"
        )
    return instruction, given, output if output and output.strip() else None


def no_instruction(kind: str, names: Iterable[str], field: str | None) -> str:
    """Return the sentence for fields or columns of which none holds the instruction."""
    names = list(names)
    if field is None:
        return (
            f"no instruction among the {kind} {listed(names)} (--field names the one that holds it)"
            if names
            else f"no instruction, since there are no {kind}"
        )
    near = nearest(field, names)
    hint = f"; did you mean {shown(near)}?" if near else ""
    return f"no {shown(field)} among the {kind} {listed(names)}{hint}"


def _instruction_key(fields: Fields, field: str | None) -> str:
    for key in (field,) if field else _KEYS:
        if key in fields:
            return key
    raise BadRow(no_instruction("fields", fields, field))


def _from_fields(fields: Fields, key: str) -> Texts:
    """Read a flat row; Self-Instruct keeps input and output in the first of its `instances`."""
    beside, where = fields, ""
    if "input" not in fields and (instances := fields.get("instances")):
        beside, where = _first_instance(instances), "instances[0]."
    instruction = _text(fields[key], key)
    if instruction is None:
        raise BadRow(f"`{key}` is null, where text should be")
    given, output = (
        next(filter(None, (_text(beside.get(name), where + name) for name in names)), None)
        for names in (_INPUTS, _OUTPUTS)
    )
    return instruction, given, output


def _first_instance(instances: object) -> Fields:
    if isinstance(instances, list) and isinstance(instances[0], dict):
        return instances[0]
    raise BadRow("`instances` is no list of objects")


def _from_turns(fields: Fields, key: str) -> Texts:
    """Read a conversation: the first turn of a person, and the first answer after it."""
    turns = fields[key]
    if not isinstance(turns, list):
        raise BadRow(f"`{key}` is {kind_of(turns)}, where a list of turns should be")
    instruction: str | None = None
    for number, turn in enumerate(turns):
        where = f"{key}[{number}]"
        if not isinstance(turn, dict):
            raise BadRow(f"`{where}` is {kind_of(turn)}, where a turn should be")
        speaker = turn.get("role", turn.get("from"))
        if instruction is None and speaker in _USERS:
            instruction = _said(turn, where) or ""
        elif instruction is not None and speaker in _ASSISTANTS:
            return instruction, None, _said(turn, where)
    if instruction is None:
        raise BadRow(f"`{key}` has no turn of a user")
    return instruction, None, None


def _said(turn: Fields, where: str) -> str | None:
    """Return a turn's text; OpenAI's content may be a list of parts."""
    name = "content" if "content" in turn else "value"
    content = turn.get(name)
    if not isinstance(content, list):
        return _text(content, f"{where}.{name}")
    parts = []
    for part in content:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            raise BadRow(f"`{where}.{name}` has a part that is no text")
        parts.append(_text(part["text"], f"{where}.{name}") or "")
    return "\n".join(parts)


def _text(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRow(f"`{where}` is {kind_of(value)}, where text should be")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        lone = shown(value[error.start])
        raise BadRow(
            f"`{where}` holds a lone surrogate ({lone}), which no UTF-8 file can hold"
        ) from error
    return value
