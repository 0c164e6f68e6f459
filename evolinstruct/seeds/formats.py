"""Seed formats: recognises the format of a seed file, and yields the fields of each row.

Formats are JSON lines, JSON arrays and wrappers, CSV, Excel, Parquet, Arrow and plain text. A row
that cannot be read is yielded too, with the reason, because whoever reads the rows decides whether
that ends the reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from evolinstruct import parquet
from evolinstruct.errors import InputError
from evolinstruct.seeds import json_rows, tables
from evolinstruct.seeds.files import ZIP, OpenFile
from evolinstruct.seeds.layouts import (
    KNOWN_FIELDS,
    TEXT_KEYS,
    TURN_KEYS,
    has_instruction,
    no_instruction,
)
from evolinstruct.seeds.problems import BadRow, Fields, SeedRow, decoded, shown
from evolinstruct.seeds.rendered import spans_lines
from evolinstruct.seeds.workbooks import is_workbook, read_workbook

_JSON_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv")
_JSON_READERS = {
    "lines": json_rows.read_lines,
    "array": json_rows.read_array,
    "values": json_rows.read_values,
    "wrapper": json_rows.read_wrapped,
}
_OBJECT = re.compile(
    rb"""\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|'[^'\n]*'\s*:|[a-z_]\w*:\s|\}\s*(?:\n|\Z))""",
    re.IGNORECASE,
)
_ARRAY = re.compile(rb'\[\s*[\[{"\]]')

_SAVE = "save its rows as JSON lines or CSV"
_ONE_A_LINE = "write one instruction on each line, or " + _SAVE
_OTHER_SUFFIXES = {
    **dict.fromkeys((".yaml", ".yml"), f"is YAML; {_SAVE}"),
    **dict.fromkeys((".md", ".markdown", ".mdx", ".rst"), f"is Markdown; {_ONE_A_LINE}"),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xml"), f"is HTML or XML; {_SAVE}"),
    **dict.fromkeys(
        (".toml", ".ini", ".cfg", ".tex", ".py", ".sql", ".ipynb"), f"is no data; {_SAVE}"
    ),
    ".parquet": "does not begin as Parquet does; download or write it again",
    **dict.fromkeys(
        (".arrow", ".feather"), "does not begin as an Arrow file does; download or write it again"
    ),
    **dict.fromkeys(
        (".xlsx", ".xlsm"), "does not begin as an Excel file does; download or save it again"
    ),
}
_MARK = r"(?:[-*+•]|\d{1,4}[.)])[ ]+"
_OTHER_CONTENTS = {  # how a text begins that is not one instruction a line
    r"<(?:!doctype|html|\?xml|!--|svg|rss)\b": f"is HTML or XML; {_SAVE}",
    r"<([a-z][\w.:-]*)(?:\s[^<>\n]*)?>\s*(?:\n|<[a-z](?s:.*)</\1>)": f"is HTML or XML; {_SAVE}",
    r"---[ \t]*\n|%YAML|[\w-]+:[ \t]*\n[ \t]*-[ ]": f"is YAML; {_SAVE}",
    rf"-[ ]+(?:{'|'.join(TEXT_KEYS + TURN_KEYS)})[ ]*:|-[ ]+\w+:(?:[ ].*)?\n[ ]+\w+:|-[ ]+[{{\[]": (
        f"is YAML; {_SAVE}"
    ),
    r"#{1,6}[ ]+(?!(?:human|user|instruction|system|question|prompt)\b)\S.*\n": (
        f"is Markdown; {_ONE_A_LINE}"
    ),
    r"```|~~~|\|.*\|[ \t]*\n\|?[ ]*:?-{2,}|[^\n]+\n(?:={3,}|-{3,})[ \t]*(?:\n|\Z)": (
        f"is Markdown; {_ONE_A_LINE}"
    ),
    rf"(?:{_MARK}\S.*(?:\n+|\Z)){{2,}}\Z": (
        "is a list with a mark on each line; take the marks away, so that each line is one"
        " instruction"
    ),
    r"\\documentclass|\\begin\{": f"is LaTeX; {_ONE_A_LINE}",
    r"\[[\w.-]+\][ \t]*\n[\w-]+[ ]*=": f"is a file of settings; {_SAVE}",
}
_OTHER = [(re.compile(pattern, re.IGNORECASE), what) for pattern, what in _OTHER_CONTENTS.items()]


def read_rows(file: OpenFile, mapping: Mapping[str, str]) -> Iterator[SeedRow]:
    """Yield the rows of a file, in its order; blank lines are no rows.

    Args:
        file: the open file.
        mapping: the field of each part that the user named.

    Raises:
        InputError: the file as a whole cannot be read, or is of another format.
    """
    field = mapping.get("instruction")
    if file.whole is not None:
        read = _archive if file.head.startswith(ZIP) else _columns
        return read(file, file.whole, mapping)
    match _format(file, field):
        case "table":
            return tables.read_table(file, field)
        case "plain":
            return _plain(file)
        case json_format:
            return _JSON_READERS[json_format](file)


def _format(file: OpenFile, field: str | None) -> str:
    """Return the format: JSON by the first characters, others by extension, then by content."""
    start = file.head.lstrip()
    if file.suffix in (".json", *_JSON_LINES) or _OBJECT.match(start) or _ARRAY.match(start):
        return _json_format(file, start, field)
    if file.suffix in _OTHER_SUFFIXES:
        raise InputError(f"{file.name} {_OTHER_SUFFIXES[file.suffix]}.")
    if file.suffix in _TABLES or tables.looks_like_table(file, field):
        return "table"
    _require_instructions(file.name, start.decode(errors="replace").replace("\r\n", "\n"), field)
    return "plain"


def _json_format(file: OpenFile, start: bytes, field: str | None) -> str:
    first, *following = start.splitlines() or [b""]
    if start.startswith(b"["):
        # A line of JSON lines may be a list, of turns; an array is one value over all lines.
        has_lists = following and first.rstrip().endswith(b"]")
        is_lines = file.suffix in _JSON_LINES and (has_lists or not _ARRAY.match(start))
        return "lines" if is_lines else "array"
    if json_rows.is_wrapper(start.decode(errors="replace"), field):
        return "wrapper"
    if not following or first.rstrip().endswith(b"}"):
        return "lines"
    is_lines = file.suffix in _JSON_LINES and not json_rows.is_over_lines(
        start.decode("utf-8", "replace")
    )
    return "lines" if is_lines else "values"


def _require_instructions(name: str, text: str, field: str | None) -> None:
    """Refuse a text that is not one instruction a line."""
    for pattern, what in _OTHER:
        if pattern.match(text):
            raise InputError(f"{name} {what}.")
    header, _, rest = text.partition("\n")
    header = header.strip().strip('"')
    if rest.strip() and header in ((field,) if field else TEXT_KEYS):
        raise InputError(
            f"{name} begins with the name of a column, {shown(header)}; name the file .csv, or take"
            " that line away."
        )
    if spans_lines(text):
        raise InputError(
            f"{name} has chats or fields that go over several lines; save each as one row of JSON"
            ' lines, such as {"instruction": "…", "output": "…"}.'
        )


def _archive(file: OpenFile, whole: BinaryIO, mapping: Mapping[str, str]) -> Iterator[SeedRow]:
    """Yield the rows of an Excel file; no other zip archive is read."""
    if not is_workbook(whole):
        raise InputError(
            f"{file.name} is a zip archive, or a document in one; save its rows as CSV or JSON"
            " lines."
        )
    return read_workbook(file, whole, mapping.get("instruction"))


def _columns(file: OpenFile, whole: BinaryIO, mapping: Mapping[str, str]) -> Iterator[SeedRow]:
    """Yield the rows of a file of columns; columns that nobody looks at are not read."""
    reader = parquet.Reader(file.name, whole)
    there: Fields = {column: [] for column in reader.columns}
    missing = [key for key in mapping.values() if key not in there]
    if missing or not has_instruction(there, mapping.get("instruction")):
        wrong = no_instruction("columns", there, missing[0] if missing else None)
        raise InputError(f"{file.name}: {wrong}.")
    wanted = KNOWN_FIELDS.union(mapping.values())
    rows = reader.rows([column for column in there if column in wanted])
    return (SeedRow(f"row {number}", fields) for number, fields in rows)


def _plain(file: OpenFile) -> Iterator[SeedRow]:
    for number, line in file.lines():
        try:
            text = decoded(line)
        except BadRow as problem:
            yield SeedRow(f"line {number}", problem)
        else:
            if text.strip():
                yield SeedRow(f"line {number}", {"text": text})
