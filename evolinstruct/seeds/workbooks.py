"""Workbooks: the rows of Excel files, from every sheet in sight that names an instruction.

The only importer of openpyxl. It reads a sheet row by row; a reader that is faster lays a sheet out
as a rectangle, and one far cell then ends the process for want of memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from typing import Any, BinaryIO, NamedTuple
from zipfile import BadZipFile, ZipFile

from evolinstruct.errors import InputError
from evolinstruct.installation import import_extra
from evolinstruct.seeds.files import OpenFile
from evolinstruct.seeds.layouts import has_instruction, no_instruction
from evolinstruct.seeds.problems import BadRow, SeedRow, names_quoted, shown

_MOST = {"xl/worksheets/": 100_000_000, "xl/sharedStrings": 100_000_000, "": 10_000_000}
"""The most bytes, unpacked, of the parts of a workbook by how their names begin: sheets, and texts
and whatever else lies in memory while they are read."""
_LAST_ROW = 1_048_576
_BATCH_ROWS = 512
_FAULTS = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
"""What stands in a cell whose formula has no value."""

_Cells = tuple[Any, ...]


def is_workbook(stream: BinaryIO) -> bool:
    """Tell whether a zip archive is an Excel file that can be read."""
    try:
        with ZipFile(stream) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (BadZipFile, OSError, ValueError):
        return False
    finally:
        stream.seek(0)


def read_workbook(file: OpenFile, stream: BinaryIO, field: str | None) -> Iterator[SeedRow]:
    """Yield the rows of the sheets, as texts; says in the file's notes which they are.

    Args:
        file: the open file.
        stream: the file itself, at its start.
        field: the column of the instruction that the user named.

    Raises:
        InputError: openpyxl is not installed, the file is broken or too large, or no sheet names
            an instruction.
    """
    import_extra("openpyxl", "excel", f"{file.name} is an Excel file: to read it")
    _require_bounded(file.name, stream)
    book = _Book(file.name, stream)
    sheets = [sheet for name in book.in_sight if (sheet := _sheet(book, name))]
    chosen = [each for each in sheets if has_instruction(dict.fromkeys(each.header, ""), field)]
    if not chosen:
        columns = [name for sheet in sheets for name in sheet.header if name]
        raise InputError(f"{file.name}: {no_instruction('columns', columns, field)}.")
    file.notes.extend(_notes(file.name, book.names, [each.name for each in chosen]))
    return (row for sheet in chosen for row in _rows(book, sheet))


def _require_bounded(name: str, stream: BinaryIO) -> None:
    """Refuse a file that would fill the memory; zipfile unpacks no more than a part announces."""
    with ZipFile(stream) as archive:
        sizes = dict.fromkeys(_MOST, 0)
        for part in archive.infolist():
            if part.filename.endswith((".xml", ".rels")):
                kind = next(start for start in _MOST if part.filename.startswith(start))
                sizes[kind] += part.file_size
    stream.seek(0)
    for kind, most in _MOST.items():
        if sizes[kind] > most:
            raise InputError(
                f"{name} unpacks to more than the {most // 1_000_000} MB that are read"
                f" ({kind or 'what describes it'}); save its sheet as CSV."
            )


def _notes(name: str, names: Sequence[str], chosen: Sequence[str]) -> Iterator[str]:
    """Say which sheets are read, where there is a choice."""
    others = [each for each in names if each not in chosen]
    if others:
        yield (
            f"{name}: read from {names_quoted(chosen)}; hidden, or without a column of"
            f" instructions: {names_quoted(others)}."
        )
    elif len(chosen) > 1:
        yield f"{name}: read from {names_quoted(chosen)}."


class _Sheet(NamedTuple):
    """A sheet: its name, the number of the row that names its columns, and their names."""

    name: str
    number: int
    header: list[str]


def _sheet(book: _Book, name: str) -> _Sheet | None:
    """Return a sheet by its first row that holds anything; None if there is none."""
    for number, cells in book.rows(name):
        header = [_text(cell).strip() for cell in cells]
        if any(header):
            return _Sheet(name, number, header)
    return None


def _rows(book: _Book, sheet: _Sheet) -> Iterator[SeedRow]:
    """Yield the rows under the header; what stands beside its columns is not read."""
    formulas = _Formulas(book, sheet)
    for number, cells in book.rows(sheet.name, sheet.number + 1, len(sheet.header)):
        fault = formulas.missing(number, cells) if None in cells else None
        fields = _named(sheet.header, cells) if fault or cells.count(None) < len(cells) else {}
        if fault or any(map(str.strip, fields.values())):
            content = fault or _without_value(fields) or fields
            yield SeedRow(f"sheet {shown(sheet.name)}, row {number}", content)


def _named(header: list[str], cells: _Cells) -> dict[str, str]:
    """Return the texts of a row by their columns; what stands under no name is left out."""
    texts = dict(zip(header, map(_text, cells), strict=False))
    return {column: texts.get(column, "") for column in header if column}


def _without_value(fields: dict[str, str]) -> BadRow | None:
    for column, text in fields.items():
        if text in _FAULTS:
            return BadRow(f"the formula under {shown(column)} has no value but {text}")
    return None


class _Formulas:
    """The formulas of a sheet, opened where a cell has no value and may have one."""

    def __init__(self, book: _Book, sheet: _Sheet) -> None:
        self._header = sheet.header
        self._first = sheet.number + 1
        self._rows = book.rows(sheet.name, self._first, len(sheet.header), formulas=True)

    def missing(self, number: int, cells: _Cells) -> BadRow | None:
        """Return what is wrong with a row whose formula has no value; rows come in their order."""
        _, written = next(islice(self._rows, number - self._first, None), (0, ()))
        self._first = number + 1
        for column, cell, formula in zip(self._header, cells, written, strict=False):
            if column and cell is None and isinstance(formula, str) and formula.startswith("="):
                return BadRow(
                    f"the formula under {shown(column)} was never calculated; open the file in"
                    " Excel or LibreOffice and save it"
                )
        return None


def _text(cell: object) -> str:
    """Return what a cell shows, as text."""
    if cell is None:
        return ""
    return str(cell).upper() if isinstance(cell, bool) else str(cell)


class _Book:
    """An open workbook.

    Attributes:
        names: the names of its sheets.
        in_sight: of those that are not hidden.
    """

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self._name = name
        self._stream = stream
        self._opened: dict[bool, Any] = {}
        sheets = self._book(formulas=False).worksheets
        self.names: list[str] = [sheet.title for sheet in sheets]
        self.in_sight = [sheet.title for sheet in sheets if sheet.sheet_state == "visible"]

    def rows(
        self, sheet: str, first: int = 1, width: int | None = None, *, formulas: bool = False
    ) -> Iterator[tuple[int, _Cells]]:
        """Yield each row with its number; values, or the formulas that they come from."""
        book = self._book(formulas=formulas)
        with self._checked(sheet):
            table = book[sheet]
            table.reset_dimensions()  # what a file says of its size need not be so
            cells = table.iter_rows(min_row=first, max_col=width, values_only=True)
        numbers = count(first)
        while True:
            with self._checked(sheet):
                batch = list(islice(cells, _BATCH_ROWS))
            yield from zip(numbers, batch, strict=False)
            if len(batch) < _BATCH_ROWS:
                return
            first += _BATCH_ROWS
            if first > _LAST_ROW:
                raise InputError(f"{self._name} has a row beyond {_LAST_ROW:,}; write it again.")

    def _book(self, *, formulas: bool) -> Any:
        if formulas not in self._opened:
            openpyxl = import_extra("openpyxl", "excel", self._name)
            with self._checked():
                self._opened[formulas] = openpyxl.load_workbook(
                    self._stream, read_only=True, data_only=not formulas, keep_links=False
                )
        return self._opened[formulas]

    @contextmanager
    def _checked(self, sheet: str = "") -> Iterator[None]:
        """Report a broken file in a sentence."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on styles and the like, which are not read
                yield
        except Exception as error:
            # A broken file makes openpyxl stumble in any way.
            where = f", sheet {shown(sheet)}," if sheet else ""
            why = "".join(filter(str.isprintable, str(error).partition("\n")[0]))
            raise InputError(
                f"{self._name}{where} cannot be read as an Excel file"
                f" ({type(error).__name__}: {why}); open it in Excel or LibreOffice and save it."
            ) from error
