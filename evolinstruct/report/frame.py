"""The frame of every page: its head, the ways to its sections, its style and its script.

A content security policy names the style and the script by their digests, so that a page runs and
loads nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError
from evolinstruct.report.markup import Html, join, tag, text

GENERATOR = '<meta name="generator" content="evolinstruct report">'
"""Every report says this near its beginning."""
_HEAD = 2_000
"""So many of its first bytes are looked at for that."""


def write_page(out: Path, make: Callable[[], str]) -> None:
    """Write a page; an older report there is replaced, any other file is refused first.

    Raises:
        InputError: it cannot be written, or is another file.
    """
    _check(out)
    page = make()
    with replaced(out) as file:
        # A reply may hold half of a surrogate pair, which cannot be written as UTF-8.
        file.write(page.encode("utf-8", "replace"))


def _check(out: Path) -> None:
    """Refuse a file that cannot be written, or that would be lost."""
    if out.is_dir():
        raise InputError(f"{out} is a directory; name a file in it, such as {out / 'report.html'}.")
    if not out.parent.is_dir():
        raise InputError(f"There is no directory {out.parent}; make it, or name another file.")
    if out.exists() and not _is_report(out):
        raise InputError(f"{out} exists and is not a report; name another file.")


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return GENERATOR.encode() in file.read(_HEAD)


def framed(
    title: str, over: str, links: Mapping[str, str], main: Sequence[Html], *scripts: str, end: Html
) -> str:
    """Return a whole page.

    Args:
        title: what it is about.
        over: what kind of page it is, above the title.
        links: the sections, by their ids.
        main: the sections.
        scripts: names of scripts beside that of the theme.
        end: what stands behind all, such as data for the scripts.
    """
    body = [
        *_header(title, over, links),
        tag("main", *main, id="main"),
        tag("footer", text(f"Written by evolinstruct {version('evolinstruct')}.")),
        end,
    ]
    return _document(f"{title} – {over.lower()}", join(body), ("theme.js", *scripts))


def section(name: str, title: str, *children: Html) -> Html:
    """Return a section under its title."""
    return tag(
        "section", tag("h2", text(title), id=f"{name}-title"), *children,
        id=name, aria_labelledby=f"{name}-title",
    )  # fmt: skip


def _header(title: str, over: str, links: Mapping[str, str]) -> list[Html]:
    ways = (tag("a", text(said), href=f"#{name}") for name, said in links.items())
    theme = tag("button", text("Theme: auto"), id="theme", type="button")
    return [
        tag("a", text("Skip to the report"), href="#main", class_="skip"),
        tag(
            "header",
            tag("h1", tag("span", text(over), class_="over"), text(title)),
            tag("nav", *ways, theme, aria_label="Sections"),
        ),
    ]


def _document(title: str, body: Html, names: Sequence[str]) -> str:
    style, script = _asset("page.css"), "".join(map(_asset, names))
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    head = [
        tag("meta", charset="utf-8"),
        Html(GENERATOR),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", text(title)),
        Html(f"<style>{style}</style>"),
    ]
    whole = tag("head", *head) + tag("body", body, Html(f"<script>{script}</script>"))
    return f'<!doctype html>\n<html lang="en">{whole}</html>\n'


def _asset(name: str) -> str:
    return files("evolinstruct.report").joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
