"""Review: people accept, reject and edit lines by keys; each decision is kept before the next.

The page is made for one person's name and one sample. Texts reach its script as data. A decision
comes back with the digest of what was shown, and is refused where the run has another text by now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from evolinstruct import defaults
from evolinstruct.analysis.families import FamilyStep
from evolinstruct.analysis.reviewing import ReviewSample
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.scores import ScoreBook
from evolinstruct.errors import EvolinstructError, InputError
from evolinstruct.records import Line, Rejected, text_digest
from evolinstruct.report.markup import Html, join, tag, text
from evolinstruct.run_dir import flat
from evolinstruct.run_dir.reviews import FOLDER, Decision, Reviewed, Reviews, Said, review_file
from evolinstruct.web import desk
from evolinstruct.web.desk import Key
from evolinstruct.web.frame import framed
from evolinstruct.web.visit import Page, Visit
from evolinstruct.words import compare_words, count_words, is_new_text

_MOST = 2_000
_PATIENCE = 0.1  # seconds
_KEYS = (
    Key("a", "Accept", "accept"),
    Key("r", "Reject", "reject"),
    Key("e", "Edit", "edit"),
    Key("u", "Undo", "undo"),
    Key("k", "Previous", "previous"),
    Key("j", "Next", "next"),
)


# The page


def _show(visit: Visit) -> Response:
    name = visit.query.get("name", "")
    form = tag("form", *_fields(visit.run, visit.query), id="choose", class_="choose card")
    if not name:
        hint = "Decisions go to reviews/NAME.jsonl of the run; others who review take other names."
        return framed(visit, tag("h2", text("Review")), tag("p", text(hint), class_="hint"), form)
    review_file(visit.path, name)  # refuses a name that no file can have
    choice = tag("details", tag("summary", text("Review others")), form)
    return framed(visit, _reviewing(visit), choice)


def _reviewing(visit: Visit) -> Html:
    """Return where lines are reviewed; the script fills it."""
    name = visit.query["name"]
    said = {
        "data_things": visit.address("review", f"/lines?{visit.query}"),
        "data_decisions": visit.address("review", f"/decisions?{urlencode({'name': name})}"),
        "data_decide": visit.address("review", "/decide"),
        "data_name": name,
    }
    search = tag(
        "input", id="search", type="search", placeholder="Find in these (/)",
        aria_label="Find in these lines",
    )  # fmt: skip
    forms = join([_why(), _edit()])
    return join([desk.desk(f"Review as {name}", _KEYS, search, **said), forms])


def _why() -> Html:
    reason = tag("input", id="reason", autocomplete="off", placeholder="why (may be empty)")
    label = tag("label", text("Reason to reject it"), reason)
    return tag("form", label, _ends("Reject", "Enter"), id="why", class_="card", hidden="")


def _edit() -> Html:
    return tag(
        "form",
        tag("label", text("Instruction"), tag("textarea", id="instruction", rows="8", dir="auto")),
        tag("label", text("Answer"), tag("textarea", id="output", rows="10", dir="auto")),
        tag("label", tag("input", id="anew", type="checkbox"), text("have it answered anew"),
            class_="check"),
        _ends("Save", "Ctrl Enter"),
        id="edit", class_="card", hidden="",
    )  # fmt: skip


def _ends(title: str, key: str) -> Html:
    submit = (text(title), text(" "), tag("kbd", text(key)))
    cancel = (text("Cancel"), text(" "), tag("kbd", text("Esc")))
    return tag(
        "div",
        tag("button", *submit, type="submit"),
        tag("button", *cancel, type="button", data_action="cancel"),
        class_="ends",
    )


# The choice of lines


def _fields(run: Run, query: QueryParams) -> Iterator[Html]:
    yield desk.name_field(query)
    size = {"type": "number", "min": "1", "max": str(_MOST)}
    yield desk.field("At most", "size", query, str(defaults.REVIEWED), **size)
    numbers = [str(number) for number in run.generations if number]
    yield _choice("Generation", "generation", query, "all", numbers)
    operations = [operation.name for operation in run.pack.operations]
    yield _choice("Operation", "operation", query, "all", operations)
    dropped = sorted({rule for counts in run.state.all_counts for rule in counts.rejected})
    yield _choice("What", "rule", query, "what was kept", dropped, "rejected: ")
    measures = [way.measure for way in ScoreBook.open(run.path).usual]
    yield _choice("Order", "lowest", query, "drawn", measures, "lowest first: ")
    yield desk.field("Drawn by", "seed", query, str(defaults.SEED), type="number", min="0")
    yield desk.begin_button()


def _choice(
    title: str, name: str, query: QueryParams, usual: str, values: list[str], begin: str = ""
) -> Html:
    options = [tag("option", text(usual), value="")]
    for value in values:
        chosen = {"selected": ""} if query.get(name) == value else {}
        options.append(tag("option", text(f"{begin}{value}"), value=value, **chosen))
    return tag("label", text(title), tag("select", *options, name=name))


def _sample(query: QueryParams) -> ReviewSample:
    numbers = {name: _number(query, name) for name in ("size", "generation", "seed")}
    return ReviewSample(
        size=min(numbers["size"] or defaults.REVIEWED, _MOST),
        generation=numbers["generation"],
        operation=query.get("operation") or None,
        rule=query.get("rule") or None,
        lowest=query.get("lowest") or None,
        seed=numbers["seed"] or 0,
    )


def _number(query: QueryParams, name: str) -> int | None:
    word = query.get(name, "")
    if word and not (word.isdecimal() and len(word) < 16):  # noqa: PLR2004 - a number of 64 bits
        raise InputError(f"{name} is no whole number; correct it in the form.")
    return int(word) if word else None


# What the script asks for


def _lines(visit: Visit) -> Response:
    try:
        reviews, name = visit.run.reviews(), visit.query.get("name", "")
        steps = _sample(visit.query).steps(visit.path)
        lines = [_shown(step, reviews, name) for step in steps]
    except EvolinstructError as error:
        return desk.trouble(error)
    return JSONResponse({"things": lines, "trouble": desk.unwritable(visit.path, FOLDER)})


def _decisions(visit: Visit) -> Response:
    """Return what a person decided about any line, from whichever tab."""
    found = visit.run.reviews().by(visit.query.get("name", ""))
    return JSONResponse({line_id: asdict(decision) for line_id, decision in found.items()})


def _shown(step: FamilyStep, reviews: Reviews, name: str) -> dict[str, Any]:
    """Return what the script has to know of a line; a text that is edited comes as it is now."""
    line = step.line
    if not isinstance(line, Reviewed):
        raise InputError(f"{line.id} failed, so that there is nothing to review.")
    grown = count_words(line.instruction) - count_words(step.parent.instruction)
    decision = reviews.spoken(line).get(name)
    return {
        "id": line.id,
        "about": f"generation {line.generation} · {line.operation} · {grown:+,} words",
        "parent": step.parent.instruction,
        "instruction": line.instruction,
        "parts": _parts(step.parent.instruction, line.instruction),
        "output": line.output,
        "rejected": f"{line.rule}: {line.evidence}" if isinstance(line, Rejected) else None,
        "shown": _digest(line),
        "digests": sorted(reviews.digests(line)),
        "decision": None if decision is None else asdict(decision),
    }


def _parts(before: str, after: str) -> list[tuple[str, str]] | None:
    """Return which words a rewrite changed; None if it is a new text."""
    parts = compare_words(before, after)
    if is_new_text(before, parts):
        return None
    return [(part.kind, part.text) for part in parts]


def _digest(line: Reviewed) -> str:
    return text_digest(line.instruction, line.output or None)


def _decide(visit: Visit) -> Response:
    try:
        said = visit.posted()
        name, decision = desk.text_of(said, "name"), _decision(visit, said)
        flat.append(review_file(visit.path, name), decision)
    except EvolinstructError as error:
        return desk.trouble(error)
    return JSONResponse({"decision": asdict(decision)})


def _decision(visit: Visit, said: Mapping[str, Any]) -> Decision:
    """Return the decision that was posted, about the text that was shown.

    Raises:
        InputError: it is none, or the run has another text by now.
    """
    line = _line(visit, desk.text_of(said, "id"))
    if not isinstance(line, Reviewed) or _digest(line) != said.get("shown"):
        raise InputError(desk.CHANGED)
    decision = said.get("decision")
    if decision is not None and decision not in get_args(Said):
        raise InputError(f"{decision!r} is no decision; load the page again.")
    texts = desk.text_of(said, "instruction"), desk.text_of(said, "output") or None
    try:
        return visit.run.reviews().decide(
            line, decision, desk.text_of(said, "reason").strip() or None, texts
        )
    except ValueError as error:
        raise InputError(f"This is no edit: {error}; write one, or reject the line.") from error


def _line(visit: Visit, line_id: str) -> Line | None:
    """Return an evolved line as it is now; by the index, unless that is still being made."""
    index = visit.here.lines
    if index.refresh(_PATIENCE):
        family = index.family(line_id)
    else:
        family = [step.line for step in visit.run.family(line_id).steps]
    return next((line for line in family if line.id == line_id), None)


PAGE = Page(
    "review",
    "Review",
    {"": _show, "/lines": _lines, "/decisions": _decisions},
    posts={"/decide": _decide},
    scripts=(desk.SCRIPT, "review.js"),
)
