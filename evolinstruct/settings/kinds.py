"""The kinds of values that settings have, and what is said of one that is wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field, StrictBool

from evolinstruct import defaults
from evolinstruct.purposes import PURPOSES

DEFAULT = "default"
AUTO = "auto"
COMPARISON = "no_information_gain"
_T = TypeVar("_T")


def no_switch(value: object) -> object:
    """Refuse true and false where a number is meant: they are not 1 and 0 here."""
    if isinstance(value, bool):
        raise ValueError(f"a number is needed, not {str(value).lower()}")  # noqa: TRY004
    return value


def by_purpose(value: object) -> object:
    """Let one value stand for all purposes; refuse purposes that there are not."""
    if not isinstance(value, Mapping):
        return {DEFAULT: value}
    for purpose in value:
        if purpose not in (DEFAULT, *PURPOSES):
            raise ValueError(no_purpose(str(purpose)))
    return dict(value)


def no_purpose(name: str) -> str:
    """Say that there is no such purpose, and which there are."""
    return f"no purpose is named {name!r}{nearest(name, PURPOSES)}"


def nearest(name: str, known: Collection[str]) -> str:
    """Say which of the known names is meant, if one is near, and list them all."""
    near = get_close_matches(name, known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"{hint}; there are {', '.join(known)}"


def auto(value: object) -> object:
    """Let ``auto`` stand for None: the program finds the value itself."""
    return None if value == AUTO else value


def several(value: object) -> object:
    """Let one value stand for a list of one."""
    return [value] if isinstance(value, str) else value


def by_parameter(value: object) -> object:
    """Refuse parameters that have a setting of their own, and purposes that there are not."""
    for key in value if isinstance(value, Mapping) else ():
        purpose, name = parameter(str(key))
        if purpose is not None and purpose not in PURPOSES:
            raise ValueError(no_purpose(purpose))
        if name in NO_PARAMETERS:
            raise ValueError(f"{name!r} cannot be passed on: {NO_PARAMETERS[name]}")
    return value


def parameter(key: str) -> tuple[str | None, str]:
    """Divide ``PURPOSE:NAME``; the purpose is None where none is named."""
    purpose, colon, name = key.rpartition(":")
    return (purpose if colon else None), name


NO_PARAMETERS = {
    "": "a name is needed",
    "model": "use --model",
    "messages": "the prompts decide what is said",
    "temperature": "use --temperature",
    "top_p": "use --top-p",
    "max_tokens": "use --max-tokens",
    "max_completion_tokens": "use --max-tokens",
    "stream": "a reply comes whole",
    "n": "a call has one reply",
}


def by_weight(value: object) -> object:
    """Read names, and names with weights as ``NAME=WEIGHT``, divided by commas or in a list."""
    if isinstance(value, Mapping):
        return value
    names = value if isinstance(value, list | tuple) else [value]
    words = [name for name in names if isinstance(name, str)]
    if len(words) < len(names):
        raise ValueError("names are needed, or a table of names and weights")
    weights: dict[str, float | str] = {}
    for word in ",".join(words).split(","):
        name, equals, weight = word.strip().partition("=")
        if not name:
            raise ValueError("a name is missing")
        weights[name] = weight if equals else 1.0
    return weights


def by_field(value: object) -> object:
    """Read ``PART=FIELD`` words, in a list or divided by commas; refuse unknown parts."""
    if not isinstance(value, Mapping):
        words = value if isinstance(value, list | tuple) else [value]
        pairs = [word.partition("=") for part in words for word in str(part).split(",")]
        value = {part.strip(): field.strip() for part, _, field in pairs}
    for part, field in value.items():
        if part not in defaults.PARTS or not field:
            parts = ", ".join(defaults.PARTS)
            raise ValueError(f"{part}={field} is no PART=FIELD; parts are {parts}")
    return dict(value)


def by_rule(value: object) -> object:
    """Refuse what says nothing of rules: each is switched, or given a table of numbers."""
    if not isinstance(value, Mapping):
        raise ValueError("a table of rules is needed")  # noqa: TRY004 - told as the others are
    for name, wish in value.items():
        numbers = wish.values() if isinstance(wish, Mapping) else ()
        if not isinstance(wish, bool | Mapping) or any(
            isinstance(number, bool) or not isinstance(number, int | float) for number in numbers
        ):
            raise ValueError(f"{name} must be true, false or a table of numbers, not {wish!r}")
    return dict(value)


Whole = Annotated[int, BeforeValidator(no_switch)]
Number = Annotated[float, BeforeValidator(no_switch), Field(allow_inf_nan=False)]
Dollars = Annotated[Decimal, BeforeValidator(no_switch), Field(allow_inf_nan=False)]
Weight = Annotated[Number, Field(ge=0)]
Share = Annotated[Number, Field(ge=0, le=1)]
RuleSetting = StrictBool | dict[str, Number]
ByPurpose = Annotated[dict[str, _T], BeforeValidator(by_purpose)]
