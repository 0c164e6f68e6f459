"""Read: all lines of a run, searched, filtered and sorted; each leads to its family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from urllib.parse import urlencode

from starlette.responses import Response

from evolinstruct.analysis.line_index import Found, FoundLine, LineCount, Query
from evolinstruct.analysis.line_index.query import WORDS, terms_of
from evolinstruct.errors import UsageError
from evolinstruct.records import Failed, Kept, Rejected
from evolinstruct.report.markup import Html, tag, text
from evolinstruct.text import counted, decimal, shorten
from evolinstruct.web import family
from evolinstruct.web.frame import framed, when_read
from evolinstruct.web.lines import difference, marked_outcome, text_of
from evolinstruct.web.snippet import added_in, found_in, snippet
from evolinstruct.web.visit import Page, Visit
from evolinstruct.words import count_words

_KINDS = {"seed": "seed", "kept": "kept", "rejected": "rejected, by any rule", "failed": "failed"}
_MOST = 10**9


class _Asked:
    """What the address of a visit asks for."""

    def __init__(self, visit: Visit, measures: list[str]) -> None:
        self._given = {name: value for name, value in visit.query.items() if value.strip()}
        self.measures = [WORDS, *measures]
        self.address = visit.address("read")

    def value(self, name: str) -> str:
        """Return what was given for a field."""
        return self._given.get(name, "")

    def query(self) -> Query:
        """Return it as a query.

        Raises:
            UsageError: what should be a number is none, or nothing was scored so.
        """
        outcome = self.value("outcome")
        generation = self._number("generation")
        return Query(
            text=self.value("text"),
            generation=None if generation is None else int(generation),
            operation=self.value("operation"),
            kind=outcome if outcome in _KINDS else "",
            rule="" if outcome in _KINDS else outcome,
            ranges={name: self._range(name) for name in self.measures},
            sort=self.value("sort"),
            is_falling=bool(self.value("falling")),
            page=int(self._number("page") or 0),
        )

    def has_ranges(self) -> bool:
        """Tell whether a least or a most is given."""
        return any(bound is not None for name in self.measures for bound in self._range(name))

    def _range(self, name: str) -> tuple[float | None, float | None]:
        return self._number(f"{name}-from"), self._number(f"{name}-to")

    def _number(self, name: str) -> float | None:
        given = self.value(name)
        try:
            found = float(given) if given else None
        except ValueError:
            found = float("nan")
        if found is not None and not (isfinite(found) and abs(found) < _MOST):
            raise UsageError(f"{name} must be a number (given: {shorten(given, 40)!r}).")
        return found

    def link(self, **changes: str) -> str:
        """Return the address with other values; without a page unless one is named."""
        values = {**self._given, "page": "", **changes}
        said = urlencode({name: value for name, value in values.items() if value})
        return f"{self.address}?{said}" if said else self.address


# The page


def _show(visit: Visit) -> Response:
    lines = visit.here.lines
    asked = _Asked(visit, lines.measures())
    query = asked.query()
    found = lines.find(query)
    about = tag("h2", text("The lines"), id="read-title")
    return framed(
        visit,
        tag("section", about, _form(asked, lines.counts()), _results(asked, query, found)),
    )


# The form


def _form(asked: _Asked, counts: list[LineCount]) -> Html:
    search = tag(
        "input", type="search", name="text", id="search", value=asked.value("text"),
        placeholder='words, "a phrase", or an id', autocomplete="off", aria_keyshortcuts="/",
    )  # fmt: skip
    kept = [
        tag("input", type="hidden", name=name, value=asked.value(name))
        for name in ("sort", "falling")
        if asked.value(name)
    ]
    return tag(
        "form",
        tag("label", text("Search"), search),
        _select(asked, "generation", _generations(counts)),
        _select(asked, "operation", _counted(counts, "operation")),
        _select(asked, "outcome", _outcomes(counts)),
        _ranges(asked),
        *kept,
        tag("p", tag("button", text("Find"), type="submit"), *_clear(asked), class_="do"),
        id="filters", role="search", aria_label="Find lines", action=asked.address,
    )  # fmt: skip


def _clear(asked: _Asked) -> Iterator[Html]:
    if asked.link() != asked.address:
        yield tag("a", text("Show all"), href=asked.address)


def _select(asked: _Asked, name: str, choices: Mapping[str, str]) -> Html:
    chosen = asked.value(name)
    choices = {"": "all", **choices}
    if chosen not in choices:
        choices = {**choices, chosen: chosen}
    options = (
        tag("option", text(said), value=value, **({"selected": ""} if value == chosen else {}))
        for value, said in choices.items()
    )
    return tag("label", text(name.capitalize()), tag("select", *options, name=name))


def _counted(counts: list[LineCount], name: str) -> dict[str, str]:
    """Return the values that lines have, each with how many have it."""
    total: dict[str, int] = {}
    for each in counts:
        value = str(getattr(each, name))
        total[value] = total.get(value, 0) + each.lines
    return {value: f"{value} ({total[value]:,})" for value in sorted(total) if value}


def _generations(counts: list[LineCount]) -> dict[str, str]:
    found = _counted(counts, "generation")
    return {value: found[value] for value in sorted(found, key=int)}


def _outcomes(counts: list[LineCount]) -> dict[str, str]:
    kinds, rules = _counted(counts, "kind"), _counted(counts, "rule")
    said = {
        kind: kinds[kind].replace(kind, name, 1) for kind, name in _KINDS.items() if kind in kinds
    }
    return {**said, **{rule: f"– {count}" for rule, count in rules.items()}}


def _ranges(asked: _Asked) -> Html:
    fields = [
        tag(
            "fieldset",
            tag("legend", text(name)),
            *(_bound(asked, name, end) for end in ("from", "to")),
        )
        for name in asked.measures
    ]
    opened = {"open": ""} if asked.has_ranges() else {}
    summary = tag("summary", text("By measure"))
    return tag("details", summary, tag("div", *fields), class_="ranges", **opened)


def _bound(asked: _Asked, name: str, end: str) -> Html:
    field = f"{name}-{end}"
    box = tag("input", type="number", step="any", name=field, value=asked.value(field))
    return tag("label", text(end), box)


# What was found


def _results(asked: _Asked, query: Query, found: Found) -> Html:
    if not found.lines:
        said = "Nothing fits; take a word or a filter away."
        return tag("div", tag("p", text(said), role="status", class_="count"), id="results")
    first = query.page * query.rows + 1
    said = f"{first:,} to {first + len(found.lines) - 1:,} of {counted(found.total, 'line')}"
    columns = ["generation", "operation", "outcome", *asked.measures]
    text_head = tag("th", text("Instruction"), scope="col", class_="wide")
    head = tag("tr", *(_column(asked, query, name) for name in columns), text_head)
    rows = (_row(asked, query, each) for each in found.lines)
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="found")
    count = tag("p", text(said), role="status", class_="count")
    return tag("div", count, table, _pages(asked, query, found), id="results")


def _column(asked: _Asked, query: Query, name: str) -> Html:
    """Return the head of a column: a link that sorts by it, turns the order, and ends it."""
    if name != query.sort:
        order, sign, changes = "none", "↕", {"sort": name, "falling": ""}
    elif not query.is_falling:
        order, sign, changes = "ascending", "↑", {"sort": name, "falling": "1"}
    else:
        order, sign, changes = "descending", "↓", {"sort": "", "falling": ""}
    mark = tag("span", text(sign), class_="sign", aria_hidden="true")
    link = tag("a", text(f"{name.capitalize()} "), mark, href=asked.link(**changes))
    return tag("th", link, scope="col", aria_sort=order)


def _row(asked: _Asked, query: Query, found: FoundLine) -> Html:
    line = found.line
    values = {**found.values}
    if not isinstance(line, Failed):
        values[WORDS] = count_words(line.instruction)
    measured = (
        tag(
            "td",
            text(decimal(values[name]) if name in values else ""),
            data_unit=name,
            class_="number",
        )
        for name in asked.measures
    )
    return tag(
        "tr",
        tag("td", text(line.generation), data_unit="generation", class_="number"),
        tag("td", text(line.operation or "")),
        tag("td", marked_outcome(line)),
        *measured,
        _shown(asked, query, found),
    )


def _shown(asked: _Asked, query: Query, found: FoundLine) -> Html:
    """Return the cell with the text: around what was looked for, or else around what was added."""
    line, terms = found.line, terms_of(query.text)
    content = text_of(line)
    parts = difference(found.parent, line)
    places = found_in(content, terms)
    said = snippet(content, places, added_in(parts) if parts else ())
    look = f"?{urlencode({'text': query.text})}" if terms else ""
    address = f"{asked.address}/family/{line.id}{look}#{line.id}"
    link = tag("a", said or text("(nothing)"), href=address, class_="open", dir="auto")
    return tag("td", link, *(() if places else _elsewhere(found, terms)), class_="wide")


def _elsewhere(found: FoundLine, terms: list[str]) -> Iterator[Html]:
    """Yield where what was looked for stands, if that is not in what is shown."""
    line = found.line
    others: dict[str, str | None] = {}
    if isinstance(line, Kept | Rejected):
        others["answer"] = line.output
    if isinstance(line, Rejected):
        others |= {"evidence": line.evidence, "reply": line.raw}
    for name, content in others.items():
        if content and (places := found_in(content, terms)):
            yield tag(
                "p", text(f"{name}: "), snippet(content, places, ()), class_="about", dir="auto"
            )
            return


def _pages(asked: _Asked, query: Query, found: Found) -> Html:
    last = (found.total - 1) // query.rows
    before, after = query.page - 1, query.page + 1
    parts = [text(f"Page {query.page + 1:,} of {last + 1:,}")]
    if before >= 0:
        href = asked.link(page=str(before) if before else "")
        parts.insert(0, tag("a", text("Previous"), href=href, rel="prev"))
    if after <= last:
        parts.append(tag("a", text("Next"), href=asked.link(page=str(after)), rel="next"))
    return tag("nav", *parts, class_="pages", aria_label="Pages of lines")


PAGE = Page(
    "read",
    "Read",
    {
        "": when_read(_show),
        "/family/{id}": when_read(family.show_family),
        "/calls/{id}": when_read(family.show_calls),
    },
    scripts=("read.js",),
)
