"""Seed problems: a row and the error of a bad one, and the words that describe what is in it.

Values from a seed file are shown short and escaped, so that they cannot control a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from evolinstruct.text import counted

_WIDTH = 40
_NAMES = 10


class BadRow(Exception):
    """One row cannot be a seed; the text says why, without the file and the line."""


Fields = dict[str, Any]


class SeedRow(NamedTuple):
    """One row of a seed file.

    Attributes:
        place: where it stands in the file, such as ``line 12``.
        content: its fields, or the reason why it cannot be read.
    """

    place: str
    content: Fields | BadRow

    @property
    def fields(self) -> Fields:
        """Its fields.

        Raises:
            BadRow: it cannot be read.
        """
        if isinstance(self.content, BadRow):
            raise self.content
        return self.content


REMARKS = {
    "multi_turn": ("conversation", "of several turns: only the first turn of the user is evolved"),
    "system": (
        "row",
        "with a system text, which is left out: an answer may depend on what it says",
    ),
    "history": (
        "row",
        "with earlier turns in `history`, which are left out: the instruction may depend on them",
    ),
    "begun_by_other": (
        "conversation",
        "not begun by the user: what is said before the user's first turn is left out",
    ),
    "user_again": (
        "conversation",
        "with two turns of the user in a row: the first is evolved, without an answer",
    ),
    "not_answered": (
        "conversation",
        "where a tool, or a role that is not known, speaks after the user's first turn: the answer"
        " is left out",
    ),
    "rendered": ("row", "with a whole chat in one text, taken apart by the marks of its template"),
    "placeholder": (
        "row",
        "with a placeholder, such as N/A or <noinput>, for input or answer: read as none",
    ),
}
"""What is said of rows that are read, but not as they stand: what is counted, and what became of
it."""


def remarks(counts: Counter[str]) -> Iterator[str]:
    """Yield a sentence for each kind of remark, in a fixed order."""
    for key, (noun, what) in REMARKS.items():
        if counts[key]:
            yield f"{counted(counts[key], noun)} {what}."


def shown(text: str) -> str:
    """Return a text in quotes, cut to 40 characters, with control characters escaped."""
    return repr(text) if len(text) <= _WIDTH else f"{text[:_WIDTH]!r}…"


def shown_name(name: str) -> str:
    """Return a file name, in quotes if it is empty or has unprintable characters."""
    return name if name and name.isprintable() else repr(name)


def names_quoted(names: Iterable[str]) -> str:
    """Return at most ten of the names, in quotes and separated by commas."""
    quoted = [shown(name) for name in names]
    more = f" and {len(quoted) - _NAMES} more" if len(quoted) > _NAMES else ""
    return ", ".join(quoted[:_NAMES]) + more


def kind_of(value: object) -> str:
    """Describe a JSON value, such as ``null``, ``the number 5`` or ``a list``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "NaN" if value != value else f"the number {value}"  # noqa: PLR0124 - NaN alone
        case str():
            return f"the text {shown(value)}"
        case list():
            return "a list"
        case _:
            return "an object"


def text_or_none(value: object, where: str) -> str | None:
    """Return a text that can be written, or None for null.

    Raises:
        BadRow: it is something else than text, or no UTF-8 file can hold it.
    """
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


def decoded(line: bytes) -> str:
    """Return a line as text.

    Raises:
        BadRow: it is not UTF-8, or holds a NUL.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise not_utf8(error) from error
    if "\0" in text:
        raise BadRow(f"byte {line.index(0) + 1} of the line is NUL: binary, not text")
    return text


def not_utf8(error: UnicodeDecodeError) -> BadRow:
    """Return the error for a line that is not UTF-8; bytes are counted from 1."""
    byte = error.object[error.start]
    return BadRow(f"byte {error.start + 1} of the line (0x{byte:02x}) is not UTF-8")
