"""`settings` on the terminal: what holds, by the place that it is from, and the places."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from rich.text import Text

from evolinstruct.console.page import Page
from evolinstruct.environment import DOTENV
from evolinstruct.llm import address
from evolinstruct.settings import DEFAULT, Origin
from evolinstruct.settings.origins import DEFAULTS
from evolinstruct.settings.personal import PersonalSettings
from evolinstruct.text import listed, one_line

_INDENT = "    "


def show_settings(page: Page, found: Sequence[Origin], *, in_full: bool) -> None:
    """Print the settings by place, the nearest first; the defaults only in full."""
    shown = [each for each in found if in_full or each.place != DEFAULTS]
    width = max((len(_name(each)) for each in shown), default=0)
    for place in dict.fromkeys(each.place for each in shown):
        page.print(Text(one_line(place), style="bold"))
        for each in shown:
            if each.place == place:
                name = f"{_INDENT}{one_line(_name(each)):<{width}}  "
                page.print(one_line(_said(each.value)), name, " " * len(name))
    if not in_full:
        page.print("All other settings have their defaults; -v shows them.")


def show_places(
    page: Page, personal: PersonalSettings, profile: str | None, dotenv: Sequence[str]
) -> None:
    """Print where settings may stand, and what is there."""
    page.print()
    there = "" if personal.path.exists() else ", which is not there"
    page.print(f"Your settings file: {one_line(str(personal.path))}{there}.")
    if personal.profiles:
        names = [
            f"{one_line(name)} (in use)" if name == profile else one_line(name)
            for name in personal.profiles
        ]
        page.print(f"Profiles: {listed(names)}.")
    if dotenv:
        page.print(f"{DOTENV} in this folder sets {listed(dotenv)}.")


def described(origin: Origin) -> dict[str, Any]:
    """Return a setting as plain data, for a script."""
    return {**origin._asdict(), "value": _plain(origin.value)}


def _name(origin: Origin) -> str:
    return f"{origin.name} ({origin.key})" if origin.key not in ("", DEFAULT) else origin.name


def _said(value: Any) -> str:
    """Return a value as a person writes it."""
    plain = _plain(value)
    if isinstance(plain, list):
        return ", ".join(plain) or "none"
    if isinstance(plain, str | None):
        return plain or "none"
    return json.dumps(plain)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; an address without what of it is secret."""
    match value:
        case list():
            return [_plain(each) for each in value]
        case str():
            return address.bare(value) if address.is_url(value) else value
        case Decimal():
            return str(value)
        case _:
            return value
