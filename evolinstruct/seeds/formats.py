"""Seed rows: recognises the format of a seed file, and yields the fields of each row.

Formats are JSON lines, JSON arrays, CSV, Parquet and plain text. A row that cannot be read is
yielded too, with the reason, because whoever reads the rows decides whether that ends the reading.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import jsonlines

from evolinstruct import parquet
from evolinstruct.errors import InputError
from evolinstruct.seeds.files import MAX_ROW, OpenFile
from evolinstruct.seeds.layouts import TEXT_KEYS, Fields, no_instruction
from evolinstruct.seeds.problems import BadRow, decoded, kind_of, not_utf8, shown

_FORMATS = {
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".csv": "table",
    ".tsv": "table",
    ".txt": "plain",
}
_DELIMITERS = ",;\t"


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


def read_rows(file: OpenFile, field: str | None) -> Iterator[SeedRow]:
    """Yield the rows of a file, in its order; blank lines are no rows.

    The extension decides the format if it is a known one, otherwise the first characters do.

    Args:
        file: the open file.
        field: the field that holds the instruction, if the user named one.

    Raises:
        InputError: the file as a whole cannot be read in its format.
    """
    if file.parquet is not None:
        return _parquet(file.name, file.parquet)
    match _format(file, field):
        case "table":
            return _table(file, field)
        case "array":
            return _json_array(file)
        case "values":
            return _json_values(file)
        case "lines":
            return _json_lines(file)
    return _plain(file)


def _format(file: OpenFile, field: str | None) -> str:
    if file.suffix in _FORMATS:
        return _FORMATS[file.suffix]
    start = file.head.lstrip()
    if start.startswith(b"["):
        return "array"
    if start.startswith(b"{"):
        first, *following = start.splitlines()
        return "values" if following and not first.rstrip().endswith(b"}") else "lines"
    if file.suffix == ".json":
        return "lines"
    delimiter = _delimiter(file, field)
    return "table" if delimiter and delimiter in _first_line(file) else "plain"


def _parquet(name: str, file: BinaryIO) -> Iterator[SeedRow]:
    return (SeedRow(f"row {number}", fields) for number, fields in parquet.read(name, file))


def _plain(file: OpenFile) -> Iterator[SeedRow]:
    for number, line in file.lines():
        try:
            text = decoded(line)
        except BadRow as problem:
            yield SeedRow(f"line {number}", problem)
        else:
            if text.strip():
                yield SeedRow(f"line {number}", {"text": text})


# JSON lines

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


def _json_lines(file: OpenFile) -> Iterator[SeedRow]:
    current = (0, b"")

    def lines() -> Iterator[bytes]:
        nonlocal current
        for current in file.lines():
            yield current[1].rstrip(b"\r\n")

    # Without `loads` the reader takes whichever JSON package is installed, and they differ in what
    # they take for JSON.
    reader = jsonlines.Reader(lines(), loads=_loads)
    while True:
        try:
            found = _object(reader.read(allow_none=True, skip_empty=True))
        except EOFError:
            return
        except (jsonlines.InvalidLineError, RecursionError) as error:
            found = _broken(error)
        number, line = current
        if isinstance(found, BadRow) and number == 1 and line.lstrip().startswith(b"["):
            found = BadRow(f"{found} (name a file that is one JSON array .json)")
        yield SeedRow(f"line {number}", found)


def _loads(text: str | bytes) -> object:
    return _DECODER.decode(text if isinstance(text, str) else text.decode())


def _broken(error: jsonlines.InvalidLineError | RecursionError) -> BadRow:
    match error.__cause__:
        case UnicodeDecodeError() as cause:
            return not_utf8(cause)
        case json.JSONDecodeError() as cause:
            return BadRow(f"broken JSON at column {cause.pos + 1}: {_fault(cause)}")
    return BadRow("nested too deeply to be a seed")


def _object(value: object) -> Fields | BadRow:
    if isinstance(value, dict):
        return value
    return BadRow(f"{kind_of(value)} instead of a JSON object")


# A JSON array, or JSON values one after the other


def _json_array(file: OpenFile) -> Iterator[SeedRow]:
    text = _JsonText(file.name, file.chunks())
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
    if text.peek():
        raise text.wrong("something follows the JSON array")


def _json_values(file: OpenFile) -> Iterator[SeedRow]:
    text = _JsonText(file.name, file.chunks())
    while text.peek():
        place = f"line {text.line}"
        yield SeedRow(place, _object(text.value()))


_SPACE = re.compile(r"[ \t\r\n]*")


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
            space = _SPACE.match(self._text, self._at)
            self._move(space.end() if space else self._at)
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


# CSV and other tables


def _table(file: OpenFile, field: str | None) -> Iterator[SeedRow]:
    delimiter = _delimiter(file, field) or ("\t" if file.suffix == ".tsv" else ",")
    unread: list[SeedRow] = []

    def texts() -> Iterator[str]:
        for number, line in file.lines():
            try:
                yield decoded(line)
            except BadRow as problem:
                unread.append(SeedRow(f"line {number}", problem))
                yield line.decode(errors="replace")  # so that the rows after it keep their borders

    records = _records(file.name, texts(), delimiter)
    header = _header(file.name, field, records, unread)
    for number, cells in records:
        if unread:
            yield unread[0]
            unread.clear()
        else:
            fields = cells if isinstance(cells, BadRow) else _named(header, cells)
            yield SeedRow(f"line {number}", fields)


def _records(
    name: str, texts: Iterator[str], delimiter: str
) -> Iterator[tuple[int, list[str] | BadRow]]:
    """Yield the first line's number and the cells of each record; skip empty records."""
    csv.field_size_limit(max(MAX_ROW, csv.field_size_limit()))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            why = str(error).replace("\t", r"\t")  # a delimiter that cannot be seen
            if reader.line_num > number:
                raise InputError(
                    f"{name}, line {number}: a quote opens here and is not closed as CSV"
                    f" requires (noticed in line {reader.line_num}: {why});"
                    " correct the file, because the rows after it cannot be told apart."
                ) from error
            yield number, BadRow(f"broken CSV: {why}")
        else:
            if any(map(str.strip, cells)):
                yield number, cells


def _header(
    name: str,
    field: str | None,
    records: Iterator[tuple[int, list[str] | BadRow]],
    unread: list[SeedRow],
) -> list[str]:
    number, cells = next(records, (1, []))
    if unread:
        raise InputError(f"{name}, {unread[0].place}: {unread[0].content}; save the file as UTF-8.")
    if isinstance(cells, BadRow):
        raise InputError(f"{name}, line {number}: {cells}; the first line names the columns.")
    header = [cell.strip() for cell in cells]
    if not _known(field).intersection(header):
        raise InputError(f"{name}, line {number}: {no_instruction('columns', header, field)}.")
    return header


def _named(header: list[str], cells: list[str]) -> Fields | BadRow:
    if any(map(str.strip, cells[len(header) :])):
        return BadRow(
            f"{len(cells)} cells under {len(header)} columns"
            " (put a cell that holds a delimiter in quotes)"
        )
    return dict.fromkeys(header, "") | dict(zip(header, cells, strict=False))


def _known(field: str | None) -> set[str]:
    return {field} if field else set(TEXT_KEYS)


def _delimiter(file: OpenFile, field: str | None) -> str | None:
    """Return the delimiter that makes the first line name a column for the instruction."""
    for delimiter in _DELIMITERS:
        header = next(csv.reader([_first_line(file)], delimiter=delimiter), [])
        if _known(field).intersection(cell.strip() for cell in header):
            return delimiter
    return None


def _first_line(file: OpenFile) -> str:
    lines = file.head.lstrip().splitlines()
    return lines[0].decode(errors="replace") if lines else ""
