"""The pages as one application: their table, their addresses, and what a mistake looks like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from evolinstruct.web import live, read, review
from evolinstruct.web.frame import bare
from evolinstruct.web.guard import ASSETS, Entrance, Guard, read_body
from evolinstruct.web.visit import Handler, Page, Visit

PAGES: tuple[Page, ...] = (live.PAGE, read.PAGE, review.PAGE)
"""The pages of a run, in the order of the links to them; the first is shown at the start."""
_MOST_POSTED = 4 << 20  # bytes
_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_ASSETS = {
    "report.css": "evolinstruct.report/page.css",
    **{
        name: f"evolinstruct.web/assets/{name}"
        for name in ("web.css", "icon.svg", "site.js", *(s for page in PAGES for s in page.scripts))
    },
}
"""What the pages load, and where it lies."""


def make_app(paths: Sequence[Path], names: Sequence[str], entrance: Entrance) -> Guard:
    """Return the application that shows runs to whoever may enter."""
    runs = tuple(zip(paths, names, strict=True))
    routes = [
        Route("/", lambda _: RedirectResponse(f"/1/{PAGES[0].name}")),
        Route(ASSETS + "{name}", _asset),
        *(route for page in PAGES for route in _routes(page, runs)),
    ]
    handlers = {HTTPException: _missing, EvolinstructError: _wrong, Exception: _wrong}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), entrance)


def _routes(page: Page, runs: tuple[tuple[Path, str], ...]) -> Iterator[Route]:
    for method, handlers in (("GET", page.gets), ("POST", page.posts)):
        for below, handler in handlers.items():
            answer = partial(_answer, page, runs, handler)
            yield Route(f"/{{number:int}}/{page.name}{below}", answer, methods=[method])


async def _answer(
    page: Page, runs: tuple[tuple[Path, str], ...], handler: Handler, request: Request
) -> Response:
    """Answer in a thread: pages read files, and others are served meanwhile."""
    values = dict(request.path_params)
    number = values.pop("number")
    if not 1 <= number <= len(runs):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    body = await read_body(request, _MOST_POSTED)
    if body is None:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    names = tuple(name for _, name in runs)
    path = runs[number - 1][0]
    visit = Visit(page, PAGES, number, path, names, request.query_params, values, body)
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
    start = tag("p", tag("a", text("To the start"), href="/"))
    return bare("Nothing here", tag("p", text(said), class_="lead"), start, status=status)


def _wrong(_: Request, error: Exception) -> Response:
    """Say what is wrong as a command would."""
    sentence = tag("p", text(told(error)), class_="lead", role="alert")
    is_asked_wrong = isinstance(error, UsageError)
    status = HTTPStatus.BAD_REQUEST if is_asked_wrong else HTTPStatus.INTERNAL_SERVER_ERROR
    return bare("This did not work", sentence, status=status)
