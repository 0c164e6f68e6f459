"""Tables: CSV files with a header, of any common delimiter."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from evolinstruct.errors import InputError
from evolinstruct.seeds.files import MAX_ROW, OpenFile
from evolinstruct.seeds.layouts import TEXT_KEYS, TURN_KEYS, no_instruction
from evolinstruct.seeds.problems import BadRow, Fields, SeedRow, decoded

_DELIMITERS = ",;\t|"
_EXCEL = re.compile(rb'\s*"?sep=(.)"?\s*\Z', re.IGNORECASE)
"""The line by which Excel names the delimiter, before the header."""


def read_table(file: OpenFile, field: str | None) -> Iterator[SeedRow]:
    """Yield the records under the header."""
    delimiter = delimiter_of(file, field) or ("\t" if file.suffix == ".tsv" else ",")
    unread: list[SeedRow] = []

    def texts() -> Iterator[str]:
        for number, line in file.lines():
            if number == 1 and _EXCEL.match(line):
                yield "\n"
                continue
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
    return {field} if field else {*TEXT_KEYS, *TURN_KEYS}


def delimiter_of(file: OpenFile, field: str | None) -> str | None:
    """Return the delimiter that makes the first line name a column for the instruction."""
    for delimiter in _DELIMITERS:
        header = next(csv.reader([_first_line(file)], delimiter=delimiter), [])
        if _known(field).intersection(cell.strip() for cell in header):
            return delimiter
    return None


def looks_like_table(file: OpenFile, field: str | None) -> bool:
    """Tell whether the first lines are a header that names the instruction, and a record under it.

    A plain sentence may hold a delimiter and a word that is a column's name elsewhere.
    """
    delimiter = delimiter_of(file, field)
    if delimiter is None:
        return False
    records = csv.reader(_first_lines(file), delimiter=delimiter)
    header, record = next(records, []), next(records, [])
    return 1 < len(header) == len(record) and all(map(_NAME.fullmatch, header))


_NAME = re.compile(r"\s*[\w#][\w .#/()-]{0,40}")
_FIRST_LINES = 100  # lines of a head, in which the first record ends


def _first_line(file: OpenFile) -> str:
    return next(iter(_first_lines(file)), "")


def _first_lines(file: OpenFile) -> list[str]:
    """Return the beginning of a file, without blank lines before it and Excel's line."""
    lines = file.head.lstrip().splitlines(keepends=True)[:_FIRST_LINES]
    if lines and _EXCEL.match(lines[0]):
        lines = lines[1:]
    return [line.decode(errors="replace").replace("\0", "") for line in lines]
