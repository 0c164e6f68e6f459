"""The shapes that a row of seed data comes in, and the instruction in each.

Knows the field names of Alpaca, Self-Instruct, Dolly, Evol-Instruct, prompt and completion,
question and answer, chat messages, ShareGPT and UltraChat. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from evolinstruct.records import join_input
from evolinstruct.seeds.problems import BadRow, kind_of, listed, shown
from evolinstruct.text import did_you_mean

MAX_INSTRUCTION = 100_000
"""The longest instruction that is taken, its input included, in characters: no model takes more."""

Fields = dict[str, Any]


class Texts(NamedTuple):
    """What a row gives: a text or None for each part, and whether more turns of a user follow."""

    instruction: str
    input: str | None
    output: str | None
    has_more_turns: bool = False


FIELD_HINT = "--map instruction=KEY names the one that holds it"
"""What is said of a row of a seed file in which no known field holds the instruction."""
TEXT_KEYS = ("instruction", "prompt", "question", "text")
_TURN_KEYS = ("messages", "conversations")
_BARE_TURNS = "data"  # of UltraChat's first form, whose turns are texts
# In the order of trust: chat data often repeats its first turn as `prompt`, and Alpaca's rows are
# often rendered whole into `text`.
_KEYS = ("instruction", "messages", "conversations", "prompt", "question", "text", _BARE_TURNS)
_INPUTS = ("input", "context")
_OUTPUTS = ("output", "response", "completion", "answer")
_NO_INPUT = "<noinput>"  # what Self-Instruct writes where there is none

_USERS = ("user", "human")
_ASSISTANTS = ("assistant", "gpt")


def take(fields: Fields, mapping: Mapping[str, str]) -> Texts:
    """Return a row's instruction, its input and its output; None for each of the two it lacks.

    The text is verbatim but for white space around it: the id of a seed does not depend on that.

    Args:
        fields: the row.
        mapping: the field of each part that the user named; the others are found by their names.

    Raises:
        BadRow: there is no instruction, or a text that cannot be used.
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
    return Texts(instruction, given, output, texts.has_more_turns)


def recognise(fields: Fields, mapping: Mapping[str, str]) -> str:
    """Return the name of a row's shape, as people call it; rows that have none are ``other``."""
    if "instruction" in mapping:
        return "as mapped"
    return next((name for name, keys in _SHAPES if keys <= fields.keys()), "other")


_SHAPES = (
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
"""The shapes and the fields that tell them, the more telling first."""


def used_fields(fields: Fields, mapping: Mapping[str, str]) -> dict[str, str]:
    """Return which field of a row each part is read from; a row of turns gives all by one.

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
    """Return the sentence for fields or columns of which none holds the instruction."""
    names = list(names)
    if field is None:
        return (
            f"no instruction among the {kind} {listed(names)} ({FIELD_HINT})"
            if names
            else f"no instruction, since there are no {kind}"
        )
    return f"no {shown(field)} among the {kind} {listed(names)}{did_you_mean(field, names)}"


def _instruction_key(fields: Fields, field: str | None) -> str:
    for key in (field,) if field else _KEYS:
        if key in fields:
            return key
    raise BadRow(no_instruction("fields", fields, field))


def _holds_turns(fields: Fields, key: str) -> bool:
    return key in _TURN_KEYS or (key == _BARE_TURNS and isinstance(fields[key], list))


def _from_fields(fields: Fields, key: str, mapping: Mapping[str, str]) -> Texts:
    """Read a flat row; Self-Instruct keeps input and output in the first of its `instances`."""
    beside, where = fields, ""
    if "input" not in fields and (instances := fields.get("instances")):
        beside, where = _first_instance(instances), "instances[0]."
    instruction = _text(fields[key], key)
    if instruction is None:
        raise BadRow(f"`{key}` is null, where text should be")
    given, output = (
        _mapped(fields, mapping[part])
        if part in mapping
        else next(filter(None, (_text(beside.get(name), where + name) for name in names)), None)
        for part, names in (("input", _INPUTS), ("output", _OUTPUTS))
    )
    return Texts(instruction, given, output)


def _mapped(fields: Fields, key: str) -> str | None:
    if key not in fields:
        raise BadRow(no_instruction("fields", fields, key))
    return _text(fields[key], key)


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
    output: str | None = None
    answered = False
    for number, turn in enumerate(turns):
        where = f"{key}[{number}]"
        speaker, turn = _turn(turn, number, where)  # noqa: PLW2901 - the same, as an object
        if answered and speaker in _USERS:
            return Texts(instruction or "", None, output, has_more_turns=True)
        if instruction is None and speaker in _USERS:
            instruction = _said(turn, where) or ""
        elif instruction is not None and not answered and speaker in _ASSISTANTS:
            output, answered = _said(turn, where), True
    if instruction is None:
        raise BadRow(f"`{key}` has no turn of a user")
    return Texts(instruction, None, output)


def _turn(turn: object, number: int, where: str) -> tuple[object, Fields]:
    """Return who speaks in a turn, and the turn; UltraChat's are texts, a user's the first."""
    if isinstance(turn, str):
        return (_ASSISTANTS if number % 2 else _USERS)[0], {"content": turn}
    if not isinstance(turn, dict):
        raise BadRow(f"`{where}` is {kind_of(turn)}, where a turn should be")
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
