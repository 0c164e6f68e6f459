"""The shape of run.json and of stages' states: an edited or damaged one is refused.

A part may be missing, because older versions did not write it; what is there has to fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

_MOST = 10**18
_SHOWN = 40


class Parts(NamedTuple):
    """The shape of an object with known names; others may stand beside them.

    Attributes:
        known: the shape of each part.
        needed: the names of those that must be there.
    """

    known: dict[str, Any]
    needed: tuple[str, ...] = ()


_FILE = Parts({"lines": int, "bytes": int, "digest": str}, ("lines",))
_COUNTERS = {name: {str: int} for name in ("rejected", "failed", "operations")}
_TALLY = Parts(
    {**dict.fromkeys(("generation", "pool", "kept", "unclear", "calls"), int), **_COUNTERS}
)
_USAGE = Parts(
    {
        "generation": int,
        "operation": (str, None),
        "purpose": str,
        "model": str,
        "tier": (str, None),
        **dict.fromkeys(("calls", "replies", "refused", "unanswered"), (int, None)),
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens"), (int, None)),
        **dict.fromkeys(("reasoning_tokens", "unanswered_tokens"), (int, None)),
        **dict.fromkeys(("cost", "unanswered_cost"), (float, str, None)),
    }
)
_SEEDS = Parts(
    {
        "files": [str],
        "map": {str: str},
        "field": (str, None),
        "skip_bad": bool,
        **dict.fromkeys(("limit", "sample", "used", "drawn_from"), (int, None)),
        **dict.fromkeys(("duplicates", "skipped"), (int, None)),
        "digest": (str, None),
    }
)
_SHARD = Parts(
    {
        "number": int,
        "shard": str,
        "status": str,
        "parts": [str],
        "calls": int,
        "tokens": int,
        "cost": (float, None),
    },
    ("number", "shard", "calls", "tokens", "cost"),
)
RUN = Parts(
    {
        "format": int,
        "method": int,
        "status": str,
        "exit_code": (int, None),
        "started": (str, None),
        "ended": (str, None),
        "versions": {str: str},
        "recipe": {str: object},
        "rules": ({str: {str: object}}, None),
        "reviews": (Parts({"lines": int, "digest": str}, ("lines", "digest")), None),
        "seeds": _SEEDS,
        "pack": Parts({"name": str, "digest": str}),
        "judged_by": (str, None),
        "generations": [
            Parts({"tally": _TALLY, "made_from": str, "files": {str: _FILE}}, ("tally",))
        ],
        "dataset": (_FILE, None),
        "journal": (int, None),
        "spent": {str: (float, None)},
        "usage": [_USAGE],
        "prices": [{str: object}],
        "shards": [_SHARD],
    },
    ("format",),
)
"""The shape of run.json as a whole."""
STAGE = Parts(
    {
        "format": int,
        "status": str,
        "exit_code": (int, None),
        "started": (str, None),
        "ended": (str, None),
        "journal": (int, None),
        "usage": [_USAGE],
        "remarks": [str],
        "made": (int, None),
        "method": (str, None),
    },
    ("format",),
)
"""The shape of what a stage says of itself."""


def find_misfit(value: Any, shape: Any = RUN, place: str = "it") -> str | None:
    """Return what does not fit a shape, as ``place: value``; None if everything fits.

    A shape is a type, a list with the shape of its items, ``{str: shape}`` for any names, `Parts`
    for known names, or a tuple of shapes, of which one has to fit.
    """
    inside = _inside(value, shape, place)
    if inside is None:
        return f"{place}: {repr(value)[:_SHOWN]}"
    return next((misfit for part in inside if (misfit := find_misfit(*part)) is not None), None)


def _inside(value: Any, shape: Any, place: str) -> Iterator[tuple[Any, Any, str]] | None:
    """Return what is left to be looked at within a value; None if it does not fit itself."""
    match shape:
        case tuple() if not isinstance(shape, Parts):
            fits = any(find_misfit(value, each) is None for each in shape)
        case Parts(known, needed):
            if isinstance(value, dict) and all(name in value for name in needed):
                return ((value[name], known[name], name) for name in known if name in value)
            fits = False
        case dict():
            (each,) = shape.values()
            if isinstance(value, dict):
                return ((item, each, f"{place}.{name}") for name, item in value.items())
            fits = False
        case list():
            if isinstance(value, list):
                return ((item, shape[0], f"{place}[{at}]") for at, item in enumerate(value))
            fits = False
        case _:
            fits = _is_one(value, shape)
    return iter(()) if fits else None


def _is_one(value: Any, kind: type | None) -> bool:
    """Tell whether a plain value has a type; numbers are of a size that can be worked with."""
    if kind is None or kind is object:
        return kind is object or value is None
    if kind is int:
        return type(value) is int and abs(value) <= _MOST
    if kind is float:
        number = value if isinstance(value, float | int) and type(value) is not bool else math.nan
        return abs(number) <= _MOST
    return isinstance(value, kind)
