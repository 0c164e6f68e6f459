"""Every setting of a run: what is asked for, and how it is carried out.

Knows no file but a recipe file.
"""

from evolinstruct.recipe.flags import parse_by_purpose, parse_lists, parse_parameters
from evolinstruct.recipe.layers import Layer, read_file, settle
from evolinstruct.recipe.settings import (
    NAMES,
    Conduct,
    Recipe,
    SeedChoice,
    Settings,
    seed_fields,
)
from evolinstruct.recipe.values import AUTO, DEFAULT, ByPurpose

__all__ = [
    "AUTO",
    "DEFAULT",
    "NAMES",
    "ByPurpose",
    "Conduct",
    "Layer",
    "Recipe",
    "SeedChoice",
    "Settings",
    "parse_by_purpose",
    "parse_lists",
    "parse_parameters",
    "read_file",
    "seed_fields",
    "settle",
]
