"""Constraints that make a whole response data: JSON, CSV, labelled lines, a tag."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO
from typing import Any

from evolinstruct.checks.constraint import (
    Constraint,
    OneOf,
    SomeOf,
    Whole,
    constraint,
    differs,
)
from evolinstruct.checks.response import Response

_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_KEYS = (
    ("summary", "details", "sources"),
    ("answer", "confidence"),
    ("topic", "explanation", "example"),
    ("title", "steps", "warning"),
)
_COLUMNS = (
    ("item", "reason"),
    ("name", "use", "limit"),
    ("step", "action", "result"),
)
_LABELS = (
    ("Topic", "Claim", "Reason"),
    ("What", "Why", "How", "When"),
    ("Problem", "Cause", "Remedy"),
)
_DEEPEST = 100


def _inside(response: Response) -> str:
    """Return what stands in the fence, where the whole response is one."""
    fenced = _FENCED.fullmatch(response.text)
    return fenced[1] if fenced else response.text


def _json(response: Response) -> Any:
    text = _inside(response)
    if max(text.count("["), text.count("{")) > _DEEPEST * _DEEPEST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@constraint(
    "data size list",
    r"\bJSON\b",
    "The response is a single JSON object with exactly the keys {keys}, in this order.",
    "Answer with one JSON object and nothing else; its keys are {keys}, in this order.",
    arguments={"keys": SomeOf(_KEYS)},
    shapes_all=True,
)
def json_keys(response: Response, keys: list[str]) -> str | None:
    """Read the object."""
    found = _json(response)
    if not isinstance(found, dict):
        return "it is no JSON object"
    return None if list(found) == keys else f"the keys are {', '.join(found)[:80] or 'missing'}"


@constraint(
    "data size list",
    r"\bJSON\b",
    "The response is a JSON array of exactly {number} objects, each with the keys {keys} and no"
    " others.",
    "Answer with nothing but a JSON array of {number} objects, each of which has just the keys"
    " {keys}.",
    arguments={"number": Whole(3, 5), "keys": SomeOf(_COLUMNS)},
    shapes_all=True,
)
def json_array(response: Response, number: int, keys: list[str]) -> str | None:
    """Read the array."""
    found = _json(response)
    if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
        return "it is no JSON array of objects"
    for each in found:
        if set(each) != set(keys):
            return f"an object has the keys {', '.join(each)[:80]}"
    return differs(len(found), number, "object")


@constraint(
    "data size list",
    r"\bCSV\b",
    "The response is CSV with the header {columns} and exactly {number} rows beneath it.",
    "Answer with nothing but CSV: a header with the columns {columns}, then exactly {number} rows.",
    arguments={"columns": SomeOf(_COLUMNS), "number": Whole(3, 6)},
    shapes_all=True,
)
def csv_rows(response: Response, columns: list[str], number: int) -> str | None:
    """Read the table."""
    try:
        rows = [row for row in csv.reader(StringIO(_inside(response)), strict=True) if row]
    except csv.Error as error:
        return f"it is no CSV: {error}"
    header = [cell.strip().casefold() for cell in rows[0]] if rows else []
    if header != [column.casefold() for column in columns]:
        return f"the header is {', '.join(header)[:80] or 'missing'}"
    for row in rows[1:]:
        if len(row) != len(columns):
            return f"a row of {len(row)} cells"
    return differs(len(rows) - 1, number, "row")


@constraint(
    "data size list",
    r"\b(?:lines?|label)",
    "The response is one line for each of {labels}, in this order: the label, a colon, then the"
    " text.",
    "Write nothing but the lines {labels}, in this order, each as the label, a colon and the text.",
    arguments={"labels": SomeOf(_LABELS)},
    shapes_all=True,
    needs="english",
)
def labelled_lines(response: Response, labels: list[str]) -> str | None:
    """Read the labels."""
    found = [line.replace("**", "").partition(":") for line in response.lines]
    names = [name.strip(" -*").casefold() for name, _, _ in found]
    if names != [label.casefold() for label in labels]:
        return f"the labels are {', '.join(names)[:80]}"
    return None if all(text.strip() for _, _, text in found) else "a label without a text"


@constraint(
    "wrapper start end",
    r"<\w+>",
    "The whole response stands between <{tag}> and </{tag}>.",
    "Put everything between <{tag}> and </{tag}>, with nothing outside these tags.",
    arguments={"tag": OneOf(("reply", "result", "memo", "note"))},
    anywhere=True,
)
def tag_around(response: Response, tag: str) -> str | None:
    """Look at both ends."""
    text = response.whole
    begins, ends = text.startswith(f"<{tag}>"), text.endswith(f"</{tag}>")
    if begins and ends and text.count(f"<{tag}>") == text.count(f"</{tag}>") == 1:
        return None
    return f"it does not stand between one <{tag}> and one </{tag}>"


@constraint(
    "data size list",
    r"->|\barrows?\b",
    "The response is one line of exactly {number} parts joined by arrows (->).",
    "Answer in a single line: exactly {number} parts with an arrow (->) between them.",
    arguments={"number": Whole(3, 6)},
    shapes_all=True,
    words=lambda number: (number, 25 * number),
)
def arrow_chain(response: Response, number: int) -> str | None:
    """Count the parts."""
    if len(response.lines) != 1:
        return f"{len(response.lines)} lines"
    parts = re.split(r"->|→", response.text)
    if not all(part.strip() for part in parts):
        return "an arrow without a part"
    return differs(len(parts), number, "part")


CONSTRAINTS = tuple(each for each in globals().values() if isinstance(each, Constraint))
