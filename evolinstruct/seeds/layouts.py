"""Seed layouts: finds the instruction, the input and the answer in a row.

The layouts are those of Alpaca, Self-Instruct, Dolly, Evol-Instruct, prompt and completion,
question and answer, chat messages, ShareGPT and UltraChat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from evolinstruct.records import join_input
from evolinstruct.seeds.problems import BadRow, kind_of, names_quoted, shown
from evolinstruct.text import did_you_mean

MAX_INSTRUCTION = 100_000
"""The longest instruction, its input included, in characters: few models take more."""

Fields = dict[str, Any]


class RowTexts(NamedTuple):
    """The texts of a row, None where it has none, and whether more turns of a user follow."""

    instruction: str
    input: str | None
    output: str | None
    has_more_turns: bool = False


FIELD_HINT = "--map instruction=KEY names the one that holds it"
"""The hint for a row without a known field for the instruction."""
TEXT_KEYS = ("instruction", "prompt", "question", "text")
_TURN_KEYS = ("messages", "conversations")
_BARE_TURNS = "data"  # in UltraChat's first version, where turns are plain texts
# The first one that a row has is read. The order matters: chat data often repeats its first turn as
# `prompt`, and Alpaca's rows often come with the whole rendered prompt as `text`.
_KEYS = ("instruction", "messages", "conversations", "prompt", "question", "text", _BARE_TURNS)
_INPUTS = ("input", "context")
_OUTPUTS = ("output", "response", "completion", "answer")
_NO_INPUT = "<noinput>"  # what Self-Instruct writes for an empty input

_USERS = ("user", "human")
_ASSISTANTS = ("assistant", "gpt")


def extract_texts(fields: Fields, mapping: Mapping[str, str]) -> RowTexts:
    """Return the instruction, the input and the output of a row.

    White space around the instruction is removed, so that a seed's id does not depend on it; the
    rest is verbatim.

    Args:
        fields: the row.
        mapping: the field of each part that the user named; the others are found by their names.

    Raises:
        BadRow: there is no instruction, or a text cannot be used.
    """
    key = _instruction_key(fields, mapping.get("instruction"))
    texts = (
        _from_turns(fields, key)
        if _holds_turns(fields, key)
        else _from_fields(fields, key, mapping)
    )
    instruction, given, output = texts.instruction.strip(), texts.input, texts.output
    if not instruction:
        raise BadRow(f"`{key}` is empty")
    given = given.rstrip() if given and given.strip() not in ("", _NO_INPUT) else None
    length = len(join_input(instruction, given))
    if length > MAX_INSTRUCTION:
        raise BadRow(
            f"the instruction has {length:,} characters, more than the {MAX_INSTRUCTION:,} allowed"
        )
    output = output if output and output.strip() else None
    return RowTexts(instruction, given, output, texts.has_more_turns)


def layout_of(fields: Fields, mapping: Mapping[str, str]) -> str:
    """Return the usual name of a row's layout, or ``other``."""
    if "instruction" in mapping:
        return "as mapped"
    return next((name for name, keys in _LAYOUTS if keys <= fields.keys()), "other")


_LAYOUTS = (
    ("Self-Instruct", {"instruction", "instances"}),
    ("Dolly", {"instruction", "context", "response"}),
    ("Alpaca", {"instruction", "input"}),
    ("Evol-Instruct", {"instruction", "output"}),
    ("instruction and response", {"instruction", "response"}),
    ("instruction alone", {"instruction"}),
    ("UltraChat", {"prompt", "prompt_id", "messages"}),
    ("chat messages", {"messages"}),
    ("Evol-Instruct (conversations)", {"idx", "conversations"}),
    ("ShareGPT", {"conversations"}),
    ("prompt and response", {"prompt", "response"}),
    ("prompt and completion", {"prompt", "completion"}),
    ("prompt alone", {"prompt"}),
    ("question and answer", {"question", "answer"}),
    ("question alone", {"question"}),
    ("text", {"text"}),
    ("UltraChat", {"data"}),
)
"""The layouts and the fields by which each is recognised; those with more telling fields first."""


def used_fields(fields: Fields, mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the field that each part of a row is read from.

    Raises:
        BadRow: there is no instruction.
    """
    key = _instruction_key(fields, mapping.get("instruction"))
    if _holds_turns(fields, key):
        return {"instruction": f"{key}, first turn of a user", "output": f"{key}, first answer"}
    found = {"instruction": key}
    where = "instances[0]." if "input" not in fields and fields.get("instances") else ""
    for part, names in (("input", _INPUTS), ("output", _OUTPUTS)):
        there = names if where else [name for name in names if name in fields]
        if name := mapping.get(part) or next(iter(there), ""):
            found[part] = name if part in mapping else where + name
    return found


def no_instruction(kind: str, names: Iterable[str], field: str | None) -> str:
    """Say that none of the fields, or columns, holds the instruction."""
    names = list(names)
    if field is None:
        return (
            f"no instruction among the {kind} {names_quoted(names)} ({FIELD_HINT})"
            if names
            else f"no instruction, because there are no {kind}"
        )
    return f"no {shown(field)} among the {kind} {names_quoted(names)}{did_you_mean(field, names)}"


def _instruction_key(fields: Fields, field: str | None) -> str:
    for key in (field,) if field else _KEYS:
        if key in fields:
            return key
    raise BadRow(no_instruction("fields", fields, field))


def _holds_turns(fields: Fields, key: str) -> bool:
    return key in _TURN_KEYS or (key == _BARE_TURNS and isinstance(fields[key], list))


def _from_fields(fields: Fields, key: str, mapping: Mapping[str, str]) -> RowTexts:
    """Read a flat row; Self-Instruct keeps input and output in the first of its `instances`."""
    beside, where = fields, ""
    if "input" not in fields and (instances := fields.get("instances")):
        beside, where = _first_instance(instances), "instances[0]."
    instruction = _text(fields[key], key)
    if instruction is None:
        raise BadRow(f"`{key}` is null instead of text")
    given, output = (
        _mapped(fields, mapping[part])
        if part in mapping
        else next(filter(None, (_text(beside.get(name), where + name) for name in names)), None)
        for part, names in (("input", _INPUTS), ("output", _OUTPUTS))
    )
    return RowTexts(instruction, given, output)


def _mapped(fields: Fields, key: str) -> str | None:
    if key not in fields:
        raise BadRow(no_instruction("fields", fields, key))
    return _text(fields[key], key)


def _first_instance(instances: object) -> Fields:
    if isinstance(instances, list) and isinstance(instances[0], dict):
        return instances[0]
    raise BadRow("`instances` is not a list of objects")


def _from_turns(fields: Fields, key: str) -> RowTexts:
    """Read a conversation: the first turn of a person, and the first answer after it."""
    turns = fields[key]
    if not isinstance(turns, list):
        raise BadRow(f"`{key}` is {kind_of(turns)} instead of a list of turns")
    instruction: str | None = None
    output: str | None = None
    answered = False
    for number, turn in enumerate(turns):
        where = f"{key}[{number}]"
        speaker, turn = _turn(turn, number, where)  # noqa: PLW2901 - the same turn, as an object
        if answered and speaker in _USERS:
            return RowTexts(instruction or "", None, output, has_more_turns=True)
        if instruction is None and speaker in _USERS:
            instruction = _said(turn, where) or ""
        elif instruction is not None and not answered and speaker in _ASSISTANTS:
            output, answered = _said(turn, where), True
    if instruction is None:
        raise BadRow(f"`{key}` has no turn of a user")
    return RowTexts(instruction, None, output)


def _turn(turn: object, number: int, where: str) -> tuple[object, Fields]:
    """Return who speaks, and the turn; turns that are plain texts alternate, the user first."""
    if isinstance(turn, str):
        return (_ASSISTANTS if number % 2 else _USERS)[0], {"content": turn}
    if not isinstance(turn, dict):
        raise BadRow(f"`{where}` is {kind_of(turn)} instead of a turn")
    return turn.get("role", turn.get("from")), turn


def _said(turn: Fields, where: str) -> str | None:
    """Return a turn's text; OpenAI's content may be a list of parts."""
    name = "content" if "content" in turn else "value"
    content = turn.get(name)
    if not isinstance(content, list):
        return _text(content, f"{where}.{name}")
    parts = []
    for part in content:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            raise BadRow(f"`{where}.{name}` has a part that is not text")
        parts.append(_text(part["text"], f"{where}.{name}") or "")
    return "\n".join(parts)


def _text(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRow(f"`{where}` is {kind_of(value)} instead of text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        lone = shown(value[error.start])
        raise BadRow(
            f"`{where}` holds a lone surrogate ({lone}), which no UTF-8 file can hold"
        ) from error
    return value
