"""Every setting of a run: what is asked for, and how it is carried out.

Knows no file but a recipe file.
"""

from evolinstruct.settings.fields import (
    NAMES,
    Execution,
    Recipe,
    SeedSettings,
    Settings,
    seed_fields,
)
from evolinstruct.settings.flags import parse_by_purpose, parse_lists, parse_parameters
from evolinstruct.settings.kinds import AUTO, DEFAULT, ByPurpose
from evolinstruct.settings.layers import Layer, read_file, resolve

__all__ = [
    "AUTO",
    "DEFAULT",
    "NAMES",
    "ByPurpose",
    "Execution",
    "Layer",
    "Recipe",
    "SeedSettings",
    "Settings",
    "parse_by_purpose",
    "parse_lists",
    "parse_parameters",
    "read_file",
    "resolve",
    "seed_fields",
]
