"""Seed problems: the error of a bad row, and the words that describe it.

Values from a seed file are shown short and escaped, so that they cannot control a terminal.
"""

from __future__ import annotations

from collections.abc import Iterable

_WIDTH = 40
_NAMES = 10


class BadRow(Exception):
    """One row cannot be a seed; the text says why, without the file and the line."""


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
