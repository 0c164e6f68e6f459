"""JSON files: rows from JSON lines, from an array, from values one after the other, from wrappers.

A wrapper is an object that holds the rows in a list, such as ``{"data": [...]}``. Values are read
one at a time, however large the file is.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonlines

from evolinstruct.errors import InputError
from evolinstruct.seeds.files import MAX_ROW, OpenFile
from evolinstruct.seeds.layouts import has_instruction
from evolinstruct.seeds.problems import BadRow, Fields, SeedRow, kind_of, not_utf8, shown
from evolinstruct.seeds.turns import is_turn

_SAFE_DIGITS = 18


def _integer(digits: str) -> int | float:
    # Python refuses integers of thousands of digits, and no row needs one exactly.
    return int(digits) if len(digits) <= _SAFE_DIGITS else float(digits)


_DECODER = json.JSONDecoder(parse_int=_integer)
"""Reads one JSON value; raises JSONDecodeError, or RecursionError if it is nested too deeply."""


def _fault(error: json.JSONDecodeError) -> str:
    """Say what is wrong with a JSON text, and what stands there."""
    there = error.doc[error.pos : error.pos + 50].strip()
    message = error.msg[:1].lower() + error.msg[1:].removesuffix(" at").removesuffix(" starting")
    return f"{message}, found {shown(there) if there else 'its end'}"


def read_lines(file: OpenFile) -> Iterator[SeedRow]:
    """Yield the object of each line, or each of several in one line."""
    current = (0, b"")

    def lines() -> Iterator[bytes]:
        nonlocal current
        for current in file.lines():
            yield current[1].rstrip(b"\r\n")

    # Without `loads` the reader takes whichever JSON package is installed, and they differ in what
    # they take for JSON.
    reader = jsonlines.Reader(lines(), loads=_loads)
    while True:
        values: Any
        try:
            values = reader.read(skip_empty=True)
        except EOFError:
            return
        except (jsonlines.InvalidLineError, RecursionError) as error:
            values = [_broken(error)]
        for value in values:
            yield SeedRow(f"line {current[0]}", _object(value))


def _loads(text: str | bytes) -> list[object]:
    """Read a line's value; several if objects follow one another without a line break."""
    text = text if isinstance(text, str) else text.decode()
    values: list[object] = []
    at = _space_after(text, 0)
    while not values or text.startswith("{", at):
        value, at = _DECODER.raw_decode(text, at)
        values.append(value)
        at = _space_after(text, at)
    if at < len(text):
        raise json.JSONDecodeError("Extra data", text, at)
    return values


def _broken(error: jsonlines.InvalidLineError | RecursionError) -> BadRow:
    match error.__cause__:
        case UnicodeDecodeError() as cause:
            return not_utf8(cause)
        case json.JSONDecodeError() as cause:
            return BadRow(f"broken JSON at column {cause.pos + 1}: {_fault(cause)}")
    return BadRow("nested too deeply to be a seed")


def _object(value: object) -> Fields | BadRow:
    """Return a row; a bare list of turns is one, too."""
    if isinstance(value, dict | BadRow):
        return value
    if isinstance(value, list) and value and isinstance(value[0], dict) and is_turn(value[0]):
        return {"messages": value}
    return BadRow(f"{kind_of(value)} instead of a JSON object")


# A JSON array, or JSON values one after the other


def read_array(file: OpenFile) -> Iterator[SeedRow]:
    """Yield the elements of an array."""
    text = _JsonText(file.name, file.chunks())
    yield from _elements(text)
    if text.peek():
        raise text.wrong("something follows the JSON array")


def _elements(text: _JsonText) -> Iterator[SeedRow]:
    text.peek()
    text.skip()
    number, mark = 0, text.peek()
    while mark != "]":
        text.peek()
        number += 1
        place = f"line {text.line}, element {number}"
        yield SeedRow(place, _object(text.value()))
        mark = text.peek()
        if mark not in (",", "]"):
            raise text.wrong("broken JSON (expecting ',' or ']' after an element)")
        if mark == ",":
            text.skip()
    text.skip()


def read_values(file: OpenFile) -> Iterator[SeedRow]:
    """Yield values that follow one another."""
    text = _JsonText(file.name, file.chunks())
    while text.peek():
        place = f"line {text.line}"
        yield SeedRow(place, _object(text.value()))


def is_over_lines(head: str) -> bool:
    """Tell whether a JSON text begins with a value that goes over several lines."""
    try:
        _, end = _DECODER.raw_decode(head)
    except (json.JSONDecodeError, RecursionError):
        return False
    return "\n" in head[:end]


# Wrappers

_WRAPPERS = (
    "data|dataset|datasets|rows|row|train|training|test|validation|valid|val|dev|eval|examples"
    "|instances|items|records|samples|entries|results|list|instructions|questions|prompts|tasks"
    "|seeds|seed_tasks|conversations|dialogs|chats|pairs|qa_pairs|qas"
)
_WRAPPED = re.compile(rf'"(?:{_WRAPPERS})"\s*:\s*\[\s*(?={{)', re.IGNORECASE)
_CELL_OF_ROWS = "row"  # around each row that the data set viewer of the Hugging Face Hub gives


def is_wrapper(head: str, field: str | None) -> bool:
    """Tell whether a JSON text begins with an object that holds the rows in a list.

    Args:
        head: the beginning of the text.
        field: the field that holds the instruction, if the user named one.
    """
    for found in _WRAPPED.finditer(head):
        try:
            around = _DECODER.decode(head[: found.start()].rstrip(_BLANKS).rstrip(",") + "}")
            first, _ = _DECODER.raw_decode(head, found.end())
        except (json.JSONDecodeError, RecursionError):
            continue  # the list stands deeper, or its first row is not whole
        first = _inner(first)
        if not has_instruction(around, field) and not is_turn(first):
            return has_instruction(first, field)
    return False


def _inner(row: Fields) -> Fields:
    inner = row.get(_CELL_OF_ROWS)
    return inner if isinstance(inner, dict) else row


def read_wrapped(file: OpenFile) -> Iterator[SeedRow]:
    """Yield the rows of every list of objects that the object holds."""
    text = _JsonText(file.name, file.chunks())
    while text.peek() == "{":
        yield from _wrapped(text)
    if text.peek():
        raise text.wrong("something follows the JSON object")


def _wrapped(text: _JsonText) -> Iterator[SeedRow]:
    text.skip()
    while text.peek() != "}":
        name = text.value()
        if text.peek() != ":":
            raise text.wrong("broken JSON (expecting ':' after a name)")
        text.skip()
        if text.peek() == "[" and str(name).lower() in _WRAPPERS.split("|"):
            for place, content in _elements(text):
                yield SeedRow(place, _inner(content) if isinstance(content, dict) else content)
        else:
            text.value()
        if (mark := text.peek()) not in (",", "}"):
            raise text.wrong("broken JSON (expecting ',' or '}' after a value)")
        if mark == ",":
            text.skip()
            text.peek()
    text.skip()


# Reading a JSON text through a window

_SPACE = re.compile(r"[ \t\r\n]*")
_BLANKS = " \t\r\n"


def _space_after(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


class _JsonText:
    """A JSON text of any size, read value by value through a window that moves over it.

    Only the value being read is in memory: the window starts small, and doubles until the value
    fits.

    Args:
        name: the file's name, for errors.
        chunks: the text's UTF-8 bytes.

    Attributes:
        line: the number of the line where the window stands, from 1.
    """

    def __init__(self, name: str, chunks: Iterator[bytes]) -> None:
        self.line = 1
        self._name = name
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._taken = 0
        self._ended = False
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """Skip white space and return the character after it, or "" at the end."""
        while True:
            self._move(_space_after(self._text, self._at))
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        """Skip one character, the one that `peek` returned."""
        self._move(self._at + 1)

    def value(self) -> object:
        """Read the value that begins here, and move to its end.

        Raises:
            InputError: it is broken, nested too deeply, or longer than any row may be.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise self.wrong("nested too deeply to be a seed") from error
            except json.JSONDecodeError as error:
                if self._more():
                    continue
                raise self._broken(error) from error
            # A number that ends at the window's edge may go on beyond it.
            if end < len(self._text) or not self._more():
                self._move(end)
                return value

    def wrong(self, what: str, line: int | None = None) -> InputError:
        """Return the error for this place, or for another line."""
        return InputError(
            f"{self._name}, line {line or self.line}: {what};"
            " correct the file, because the rows after it cannot be told apart."
        )

    def _broken(self, error: json.JSONDecodeError) -> InputError:
        if not self._ended:
            return self.wrong(f"no whole value within {MAX_ROW:,} characters ({_fault(error)})")
        line = self.line + self._text.count("\n", self._at, error.pos)
        return self.wrong(f"broken JSON ({_fault(error)})", line)

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _more(self) -> bool:
        """Double the window; return False if the text has ended or the window has its full size."""
        rest = self._text[self._at :]
        if self._ended or len(rest) > MAX_ROW:
            return False
        parts, size = [rest], 0
        while not self._ended and size <= len(rest):
            parts.append(self._decoded(next(self._chunks, b"")))
            size += len(parts[-1])
        self._text, self._at = "".join(parts), 0
        return True

    def _decoded(self, chunk: bytes) -> str:
        pending = len(self._decoder.getstate()[0])
        self._ended = not chunk
        try:
            text = self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].count(b"\n") + self._text.count("\n", self._at)
            byte = self._taken - pending + error.start
            what = f"byte {byte + 1:,} of the file (0x{error.object[error.start]:02x}) is not UTF-8"
            raise self.wrong(what, self.line + before) from error
        self._taken += len(chunk)
        return text
