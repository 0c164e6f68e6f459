"""HTML whose every text is escaped.

Markup has a type of its own, `Html`, so that a text cannot be taken for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NewType

Html = NewType("Html", str)

_IN_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028"}
_VOID = frozenset({"meta", "link", "input", "br"})


def text(content: object) -> Html:
    """Return a text as markup that shows it."""
    return Html(escape(str(content)))


def tag(name: str, /, *children: Html | str, **attributes: str) -> Html:
    """Return an element.

    Args:
        name: its name.
        children: its content; pass a plain string through `text` first.
        attributes: its attributes; a trailing underscore is dropped, other underscores become
            dashes, and an attribute without a value has an empty one.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Html(f"<{name}{said}>")
    return Html(f"<{name}{said}>{join(children)}</{name}>")


def join(parts: Iterable[Html | str]) -> Html:
    """Return the parts as one piece of markup."""
    return Html("".join(parts))


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """Return a table whose rows begin with their names; it scrolls where it is too wide."""
    return tag(
        "div",
        tag(
            "table",
            tag("caption", text(caption)),
            tag("thead", tag("tr", *(tag("th", text(name), scope="col") for name in head))),
            tag("tbody", *map(_row, rows)),
        ),
        class_="scrolls",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def _row(cells: Sequence[str]) -> Html:
    name, *others = cells
    return tag(
        "tr", tag("th", text(name), scope="row"), *(tag("td", text(cell)) for cell in others)
    )


def folded(title: str, *children: Html, class_: str = "") -> Html:
    """Return content that is shown on demand, under a title."""
    return tag("details", tag("summary", text(title)), *children, class_=class_)


def data(element_id: str, value: Any) -> Html:
    """Return data for the script of the page; nothing in it can end the element."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign, code in _IN_SCRIPT.items():
        written = written.replace(sign, code)
    return Html(f'<script type="application/json" id="{escape(element_id)}">{written}</script>')
