"""Web: a local page about runs, in a browser.

    server    binds the port, tells the address, serves until it is stopped
    app       the pages as one application; the table of pages
    guard     who may enter, and what every answer forbids
    visit     one request to a page of a run
    frame     what stands around the content of every page

A page is a module with a `PAGE`, whose handlers take a `Visit` and return a response. What a model
wrote is data on every page, never markup, style or script. Nothing is asked of a model.
"""

from __future__ import annotations

from evolinstruct.web.server import PASSWORD, serve

__all__ = ["PASSWORD", "serve"]
