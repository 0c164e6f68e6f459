"""Flat lines: records of plain fields, a line of JSON each, written, read back and added to.

The kind of a record is a frozen dataclass with slots. Its fields are texts, numbers and truths, or
None where their types say so; a field that an older file lacks is None.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Hashable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from evolinstruct.atomic_write import refuse_link, without_links, write_errors_explained
from evolinstruct.errors import InputError
from evolinstruct.records import decode_object

_T = TypeVar("_T")
_to_json = json.JSONEncoder(ensure_ascii=False).encode
_MOST = 10**9
_PERSON = re.compile(r"[^\W_][\w.-]{0,39}")


def encode(record: Any) -> bytes:
    """Return a record as JSON in UTF-8 with a final line break; equal ones give equal bytes."""
    fields = {name: getattr(record, name) for name in record.__slots__}
    return _to_json(fields).encode(errors="replace") + b"\n"


def decode(kind: type[_T], raw: bytes | str) -> _T:
    """Read a line of a kind; fields that the kind does not have are dropped.

    Raises:
        ValueError: it is no object, or a field has no value of its type; names the field.
    """
    said = decode_object(raw)
    types = _types(cast(Hashable, kind))
    fields = {name: said.get(name) for name in types}
    for name, value in fields.items():
        if not any(_fits(value, each) for each in types[name]):
            raise ValueError(f"it has no proper {name!r}")
    return kind(**fields)


@cache
def _types(kind: Any) -> dict[str, tuple[Any, ...]]:
    """Return the types that each field of a kind may have."""
    return {name: _either(each) for name, each in get_type_hints(kind).items()}


def _either(hint: Any) -> tuple[Any, ...]:
    return (hint,) if get_origin(hint) is Literal else get_args(hint) or (hint,)


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return type(value) in {int, float} and abs(value) < _MOST  # type: ignore[arg-type]
    if hint is int:
        return type(value) is int and 0 <= value < _MOST
    return value is None if hint is NoneType else type(value) is hint


def read(path: Path, kind: type[_T], name: str, mend: str) -> Iterator[_T]:
    """Yield the records of a file; a torn last line is left out.

    Args:
        path: the file.
        kind: of its records.
        name: what a line is, for messages, such as ``score``.
        mend: what to do about a line that is none.

    Raises:
        InputError: the file cannot be read, or a line is none.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if not raw.endswith(b"\n"):
                    return
                try:
                    yield decode(kind, raw)
                except ValueError as error:
                    raise InputError(
                        f"{path}, line {number}, is no {name}: {error}; {mend}."
                    ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; correct its name.") from error


def append(path: Path, *records: Any) -> None:
    """Add records to a file and bring them to the disk; a torn last line makes way for them.

    Whoever else adds to the file meanwhile waits, so that no two lines mix.

    Raises:
        InputError: the file cannot be written, or is a link.
    """
    with write_errors_explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with opened(path) as file:
            file.writelines(map(encode, records))
            file.flush()
            os.fsync(file.fileno())


def opened(path: Path) -> BinaryIO:
    """Open a file to add lines to, once nobody else does; a torn last line makes way.

    Raises:
        InputError: it is a link.
        OSError: it cannot be opened.
    """
    refuse_link(path, hard=True)
    with ExitStack() as stack:
        file = stack.enter_context(open(path, "a+b", opener=without_links))
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(_whole(file))
        stack.pop_all()
        return file


def file_of(folder: Path, person: str) -> Path:
    """Return the file in a folder to which what a person says is added.

    Raises:
        InputError: the name cannot be that of a file.
    """
    if not _PERSON.fullmatch(person):
        raise InputError(
            f"The name {person!r} cannot be that of a file; take up to 40 letters and digits."
        )
    return folder / f"{person}.jsonl"


def files_of_people(folder: Path) -> list[Path]:
    """Return the files in a folder that are named after people, in the order of the names."""
    return sorted(file for file in folder.glob("*.jsonl") if _PERSON.fullmatch(file.stem))


def _whole(file: BinaryIO) -> int:
    """Return how many bytes of a file its whole lines take."""
    file.seek(0)
    return sum(len(line) for line in file if line.endswith(b"\n"))
