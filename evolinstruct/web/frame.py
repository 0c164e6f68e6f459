"""The frame: what stands around the content of every page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from starlette.responses import HTMLResponse, Response

from evolinstruct.report.markup import Html, join, tag, text
from evolinstruct.web.visit import Handler, Visit

OVER = "Evolved instructions"
_PATIENCE = 0.5
"""Seconds that a visit waits while the lines of its run are being read."""
_STYLES = ("report.css", "web.css")


def framed(visit: Visit, *content: Html) -> HTMLResponse:
    """Return a page of a run: its content under the run's name and the ways to other pages."""
    head = tag(
        "header",
        tag("h1", tag("span", text(OVER), class_="over"), text(visit.here.name), dir="auto"),
        tag("nav", *_links(visit), _theme(), aria_label="Pages"),
        *_runs(visit),
    )
    skip = tag("a", text("Skip to the content"), href="#main", class_="skip")
    body = join([skip, head, tag("main", *content, id="main")])
    return document(
        f"{visit.page.title} – {visit.here.name}", body, ("theme.js", *visit.page.scripts)
    )


def when_read(handler: Handler) -> Handler:
    """Return a handler that looks among all lines of a run, once they have been read."""

    def answer(visit: Visit) -> Response:
        is_read = visit.here.lines.refresh(_PATIENCE)
        return handler(visit) if is_read else _being_read(visit)

    return answer


def _being_read(visit: Visit) -> Response:
    """Return a page that says how much of the lines has been read, and is loaded again soon."""
    share = visit.here.lines.share
    said = f"All lines are being read, once, so that they can be searched: {share:.0%}."
    bar = tag("progress", value=f"{share:.3f}", max="1", aria_label="How much has been read")
    page = framed(visit, tag("p", text(said), class_="lead", role="status"), bar)
    page.headers["Refresh"] = "1"
    return page


def bare(title: str, *content: Html, status: int = 200) -> HTMLResponse:
    """Return a page that belongs to no run."""
    head = tag("header", tag("h1", tag("span", text(OVER), class_="over"), text(title)))
    return document(title, join([head, tag("main", *content, id="main")]), (), status)


def document(title: str, body: Html, scripts: Iterable[str], status: int = 200) -> HTMLResponse:
    """Return a whole page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", text(title)),
        *(tag("link", rel="stylesheet", href=f"/assets/{name}") for name in _STYLES),
        tag("link", rel="icon", href="/assets/icon.svg"),
        *(tag("script", src=f"/assets/{name}", defer="") for name in scripts),
    )  # fmt: skip
    whole = f'<!doctype html>\n<html lang="en">{head}{tag("body", body)}</html>\n'
    # A reply may hold half of a surrogate pair, which cannot be written as UTF-8.
    return HTMLResponse(whole.encode("utf-8", "replace"), status)


def _links(visit: Visit) -> Iterator[Html]:
    for page in visit.pages:
        if not page.fits(visit.path):
            continue
        here = _current(page is visit.page)
        yield tag("a", text(page.title), href=visit.address(page.name), **here)


def _runs(visit: Visit) -> Iterator[Html]:
    """Yield the ways to the other directories that are shown, where there are any."""
    if len(visit.shown) > 1:
        links = (
            tag("a", text(each.name), href=f"/{number}", dir="auto", **_current(each is visit.here))
            for number, each in enumerate(visit.shown, 1)
        )
        yield tag("nav", *links, class_="runs", aria_label="Runs")


def _current(is_here: bool) -> dict[str, str]:
    return {"aria_current": "page"} if is_here else {}


def _theme() -> Html:
    return tag("button", text("Theme: auto"), id="theme", type="button")
