"""A query: what somebody looks for among the lines of a run, as SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evolinstruct.errors import UsageError
from evolinstruct.text import did_you_mean
from evolinstruct.words import UNSPACED, has_unspaced

WORDS = "words"
_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_UNSPACED = re.compile(f"([{UNSPACED}])")
_ID = re.compile("[0-9a-f]{4,16}")
_AFTER_HEX = "g"
_COLUMNS = {
    "": "generation",
    "generation": "generation",
    "operation": "operation",
    "outcome": "kind || rule",
    WORDS: "words",
}
_Sql = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody looks for; what is left empty decides nothing.

    Attributes:
        text: words that a line must hold, each by its beginning; "in quotes" they stand side by
            side; or the beginning of an id.
        generation: its number.
        operation: its name.
        kind: seed, kept, rejected or failed.
        rule: the rule that rejected it.
        ranges: the least and the most of words or of a measure; None where there is no bound.
        sort: generation, operation, outcome, words or a measure; as in the files if empty.
        is_falling: whether the highest come first.
        page: which page is shown, from 0.
        rows: how many lines a page has.
    """

    text: str = ""
    generation: int | None = None
    operation: str = ""
    kind: str = ""
    rule: str = ""
    ranges: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    sort: str = ""
    is_falling: bool = False
    page: int = 0
    rows: int = 25

    def count(self, ways: Mapping[str, int]) -> _Sql:
        """Return what counts the lines; `ways` has the numbers of measures by their names.

        Raises:
            UsageError: a measure is not among them.
        """
        where, values = self._where(ways)
        return f"SELECT count(*) FROM lines {where}", values  # noqa: S608 - no data in it

    def select(self, ways: Mapping[str, int]) -> _Sql:
        """Return what selects number, file, start and length of each line of the page; likewise."""
        where, values = self._where(ways)
        direction = "DESC" if self.is_falling else "ASC"
        joined: list[Any] = []
        if self.sort in _COLUMNS:
            join, order = "", f"{_COLUMNS[self.sort]} {direction}"
        else:
            join = "LEFT JOIN scores ON line = lines.number AND way = ?"
            joined = [_way(ways, self.sort)]
            order = f"value IS NULL, value {direction}"
        page = (
            f"SELECT lines.number AS number, file, start, length FROM lines {join} {where}"  # noqa: S608
            f" ORDER BY {order}, lines.number LIMIT ? OFFSET ?"
        )
        sql = (
            "SELECT page.number, files.name, start, length"  # noqa: S608
            f" FROM ({page}) AS page JOIN files ON files.number = file"
        )
        return sql, [*joined, *values, self.rows, self.page * self.rows]

    def _where(self, ways: Mapping[str, int]) -> _Sql:
        conditions, values = [], []
        for condition, *given in self._conditions(ways):
            conditions.append(condition)
            values += given
        return f"WHERE {' AND '.join(conditions)}" if conditions else "", values

    def _conditions(self, ways: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
        if wanted := match_of(self.text):
            texts = "SELECT rowid FROM texts WHERE texts MATCH ?"
            ids = "SELECT number FROM lines WHERE id >= ? AND id < ?"
            start = self.text.strip().lower()
            if _ID.fullmatch(start):
                found = f"lines.number IN ({texts} UNION ALL {ids})"
                yield found, wanted, start, start + _AFTER_HEX
            else:
                yield f"lines.number IN ({texts})", wanted
        for name in ("generation", "operation", "kind", "rule"):
            if (value := getattr(self, name)) not in {None, ""}:
                yield f"{name} = ?", value
        for name, (least, most) in self.ranges.items():
            bounds = [("value >= ?", least), ("value <= ?", most)]
            given = [(bound, value) for bound, value in bounds if value is not None]
            if not given:
                continue
            said, values = " AND ".join(bound for bound, _ in given), [v for _, v in given]
            if name == WORDS:
                yield said.replace("value", WORDS), *values
            else:
                scored = f"SELECT line FROM scores WHERE way = ? AND {said}"  # noqa: S608
                yield f"lines.number IN ({scored})", _way(ways, name), *values


def _way(ways: Mapping[str, int], name: str) -> int:
    if name not in ways:
        raise UsageError(
            f"Nothing here was scored by {name!r}{did_you_mean(name, ways)};"
            " `evolinstruct score` measures."
        )
    return ways[name]


def terms_of(text: str) -> list[str]:
    """Return the words and phrases that somebody looks for, each with a letter or a digit."""
    return [term for term, _ in _terms(text)]


def match_of(text: str) -> str:
    """Return what the full-text search takes for a text: every term, words by their beginnings."""
    quoted = (
        ('"' + spaced(term).replace('"', '""') + '"', is_whole) for term, is_whole in _terms(text)
    )
    return " ".join(term if is_whole else f"{term}*" for term, is_whole in quoted)


def _terms(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each term, and whether it is meant whole: a phrase, or a single letter."""
    for phrase, word in _TERM.findall(text):
        if any(map(str.isalnum, term := phrase or word)):
            yield term, bool(phrase) or len(term) == 1


def spaced(text: str) -> str:
    """Set letters of scripts without spaces apart, so that each is found as a word."""
    return _UNSPACED.sub(r" \1 ", text) if has_unspaced(text) else text
