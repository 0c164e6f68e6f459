"""Seed files are read in every layout and format, and each bad one gets its sentence."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolinstruct.errors import EvolinstructError, InputError, UsageError
from evolinstruct.seeds import Seed, SeedCounts, read_seeds
from evolinstruct.seeds.sources import Source

OR_SKIP = "; correct it, or leave bad rows out with --skip-bad."
SAVE = "save its rows as JSON lines or CSV"
ONE_A_LINE = "write one instruction on each line"
OVER_LINES = (
    "has chats or fields that go over several lines; save each as one row of JSON lines, such as"
    ' {"instruction": "…", "output": "…"}.'
)
TO_CORRECT = "; correct the file, because the rows after it cannot be told apart."


def read(
    *sources: Path | str,
    mapping: dict[str, str] | None = None,
    skip_bad: bool = False,
    limit: int | None = None,
    counts: SeedCounts | None = None,
    stdin: bytes = b"",
) -> list[Seed]:
    return list(
        read_seeds(
            [str(source) for source in sources],
            mapping=mapping,
            skip_bad=skip_bad,
            limit=limit,
            counts=SeedCounts() if counts is None else counts,
            streams={Source("stdin", None): io.BytesIO(stdin)},
        )
    )


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, so that names in sentences are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


ROWS = {
    "alpaca": ({"instruction": "Add.", "input": "1, 2", "output": "3"}, ("Add.", "1, 2", "3")),
    "no input": ({"instruction": "Add.", "input": ""}, ("Add.", None, None)),
    "null input": ({"instruction": "Add.", "input": None, "output": None}, ("Add.", None, None)),
    "no output": ({"instruction": "Add.", "input": "1", "output": " "}, ("Add.", "1", None)),
    "context": (
        {"instruction": "Sum up.", "context": "A.", "response": "B."},
        ("Sum up.", "A.", "B."),
    ),
    "prompt, response": ({"prompt": "Hi?", "response": "Ho."}, ("Hi?", None, "Ho.")),
    "prompt, completion": ({"prompt": "Hi?", "completion": "Ho."}, ("Hi?", None, "Ho.")),
    "question": ({"question": "Hi?", "answer": "Ho."}, ("Hi?", None, "Ho.")),
    "text": ({"text": "Hi?", "id": 7}, ("Hi?", None, None)),
    "instruction before text": ({"text": "Both.", "instruction": "One."}, ("One.", None, None)),
    "outer white space": (
        {"instruction": " \tList\n  it. \n", "input": "  a\n b \n", "output": " c\n"},
        ("List\n  it.", "  a\n b", " c\n"),
    ),
    "self-instruct": (
        {"instruction": "Add.", "instances": [{"input": "1, 2", "output": "3"}, {"input": "4"}]},
        ("Add.", "1, 2", "3"),
    ),
    "self-instruct, no input": (
        {"instruction": "Go.", "instances": [{"input": "<noinput>", "output": "Gone."}]},
        ("Go.", None, "Gone."),
    ),
    "self-instruct, no instance": ({"instruction": "Go.", "instances": []}, ("Go.", None, None)),
    "placeholders": (
        {"instruction": "Add.", "input": "No input.", "output": "N/A"},
        ("Add.", None, None),
    ),
    "nan of pandas": ({"instruction": "Add.", "input": float("nan")}, ("Add.", None, None)),
}


@pytest.mark.parametrize(("row", "texts"), ROWS.values(), ids=ROWS)
def test_every_common_layout_of_a_row_gives_its_instruction_input_and_output(
    row: dict[str, object], texts: tuple[str, str | None, str | None]
) -> None:
    assert read("-", stdin=lines(row)) == [Seed(*texts, source="stdin")]


ADD, GO = {"instruction": "Add.", "input": "1", "output": "2"}, {"instruction": "Go."}
TWO_ROWS = {
    "json lines": ("a.jsonl", lines(ADD, GO)),
    "ndjson": ("a.ndjson", lines(ADD, GO)),
    "json lines named .json": ("a.json", lines(ADD, GO)),
    "json lines by content": ("a", lines(ADD, GO)),
    "no final newline": ("a.jsonl", lines(ADD, GO).rstrip()),
    "blank lines": ("a.jsonl", b"\n  \n" + lines(ADD) + b"\n" + lines(GO) + b"\n"),
    "byte-order mark": ("a.jsonl", b"\xef\xbb\xbf" + lines(ADD, GO)),
    "crlf": ("a.jsonl", lines(ADD, GO).replace(b"\n", b"\r\n")),
    "lone cr": ("a.jsonl", lines(ADD, GO).replace(b"\n", b"\r")),
    "repeated key": ("a.jsonl", b'{"instruction": 1, "instruction": "Go."}\n' + lines(ADD)),
    "array": ("a.json", json.dumps([ADD, GO]).encode()),
    "objects over several lines named .jsonl": (
        "a.jsonl",
        b"\n".join(json.dumps(row, indent=1).encode() for row in (ADD, GO)),
    ),
    "array named .jsonl": ("a.jsonl", json.dumps([ADD, GO]).encode()),
    "array over several lines named .jsonl": ("a.jsonl", json.dumps([ADD, GO], indent=1).encode()),
    "array named .txt": ("a.txt", json.dumps([ADD, GO]).encode()),
    "json lines named .txt": ("a.txt", lines(ADD, GO)),
    "json lines named .csv": ("a.csv", lines(ADD, GO)),
    "two objects in one line": ("a.jsonl", lines(ADD, GO).replace(b"\n", b"")),
    "objects over several lines, one after the other": (
        "a.json",
        b"".join(json.dumps(row, indent=1).encode() for row in (ADD, GO)),
    ),
    "rows in a wrapper": ("a.json", json.dumps({"version": 1, "data": [ADD, GO]}).encode()),
    "rows in a wrapper over several lines": (
        "a.json",
        json.dumps({"examples": [ADD, GO], "count": {"all": 2}}, indent=2).encode(),
    ),
    "rows in a wrapper for each split": (
        "a.jsonl",
        json.dumps({"train": [ADD], "validation": [GO]}).encode(),
    ),
    "rows of the Hub's viewer": (
        "a.json",
        json.dumps(
            {"features": [{"a": 1}], "rows": [{"row_idx": 0, "row": ADD}, {"row": GO}]}
        ).encode(),
    ),
    "array over several lines": ("a.json", json.dumps([ADD, GO], indent=2).encode()),
    "array by content": ("a.dat", b"\xef\xbb\xbf \n" + json.dumps([ADD, GO]).encode() + b"\n\n"),
    "objects over several lines": (
        "a.json",
        b"\n".join(json.dumps(r, indent=1).encode() for r in (ADD, GO)),
    ),
    "csv": ("a.csv", b"instruction,input,output\nAdd.,1,2\nGo.,,\n"),
    "csv with quotes, crlf and a mark": (
        "a.csv",
        b'\xef\xbb\xbf"instruction",input,output\r\n"Add.","1","2"\r\n\r\n,,\r\nGo.\r\n',
    ),
    "csv, lone cr": ("a.csv", b"instruction,input,output\rAdd.,1,2\rGo.,,\r"),
    "csv with semicolons": ("a.csv", b"id;instruction;input;output\n1;Add.;1;2\n2;Go.;;\n"),
    "csv with the line of Excel": (
        "a.csv",
        b"\xef\xbb\xbfsep=;\r\ninstruction;input;output\r\nAdd.;1;2\r\nGo.;;\r\n",
    ),
    "csv named .txt": ("a.txt", b"instruction,input,output\nAdd.,1,2\nGo.,,\n"),
    "tsv named .txt": ("a.txt", b"input\tinstruction\toutput\n1\tAdd.\t2\n\tGo.\t\n"),
    "columns between bars": ("a.csv", b"instruction|input|output\nAdd.|1|2\nGo.||\n"),
    "csv by content": ("a", b"input,instruction,output\n1,Add.,2\n,Go.,\n"),
    "tsv": ("a.tsv", b"instruction\tinput\toutput\nAdd.\t1\t2\nGo.\t\t\n"),
}


@pytest.mark.parametrize(("name", "content"), TWO_ROWS.values(), ids=TWO_ROWS)
def test_every_format_gives_the_same_seeds(here: Path, name: str, content: bytes) -> None:
    (here / name).write_bytes(content)
    seeds = {Seed("Add.", "1", "2", name), Seed("Go.", None, None, name)}
    assert set(read(name)) == seeds


def test_plain_text_is_one_instruction_a_line_verbatim(here: Path) -> None:
    text = '\ufeff\n {x}: "json"? \r\n\n[1, 2\rinstruction,output\nCafé\u2028{x} $y "z\x1b[31m\n'
    (here / "a.txt").write_bytes(text.encode())
    expected = ['{x}: "json"?', "[1, 2", "instruction,output", 'Café\u2028{x} $y "z\x1b[31m']
    assert [seed.instruction for seed in read("a.txt")] == expected


def test_a_csv_cell_keeps_its_line_breaks_quotes_and_equals_sign() -> None:
    csv = b'prompt,response\n"=Say ""a"",\r\nthen\n\n b.",Done.\n'
    assert read("-", stdin=csv) == [Seed('=Say "a",\r\nthen\n\n b.', None, "Done.", "stdin")]


def test_a_named_field_holds_the_instruction_whatever_else_is_there() -> None:
    row = {"instruction": "Not this.", "query": "This.", "output": "Yes."}
    assert read("-", stdin=lines(row), mapping={"instruction": "query"}) == [
        Seed("This.", None, "Yes.", "stdin")
    ]
    table = b"query,instruction\nThis.,Not this.\n"
    assert read("-", stdin=table, mapping={"instruction": "query"}) == [
        Seed("This.", None, None, "stdin")
    ]


def test_layouts_may_change_from_row_to_row() -> None:
    rows = lines(
        {"prompt": "A"}, {"question": "B"}, {"messages": [{"role": "user", "content": "C"}]}
    )
    assert [seed.instruction for seed in read("-", stdin=rows)] == ["A", "B", "C"]


def test_a_shipped_file_is_found_by_its_stem_unless_a_file_has_that_name(here: Path) -> None:
    assert {seed.source for seed in read("starter", limit=3)} == {"starter"}
    (here / "starter").write_text("Mine.")
    assert read("starter") == [Seed("Mine.", None, None, "starter")]


def test_seeds_of_equal_joined_text_are_dropped_and_counted_across_files(here: Path) -> None:
    (here / "a.jsonl").write_bytes(
        lines({"instruction": "A", "input": "b"}, GO, {"prompt": " Go."})
    )
    (here / "b.txt").write_text("Go.\nB\n")
    (here / "c.jsonl").write_bytes(lines({"instruction": "A\nb", "output": "x"}, {"prompt": "A"}))
    counts = SeedCounts()
    assert read("a.jsonl", "b.txt", "c.jsonl", counts=counts) == [
        Seed("A", "b", None, "a.jsonl"),
        Seed("Go.", None, None, "a.jsonl"),
        Seed("B", None, None, "b.txt"),
        Seed("A", None, None, "c.jsonl"),
    ]
    assert counts == SeedCounts(read=7, skipped=0, duplicates=3)


def test_a_limit_counts_seeds_after_bad_rows_and_duplicates(here: Path) -> None:
    (here / "a.jsonl").write_bytes(lines(1, GO, GO, 2, {"text": "A"}, {"text": "B"}, 3))
    (here / "b.jsonl").write_bytes(b"broken")
    counts = SeedCounts()
    seeds = read("a.jsonl", "b.jsonl", skip_bad=True, limit=2, counts=counts)
    assert [seed.instruction for seed in seeds] == ["Go.", "A"]
    assert (counts.read, counts.skipped, counts.duplicates) == (5, 2, 1)


def test_skipped_rows_are_counted_and_the_first_five_are_told(here: Path) -> None:
    (here / "a.jsonl").write_bytes(lines(1, GO, *range(2, 9)))
    counts = SeedCounts()
    assert read("a.jsonl", skip_bad=True, counts=counts) == [Seed("Go.", None, None, "a.jsonl")]
    problem = "a.jsonl, line {}: the number {} instead of a JSON object"
    told = [
        problem.format(line, number) for line, number in [(1, 1), (3, 2), (4, 3), (5, 4), (6, 5)]
    ]
    assert counts == SeedCounts(read=9, skipped=8, duplicates=0, problems=told)


def test_a_bad_row_of_a_table_costs_no_other_row() -> None:
    table = b'instruction,output\n\xff"A,1\n"B" x,2\nC,3,4\n"D\nd",5\n,6\nE\n'
    counts = SeedCounts()
    seeds = read("-", stdin=table, skip_bad=True, counts=counts)
    assert [(seed.instruction, seed.output) for seed in seeds] == [("D\nd", "5"), ("E", None)]
    assert counts.problems == [
        "stdin, line 2: byte 1 of the line (0xff) is not UTF-8",
        "stdin, line 3: broken CSV: ',' expected after '\"'",
        "stdin, line 4: 3 cells under 2 columns (put a cell that holds a delimiter in quotes)",
        "stdin, line 7: `instruction` is empty",
    ]


def bad(row: bytes, what: str) -> tuple[str, bytes, str]:
    """The row as line 2 of a JSON lines file, and the message about it."""
    return "a.jsonl", b"\n" + row + b"\n", f"a.jsonl, line 2: {what}{OR_SKIP}"


BAD_FILES = {
    "an old Excel file": (
        "a.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a.xls is an Excel file of the old kind (.xls), or one with a password; save it as .xlsx"
        " without one, or as CSV.",
    ),
    "no Excel file": (
        "a.xlsx",
        b"instruction\nGo.\n",
        "a.xlsx does not begin as an Excel file does; download or save it again.",
    ),
    "a zip archive": (
        "a.zip",
        b"PK\x03\x04",
        "a.zip is a zip archive, or a document in one; save its rows as CSV or JSON lines.",
    ),
    "an old Feather file": (
        "a.feather",
        b"FEA1",
        "a.feather is a Feather file of version 1; write it again, as version 2.",
    ),
    "empty": ("a.jsonl", b"", "a.jsonl is empty; a seed file holds at least one instruction."),
    "only a mark": (
        "a.txt",
        b"\xef\xbb\xbf",
        "a.txt is empty; a seed file holds at least one instruction.",
    ),
    "only blank lines": ("a.jsonl", b"\n \r\n", "a.jsonl holds no seed: it has no row."),
    "empty array": ("a.json", b"[ ]", "a.json holds no seed: it has no row."),
    "only a header": ("a.csv", b"instruction\n", "a.csv holds no seed: it has no row."),
    "binary": (
        "a.txt",
        b"ab\0c",
        "a.txt is binary, not text: byte 3 is NUL;"
        " seeds are JSON lines, a JSON array, CSV or plain text, in UTF-8.",
    ),
    "utf-16": (
        "a.csv",
        "instruction".encode("utf-16"),
        "a.csv begins with a UTF-16 byte-order mark; save it as UTF-8.",
    ),
    "utf-32": (
        "a.txt",
        "Go.".encode("utf-32"),
        "a.txt begins with a UTF-32 byte-order mark; save it as UTF-8.",
    ),
    "a torn gzip": (
        "a.jsonl.gz",
        b"\x1f\x8b\x08",
        "a.jsonl.gz is broken or cut off: gzip cannot unpack it (Compressed file ended before the"
        " end-of-stream marker was reached); download or compress it again.",
    ),
    "bad utf-8": bad(b'{"text": "\xff"}', "byte 11 of the line (0xff) is not UTF-8"),
    "bad utf-8 in text": (
        "a.txt",
        b"A\nCaf\xe9\n",
        f"a.txt, line 2: byte 4 of the line (0xe9) is not UTF-8{OR_SKIP}",
    ),
    "bad utf-8 in an array": (
        "a.json",
        b'[{"text": "A"},\n{"text": "\xff"}]',
        f"a.json, line 2: byte 27 of the file (0xff) is not UTF-8{TO_CORRECT}",
    ),
    "a cut line": bad(
        b'{"text": "A"', "broken JSON at column 13: expecting ',' delimiter, found its end"
    ),
    "a cut string": bad(
        b'{"text": "A', "broken JSON at column 10: unterminated string, found '\"A'"
    ),
    "two values": bad(
        b'{"text": "A"} \x1b[2J', "broken JSON at column 15: extra data, found '\\x1b[2J'"
    ),
    "a list": bad(b"[1]", "a list instead of a JSON object"),
    "a number": bad(b"5", "the number 5 instead of a JSON object"),
    "null": bad(b"null", "null instead of a JSON object"),
    "a string": bad(b'"Go."', "the text 'Go.' instead of a JSON object"),
    "nested too deeply": bad(b'{"a": ' + b"[" * 200_000, "nested too deeply to be a seed"),
    "no fields": bad(b"{}", "no instruction, because there are no fields"),
    "no known field": bad(
        b'{"a": 1, "Text": "A"}',
        "no instruction among the fields 'a', 'Text'"
        " (--map instruction=KEY names the one that holds it)",
    ),
    "empty instruction": bad(b'{"instruction": " \\n"}', "`instruction` is empty"),
    "number as text": bad(b'{"prompt": 5}', "`prompt` is the number 5 instead of text"),
    "huge number": bad(
        b'{"text": 1%s}' % (b"0" * 5000), "`text` is the number inf instead of text"
    ),
    "list as text": bad(b'{"text": ["A"]}', "`text` is a list instead of text"),
    "null as text": bad(b'{"text": null}', "`text` is null instead of text"),
    "nan as text": bad(b'{"text": NaN}', "`text` is NaN instead of text"),
    "number as input": bad(
        b'{"instruction": "A", "input": 1.5}', "`input` is the number 1.5 instead of text"
    ),
    "boolean as output": bad(
        b'{"instruction": "A", "instances": [{"output": true}]}',
        "`instances[0].output` is true instead of text",
    ),
    "instances": bad(
        b'{"instruction": "A", "instances": {"a": 1}}', "`instances` is not a list of objects"
    ),
    "lone surrogate": bad(
        b'{"text": "a\\ud800"}',
        "`text` holds a lone surrogate ('\\ud800'), which no UTF-8 file can hold",
    ),
    "a megabyte": bad(
        b'{"text": "%s"}' % (b"a" * 1_000_000),
        "the instruction has 1,000,000 characters, more than the 100,000 allowed",
    ),
    "no user": bad(b'{"messages": []}', "`messages` has no turn of a user"),
    "roles that nobody knows": bad(
        b'{"messages": [{"role": "x", "content": "A"}, {"role": "y", "content": "B"}]}',
        "`messages` has no turn of a user; its roles are 'x', 'y'",
    ),
    "nobody speaks": bad(
        b'{"data": [{"task": "A", "result": "B"}]}',
        "`data[0]` does not say who speaks, among the fields 'task', 'result' (turns have `role`"
        " and `content`; if these are rows, --map instruction=KEY names their field)",
    ),
    "a single turn": bad(
        b'{"role": "assistant", "text": "A"}',
        "it is a single turn of a conversation; put the turns of each conversation into one row, as"
        " a list under `messages`",
    ),
    "a table of pandas": bad(
        b'{"columns": ["instruction", "output"], "data": [["A", "B"]]}',
        "no instruction among the fields 'columns', 'data'"
        " (--map instruction=KEY names the one that holds it)",
    ),
    "no turns": bad(b'{"messages": "A"}', "`messages` is the text 'A' instead of a list of turns"),
    "no turn": bad(b'{"conversations": [null]}', "`conversations[0]` is null instead of a turn"),
    "an image": bad(
        b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}',
        "`messages[0].content` has a part that is not text",
    ),
    "yaml": ("a.yaml", b"- instruction: A\n", f"a.yaml is YAML; {SAVE}."),
    "yaml named .txt": ("a.txt", b"- prompt: A\n- prompt: B\n", f"a.txt is YAML; {SAVE}."),
    "yaml with a list": ("a.txt", b"seeds:\n  - A\n  - B\n", f"a.txt is YAML; {SAVE}."),
    "html named .txt": ("a.txt", b"<!DOCTYPE html>\n<p>A</p>\n", f"a.txt is HTML or XML; {SAVE}."),
    "xml": ("a.xml", b"<a><b>A</b></a>\n", f"a.xml is HTML or XML; {SAVE}."),
    "xml named .txt": ("a.txt", b"<tasks>\n<task>A</task>\n", f"a.txt is HTML or XML; {SAVE}."),
    "markdown": ("a.md", b"A\n", f"a.md is Markdown; {ONE_A_LINE}, or {SAVE}."),
    "markdown named .txt": (
        "a.txt",
        b"# All\n\nA\n",
        f"a.txt is Markdown; {ONE_A_LINE}, or {SAVE}.",
    ),
    "a markdown table": (
        "a.txt",
        b"| prompt | note |\n|---|---|\n| A | B |\n",
        f"a.txt is Markdown; {ONE_A_LINE}, or {SAVE}.",
    ),
    "a marked list": (
        "a.txt",
        b"1. A\n2. B\n",
        "a.txt is a list with a mark on each line; take the marks away, so that each line is one"
        " instruction.",
    ),
    "settings": ("a.txt", b'[seeds]\nfirst = "A"\n', f"a.txt is a file of settings; {SAVE}."),
    "a column named .txt": (
        "a.txt",
        b"instruction\nA, please\n",
        "a.txt begins with the name of a column, 'instruction'; name the file .csv, or take that"
        " line away.",
    ),
    "a chat over lines": ("a.txt", b"User: A\nAssistant: B\n", f"a.txt {OVER_LINES}"),
    "a template over lines": (
        "a.txt",
        b"<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nB<|im_end|>\n",
        f"a.txt {OVER_LINES}",
    ),
    "fields over lines": ("a.txt", b"instruction: A\noutput: B\n", f"a.txt {OVER_LINES}"),
    "a python dictionary": (
        "a.txt",
        b"{'text': 'A'}\n",
        "a.txt, line 1: broken JSON at column 2: expecting property name enclosed in double quotes,"
        f" found \"'text': 'A'}}\"{OR_SKIP}",
    ),
    "a pointer of Git LFS": (
        "a.jsonl",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "a.jsonl is a pointer of Git LFS, not the data; run `git lfs pull` there.",
    ),
    "no parquet": (
        "a.parquet",
        b"Go.",
        "a.parquet does not begin as Parquet does; download or write it again.",
    ),
    "more behind a wrapper": (
        "a.json",
        b'{"data": [{"text": "A"}]}\n[]',
        f"a.json, line 2: something follows the JSON object{TO_CORRECT}",
    ),
    "endless line": (
        "a.txt",
        b"A\n" + b"a" * 10_500_000,
        "a.txt, line 2: more than 10,000,000 bytes and no line break;"
        " check that the file has one row on each line.",
    ),
    "bad element": (
        "a.json",
        b'[{"text": "A"},\n {"text": 5}]',
        f"a.json, line 2, element 2: `text` is the number 5 instead of text{OR_SKIP}",
    ),
    "cut array": (
        "a.json",
        b'[{"text": "A"},\n{"text":',
        f"a.json, line 2: broken JSON (expecting value, found its end){TO_CORRECT}",
    ),
    "missing comma": (
        "a.json",
        b'[{"text": "A"}\n{"text": "B"}]',
        f"a.json, line 2: broken JSON (expecting ',' or ']' after an element){TO_CORRECT}",
    ),
    "more behind an array": (
        "a.json",
        b'[{"text": "A"}]\n[]',
        f"a.json, line 2: something follows the JSON array{TO_CORRECT}",
    ),
    "deep array": (
        "a.json",
        b"[" * 200_000,
        f"a.json, line 1: nested too deeply to be a seed{TO_CORRECT}",
    ),
    "no known column": (
        "a.csv",
        b"id,Task\n1,Go.\n",
        "a.csv, line 1: no instruction among the columns 'id', 'Task'"
        " (--map instruction=KEY names the one that holds it).",
    ),
    "unclosed quote": (
        "a.csv",
        b'text,output\nA,1\n"B,2\nC,3\n',
        "a.csv, line 3: a quote opens here and is not closed as CSV requires"
        f" (noticed in line 4: unexpected end of data){TO_CORRECT}",
    ),
    "too many cells": (
        "a.csv",
        b"prompt,response\nSay, please,A\n",
        "a.csv, line 2: 3 cells under 2 columns"
        f" (put a cell that holds a delimiter in quotes){OR_SKIP}",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "content", "sentence"), BAD_FILES.values(), ids=BAD_FILES)
def test_every_bad_file_gets_its_sentence(
    here: Path, name: str, content: bytes, sentence: str
) -> None:
    (here / name).write_bytes(content)
    with pytest.raises(InputError) as raised:
        read(name)
    assert str(raised.value) == sentence


def test_a_name_that_means_nothing_is_refused_before_anything_is_read(here: Path) -> None:
    (here / "tasks.jsonl").write_bytes(b"broken")
    (here / "folder").mkdir()
    missing = (
        ", and not one of the seeds that come with evolinstruct ('code', 'math', 'starter');"
        " check the path."
    )
    sentences = {
        "task.jsonl": f"task.jsonl: no such file (did you mean 'tasks.jsonl'?){missing}",
        "startr": f"startr: no such file (did you mean 'starter'?){missing}",
        "no/where": f"no/where: no such file{missing}",
        "\x1b[31m": f"'\\x1b[31m': no such file{missing}",
        "folder": "folder is a folder that holds no seed file (.jsonl, .ndjson, .json, .csv, .tsv,"
        " .txt, .parquet, .arrow, .feather, .xlsx, .xlsm, each also with .gz or .zst or .zstd);"
        " name another.",
    }
    for name, sentence in sentences.items():
        with pytest.raises(InputError) as raised:
            read_seeds(["tasks.jsonl", name], skip_bad=False, limit=None, counts=SeedCounts())
        assert str(raised.value) == sentence


def test_standard_input_is_read_once_only() -> None:
    with pytest.raises(UsageError, match=r"^Standard input \(-\) can be read once only"):
        read("-", "-")


def test_a_field_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(InputError) as raised:
        read("-", stdin=lines({"query": "A", "id": 1}), mapping={"instruction": "Querry"})
    found = "no 'Querry' among the fields 'query', 'id' (did you mean 'query'?)"
    assert str(raised.value) == f"stdin, line 1: {found}{OR_SKIP}"


def test_a_file_of_bad_rows_alone_is_an_error_even_when_they_are_skipped() -> None:
    with pytest.raises(InputError) as raised:
        read("-", stdin=b'{"a": 1}\n5\n', skip_bad=True)
    first = (
        "stdin, line 1: no instruction among the fields 'a'"
        " (--map instruction=KEY names the one that holds it)"
    )
    assert str(raised.value) == f"stdin holds no seed: every row is bad, the first: {first}."


@pytest.mark.parametrize(
    ("name", "start", "content", "place"),
    [
        ("a.jsonl", "", '{"text": "é"}\r\n17\r\n', "line 2"),
        ("a.json", "[", '{"text": "é"},\r\n 17\r\n]', "line 2, element 2"),
        ("a.json", "{\n", '"text":\r\n"é"}\r\n17', "line 4"),
    ],
)
def test_it_does_not_matter_where_a_file_is_cut_into_the_pieces_it_is_read_in(
    here: Path, name: str, start: str, content: str, place: str
) -> None:
    problem = f"{name}, {place}: the number 17 instead of a JSON object"
    encoded = content.encode()
    for cut in range(1, len(encoded)):
        (here / name).write_bytes(start.encode().ljust(65_536 - cut) + encoded)
        counts = SeedCounts()
        assert read(name, skip_bad=True, counts=counts) == [Seed("é", None, None, name)]
        assert counts == SeedCounts(read=2, skipped=1, problems=[problem])


def test_bad_utf8_is_found_at_its_place_in_a_large_array(here: Path) -> None:
    (here / "a.json").write_bytes(b"[" + b'{"text": "A"},\n' * 10_000 + b'{"text": "\xc3"}]')
    with pytest.raises(InputError) as raised:
        read("a.json")
    place = "a.json, line 10001: byte 150,012 of the file"
    assert str(raised.value) == f"{place} (0xc3) is not UTF-8{TO_CORRECT}"


KINDS = ("jsonl", "json", "csv", "txt")
LARGE = [pytest.param(suffix, 5_000, marks=pytest.mark.slow) for suffix in KINDS]


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "number"), [("jsonl", 2_000), *LARGE])
def test_memory_does_not_grow_with_the_file(here: Path, suffix: str, number: int) -> None:
    few, many = (
        peak_memory(write_many(here / f"{rows}.{suffix}", rows)) for rows in (number, 4 * number)
    )
    assert many <= 1.2 * few


def write_many(path: Path, rows: int) -> Path:
    texts = (
        f"Explain step {number} of a long plan to a beginner, please." for number in range(rows)
    )
    start, end, row, between = {
        ".jsonl": ("", "", '{{"instruction": "{}", "output": "Yes."}}', "\n"),
        ".json": ("[", "]", '{{"instruction": "{}", "output": "Yes."}}', ",\n"),
        ".csv": ("instruction,output\n", "", '"{}",Yes.', "\n"),
        ".txt": ("", "", "{}", "\n"),
    }[path.suffix]
    path.write_text(start + between.join(map(row.format, texts)) + end)
    return path


def peak_memory(path: Path) -> int:
    counts = SeedCounts()
    tracemalloc.start()
    for _ in read_seeds([str(path)], skip_bad=False, limit=None, counts=counts):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counts.read == int(path.stem)
    return peak


json_rows = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["instruction", "input", "instances", "messages", "role", "content", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
).map(lambda row: json.dumps(row).encode())
some_lines = st.lists(
    json_rows
    | st.binary(max_size=20)
    | st.sampled_from(
        [b"", b"[" * 3000, b'"', b"a,b", b"text,output", b"\xef\xbb\xbf", b"{", b"["]
    ),
    max_size=8,
)


@settings(deadline=None)  # the machine may be busy
@given(
    rows=some_lines,
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    name=st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.txt", "a"]),
    skip_bad=st.booleans(),
)
def test_any_bytes_give_seeds_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[bytes],
    end: bytes,
    name: str,
    skip_bad: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(end.join(rows))
    counts = SeedCounts()
    try:
        seeds = read(path, skip_bad=skip_bad, counts=counts)
    except EvolinstructError as error:
        sentence, seeds = str(error), None
    if seeds is None:
        assert sentence.isprintable()
    else:
        assert len(seeds) == counts.read - counts.skipped - counts.duplicates > 0
        assert "".join(f"{seed.instruction}{seed.input}{seed.output}" for seed in seeds).encode()


@settings(deadline=None)
@given(rows=some_lines)
def test_no_row_of_json_lines_is_lost_silently(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes]
) -> None:
    good = b'{"text": "One good row."}'  # first, since marks at the start speak of the whole file
    content = b"\n".join([good, *rows, good]).replace(b"\0", b"")
    path = tmp_path_factory.getbasetemp() / "a.jsonl"
    path.write_bytes(content)
    counts = SeedCounts()
    seeds = read(path, skip_bad=True, counts=counts)
    written = [line for line in content.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    assert counts.read == len(written)
    assert len(seeds) + counts.duplicates + counts.skipped == counts.read
