"""Settings of a run: one table of them, their checks, and how they are laid over each other.

Names are loaded when first used: the table costs nothing to import, the checks need pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from evolinstruct.settings.kinds import AUTO, DEFAULT
from evolinstruct.settings.table import SETTINGS, SettingArguments, flag_of

if TYPE_CHECKING:
    from evolinstruct.settings.fields import NAMES, Execution, Recipe, SeedSettings, Settings
    from evolinstruct.settings.layers import (
        Layer,
        gather,
        gather_execution,
        ignored_variables,
        read_file,
        read_map,
        read_words,
        resolve,
        to_command_line,
    )

__all__ = [
    "AUTO",
    "DEFAULT",
    "NAMES",
    "SETTINGS",
    "Execution",
    "Layer",
    "Recipe",
    "SeedSettings",
    "SettingArguments",
    "Settings",
    "flag_of",
    "gather",
    "gather_execution",
    "ignored_variables",
    "read_file",
    "read_map",
    "read_words",
    "resolve",
    "to_command_line",
]

_FIELDS = ("NAMES", "Execution", "Recipe", "SeedSettings", "Settings")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "fields" if name in _FIELDS else "layers"
    return getattr(import_module(f"{__name__}.{module}"), name)
