"""Lines of ours, read back from wherever they lie: a run's files, or any JSONL file alone.

Knows the kinds of line by their fields, reads those of older and newer versions as far as it can,
and leaves out a last line that is torn. Knows nothing of a run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Line, Rejected

_decode = json.JSONDecoder().decode
_TEXTS = ("id", "seed_id", "instruction")


class Entry(NamedTuple):
    """A line of a file: its bytes as they stand there, and what they say."""

    raw: bytes
    line: Line


def read_lines(path: Path, on_torn: Callable[[str], None], holding: bytes = b"") -> Iterator[Entry]:
    """Yield the lines of a file, whatever their kinds.

    Args:
        path: the file; a run may be writing it.
        on_torn: is told in a sentence if the last line is torn, and left out.
        holding: only lines that hold these bytes; the others are passed over unread, which is fast.

    Raises:
        InputError: the file cannot be read, or a line is none of ours.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if holding not in raw:
                    continue
                try:
                    line = read_line(raw)
                except ValueError as error:
                    if not raw.endswith(b"\n"):
                        on_torn(f"{path} ends in a torn line, line {number}, which is left out.")
                        return
                    raise InputError(
                        f"{path}, line {number}, is no line of a run: {error};"
                        " name a run directory or one of its JSONL files, and mend a run by its"
                        " `evolve` command."
                    ) from error
                yield Entry(raw if raw.endswith(b"\n") else raw + b"\n", line)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; correct its name.") from error


def read_line(raw: bytes | str) -> Line:
    """Read a line of any kind; fields of other versions are left out or None.

    Raises:
        ValueError: it is no line of ours; says why.
    """
    fields: Any = _decode(raw if isinstance(raw, str) else raw.decode())
    if not isinstance(fields, dict):
        raise ValueError(f"expected an object, found {type(fields).__name__}")  # noqa: TRY004
    kind: type[Line] = Rejected if "rule" in fields else Failed if "error" in fields else Kept
    try:
        line = kind(**fields)
    except TypeError:
        known: dict[str, Any] = {name: fields.get(name) for name in kind.__slots__}
        line = kind(**known)
    _check(line)
    return line


def _check(line: Line) -> None:
    """Refuse what would be no line: a name, a text or a number is missing."""
    missing = [name for name in _TEXTS if not isinstance(getattr(line, name, ""), str)]
    if type(line.generation) is not int:
        missing.append("generation")
    if not isinstance(getattr(line, "output", None), str | None):
        missing.append("output")
    if missing:
        raise ValueError(f"it has no proper {missing[0]!r}")
