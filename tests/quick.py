"""Parameters of which a quick run tries the first, and `make test-all` the others as well."""

from __future__ import annotations

from typing import Any

import pytest


def first_of(*values: Any) -> list[Any]:
    """Return the values; all but the first are slow."""
    first, *others = values
    return [first, *(pytest.param(each, marks=pytest.mark.slow) for each in others)]
