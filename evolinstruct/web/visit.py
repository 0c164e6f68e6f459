"""A visit: one request to a page about a directory, and what pages are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from evolinstruct.analysis.line_index import LineIndex
from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError
from evolinstruct.run_dir.directory import RunDir


class MadeOnce:
    """What is made of the files of a directory: kept until one of them has changed."""

    def __init__(self, path: Path) -> None:
        """Make nothing yet."""
        self._path = path
        self._lock = Lock()
        self._state: object = None
        self._made = b""

    def get(self, make: Callable[[], bytes]) -> bytes:
        """Return it, made now if it has to be; whoever comes meanwhile waits for it."""
        with self._lock:
            state = [(each.name, *_seen(each)) for each in sorted(self._path.glob("*.json*"))]
            if state != self._state:
                self._made, self._state = make(), state
            return self._made


def _seen(path: Path) -> tuple[int, int]:
    """Return the size and the time of a file; zeros where it has gone meanwhile."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class Shown:
    """A directory that is shown: of a run, or of whatever else a page is about.

    Attributes:
        path: the directory.
        name: what it is called on the pages.
    """

    path: Path
    name: str

    @cached_property
    def lines(self) -> LineIndex:
        """All lines of the run in it, to be found; all visits share it."""
        return LineIndex(self.path)

    @cached_property
    def figures(self) -> MadeOnce:
        """What was made of all its files; all visits share it."""
        return MadeOnce(self.path)

    def close(self) -> None:
        """Let go what was opened."""
        if "lines" in vars(self):
            self.lines.close()


@dataclass(frozen=True)
class Visit:
    """One request to a page.

    Attributes:
        page: the page that is visited.
        pages: all pages that there are, in the order of the links to them.
        number: the number of the directory among those that are shown, from 1.
        shown: all that are shown, in their order.
        query: what stands after the question mark of the address.
        values: what the pattern of the address found, such as an id.
        body: what was posted.
    """

    page: Page
    pages: tuple[Page, ...]
    number: int
    shown: tuple[Shown, ...]
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
    def here(self) -> Shown:
        """The directory that is visited."""
        return self.shown[self.number - 1]

    @property
    def path(self) -> Path:
        """Its path."""
        return self.here.path

    def address(self, page: str, below: str = "") -> str:
        """Return the address of a page about the same directory."""
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


def holds_run(path: Path) -> bool:
    """Tell whether a directory holds a run."""
    return RunDir(path).is_run


@dataclass(frozen=True)
class Page:
    """A page about a directory, or several that belong together.

    Attributes:
        name: its part of the address.
        title: what leads to it is called.
        gets: what answers a GET, by the pattern of the address below the page; ``""`` is the page.
        posts: what answers a POST, likewise.
        scripts: its scripts, by their names among the assets.
        fits: tells whether the page is about a directory; usually whether that holds a run.
    """

    name: str
    title: str
    gets: dict[str, Handler]
    posts: dict[str, Handler] = field(default_factory=dict)
    scripts: tuple[str, ...] = ()
    fits: Callable[[Path], bool] = holds_run
