"""A desk: where a person decides by keys, one thing after the other, under a name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from evolinstruct.errors import EvolinstructError, InputError
from evolinstruct.report.markup import Html, tag, text

SCRIPT = "desk.js"
CHANGED = "Its text has changed since it was shown; load the page again."
"""Said where what is decided about is not what was shown."""


class Key(NamedTuple):
    """A key, and the button that does the same.

    Attributes:
        letter: the key.
        title: what the button says.
        action: what the script calls it.
    """

    letter: str
    title: str
    action: str


def desk(about: str, keys: Iterable[Key], *content: Html, **said: str) -> Html:
    """Return where a person decides: how far they are, what they see, and the buttons.

    Args:
        about: what the desk is called.
        keys: the keys.
        content: what stands before the thing that is decided about, which the script fills in.
        said: what the script has to know, as attributes.
    """
    return tag(
        "section",
        tag("p", id="trouble", class_="notice", role="alert", hidden=""),
        tag("progress", id="progress", value="0", max="1", aria_label="Decided"),
        tag("p", text("Reading…"), id="how-far", role="status", class_="hint"),
        *content,
        tag("article", id="thing", class_="card", tabindex="-1", aria_live="polite"),
        tag("div", *map(_button, keys), class_="keys", role="toolbar", aria_label="Decide"),
        id="desk", aria_label=about, **said,
    )  # fmt: skip


def _button(key: Key) -> Html:
    return tag(
        "button", text(key.title), text(" "), tag("kbd", text(key.letter)), type="button",
        data_action=key.action, aria_keyshortcuts=key.letter, disabled="",
    )  # fmt: skip


def field(title: str, name: str, query: QueryParams, usual: str = "", **more: str) -> Html:
    """Return a field of the form that a desk begins with."""
    return tag(
        "label", text(title), tag("input", name=name, value=query.get(name) or usual, **more)
    )


def name_field(query: QueryParams) -> Html:
    """Return the field for the person's name."""
    return field("Your name", "name", query, required="", maxlength="40", autocomplete="off")


def begin_button() -> Html:
    """Return the button that leads to the desk."""
    return tag("button", text("Begin"), type="submit")


# What the script asks for


def trouble(error: EvolinstructError) -> Response:
    """Return what is wrong as the script shows it."""
    return JSONResponse({"trouble": str(error)}, HTTPStatus.BAD_REQUEST)


def text_of(said: Mapping[str, Any], name: str) -> str:
    """Return a text that was posted; an empty one where there is none.

    Raises:
        InputError: it is no text.
    """
    value = said.get(name) or ""
    if not isinstance(value, str):
        raise InputError(f"{name} is no text; load the page again.")
    return value


def unwritable(directory: Path, folder: str) -> str | None:
    """Return why no decision can be kept in a folder of a directory; None where it can."""
    place = directory / folder
    place = place if place.exists() else directory
    if os.access(place, os.W_OK):
        return None
    return f"{place} cannot be written, so decisions cannot be kept; reading goes on."
