"""Contestants: files of answers, or models that are asked; and judges.

A contestant is NAME=FILE or NAME=MODEL[@URL], a judge MODEL[@URL]. In the place of a URL, a
provider's name may stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evolinstruct.errors import InputError, UsageError
from evolinstruct.judging.contest import Question
from evolinstruct.judging.rows import Row, read_rows
from evolinstruct.llm import address, providers
from evolinstruct.text import counted

_NAME = re.compile(r"[^\W_][\w.-]{0,39}")
_FILE = re.compile(
    r"^hf:|^-$|\.(?:jsonl?|ndjson|csv|tsv|txt|parquet|arrow|feather|xls[xm])(?:\.(?:gz|zst|xz|bz2))?$"
)
_AT = re.compile(rf"(.*?)@(https?://.*|{'|'.join(providers.PROVIDERS)})")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Model:
    """Who is asked.

    Attributes:
        name: the model's name.
        server: the base URL or provider that has it; None for that of the settings.
    """

    name: str
    server: str | None = None


@dataclass(frozen=True, slots=True)
class Contestant:
    """One who is compared with others.

    Attributes:
        name: its name.
        model: the model that is asked; None where a file has its texts.
        texts: the text to each question, by the question's id, where a file has them.
        models: whatever a file says of the models that wrote it.
        remarks: what does not fit the questions, a sentence each.
    """

    name: str
    model: Model | None = None
    texts: dict[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def known_as(self) -> tuple[str, ...]:
        """All names that may tell whose model it is."""
        return (self.name, *((self.model.name,) if self.model else self.models))


def read_model(words: str) -> Model:
    """Read ``MODEL``, ``MODEL@URL`` or ``MODEL@PROVIDER``.

    Raises:
        UsageError: there is no model, or the URL is none.
    """
    at = _AT.fullmatch(words)
    name, server = (at[1], at[2]) if at else (words, None)
    if server is not None and server not in providers.PROVIDERS:
        address.check(server)
    if not name:
        raise UsageError("A contestant or judge has no model; write it as MODEL or MODEL@URL.")
    return Model(name, server)


def read_contestants(
    words: Sequence[str], questions: Sequence[Question], of: str
) -> list[Contestant]:
    """Read the contestants.

    Args:
        words: as the command line has them.
        questions: what they are compared on.
        of: ``answers`` or ``instructions``.

    Raises:
        UsageError: there are too few, a name is none or twice there, or a model would be asked for
            instructions.
        InputError: a file cannot be read, or has no text to any question.
    """
    named = [_named(each) for each in words]
    twice = [name for name, count in Counter(name for name, _ in named).items() if count > 1]
    if twice:
        raise UsageError(f"--contestant: two have the name {twice[0]!r}; give each its own.")
    if len(named) < 2:  # noqa: PLR2004
        raise UsageError(
            "--contestant: at least two are compared; name each as NAME=FILE or NAME=MODEL."
        )
    return [_contestant(name, where, questions, of) for name, where in named]


def _named(words: str) -> tuple[str, str]:
    name, equals, where = words.partition("=")
    if not equals or not where or not _NAME.fullmatch(name):
        raise UsageError(
            f"--contestant {words!r}: write it as NAME=FILE or NAME=MODEL, the name of letters,"
            " digits, dots and dashes."
        )
    return name, where


def _contestant(name: str, where: str, questions: Sequence[Question], of: str) -> Contestant:
    is_file = Path(where).exists() or _FILE.search(where)
    if is_file:
        match = _answers if of == "answers" else _instructions
        return _of_file(name, where, questions, match)
    if of != "answers":
        raise UsageError(
            f"--contestant {name}={where}: there is no such file; instructions are read from runs"
            " and files, not asked for."
        )
    return Contestant(name, read_model(where))


Match = Callable[[Iterable[Row], Sequence[Question]], tuple[dict[str, Row], int]]


def _of_file(name: str, where: str, questions: Sequence[Question], match: Match) -> Contestant:
    rows = list(read_rows(where))
    found, others = match(rows, questions)
    texts = {key: text for key, row in found.items() if (text := _text(row, match))}
    if not texts:
        raise InputError(
            f"{where} has nothing on any of the {counted(len(questions), 'question')}; its rows"
            " have to have their ids or their texts."
        )
    remarks = list(_remarks(name, where, len(questions) - len(texts), others))
    models = tuple(dict.fromkeys(row.model for row in found.values() if row.model))
    return Contestant(name, None, texts, models[:_SHOWN], tuple(remarks))


def _text(row: Row, match: Match) -> str | None:
    text = row.output if match is _answers else row.instruction
    return text if text and text.strip() else None


def _remarks(name: str, where: str, missing: int, others: int) -> Iterable[str]:
    if missing:
        yield f"{name}: {where} has nothing on {counted(missing, 'question')}; they are left out."
    if others:
        yield (
            f"{name}: {counted(others, 'row')} of {where} belong to no question, or to one whose"
            " text differs, and are left out."
        )


def _answers(rows: Iterable[Row], questions: Sequence[Question]) -> tuple[dict[str, Row], int]:
    """Return the first row to each question, by its text, else by its id; and count the others."""
    by_text = {_plain(each.instruction): each.id for each in questions}
    ids = {each.id for each in questions}
    found: dict[str, Row] = {}
    others = 0
    for row in rows:
        if row.instruction is None:
            key = row.own_id if row.own_id in ids else None
        else:
            key = by_text.get(_plain(row.instruction))
        others += key is None
        if key is not None:
            found.setdefault(key, row)
    return found, others


def _instructions(rows: Iterable[Row], questions: Sequence[Question]) -> tuple[dict[str, Row], int]:
    """Return the newest row of each seed's family; and count those of other seeds."""
    ids = {each.id for each in questions}
    found: dict[str, Row] = {}
    others = 0
    for row in rows:
        key = row.family
        if key not in ids:
            others += 1
        elif row.instruction and (key not in found or row.generation > found[key].generation):
            found[key] = row
    return found, others


def _plain(text: str) -> str:
    return " ".join(text.split())
