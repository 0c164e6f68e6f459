"""Seeds from Excel files: which sheets, which cells, and a sentence for every bad file."""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from evolinstruct.errors import EvolinstructError, InputError
from evolinstruct.seeds import Seed, SeedCounts, read_seeds
from evolinstruct.seeds.summary import summarize_seeds
from tests.command_line import evolinstruct

NAME = "book.xlsx"
HEADER = ["instruction", "output"]
Sheets = dict[str, list[list[Any]]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("openpyxl", reason="openpyxl")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def book(sheets: Sheets, change: Callable[[Any], None] = lambda _: None) -> bytes:
    """Return an Excel file of these sheets, changed before it is saved."""
    import openpyxl  # noqa: PLC0415

    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    change(made)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def with_part(content: bytes, part: str, text: bytes) -> bytes:
    """Return an Excel file with another text in the place of a part."""
    file = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as old, ZipFile(file, "w", ZIP_DEFLATED) as new:
        for each in old.namelist():
            new.writestr(each, text if each == part else old.read(each))
    return file.getvalue()


def read(content: bytes, name: str = NAME, **options: Any) -> list[tuple[str, str | None]]:
    Path(name).write_bytes(content)
    wanted: dict[str, Any] = {
        "skip_bad": False,
        "limit": None,
        "counts": SeedCounts(),
        "mapping": None,
    }
    found: list[Seed] = list(read_seeds([name], **{**wanted, **options}))
    return [(seed.instruction, seed.output) for seed in found]


SHEET = "xl/worksheets/sheet1.xml"
ONE = [HEADER, ["Name a river.", "The Elbe."]]
XML = b'<?xml version="1.0"?>'
SPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet_of(rows: bytes) -> bytes:
    return XML + b"<worksheet " + SPACE + b"><sheetData>" + rows + b"</sheetData></worksheet>"


def cell(place: str, text: str) -> bytes:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


BAD_BOOKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "no column of instructions": (
        lambda: book({"A": [["topic", "level"], ["rivers", 3]], "B": [[]]}),
        ": no instruction among the columns 'topic', 'level' (…).",
    ),
    "a formula that was never calculated": (
        lambda: book({"A": [*ONE, ["=A2", "x"]]}),
        ", sheet 'A', row 3: the formula under 'instruction' was never calculated; open the file in"
        " Excel or LibreOffice and save it; correct it, or leave bad rows out with --skip-bad.",
    ),
    "a formula without a value": (
        lambda: book({"A": [*ONE, ["Why?", "#REF!"]]}),
        ", sheet 'A', row 3: the formula under 'output' has no value but #REF!; correct it, or"
        " leave bad rows out with --skip-bad.",
    ),
    "an instruction that is missing": (
        lambda: book({"A": [*ONE, [None, "x"]]}),
        ", sheet 'A', row 3: `instruction` is empty; correct it, or leave bad rows out with"
        " --skip-bad.",
    ),
    "a sheet that is cut off": (
        lambda: with_part(book({"A": ONE}), SHEET, sheet_of(b"<row></row>")[:-30]),
        " cannot be read as an Excel file (ParseError: …); open it in Excel or LibreOffice and save"
        " it.",
    ),
    "a row beyond the last one": (
        lambda: with_part(
            book({"A": ONE}),
            SHEET,
            sheet_of(
                b'<row r="1">' + cell("A1", "text") + b'</row><row r="9999999999">' + b"</row>"
            ),
        ),
        " has a row beyond 1,048,576; write it again.",
    ),
    "entities that unfold": (
        lambda: with_part(book({"A": ONE}), SHEET, UNFOLDING),
        " cannot be read as an Excel file (ParseError: limit on input amplification factor…); open"
        " it in Excel or LibreOffice and save it.",
    ),
    "a zip bomb": (
        lambda: with_part(book({"A": ONE}), SHEET, sheet_of(b"<row></row>" * 10_000_000)),
        " unpacks to more than the 100 MB that are read (xl/worksheets/); save its sheet as CSV.",
    ),
    "a zip bomb in its styles": (
        lambda: with_part(book({"A": ONE}), "xl/styles.xml", XML + b"<a/>" * 3_000_000),
        " unpacks to more than the 10 MB that are read (what describes it); save its sheet as CSV.",
    ),
    "an archive of something else": (
        lambda: with_part(book({"A": ONE}), "xl/workbook.xml", b"").replace(
            b"xl/workbook.xml", b"xl/wordbook.xml"
        ),
        " is a zip archive, or a document in one; save its rows as CSV or JSON lines.",
    ),
    "cut off": (
        lambda: book({"A": ONE})[:900],
        " is a zip archive, or a document in one; save its rows as CSV or JSON lines.",
    ),
}
LEVELS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
UNFOLDING = sheet_of(b'<row r="1">' + cell("A1", "&a9;") + b"</row>").replace(
    XML, XML + f'<!DOCTYPE a [<!ENTITY a0 "aaaaaaaaaa">{LEVELS}]>'.encode()
)


@pytest.mark.slow
@pytest.mark.parametrize(("content", "sentence"), BAD_BOOKS.values(), ids=BAD_BOOKS)
def test_every_bad_book_gets_its_sentence(content: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read(content())
    begins, _, ends = f"{NAME}{sentence}".partition("…")
    assert str(caught.value).startswith(begins)
    assert str(caught.value).endswith(ends)
    assert str(caught.value).isprintable()


def test_cells_are_read_as_the_texts_that_they_show() -> None:
    rows = [
        [None, None],
        ["instruction", "output", None, "level"],
        ["  Name a river.  ", 42],
        [date(2024, 5, 1), True, "beside the columns"],
        [],
        ["Explain\ntides.", 1.5],
        ["=A3", "'quoted'"],
    ]

    def calculated(made: Any) -> None:
        made["A"].cell(7, 1).value = "Is it calculated?"

    assert read(book({"A": rows}, calculated)) == [
        ("Name a river.", "42"),
        ("2024-05-01 00:00:00", "TRUE"),
        ("Explain\ntides.", "1.5"),
        ("Is it calculated?", "'quoted'"),
    ]


def test_every_sheet_in_sight_that_names_an_instruction_is_read_and_the_others_are_said() -> None:
    sheets = {
        "About": [["This book is mine."]],
        "Easy": ONE,
        "Old": [HEADER, ["Gone.", None]],
        "Hard": [["prompt"], ["Prove it."]],
    }

    def hide(made: Any) -> None:
        made["Old"].sheet_state = "hidden"

    counts = SeedCounts()
    assert read(book(sheets, hide), counts=counts) == [
        ("Name a river.", "The Elbe."),
        ("Prove it.", None),
    ]
    note = (
        "book.xlsx: read from 'Easy', 'Hard'; hidden, or without a column of instructions: 'About',"
        " 'Old'."
    )
    assert counts.notes == [note]
    assert summarize_seeds([NAME], {}).files[0].notes == [note]
    assert note in " ".join(evolinstruct(f"seeds {NAME}").stdout.split())  # lines have a width
    assert note in evolinstruct(f"evolve {NAME} -o run --client offline -g 1").stderr


def test_a_book_of_one_sheet_needs_no_note() -> None:
    counts = SeedCounts()
    read(book({"A": ONE}), counts=counts)
    assert counts.notes == []


def test_of_merged_cells_the_first_holds_the_value() -> None:
    rows = [["category", *HEADER], ["rivers", "One?", "a"], [None, "Two?", "b"]]
    assert read(book({"A": rows}, lambda made: made["A"].merge_cells("A2:A3"))) == [
        ("One?", "a"),
        ("Two?", "b"),
    ]
    merged = book({"A": [*ONE, ["x", "y"]]}, lambda made: made["A"].merge_cells("A2:A3"))
    with pytest.raises(InputError, match="sheet 'A', row 3: `instruction` is empty"):
        read(merged)


def test_a_column_may_be_named() -> None:
    rows = [["frage", "antwort"], ["Warum?", "Darum."]]
    found = read(book({"A": rows}), mapping={"instruction": "frage", "output": "antwort"})
    assert found == [("Warum?", "Darum.")]
    with pytest.raises(
        InputError, match=r"no 'frag' among the columns 'frage', 'antwort' \(did you"
    ):
        read(book({"A": rows}), mapping={"instruction": "frag"})


def test_it_is_read_compressed_and_from_standard_input_and_in_a_folder(here: Path) -> None:
    content = book({"A": ONE})
    assert read(gzip.compress(content), "book.xlsx.gz") == [("Name a river.", "The Elbe.")]
    (here / "folder").mkdir()
    assert read(content, "folder/a.xlsx") == read(content)
    assert list(read_seeds(["folder"], skip_bad=False, limit=None, counts=SeedCounts()))
    done = evolinstruct("seeds -", content)
    assert "1 seed: 0 with an input, 1 with an answer" in done.stdout


@pytest.mark.slow
def test_a_cell_far_away_is_passed_over() -> None:
    def far(made: Any) -> None:
        made["A"]["XFD1048576"] = "far"

    assert read(book({"A": ONE}, far)) == [("Name a river.", "The Elbe.")]


def test_what_a_sheet_says_of_its_size_need_not_be_so() -> None:
    rows = sheet_of(
        b'<row r="1">' + cell("A1", "text") + b'</row><row r="2">' + cell("A2", "Why?") + b"</row>"
    )
    for said in (b"A1", b"A1:XFD1048576", b"?"):
        content = with_part(
            book({"A": ONE}),
            SHEET,
            rows.replace(b"<sheetData>", b'<dimension ref="%b"/><sheetData>' % said),
        )
        try:
            assert read(content) == [("Why?", None)]
        except EvolinstructError as error:
            assert "cannot be read as an Excel file" in str(error)  # noqa: PT017


def test_without_openpyxl_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = book({"A": ONE})
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"is an Excel file: .* 'evolinstruct\[excel\]'"):
        read(content)
