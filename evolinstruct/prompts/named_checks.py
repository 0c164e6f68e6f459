"""The checks that a pack names in its pack.toml, each a table with its arguments.

[checks.agreement]
answers = 5
least = 0.6
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evolinstruct.checks import CONSTRAINTS, SEEN, SeenCheck
from evolinstruct.prompts.templates import Passage
from evolinstruct.text import did_you_mean

Checks = Mapping[str, Mapping[str, Any]]
"""The arguments of each check, by its name."""


def read_checks(text: Passage, found: object) -> Checks:
    """Return the checks that a pack.toml names, with the defaults of what it does not set.

    Args:
        text: the file.
        found: what it says under ``checks``.

    Raises:
        InputError: a check or an argument is unknown or out of range; names the line.
    """
    if not isinstance(found, Mapping):
        raise text.error("the key 'checks' needs a table for each check", text.place_of("checks"))
    return {name: _arguments(text, name, given) for name, given in found.items()}


def _arguments(text: Passage, name: str, given: object) -> Mapping[str, Any]:
    at = text.place_of(f"checks.{name}") or text.place_of(name)
    if name not in SEEN:
        raise text.error(_unknown(name), at)
    check = SEEN[name]
    if not isinstance(given, Mapping):
        raise text.error(f"the check {name!r} needs a table, as [checks.{name}]", at)
    for key, value in given.items():
        _check_argument(text, check, key, value)
    return {key: given.get(key, each.default) for key, each in check.arguments.items()}


def _unknown(name: str) -> str:
    if name in CONSTRAINTS:
        return (
            f"{name!r} is a constraint, which instructions state and a pack cannot check; an"
            " operation whose prompt holds '{{constraints}}' draws it"
        )
    return f"unknown check {name!r}{did_you_mean(name, SEEN)}; known here: {', '.join(SEEN)}"


def _check_argument(text: Passage, check: SeenCheck, key: str, value: object) -> None:
    at = text.place_of(key)
    if key not in check.arguments:
        known = ", ".join(check.arguments) or "none"
        raise text.error(f"the check {check.name!r} has no {key!r}; known here: {known}", at)
    if not check.arguments[key].accepts(value):
        wanted = check.arguments[key].told
        raise text.error(f"{key!r} of the check {check.name!r} must be {wanted}", at)
