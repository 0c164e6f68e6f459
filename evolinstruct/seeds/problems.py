"""What can be wrong with a row of a seed file, in words.

Knows how a value of unknown origin is shown to a person: short, and with nothing in it that a
terminal would obey. Knows nothing of files or formats.
"""

from __future__ import annotations

from collections.abc import Iterable

_WIDTH = 40
_NAMES = 10


class BadRow(Exception):
    """One row cannot be a seed; its text says what was found, without file and line."""


def shown(text: str) -> str:
    """Return the text quoted, cut to 40 characters, with control characters escaped."""
    return repr(text) if len(text) <= _WIDTH else f"{text[:_WIDTH]!r}…"


def shown_name(name: str) -> str:
    """Return a file name as it is, or quoted if it is empty or holds unprintable characters."""
    return name if name and name.isprintable() else repr(name)


def listed(names: Iterable[str]) -> str:
    """Return the names quoted and separated by commas, at most ten of them."""
    quoted = [shown(name) for name in names]
    more = f" and {len(quoted) - _NAMES} more" if len(quoted) > _NAMES else ""
    return ", ".join(quoted[:_NAMES]) + more


def kind_of(value: object) -> str:
    """Return what a JSON value is, in words, such as ``null``, ``the number 5`` or ``a list``."""
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
    """Return the line as text.

    Raises:
        BadRow: it is not UTF-8, or holds a NUL; bytes are counted from 1.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise not_utf8(error) from error
    if "\0" in text:
        raise BadRow(f"byte {line.index(0) + 1} of the line is NUL: binary, not text")
    return text


def not_utf8(error: UnicodeDecodeError) -> BadRow:
    """Return the problem of a line that is not UTF-8; bytes are counted from 1."""
    byte = error.object[error.start]
    return BadRow(f"byte {error.start + 1} of the line (0x{byte:02x}) is not UTF-8")
