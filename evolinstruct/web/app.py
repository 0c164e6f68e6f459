"""The pages as one application: their table, their addresses, and what a mistake looks like."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from evolinstruct.errors import EvolinstructError, UsageError, told
from evolinstruct.report.markup import tag, text
from evolinstruct.web import comparison, figures, live, read, review
from evolinstruct.web.frame import bare
from evolinstruct.web.guard import ASSETS, Entrance, Guard, read_body
from evolinstruct.web.visit import Handler, Page, Shown, Visit

PAGES: tuple[Page, ...] = (live.PAGE, read.PAGE, figures.PAGE, review.PAGE, comparison.PAGE)
"""The pages, in the order of the links to them; the first that fits is shown at the start."""
_START = tag("p", tag("a", text("To the start"), href="/"))
_MOST_POSTED = 4 << 20  # bytes
_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_ASSETS = {
    "report.css": "evolinstruct.report/page.css",
    "theme.js": "evolinstruct.report/theme.js",
    **{
        name: f"evolinstruct.web/assets/{name}"
        for name in ("web.css", "icon.svg", *(s for page in PAGES for s in page.scripts))
    },
}
"""What the pages load, and where it lies."""


def make_app(shown: tuple[Shown, ...], entrance: Entrance) -> Guard:
    """Return the application that shows directories to whoever may enter."""
    routes = [
        Route("/", lambda _: RedirectResponse("/1")),
        Route("/{number:int}", partial(_first_page, shown)),
        Route(ASSETS + "{name}", _asset),
        *(route for page in PAGES for route in _routes(page, shown)),
    ]
    handlers = {HTTPException: _missing, EvolinstructError: _wrong, Exception: _wrong}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), entrance)


def pages_of(path: Path) -> list[Page]:
    """Return the pages about a directory; none if there is nothing in it to be shown."""
    return [page for page in PAGES if page.fits(path)]


def _first_page(shown: tuple[Shown, ...], request: Request) -> Response:
    number = request.path_params["number"]
    first = pages_of(_numbered(shown, number).path)[0]
    return RedirectResponse(f"/{number}/{first.name}")


def _numbered(shown: tuple[Shown, ...], number: int) -> Shown:
    if not 1 <= number <= len(shown):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return shown[number - 1]


def _routes(page: Page, shown: tuple[Shown, ...]) -> Iterator[Route]:
    for method, handlers in (("GET", page.gets), ("POST", page.posts)):
        for below, handler in handlers.items():
            answer = partial(_answer, page, shown, handler)
            yield Route(f"/{{number:int}}/{page.name}{below}", answer, methods=[method])


async def _answer(
    page: Page, shown: tuple[Shown, ...], handler: Handler, request: Request
) -> Response:
    """Answer in a thread: pages read files, and others are served meanwhile."""
    values = dict(request.path_params)
    number = values.pop("number")
    if not page.fits(_numbered(shown, number).path):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    body = await read_body(request, _MOST_POSTED)
    if body is None:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    visit = Visit(page, PAGES, number, shown, request.query_params, values, body)
    return await run_in_threadpool(handler, visit)


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    package, _, path = _ASSETS[name].partition("/")
    content = files(package).joinpath(path).read_bytes()
    return Response(content, media_type=_KINDS[name.rpartition(".")[2]])


def _missing(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    said = f"{HTTPStatus(status).phrase}: there is nothing under this address."
    return bare("Nothing here", tag("p", text(said), class_="lead"), _START, status=status)


def _wrong(_: Request, error: Exception) -> Response:
    """Say what is wrong as a command would."""
    sentence = tag("p", text(told(error)), class_="lead", role="alert")
    is_asked_wrong = isinstance(error, UsageError)
    status = HTTPStatus.BAD_REQUEST if is_asked_wrong else HTTPStatus.INTERNAL_SERVER_ERROR
    return bare("This did not work", sentence, _START, status=status)
