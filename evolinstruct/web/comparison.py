"""Blind comparison: people say which of two texts is better, and see no names.

Order and sides are drawn for each person. Which contestant wrote a text does not reach the page: a
verdict names the pair by its place in the person's order, and by the digest of what was shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from starlette.responses import JSONResponse, Response

from evolinstruct.errors import EvolinstructError, InputError
from evolinstruct.judging import Pair, add_person_verdict, blind_pairs, person_verdicts
from evolinstruct.judging.contest import TEXTS
from evolinstruct.judging.verdicts import PEOPLE, person_file
from evolinstruct.report.markup import tag, text
from evolinstruct.web import desk
from evolinstruct.web.desk import Key
from evolinstruct.web.frame import framed
from evolinstruct.web.visit import Page, Visit

_Said = Literal["first", "second", "tie"]
_TURNED: dict[_Said, _Said] = {"first": "second", "second": "first", "tie": "tie"}
_KEYS = (
    Key("1", "The first", "first"),
    Key("2", "The second", "second"),
    Key("0", "Equally good", "tie"),
    Key("k", "Previous", "previous"),
    Key("j", "Next", "next"),
)


def _show(visit: Visit) -> Response:
    name = visit.query.get("name", "")
    if not name:
        hint = (
            "Which of two texts is better? Who wrote them is not shown. Verdicts go to"
            " people/NAME.jsonl, and `evolinstruct judge -o DIR` takes them in."
        )
        fields = (desk.name_field(visit.query), desk.begin_button())
        form = tag("form", *fields, class_="choose card")
        title = tag("h2", text("Blind comparison"))
        return framed(visit, title, tag("p", text(hint), class_="hint"), form)
    person_file(visit.path, name)  # refuses a name that no file can have
    said = {
        "data_things": visit.address("comparison", f"/pairs?{visit.query}"),
        "data_decide": visit.address("comparison", "/decide"),
        "data_name": name,
    }
    return framed(visit, desk.desk(f"Compare as {name}", _KEYS, **said))


def _pairs(visit: Visit) -> Response:
    name = visit.query.get("name", "")
    try:
        pairs = blind_pairs(visit.path, name)
        said = _said(visit.path, name)
    except EvolinstructError as error:
        return desk.trouble(error)
    things = [_shown(place, pair, said) for place, pair in enumerate(pairs)]
    return JSONResponse({"things": things, "trouble": desk.unwritable(visit.path, PEOPLE)})


_Verdicts = dict[tuple[str, str], tuple[str, _Said]]
"""Who was shown first and what was said, by question and digest of the texts."""


def _said(directory: Path, name: str) -> _Verdicts:
    return {
        (each.question_id, each.text_digest): (each.first, each.verdict)
        for each in person_verdicts(directory, name)
    }


def _shown(place: int, pair: Pair, said: _Verdicts) -> dict[str, Any]:
    """Return what the script has to know of a pair, as this person sees its sides."""
    first, verdict = said.get((pair.question.id, pair.text_digest), ("", None))
    if verdict is not None and first != pair.first:
        verdict = _TURNED[verdict]
    return {
        "place": place,
        "question": pair.question.instruction,
        "first": pair.first_text,
        "second": pair.second_text,
        "shown": pair.text_digest,
        "decision": verdict,
    }


def _decide(visit: Visit) -> Response:
    try:
        said = visit.posted()
        name, verdict = desk.text_of(said, "name"), cast("_Said", said.get("decision"))
        pair = _pair(visit.path, name, said.get("place"), said.get("shown"))
        at = datetime.now(UTC).isoformat(timespec="seconds")
        add_person_verdict(visit.path, name, pair, verdict, at)
    except EvolinstructError as error:
        return desk.trouble(error)
    return JSONResponse({"decision": verdict})


def _pair(directory: Path, name: str, place: object, shown: object) -> Pair:
    """Return the pair that was shown.

    Raises:
        InputError: another one is in its place by now.
    """
    pairs = blind_pairs(directory, name)
    pair = pairs[place] if isinstance(place, int) and 0 <= place < len(pairs) else None
    if pair is None or pair.text_digest != shown:
        raise InputError(desk.CHANGED)
    return pair


def holds_contest(path: Path) -> bool:
    """Tell whether a directory holds texts that were or are to be judged."""
    return (path / TEXTS).is_file()


PAGE = Page(
    "comparison",
    "Blind comparison",
    {"": _show, "/pairs": _pairs},
    posts={"/decide": _decide},
    scripts=(desk.SCRIPT, "comparison.js"),
    fits=holds_contest,
)
