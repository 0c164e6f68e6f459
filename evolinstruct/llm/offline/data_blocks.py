"""Input data of the offline client: a small table of drawn values, written in a data format."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from evolinstruct.llm.offline.grammar import PHRASES, Writer


@dataclass(frozen=True, slots=True)
class Table:
    """Drawn data.

    Attributes:
        name: what a row is one of, in the plural.
        columns: their names; the last column holds numbers.
        rows: the values, as many in each row as there are columns.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


# Each table: its name, and its columns with the symbol that their values are drawn from.
_TABLES = (
    ("orders", {"number": "hundreds", "item": "goods", "status": "status", "quantity": "tens"}),
    ("visits", {"date": "date", "visitor": "first_name", "city": "city", "minutes": "tens"}),
    ("tickets", {"id": "hundreds", "team": "team", "priority": "level", "hours": "tens"}),
    ("shipments", {"date": "date", "target": "city", "content": "goods", "weight": "hundreds"}),
    ("readings", {"time": "time", "station": "city", "level": "level", "value": "hundreds"}),
    ("employees", {"name": "first_name", "team": "team", "joined": "date", "salary": "hundreds"}),
    ("invoices", {"invoice": "hundreds", "client": "city", "state": "status", "amount": "tens"}),
    ("courses", {"subject": "field", "month": "month", "teacher": "first_name", "seats": "tens"}),
    ("rentals", {"item": "goods", "renter": "first_name", "due": "date", "fee": "tens"}),
    ("surveys", {"topic": "subject", "place": "city", "mood": "level", "answers": "hundreds"}),
)
_ROW_COUNTS = (3, 4, 4, 5, 6)


def draw_table(writer: Writer) -> Table:
    """Draw one of the tables and fill it with values."""
    name, columns = writer.pick(_TABLES)
    symbols = [PHRASES[symbol] for symbol in columns.values()]
    count = writer.pick(_ROW_COUNTS)
    rows = [tuple([writer.write(symbol) for symbol in symbols]) for _ in range(count)]
    return Table(name, tuple(columns), rows)


def write_block(table: Table, data_format: str) -> str:
    """Write the table in the format; a format that nobody knows gets a plain listing."""
    return _writer_of(data_format)(table)


def _pairs(table: Table, template: str, joint: str) -> list[str]:
    """Return each row as its (column, value) pairs in the template, joined."""
    return [
        joint.join([template % pair for pair in zip(table.columns, row, strict=True)])
        for row in table.rows
    ]


def _literal(value: str, quote: str) -> str:
    return value if value.isdigit() else f"{quote}{value}{quote}"


def _objects(table: Table) -> str:
    """Return the rows as JSON objects, which are Python dictionaries too."""
    return ",\n".join(
        "  {"
        + ", ".join(
            f'"{column}": {_literal(value, chr(34))}'
            for column, value in zip(table.columns, row, strict=True)
        )
        + "}"
        for row in table.rows
    )


def _xml(table: Table) -> str:
    rows = [
        "".join([f"<{c}>{v}</{c}>" for c, v in zip(table.columns, row, strict=True)])
        for row in table.rows
    ]
    body = "\n".join(f"  <entry>{row}</entry>" for row in rows)
    return f"<{table.name}>\n{body}\n</{table.name}>"


def _sql(table: Table) -> str:
    types = [
        f"{column} {'INTEGER' if value.isdigit() else 'TEXT'}"
        for column, value in zip(table.columns, table.rows[0], strict=True)
    ]
    rows = ",\n".join(f"  ({', '.join([_literal(v, chr(39)) for v in r])})" for r in table.rows)
    return (
        f"CREATE TABLE {table.name} ({', '.join(types)});\nINSERT INTO {table.name} VALUES\n{rows};"
    )


def _python(table: Table) -> str:
    total = table.columns[-1]
    return (
        f"{table.name} = [\n{_objects(table)}\n]\n\n"
        f"def total_{total}(rows):\n    result = 0\n    for row in rows[1:]:\n"
        f'        result += row["{total}"]\n    return result\n\n'
        f"print(total_{total}({table.name}))"
    )


def _html(table: Table) -> str:
    head = "".join([f"<th>{column}</th>" for column in table.columns])
    rows = ["".join([f"<td>{value}</td>" for value in row]) for row in table.rows]
    body = "\n".join(f"  <tr>{row}</tr>" for row in rows)
    return f'<table id="{table.name}">\n  <tr>{head}</tr>\n{body}\n</table>'


def _shell(table: Table) -> str:
    rows = "\n".join([";".join(row) for row in table.rows])
    return (
        f"cat > {table.name}.txt <<'END'\n{rows}\nEND\n"
        f"sort -t ';' -k {len(table.columns)} -n {table.name}.txt | head -n 2\n"
        f"grep -c '{table.rows[0][1]}' {table.name}.txt"
    )


def _json(table: Table) -> str:
    return f'{{"{table.name}": [\n{_objects(table)}\n]}}'


def _csv(table: Table) -> str:
    return "\n".join([",".join(row) for row in (table.columns, *table.rows)])


def _yaml(table: Table) -> str:
    rows = _pairs(table, "%s: %s", "\n    ")
    return f"{table.name}:\n" + "\n".join([f"  - {row}" for row in rows])


def _log(table: Table) -> str:
    lines = zip(table.rows, _pairs(table, "%s=%s", " "), strict=True)
    return "\n".join(
        [f"08:{int(row[-1]) % 50 + 10} INFO {table.name}: {line}" for row, line in lines]
    )


def _markdown(table: Table) -> str:
    rows = (table.columns, tuple(["---"] * len(table.columns)), *table.rows)
    return "\n".join([f"| {' | '.join(row)} |" for row in rows])


def _listing(table: Table) -> str:
    return "\n".join([f"- {row}" for row in _pairs(table, "%s: %s", "; ")])


_FORMATS: dict[str, Callable[[Table], str]] = {
    "xml": _xml,
    "sql": _sql,
    "python": _python,
    "html": _html,
    "shell": _shell,
    "bash": _shell,
    "json": _json,
    "csv": _csv,
    "yaml": _yaml,
    "log": _log,
    "table": _markdown,
    "markdown": _markdown,
}


@lru_cache(maxsize=256)
def _writer_of(data_format: str) -> Callable[[Table], str]:
    words = re.findall("[a-z]+", data_format.lower())
    return next((_FORMATS[word] for word in words if word in _FORMATS), _listing)
