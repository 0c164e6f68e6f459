"""The texts of prompt packs: headers, dividers, templates and markers, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from evolinstruct.errors import InputError

_PLACEHOLDER = re.compile(r"\{\{([^{}\n]*)\}\}")
_OPENING = re.compile(r"\{\{[^{}\n]{0,40}(\}\})?")  # closed or not, so that a slip is found
_MARKER = re.compile(r"^#([^\s#][^#\n]*)#", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a file.

    Attributes:
        path: the file.
        line: the number of its first line, from 1.
        text: its text, without byte-order mark, with line feeds as line ends.
    """

    path: Path
    line: int
    text: str

    def error(self, message: str, at: int = 0) -> InputError:
        """Return the error to raise; it names the line of the character at ``at``."""
        line = self.line + self.text.count("\n", 0, at)
        return InputError(f"{self.path}:{line}: {message}.")

    def place_of(self, key: str) -> int:
        """Return where a file of TOML names a key; 0 where it does not."""
        found = re.search(rf"^\s*[\"'\[]?{re.escape(key)}", self.text, re.MULTILINE)
        return found.end() if found else 0

    def body(self) -> Passage:
        """Return the passage without the blank lines around it.

        Raises:
            InputError: all its lines are blank.
        """
        if not self.text.strip():
            raise self.error("a text is missing here")
        blank = len(self.text) - len(self.text.lstrip("\n"))
        return Passage(self.path, self.line + blank, self.text.strip("\n"))

    def split(self, divider: str) -> tuple[Passage, Passage]:
        """Return the passages before and after the first line that equals the divider.

        Raises:
            InputError: no line equals it.
        """
        lines = self.text.split("\n")
        for number, line in enumerate(lines):
            if line.rstrip() == divider:
                after = "\n".join(lines[number + 1 :])
                return (
                    Passage(self.path, self.line, "\n".join(lines[:number])),
                    Passage(self.path, self.line + number + 1, after),
                )
        raise self.error(f"no line {divider!r} follows, and the file needs one")

    def header(self, required: frozenset[str], optional: frozenset[str]) -> dict[str, Passage]:
        """Return the values of the ``key: value`` lines by their keys; blank lines are skipped.

        Raises:
            InputError: a line has another form, or a key is unknown, repeated, empty or missing.
        """
        fields: dict[str, Passage] = {}
        known = ", ".join(sorted(required | optional))
        for number, line in enumerate(self.text.split("\n"), self.line):
            key, colon, value = (part.strip() for part in line.partition(":"))
            here = Passage(self.path, number, value)
            if colon and value and key in required | optional and key not in fields:
                fields[key] = here
            elif line.strip():
                raise here.error(_header_trouble(key, value, colon, known, key in fields))
        for key in sorted(required - fields.keys()):
            raise self.error(f"the header lacks the key {key!r}")
        return fields


def _header_trouble(key: str, value: str, colon: str, known: str, repeated: bool) -> str:
    if not colon:
        return f"expected a header line 'key: value', found {key[:60]!r}"
    if repeated:
        return f"the header has the key {key!r} twice"
    return f"unknown header key {key!r}; known here: {known}" if value else f"{key!r} has no value"


def source(path: Path) -> Passage:
    """Return a whole file as a passage; a byte-order mark and CRLF are accepted.

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
    """
    try:
        raw = path.read_bytes()
        return Passage(path, 1, raw.decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: the text is not UTF-8; save the file as UTF-8."
        ) from error


class Holds(NamedTuple):
    """The placeholders that a template must hold, and those that it may hold too."""

    must: frozenset[str]
    may: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Template:
    """A text with named places, split once so that rendering is one join.

    Attributes:
        text: the text as written, with places as ``{{name}}``.
        parts: the same, cut into text, name, text, name, … text.
    """

    text: str
    parts: tuple[str, ...] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the places, in order."""
        return self.parts[1::2]

    @classmethod
    def of(cls, text: str) -> Template:
        """Return the template of a text whose placeholders are checked already."""
        return cls(text, tuple(_PLACEHOLDER.split(text)))

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with each place filled; placeholders in the values stay as they are."""
        parts = list(self.parts)
        for place in range(1, len(parts), 2):
            parts[place] = values[parts[place]]
        return "".join(parts)


def checked(text: Passage, holds: Holds) -> str:
    """Return the text's body, checked to hold the right placeholders and no others.

    Raises:
        InputError: a placeholder is missing or unknown, or the body is empty.
    """
    body = text.body()
    must = [f"{{{{{name}}}}}" for name in sorted(holds.must)]
    known = [*must, *(f"{{{{{name}}}}}" for name in sorted(holds.may))]
    for match in _OPENING.finditer(body.text):
        if match[0] not in known:
            message = f"unknown placeholder {match[0]!r}; known here: {', '.join(known)}"
            raise body.error(message, match.start())
    for place in must:
        if place not in body.text:
            raise body.error(f"the placeholder {place!r} is missing below this line")
    return body.text


def markers(*prompts: str) -> tuple[str, ...]:
    """Return the markers of the prompts, lower-case, without #, sorted."""
    found = (match[1] for prompt in prompts for match in _MARKER.finditer(prompt))
    return tuple(sorted({phrase.strip().lower() for phrase in found}))
