"""Seed layouts: finds the instruction, the input and the answer in a row.

The layouts are those of Alpaca, Self-Instruct, Dolly, Evol-Instruct, prompt and completion,
question and answer, chats of every kind (`turns`), and chats rendered into one text (`rendered`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from evolinstruct.records import join_input
from evolinstruct.seeds.problems import BadRow, Fields, names_quoted, shown, text_or_none
from evolinstruct.seeds.rendered import read_rendered, without_tokens
from evolinstruct.seeds.turns import Turn, first_exchange, is_turn, read_turns
from evolinstruct.text import did_you_mean
from evolinstruct.words import is_placeholder

MAX_INSTRUCTION = 100_000
"""The longest instruction, its input included, in characters: few models take more."""


class RowTexts(NamedTuple):
    """The texts of a row.

    Attributes:
        instruction: without white space around it.
        input: None if there is none.
        output: None if there is none.
        fields: where each part that the row has was found.
        remarks: keys of `problems.REMARKS`, for what is not read as it stands.
    """

    instruction: str
    input: str | None
    output: str | None
    fields: Mapping[str, str]
    remarks: frozenset[str] = frozenset()


FIELD_HINT = "--map instruction=KEY names the one that holds it"
"""The hint for a row without a known field for the instruction."""
TEXT_KEYS = ("instruction", "prompt", "question", "text")
TURN_KEYS = ("messages", "conversations", "conversation")
_LIST_KEYS = (
    "dialog",
    "dialogue",
    "dialogs",
    "turns",
    "chat",
    "items",
    "contents",
    "data",
    "history",
)
"""Fields that hold turns if they hold a list."""
# The first one that a row has is read. The order matters: chat data often repeats its first turn as
# `prompt`, and Alpaca's rows often come with the whole rendered prompt as `text`.
_KEYS = ("instruction", *TURN_KEYS, "prompt", "question", "text", *_LIST_KEYS)
_INPUTS = ("input", "context")
OUTPUTS = ("output", "response", "completion", "answer")
_SYSTEMS = ("system", "system_prompt", "system_message")


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
    key = instruction_key(fields, mapping.get("instruction"))
    if key == "text" and is_turn(fields):
        raise BadRow(
            "it is a single turn of a conversation; put the turns of each conversation into one"
            " row, as a list under `messages`"
        )
    texts = _from_rendered(fields, key, mapping) or (
        _from_turns(read_turns(fields[key], key), fields, key, mapping)
        if _holds_turns(fields, key)
        else _from_fields(fields, key, mapping)
    )
    instruction = texts.instruction.strip()
    if not instruction:
        raise BadRow(f"`{key}` is empty")
    remarks = {*texts.remarks, *_beside(fields, key)}
    given = _without_placeholder(texts.input, remarks)
    given = given.rstrip() if given else None
    output = _without_placeholder(texts.output, remarks)
    length = len(join_input(instruction, given))
    if length > MAX_INSTRUCTION:
        raise BadRow(
            f"the instruction has {length:,} characters, more than the {MAX_INSTRUCTION:,} allowed"
        )
    where = dict(texts.fields)
    for part, text in (("input", given), ("output", output)):
        if text is None:
            where.pop(part, None)
    return RowTexts(instruction, given, output, where, frozenset(remarks))


def _without_placeholder(text: str | None, remarks: set[str]) -> str | None:
    """Return a text, or None if it is blank or a placeholder, of which a remark is made."""
    if not text or text.isspace():
        return None
    if not is_placeholder(text):
        return text
    remarks.add("placeholder")
    return None


def _beside(fields: Fields, key: str) -> Iterator[str]:
    """Yield what is remarked of fields that are not read."""
    for name in _SYSTEMS:
        if isinstance(text := fields.get(name), str) and text.strip() and not is_placeholder(text):
            yield "system"
    if key != "history" and fields.get("history"):
        yield "history"


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
    ("conversation", {"conversation"}),
    ("prompt and response", {"prompt", "response"}),
    ("prompt and completion", {"prompt", "completion"}),
    ("prompt alone", {"prompt"}),
    ("question and answer", {"question", "answer"}),
    ("question and response", {"question", "response"}),
    ("question alone", {"question"}),
    ("text", {"text"}),
    ("UltraChat", {"data"}),
    *((key, {key}) for key in _LIST_KEYS),
)
"""The layouts and the fields by which each is recognised; those with more telling fields first."""
ABOUT = frozenset(
    [
        "question_id",
        "id",
        "idx",
        "seed_id",
        "generation",
        "skill",
        "category",
        "difficulty",
        "band",
        "taken_for",
        "model",
        "generator",
    ]
)
"""Fields that tell a row from others and say what it is about, which `evolinstruct judge` reads."""
KNOWN_FIELDS = frozenset(
    chain(
        _KEYS,
        _INPUTS,
        OUTPUTS,
        _SYSTEMS,
        {"role", "from", "speaker"},
        ABOUT,
        *(keys for _, keys in _LAYOUTS),
    )
)
"""Every field that is looked at where the user names none."""


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


def has_instruction(fields: Fields, field: str | None) -> bool:
    """Tell whether a row has the named field for the instruction, or a known one."""
    return any(_may_hold(fields, key) for key in ((field,) if field else _KEYS))


def instruction_key(fields: Fields, field: str | None) -> str:
    """Return the field that holds the instruction.

    Raises:
        BadRow: there is none.
    """
    null = None
    for key in (field,) if field else _KEYS:
        if key in fields and _may_hold(fields, key):
            if fields[key] is not None:
                return key
            null = null or key
    if null is None:
        raise BadRow(no_instruction("fields", fields, field))
    return null


def _may_hold(fields: Fields, key: str) -> bool:
    if key not in _LIST_KEYS:
        return key in fields
    # `columns` beside `data` are a table that pandas wrote, not a conversation.
    return isinstance(fields.get(key), list) and not (key == "data" and "columns" in fields)


def _holds_turns(fields: Fields, key: str) -> bool:
    value = fields[key]
    if key in TURN_KEYS or key in _LIST_KEYS:
        return True
    return isinstance(value, list) and value != [] and all(isinstance(each, dict) for each in value)


def _from_rendered(fields: Fields, key: str, mapping: Mapping[str, str]) -> RowTexts | None:
    """Read a chat that is one text; None if the field holds something else."""
    text = fields[key]
    if not isinstance(text, str):
        return None
    name, apart = _answer_apart(fields, mapping)
    turns = read_rendered(text, is_answered=bool(apart))
    if not turns:
        return None
    fields = {name: without_tokens(apart)} if isinstance(apart, str) else {}
    found = _from_turns(iter(turns), fields, key, mapping)
    return found._replace(remarks=found.remarks | {"rendered"})


def _from_turns(
    turns: Iterator[Turn], fields: Fields, key: str, mapping: Mapping[str, str]
) -> RowTexts:
    """Read a conversation; where it ends with the user, the answer stands in a field of its own."""
    name, apart = _answer_apart(fields, mapping)
    if isinstance(apart, str):
        last: Iterable[Turn] = [Turn("assistant", "assistant", apart, name)]
    else:
        last = read_turns(apart, name) if _are_turns(apart) else []
    found = first_exchange(key, chain(turns, last))
    where = {"instruction": f"{key}, first turn of a user", "output": f"{key}, first answer"}
    return RowTexts(found.question, None, found.answer, where, found.remarks)


def _are_turns(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, dict) and is_turn(each) for each in value
    )


def _answer_apart(fields: Fields, mapping: Mapping[str, str]) -> tuple[str, object]:
    """Return the field of the answer that stands outside the instruction's, and what it holds."""
    if "output" in mapping:
        return mapping["output"], fields.get(mapping["output"])
    beside, where = _beside_instruction(fields)
    found = ((where + name, beside[name]) for name in OUTPUTS if beside.get(name))
    return next(found, ("", None))


def _from_fields(fields: Fields, key: str, mapping: Mapping[str, str]) -> RowTexts:
    """Read a flat row; Self-Instruct keeps input and output in the first of its `instances`."""
    beside, where = _beside_instruction(fields)
    instruction = text_or_none(fields[key], key)
    if instruction is None:
        raise BadRow(f"`{key}` is null instead of text")
    found: dict[str, str | None] = {}
    places = {"instruction": key}
    for part, names in (("input", _INPUTS), ("output", OUTPUTS)):
        if part in mapping:
            found[part], places[part] = _mapped(fields, mapping[part]), mapping[part]
            continue
        for name in names:
            found[part], places[part] = _unless_nan(beside.get(name), where + name), where + name
            if found[part]:
                break
    return RowTexts(instruction, found["input"], found["output"], places)


def _mapped(fields: Fields, key: str) -> str | None:
    if key not in fields:
        raise BadRow(no_instruction("fields", fields, key))
    return _unless_nan(fields[key], key)


def _unless_nan(value: object, where: str) -> str | None:
    """Return a text; pandas writes NaN where there is none."""
    return None if value != value else text_or_none(value, where)  # noqa: PLR0124 - NaN alone


def _beside_instruction(fields: Fields) -> tuple[Fields, str]:
    """Return what holds input and output, and its place: the row, or its first instance."""
    instances = fields.get("instances")
    if "input" in fields or not instances:
        return fields, ""
    if isinstance(instances, list) and isinstance(instances[0], dict):
        return instances[0], "instances[0]."
    raise BadRow("`instances` is not a list of objects")
