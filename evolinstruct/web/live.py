"""Live: the page of a run that is going on."""

from __future__ import annotations

from starlette.responses import Response

from evolinstruct.report.markup import tag, text
from evolinstruct.web.frame import framed
from evolinstruct.web.visit import Page, Visit


def _show(visit: Visit) -> Response:
    return framed(visit, tag("p", text(visit.run.state.status), class_="lead"))


PAGE = Page("live", "Live", gets={"": _show})
