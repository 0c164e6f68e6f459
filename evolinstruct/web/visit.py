"""A visit: one request to a page of a run, and what pages are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError


@dataclass(frozen=True)
class Visit:
    """One request to a page of a run.

    Attributes:
        page: the page that is visited.
        pages: all pages that there are, in the order of the links to them.
        number: the number of the run among those that are shown, from 1.
        path: the run's directory.
        names: the names of all runs that are shown, in their order.
        query: what stands after the question mark of the address.
        values: what the pattern of the address found, such as an id.
        body: what was posted.
    """

    page: Page
    pages: tuple[Page, ...]
    number: int
    path: Path
    names: tuple[str, ...]
    query: QueryParams
    values: dict[str, Any]
    body: bytes = b""

    @cached_property
    def run(self) -> Run:
        """The run, as it stands now.

        Raises:
            InputError: the directory holds no run, or one that cannot be read.
        """
        return Run(self.path)

    @property
    def name(self) -> str:
        """The name of the run."""
        return self.names[self.number - 1]

    def address(self, page: str, below: str = "") -> str:
        """Return the address of a page of the same run."""
        return f"/{self.number}/{page}{below}"

    def posted(self) -> dict[str, Any]:
        """Return the JSON object that was posted.

        Raises:
            InputError: it is none.
        """
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise InputError("What was sent is no JSON object; load the page again.")
        return found


Handler = Callable[[Visit], Response]


@dataclass(frozen=True)
class Page:
    """A page of a run, or several that belong together.

    Attributes:
        name: its part of the address.
        title: what leads to it is called.
        gets: what answers a GET, by the pattern of the address below the page; ``""`` is the page.
        posts: what answers a POST, likewise.
        scripts: its scripts, by their names among the assets.
    """

    name: str
    title: str
    gets: dict[str, Handler]
    posts: dict[str, Handler] = field(default_factory=dict)
    scripts: tuple[str, ...] = ()
