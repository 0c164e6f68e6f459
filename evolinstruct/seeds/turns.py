"""Conversations: who speaks in each turn, the user's first turn, and the turn that answers it.

Turns are objects of a role and a text under any of their usual names, objects of one round (a
question and its answer), pairs, or plain texts of which every other one is the user's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from evolinstruct.seeds.problems import BadRow, Fields, kind_of, names_quoted, text_or_none

Role = Literal["system", "user", "assistant", "tool"]

_WORDS: dict[Role, str] = {
    "tool": "tool tools function functions observation ipython environment api",
    "system": "system developer",
    "user": """user usr human prompter person customer client asker questioner student patient
        instruction prompt question query input 用户""",
    "assistant": """assistant gpt chatgpt bing bard model bot chatbot ai llm claude gemini gemma
        llama vicuna alpaca falcon moss grok mistral copilot agent expert teacher tutor doctor
        answer response reply output completion 助手""",
}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
_LETTERS = re.compile(r"[^\W\d_]+")
_LONGEST_NAME = 60

_SPEAKER_KEYS = ("role", "from", "speaker")
_ROLE_KEYS = (*_SPEAKER_KEYS, "sender", "author", "type")
_SAID_KEYS = ("content", "value", "text", "message", "utterance", "parts")
_USERS_ONLY = "turns"  # in test sets such as MT-Bench, which have the user's turns alone


class Turn(NamedTuple):
    """One turn of a conversation.

    Attributes:
        role: who speaks; None for a role that is not known.
        name: the role as it stands in the file.
        content: what is said: a text, or a list of parts.
        where: its place in the row.
    """

    role: Role | None
    name: str
    content: object
    where: str


class Exchange(NamedTuple):
    """The user's first turn and its answer, None if there is none, and remarks on what is not read.

    The remarks are keys of `problems.REMARKS`.
    """

    question: str
    answer: str | None
    remarks: frozenset[str]


def role_of(name: object) -> Role | None:
    """Return the role that a name stands for, in any case: ``Human``, ``<|user|>``, ``gpt-4``."""
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        return None
    words = _LETTERS.findall(name.casefold())
    found = [_ROLES[word] for word in words if word in _ROLES]
    for kind in ("tool", "system"):  # "tool response" answers no user
        if kind in found:
            return kind
    return found[-1] if found else None


def is_turn(fields: Mapping[str, object]) -> bool:
    """Tell whether an object says who speaks in it."""
    return any(role_of(fields.get(key)) for key in _SPEAKER_KEYS)


def first_exchange(key: str, turns: Iterator[Turn]) -> Exchange:
    """Return the user's first turn, and the assistant's turn that directly answers it.

    Args:
        key: the field that holds the turns, for errors.
        turns: the turns, read no further than needed.

    Raises:
        BadRow: there is no turn of the user, or a turn cannot be read.
    """
    remarks: set[str] = set()
    question = _first_of_user(key, turns, remarks)
    answer: str | None = None
    for turn in turns:
        match turn.role:
            case "system":
                remarks.add("system")
                continue
            case "assistant":
                answer = answer or _said(turn)
                continue
            case "user":
                remarks.add("multi_turn" if answer else "user_again")
            case "tool":  # what is said before a tool answers is not the answer
                remarks.add("not_answered")
                answer = None
            case None:
                remarks.add("multi_turn" if answer else "not_answered")
        break
    return Exchange(question, answer, frozenset(remarks))


def _first_of_user(key: str, turns: Iterator[Turn], remarks: set[str]) -> str:
    names: dict[str, None] = {}
    for turn in turns:
        if turn.role == "user":
            return _said(turn) or ""
        remarks.add("system" if turn.role == "system" else "begun_by_other")
        names[turn.name] = None
    found = f"; its roles are {names_quoted(names)}" if names else ""
    raise BadRow(f"`{key}` has no turn of a user{found}")


def read_turns(value: object, key: str) -> Iterator[Turn]:
    """Yield the turns of a conversation.

    Raises:
        BadRow: something else than a turn stands there.
    """
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, list):
        raise BadRow(f"`{key}` is {kind_of(value)} instead of a list of turns")
    for number, turn in enumerate(value):
        where = f"{key}[{number}]"
        match turn:
            case str():
                is_answer = number % 2 and key != _USERS_ONLY
                yield _named("assistant" if is_answer else "user", turn, where)
            case dict():
                yield from _of_object(turn, key, where)
            case [str() as name, content] if name.casefold() in _ROLES:
                yield _named(name, content, where)
            case [asked, answered]:
                yield _named("user", asked, where)
                yield _named("assistant", answered, where)
            case _:
                raise BadRow(f"`{where}` is {kind_of(turn)} instead of a turn")


def _parsed(text: str) -> object:
    """Return what a text holds as JSON, as a cell of a table does; the text itself if nothing."""
    try:
        return json.loads(text) if text.lstrip().startswith("[") else text
    except (ValueError, RecursionError):
        return text


def _named(name: str, content: object, where: str) -> Turn:
    return Turn(role_of(name), name, content, where)


def _of_object(turn: Fields, key: str, where: str) -> Iterator[Turn]:
    """Read an object: a role and a text, or one round with the roles as its keys."""
    said = next((name for name in _SAID_KEYS if name in turn), None)
    name = next((turn[each] for each in _ROLE_KEYS if isinstance(turn.get(each), str)), None)
    if name is not None:
        yield _named(name, turn[said] if said else None, f"{where}.{said or _SAID_KEYS[0]}")
    elif said and key == _USERS_ONLY:
        yield _named("user", turn[said], f"{where}.{said}")
    elif said or not (round_ := _round(turn, where)):
        raise BadRow(
            f"`{where}` does not say who speaks, among the fields {names_quoted(turn)} (turns have"
            " `role` and `content`; if these are rows, --map instruction=KEY names their field)"
        )
    else:
        yield from round_


def _round(turn: Fields, where: str) -> list[Turn]:
    found = [
        _named(name, content, f"{where}.{name}")
        for name, content in turn.items()
        if name.casefold() in _ROLES
    ]
    order = ("system", "user", "assistant", "tool")
    return sorted(found, key=lambda each: order.index(each.role or "tool"))


def _said(turn: Turn) -> str | None:
    """Return a turn's text, None if it is blank; content may be a list of parts."""
    if not isinstance(turn.content, list):
        said = text_or_none(turn.content, turn.where)
        return said if said and said.strip() else None
    parts = []
    for part in turn.content:
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            raise BadRow(f"`{turn.where}` has a part that is not text")
        parts.append(text_or_none(text, turn.where) or "")
    return "\n".join(parts)
