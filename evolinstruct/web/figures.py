"""Figures: the report of a run as it stands, made once and anew where files have changed."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from evolinstruct.report import report_of
from evolinstruct.web.visit import Page, Visit

_POLICY = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The page forbids all else itself: it names its own style and script by their digests."""


def _show(visit: Visit) -> Response:
    page = visit.here.figures.get(lambda: report_of([visit.run]).encode("utf-8", "replace"))
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


PAGE = Page("figures", "Figures", {"": _show})
