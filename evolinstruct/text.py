"""How counts, money, times, texts and commands are written for people: one way for each."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from pathlib import PurePath
from shlex import quote

NONE = "-"
"""Written where there is no figure."""
_CENT = Decimal("0.01")
_NANO = 9  # digits of a dollar beyond which a sum of floats is noise
_NEAR = 120.0  # seconds
_COMPARED = 40  # characters of a name, which may be a whole text that was given by mistake
_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_TURNING = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
"""Format characters that change the direction of what follows; other format characters stay."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the plural where needed: ``1 seed``, ``1,234 seeds``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def number(value: float | None) -> str:
    """Return a number without its fraction, as ``1,234``."""
    return NONE if value is None else f"{value:z,.0f}"


def decimal(value: float | None) -> str:
    """Return a number with at most two digits of its fraction, as ``6.25`` or ``6``."""
    return NONE if value is None else f"{round(value, 2):zg}"


def signed(value: float | None) -> str:
    """Return a difference with its sign, as ``+1.25``."""
    return NONE if value is None else f"{round(value, 2):+zg}"


def short_number(value: int | None) -> str:
    """Return a number of which two digits are enough, as ``1.2M``."""
    if value is None:
        return NONE
    for unit, sign in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= unit:
            return f"{value / unit:,.1f}{sign}"
    return f"{value:,}"


def percent(share: float | None) -> str:
    """Return a share as ``12.5%``."""
    return NONE if share is None else f"{share:z.1%}"


def dollars(amount: Decimal | float) -> str:
    """Return a sum in cents, rounded up; one below a cent with its first two digits."""
    exact = amount if isinstance(amount, Decimal) else Decimal(str(round(amount, _NANO)))
    if exact >= _CENT or not exact:
        return f"${exact.quantize(_CENT, ROUND_UP):,}"
    return f"${exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), ROUND_UP).normalize():f}"


def clock(seconds: float) -> str:
    """Return a span of time as ``0:07``, ``12:30`` or ``3:04:05``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def until(seconds: float) -> str:
    """Return the local time so many seconds from now, with its date unless that is today's.

    Of a moment that is near the seconds are told too.
    """
    now = datetime.now().astimezone()
    then = now + timedelta(seconds=seconds)
    if seconds < _NEAR:
        return f"{then:%H:%M:%S}"
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"


def listed(parts: Sequence[str]) -> str:
    """Return the parts as a list in a sentence: ``a, b and c``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def shorten(text: str, length: int) -> str:
    """Return a text of at most so many characters; one that is cut ends in ``…``."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def on_one_line(text: str, length: int) -> str:
    """Return the beginning of a text on one line, at most so many characters."""
    return shorten(" ".join(text[: 4 * length].split()), length)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'deepen'?)`` for a known name that is near; nothing if none is."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow

    by_start = {each[:_COMPARED].lower(): each for each in known}
    near = get_close_matches(name[:_COMPARED].lower(), by_start, n=1)
    return f" (did you mean {shorten(by_start[near[0]], _COMPARED)!r}?)" if near else ""


# Foreign text, where a person reads it


def is_utf8(text: str) -> bool:
    """Tell whether a text can be written: what was no UTF-8 on a command line cannot."""
    return text.isascii() or text.encode("utf-8", "replace").decode() == text


def harmless(text: str) -> str:
    """Make control characters visible, so that no text can steer the terminal."""
    if text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else _escaped(char) for char in text)


def harmless_lines(text: str) -> str:
    """Make control characters visible, except line breaks."""
    return "\n".join(harmless(line) for line in text.split("\n"))


def one_line(text: str) -> str:
    """Return foreign text so that it may be printed on one line."""
    return harmless(" ".join(text.split()))


def harmless_cell(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_OF_FORMULAS) else cell


def _is_harmless(char: str) -> bool:
    if char.isprintable():
        return True
    return char not in _TURNING and unicodedata.category(char) == "Cf"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


# Commands, to be copied into a shell


def command(*words: object) -> str:
    """Return a command on one line, each word quoted as a shell takes it.

    What cannot be printed, such as a line break or a byte that is no UTF-8, is written in the form
    of bash, zsh and ksh: a dollar sign before the quotes, and three octal digits for a byte.
    """
    return " ".join(map(_shell_word, words))


def _shell_word(word: object) -> str:
    text = str(word)
    if isinstance(word, PurePath) and text.startswith("-"):
        text = f"./{text}"  # else it would be read as a flag
    return quote(text) if text.isprintable() else f"$'{''.join(map(_shell_character, text))}'"


def _shell_character(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(char))
