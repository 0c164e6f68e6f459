"""Web: a local page about runs, in a browser.

    server    binds the port, tells the address, serves until it is stopped
    app       the pages as one application; the table of pages
    guard     who may enter, and what every answer forbids
    visit     one request to a page
    frame     what stands around the content of every page
    live      how a run that is going on goes
    read      all lines of a run, found by its index
    figures   the report of a run
    family    what each generation made of a seed; the calls of a line
    lines     a line in a list, and bars
    snippet   the part of a text that is worth seeing, with marks

A page is a module with a `PAGE`, whose handlers take a `Visit` and return a response. What a model
wrote is data on every page, never markup, style or script. Nothing is asked of a model.
"""

from __future__ import annotations

from evolinstruct.web.server import PASSWORD, serve, shown_in

__all__ = ["PASSWORD", "serve", "shown_in"]
