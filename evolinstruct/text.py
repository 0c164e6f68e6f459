"""How counts, money, times and texts are written for people: one way for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal

NONE = "-"
"""Written where there is no figure."""
_CENT = Decimal("0.01")
_NANO = 9  # digits of a dollar beyond which a sum of floats is noise
_NEAR = 120.0  # seconds
_COMPARED = 40  # characters of a name, which may be a whole text that was given by mistake


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the plural where needed: ``1 seed``, ``1,234 seeds``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def number(value: float | None) -> str:
    """Return a number without its fraction, as ``1,234``."""
    return NONE if value is None else f"{value:,.0f}"


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
    return NONE if share is None else f"{share:.1%}"


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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'deepen'?)`` for a known name that is near; nothing if none is."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow

    by_start = {each[:_COMPARED].lower(): each for each in known}
    near = get_close_matches(name[:_COMPARED].lower(), by_start, n=1)
    return f" (did you mean {shorten(by_start[near[0]], _COMPARED)!r}?)" if near else ""
