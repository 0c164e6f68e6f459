"""Packages that are not installed unless asked for, and how one asks.

Knows the extras of the project and the command that installs one. Imports none of them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from evolinstruct.errors import InputError


def load(module: str, extra: str, what: str) -> Any:
    """Import a module of an extra.

    Args:
        module: its name.
        extra: the extra of the project that installs it.
        what: what it is needed for, as a subject of a sentence.

    Raises:
        InputError: it is not installed; names the command that installs it.
    """
    try:
        found: ModuleType = import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise InputError(
            f"{what} needs the package {package}, which is not installed;"
            f" run: python -m pip install 'evolinstruct[{extra}]'"
        ) from error
    return found
