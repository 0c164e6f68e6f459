"""How figures are written on the page; a dash where there is none."""

from __future__ import annotations

NONE = "–"
_CENT = 0.01
_THOUSAND = 10_000
_MILLION = 1_000_000
_MINUTE, _HOUR = 60, 3_600


def number(value: float | None) -> str:
    """Write a number, without its fraction."""
    return NONE if value is None else f"{value:,.0f}"


def large(value: float | None) -> str:
    """Write a number of which three digits are enough, as 1.23 M."""
    if value is None or value < _THOUSAND:
        return number(value)
    return f"{value / _MILLION:,.2f} M" if value >= _MILLION else f"{value / 1_000:,.0f} k"


def share(value: float | None) -> str:
    """Write a share in per cent."""
    return NONE if value is None else f"{value:.1%}"


def money(value: float | None) -> str:
    """Write dollars; what is free or unknown has none."""
    if not value:
        return NONE
    return f"${value:,.2f}" if value >= _CENT else f"${value:.5f}"


def duration(seconds: float | None) -> str:
    """Write a time in its two largest units."""
    if seconds is None:
        return NONE
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
