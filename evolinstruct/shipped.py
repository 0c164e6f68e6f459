"""Where the data folders that come with the program lie: prompts and seeds.

Knows the two places: inside the installed package, or beside it in a checkout. Knows nothing of
what is in the folders.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from evolinstruct.errors import InputError


def folder(name: Literal["prompts", "seeds"]) -> Path:
    """Return the data folder of that name.

    Raises:
        InputError: the installation is incomplete.
    """
    return place_of(name, Path(__file__).resolve().parent)


def place_of(name: str, package: Path) -> Path:
    """Return the data folder of that name that belongs to a package at the given place.

    Raises:
        InputError: there is none.
    """
    # The package's own copy comes first: beside an installed package lie strangers' folders.
    for place in (package / "_shipped" / name, package.parent / name):
        if place.is_dir():
            return place
    raise InputError(
        f"{package}: the folder {name!r} that belongs to evolinstruct is missing; "
        "install the package anew."
    )
