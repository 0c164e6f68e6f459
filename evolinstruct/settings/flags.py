"""The words of a command line's flags, read into settings."""

from __future__ import annotations

import json
import re

from evolinstruct.errors import UsageError
from evolinstruct.purposes import PURPOSES
from evolinstruct.settings.kinds import DEFAULT, no_purpose


def parse_by_purpose(flag: str, words: list[str]) -> dict[str, str]:
    """Read ``VALUE`` and ``PURPOSE=VALUE`` words of a flag into a setting by purpose.

    Raises:
        UsageError: a purpose that there is not.
    """
    return {purpose: values[-1] for purpose, values in parse_lists(flag, words).items()}


def parse_lists(flag: str, words: list[str]) -> dict[str, list[str]]:
    """Read the words of a flag as :func:`parse_by_purpose`, and keep every value of a purpose.

    Raises:
        UsageError: a purpose that there is not.
    """
    settings: dict[str, list[str]] = {}
    for word in words:
        purpose, equals, value = word.partition("=")
        if equals and purpose in PURPOSES:
            settings.setdefault(purpose, []).append(value)
        elif equals and re.fullmatch(r"[a-z_]+", purpose):
            raise UsageError(f"{flag} {word}: {no_purpose(purpose)}.")
        else:
            settings.setdefault(DEFAULT, []).append(word)
    return settings


def parse_parameters(flag: str, words: list[str]) -> dict[str, object]:
    """Read ``NAME=VALUE`` words: a value is JSON where it can be read so, else text.

    Raises:
        UsageError: a word without a value.
    """
    parameters: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{flag} {word}: a value is missing; write it as NAME=VALUE.")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters
