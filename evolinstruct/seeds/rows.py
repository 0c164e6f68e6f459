"""Seed files as rows: which format a file has, and the fields of each row in it.

Knows JSON lines, JSON arrays, CSV, Parquet and plain text. Knows nothing of what the fields mean,
but for the columns by which a table's header is recognised. A row that cannot be read is handed on
as the :class:`BadRow` that says why: whoever reads on decides whether that ends the reading.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import BinaryIO

import jsonlines

from evolinstruct import parquet
from evolinstruct.errors import InputError
from evolinstruct.seeds.files import MAX_ROW, Content
from evolinstruct.seeds.json_text import DECODER, JsonText, fault
from evolinstruct.seeds.layouts import TEXT_KEYS, Fields, no_instruction
from evolinstruct.seeds.problems import BadRow, decoded, kind_of, not_utf8

Row = tuple[str, Fields | BadRow]
"""A row's place in its file, in words, and its fields or what is wrong with it."""

_FORMATS = {
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".csv": "table",
    ".tsv": "table",
    ".txt": "plain",
}
_DELIMITERS = ",;\t"


def read_rows(content: Content, field: str | None) -> Iterator[Row]:
    """Yield the rows of a file, in its order; blank lines are no rows.

    The name's extension decides the format where it says one; otherwise the first characters do.

    Args:
        content: the open file.
        field: the field that holds the instruction, if the user named one.

    Raises:
        InputError: the file as a whole cannot be read as what it seems to be.
    """
    if content.parquet is not None:
        return _parquet(content.name, content.parquet)
    match _format(content, field):
        case "table":
            return _table(content, field)
        case "array":
            return _json_array(content)
        case "values":
            return _json_values(content)
        case "lines":
            return _json_lines(content)
    return _plain(content)


def _format(content: Content, field: str | None) -> str:
    if content.suffix in _FORMATS:
        return _FORMATS[content.suffix]
    start = content.head.lstrip()
    if start.startswith(b"["):
        return "array"
    if start.startswith(b"{"):
        first, *following = start.splitlines()
        return "values" if following and not first.rstrip().endswith(b"}") else "lines"
    if content.suffix == ".json":
        return "lines"
    delimiter = _delimiter(content, field)
    return "table" if delimiter and delimiter in _first_line(content) else "plain"


def _parquet(name: str, file: BinaryIO) -> Iterator[Row]:
    return ((f"row {number}", fields) for number, fields in parquet.read(name, file))


def _json_lines(content: Content) -> Iterator[Row]:
    current = (0, b"")

    def tell() -> Iterator[bytes]:
        nonlocal current
        for current in content.lines():
            yield current[1].rstrip(b"\r\n")

    # Without `loads` the reader takes whichever JSON package is installed, and each has its own
    # idea of what JSON is.
    reader = jsonlines.Reader(tell(), loads=_loads)
    while True:
        try:
            found = _object(reader.read(allow_none=True, skip_empty=True))
        except EOFError:
            return
        except (jsonlines.InvalidLineError, RecursionError) as error:
            found = _broken(error)
        number, line = current
        if isinstance(found, BadRow) and number == 1 and line.lstrip().startswith(b"["):
            found = BadRow(f"{found} (a file that is one JSON array is named .json)")
        yield f"line {number}", found


def _loads(text: str | bytes) -> object:
    return DECODER.decode(text if isinstance(text, str) else text.decode())


def _broken(error: jsonlines.InvalidLineError | RecursionError) -> BadRow:
    match error.__cause__:
        case UnicodeDecodeError() as cause:
            return not_utf8(cause)
        case json.JSONDecodeError() as cause:
            return BadRow(f"broken JSON at column {cause.pos + 1}: {fault(cause)}")
    return BadRow("nested too deeply to be a seed")


def _object(value: object) -> Fields | BadRow:
    if isinstance(value, dict):
        return value
    return BadRow(f"{kind_of(value)}, where a JSON object should be")


def _json_array(content: Content) -> Iterator[Row]:
    text = JsonText(content.name, content.chunks())
    text.peek()
    text.skip()
    number, mark = 0, text.peek()
    while mark != "]":
        text.peek()
        number += 1
        place = f"line {text.line}, element {number}"
        yield place, _object(text.value())
        mark = text.peek()
        if mark not in (",", "]"):
            raise text.wrong("broken JSON (expecting ',' or ']' after an element)")
        if mark == ",":
            text.skip()
    text.skip()
    if text.peek():
        raise text.wrong("something follows the JSON array")


def _json_values(content: Content) -> Iterator[Row]:
    text = JsonText(content.name, content.chunks())
    while text.peek():
        place = f"line {text.line}"
        yield place, _object(text.value())


def _plain(content: Content) -> Iterator[Row]:
    for number, line in content.lines():
        try:
            text = decoded(line)
        except BadRow as problem:
            yield f"line {number}", problem
        else:
            if text.strip():
                yield f"line {number}", {"text": text}


def _table(content: Content, field: str | None) -> Iterator[Row]:
    delimiter = _delimiter(content, field) or ("\t" if content.suffix == ".tsv" else ",")
    unread: list[Row] = []

    def texts() -> Iterator[str]:
        for number, line in content.lines():
            try:
                yield decoded(line)
            except BadRow as problem:
                unread.append((f"line {number}", problem))
                yield line.decode(errors="replace")  # the rows behind it keep their borders

    records = _records(content.name, texts(), delimiter)
    header = _header(content.name, field, records, unread)
    for number, cells in records:
        if unread:
            yield unread[0]
            unread.clear()
        else:
            yield f"line {number}", cells if isinstance(cells, BadRow) else _named(header, cells)


def _records(
    name: str, texts: Iterator[str], delimiter: str
) -> Iterator[tuple[int, list[str] | BadRow]]:
    """Yield the number of each record's first line, and its cells; empty records are left out."""
    csv.field_size_limit(max(MAX_ROW, csv.field_size_limit()))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            why = str(error).replace("\t", r"\t")  # a delimiter that nobody sees
            if reader.line_num > number:
                raise InputError(
                    f"{name}, line {number}: a quote is opened here that is not closed as CSV"
                    f" closes one (noticed in line {reader.line_num}: {why});"
                    " correct the file, since what follows cannot be told apart."
                ) from error
            yield number, BadRow(f"broken CSV: {why}")
        else:
            if any(map(str.strip, cells)):
                yield number, cells


def _header(
    name: str,
    field: str | None,
    records: Iterator[tuple[int, list[str] | BadRow]],
    unread: list[Row],
) -> list[str]:
    number, cells = next(records, (1, []))
    if unread:
        raise InputError(f"{name}, {unread[0][0]}: {unread[0][1]}; save the file as UTF-8.")
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
            " (a cell that holds a delimiter stands in quotes)"
        )
    return dict.fromkeys(header, "") | dict(zip(header, cells, strict=False))


def _known(field: str | None) -> set[str]:
    return {field} if field else set(TEXT_KEYS)


def _delimiter(content: Content, field: str | None) -> str | None:
    """Return the delimiter under which the first line names a column that holds instructions."""
    for delimiter in _DELIMITERS:
        header = next(csv.reader([_first_line(content)], delimiter=delimiter), [])
        if _known(field).intersection(cell.strip() for cell in header):
            return delimiter
    return None


def _first_line(content: Content) -> str:
    lines = content.head.lstrip().splitlines()
    return lines[0].decode(errors="replace") if lines else ""
