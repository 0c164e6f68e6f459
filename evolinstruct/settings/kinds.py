"""The kinds of settings: how each reads the words of a flag, and writes a value back as flags.

Imports nothing slow, so that the table of settings and `--help` can use it. The checks of values,
which pydantic calls, are at the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from evolinstruct import defaults
from evolinstruct.purposes import of_models
from evolinstruct.text import did_you_mean

DEFAULT = "default"
"""The key of what holds for every purpose without a value of its own."""
AUTO = "auto"
COMPARISON = "no_information_gain"
VOTED, JUDGED, VERIFIED = WAYS_TO_PICK = ("vote", "judge", "verified")
"""How one of several answers is taken."""
EXACT, MATH = WAYS_TO_COMPARE = ("exact", "math")
"""How it is told whether two answers come to the same."""
_TIERS = re.compile(r"[a-z][a-z0-9_]{0,49}(,[a-z][a-z0-9_]{0,49}){0,4}")
_SANDBOX = re.compile(r"monty|docker(:[\w./:@-]+)?")
_NEXT_PAIR = re.compile(r",(?=\s*[^\W\d]\w*\s*=)")


class Word:
    """One word, such as ``--generations 3``.

    Attributes:
        repeats: whether the flag may be given more than once.
    """

    repeats = False

    def read(self, words: Any) -> object:
        """Return the value that the words of a flag stand for, not checked yet.

        Raises:
            ValueError: a word does not have the form of this kind; the message begins with it.
        """
        return words

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the words of a command line that `read` turns into the value."""
        yield from (flag, _word(value))


class Switch(Word):
    """On or off: ``--compare`` or ``--no-compare``."""

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the flag, or its opposite."""
        yield flag if value else off(flag)


class Several(Word):
    """A list: one value for each time the flag is given."""

    repeats = True

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the flag once for each value."""
        for each in value:
            yield from (flag, _word(each))


class ByPurpose(Word):
    """A value for all purposes or for one: ``VALUE``, ``PURPOSE=VALUE``; the last one counts."""

    repeats = True

    def read(self, words: Any) -> object:
        """Return the value of each purpose.

        Raises:
            ValueError: a word names an unknown purpose.
        """
        return {purpose: values[-1] for purpose, values in _by_purpose(words).items()}

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the flag once for each purpose."""
        for purpose, each in value.items():
            yield from (flag, _for_purpose(purpose, _word(each)))


class ListsByPurpose(ByPurpose):
    """As `ByPurpose`, but every value of a purpose counts."""

    def read(self, words: Any) -> object:
        """Return the values of each purpose.

        Raises:
            ValueError: a word names an unknown purpose.
        """
        return _by_purpose(words)

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the flag once for each value of each purpose."""
        for purpose, values in value.items():
            for each in values:
                yield from (flag, _for_purpose(purpose, _word(each)))


class Pairs(Several):
    """Names with values: ``NAME=VALUE``, also several of them divided by commas."""

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the flag once for each pair."""
        for name, each in value.items():
            yield from (flag, f"{name}={_word(each)}")


class Parameters(Word):
    """Names with values of any JSON type: ``NAME=VALUE``; what is no JSON is text."""

    repeats = True

    def read(self, words: Any) -> object:
        """Return each name's value.

        Raises:
            ValueError: a word has no value.
        """
        values: dict[str, object] = {}
        for word in words:
            name, equals, text = word.partition("=")
            if not equals:
                raise ValueError(f"{word}: a value is missing; write it as NAME=VALUE")
            values[name] = _json(text)
        return values

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the flag once for each name."""
        for name, each in value.items():
            is_plain = isinstance(each, str) and _json(each) == each
            yield from (flag, f"{name}={each if is_plain else json.dumps(each)}")


class Rules(Word):
    """Rules on, set or off: ``--rule NAME``, ``--rule NAME.PARAMETER=X``, ``--no-rule NAME``.

    Reading takes the rules themselves, because ``NAME=X`` sets the first parameter of a rule:
    `evolinstruct.elimination.parse_words` does it.
    """

    repeats = True

    def write(self, flag: str, value: Any) -> Iterator[str]:
        """Yield the flag, or its opposite, once for each rule or parameter of a rule."""
        for name, wish in value.items():
            if isinstance(wish, Mapping):
                for key, number in wish.items():
                    yield from (flag, f"{name}.{key}={_word(number)}")
            else:
                yield from (flag if wish else off(flag), name)


def off(flag: str) -> str:
    """Return the flag that switches off what a flag switches on."""
    return f"--no-{flag.removeprefix('--')}"


def _by_purpose(words: Iterable[str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for word in words:
        purpose, equals, value = word.partition("=")
        if equals and (purpose == DEFAULT or purpose in of_models()):
            values.setdefault(purpose, []).append(value)
        elif equals and re.fullmatch(r"[a-z_]+", purpose):
            raise ValueError(f"{word}: {unknown_purpose(purpose)}")
        else:
            values.setdefault(DEFAULT, []).append(word)
    return values


def _for_purpose(purpose: str, word: str) -> str:
    """Return a word for a purpose; ``default=`` is named only where the word alone is unclear."""
    is_clear = purpose == DEFAULT and not re.match(r"[a-z_]+=", word)
    return word if is_clear else f"{purpose}={word}"


def _word(value: object) -> str:
    """Return a value as one types it; a number keeps every digit."""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def _json(text: str) -> object:
    """Return what a text says as JSON, or the text itself where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


# Checks of values, also of those from Python and from recipe files


def no_switch(value: object) -> object:
    """Refuse true and false where a number is meant: they are not 1 and 0 here."""
    if isinstance(value, bool):
        raise ValueError(f"a number is needed, not {str(value).lower()}")  # noqa: TRY004
    return value


def count(value: object) -> object:
    """Let on and off stand for one and none: earlier versions knew no more."""
    return int(value) if isinstance(value, bool) else value


def way_to_pick(value: str) -> str:
    """Refuse what is no way to pick one of several answers."""
    if value and value not in WAYS_TO_PICK:
        raise ValueError(f"unknown way {value!r}{nearest(value, WAYS_TO_PICK)}")
    return value


def way_to_compare(value: str) -> str:
    """Refuse what is no way to compare what answers end in."""
    if value not in WAYS_TO_COMPARE:
        raise ValueError(f"unknown way {value!r}{nearest(value, WAYS_TO_COMPARE)}")
    return value


def utf8(value: str) -> str:
    """Refuse a word of the command line whose bytes are no UTF-8: no file could hold it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("the name is not UTF-8 text") from None
    return value


def tier_names(value: str) -> str:
    """Refuse what names no service tiers, divided by commas."""
    if not _TIERS.fullmatch(value):
        raise ValueError(f"{value!r} names no tiers; write them as flex or flex,default")
    return value


def sandbox_name(value: str) -> str:
    """Refuse what names no sandbox."""
    if not _SANDBOX.fullmatch(value):
        raise ValueError(f"there is no sandbox {value!r}; there are monty, docker and docker:IMAGE")
    return value


def by_purpose(value: object) -> object:
    """Let one value stand for all purposes; refuse unknown purposes."""
    if not isinstance(value, Mapping):
        return {DEFAULT: value}
    for purpose in value:
        if purpose != DEFAULT and purpose not in of_models():
            raise ValueError(unknown_purpose(str(purpose)))
    return dict(value)


def unknown_purpose(name: str) -> str:
    """Say that a purpose is unknown, and which are known."""
    return f"unknown purpose {name!r}{nearest(name, of_models())}"


def nearest(name: str, known: Collection[str]) -> str:
    """Say which of the known names is meant, if one is near, and list them all."""
    return f"{did_you_mean(name, known)}; there are {', '.join(known)}"


def auto(value: object) -> object:
    """Let ``auto`` stand for None: the program finds the value itself."""
    return None if value == AUTO else value


def several(value: object) -> object:
    """Let one value stand for a list of one."""
    return [value] if isinstance(value, str) else value


def by_parameter(value: object) -> object:
    """Refuse unknown purposes, parameters with a setting of their own, and what is no JSON."""
    for key, each in value.items() if isinstance(value, Mapping) else ():
        purpose, name = parameter(str(key))
        if purpose is not None and purpose not in of_models():
            raise ValueError(unknown_purpose(purpose))
        if name in NO_PARAMETERS:
            raise ValueError(f"{name!r} cannot be passed on: {NO_PARAMETERS[name]}")
        if not _is_json(each):
            raise ValueError(f"{name!r} cannot be passed on: its value cannot be written as JSON")
    return value


def _is_json(value: object) -> bool:
    """Tell whether a value can be written as JSON, which has no dates, NaN or infinity."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


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


def by_part(value: object) -> object:
    """Read ``PART=KEY`` words, in a list or divided by commas; refuse unknown parts."""
    if not isinstance(value, Mapping):
        words = value if isinstance(value, list | tuple) else [value]
        pairs = [word.partition("=") for part in words for word in _NEXT_PAIR.split(str(part))]
        value = {part.strip(): key.strip() for part, _, key in pairs}
    for part, key in value.items():
        if part not in defaults.PARTS or not key:
            parts = ", ".join(defaults.PARTS)
            turned = f" (did you mean {key}={part}?)" if key in defaults.PARTS else ""
            raise ValueError(f"{part}={key} is no PART=KEY{turned}; parts are {parts}")
    return dict(value)


def by_rule(value: object) -> object:
    """Refuse what says nothing about rules: each is switched, or given a table of numbers."""
    if not isinstance(value, Mapping):
        raise ValueError("a table of rules is needed")  # noqa: TRY004 - told as the others are
    for name, wish in value.items():
        numbers = wish.values() if isinstance(wish, Mapping) else ()
        if not isinstance(wish, bool | Mapping) or any(
            isinstance(number, bool) or not isinstance(number, int | float) for number in numbers
        ):
            raise ValueError(f"{name} must be true, false or a table of numbers, not {wish!r}")
    return dict(value)
