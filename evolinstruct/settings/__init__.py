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
        ignored_variables,
        misspelt_variables,
        read_file,
        read_map,
        read_words,
        resolve,
        to_command_line,
    )
    from evolinstruct.settings.origins import Origin, origins_of
    from evolinstruct.settings.personal import gather, gather_execution, layers_of, read_personal

__all__ = [
    "AUTO",
    "DEFAULT",
    "NAMES",
    "SETTINGS",
    "Execution",
    "Layer",
    "Origin",
    "Recipe",
    "SeedSettings",
    "SettingArguments",
    "Settings",
    "flag_of",
    "gather",
    "gather_execution",
    "ignored_variables",
    "layers_of",
    "misspelt_variables",
    "origins_of",
    "read_file",
    "read_map",
    "read_personal",
    "read_words",
    "resolve",
    "to_command_line",
]

_MODULES = {
    **dict.fromkeys(("NAMES", "Execution", "Recipe", "SeedSettings", "Settings"), "fields"),
    **dict.fromkeys(("Origin", "origins_of"), "origins"),
    **dict.fromkeys(("gather", "gather_execution", "layers_of", "read_personal"), "personal"),
}
"""Where names are that are not in `layers`."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'layers')}"), name)
