"""Every constraint there is, by name."""

from __future__ import annotations

from collections.abc import Mapping

from evolinstruct.checks import layout, lengths, marks, places, shapes, wording
from evolinstruct.checks.constraint import Constraint

CONSTRAINTS: Mapping[str, Constraint] = {
    each.name: each
    for module in (lengths, layout, shapes, wording, marks, places)
    for each in module.CONSTRAINTS
}
