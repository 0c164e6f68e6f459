"""A page as a document: its head, its sections, its style and its scripts.

A content security policy names the style and the scripts by their digest, so that the page runs and
loads nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files

from evolinstruct.report.markup import Html, join, tag, text

GENERATOR = '<meta name="generator" content="evolinstruct report">'
"""Every report says this near its beginning."""


def document(title: str, body: Html, scripts: Sequence[str] = ("theme.js",)) -> str:
    """Return a page with the style and the scripts of the room, which are named by their files."""
    style, script = _asset("page.css"), "".join(map(_asset, scripts))
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


def header(title: str, over: str, links: Mapping[str, str]) -> Html:
    """Return what a page begins with: its title, what stands over it, links to its sections."""
    named = (tag("a", text(said), href=f"#{name}") for name, said in links.items())
    theme = tag("button", text("Theme: auto"), id="theme", type="button")
    return join(
        [
            tag("a", text("Skip to the report"), href="#main", class_="skip"),
            tag(
                "header",
                tag("h1", tag("span", text(over), class_="over"), text(title)),
                tag("nav", *named, theme, aria_label="Sections"),
            ),
        ]
    )


def section(name: str, title: str, *children: Html) -> Html:
    """Return a section with its title; `name` is its address on the page."""
    return tag(
        "section", tag("h2", text(title), id=f"{name}-title"), *children,
        id=name, aria_labelledby=f"{name}-title",
    )  # fmt: skip


def footer() -> Html:
    """Return what a page ends with."""
    return tag("footer", text(f"Written by evolinstruct {version('evolinstruct')}."))
