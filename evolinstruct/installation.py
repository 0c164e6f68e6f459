"""Installation: imports packages that are optional, and finds the data that comes with the program.

Neither the optional packages nor the data folders need be there, so both are asked for here, and
what is missing is named in a sentence.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from evolinstruct.errors import InputError


def import_extra(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an optional package.

    Args:
        module: its name.
        extra: the extra of this project that installs it.
        purpose: what needs it, as the subject of a sentence.

    Raises:
        InputError: it is not installed; names the command that installs it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # a package that it needs is missing: its installation is broken
        raise _not_installed(package, extra, purpose) from error


def require_extra(package: str, extra: str, purpose: str) -> None:
    """Refuse to go on without an optional package, which another process imports.

    Raises:
        InputError: it is not installed; names the command that installs it.
    """
    if find_spec(package) is None:
        raise _not_installed(package, extra, purpose)


def _not_installed(package: str, extra: str, purpose: str) -> InputError:
    return InputError(
        f"{purpose} needs the package {package}, which is not installed;"
        f" run: python -m pip install 'evolinstruct[{extra}]'"
    )


def data_folder(name: Literal["prompts", "seeds"]) -> Path:
    """Return the folder of the prompt packs or of the seeds that come with the program.

    Raises:
        InputError: it is missing.
    """
    return find_data_folder(name, Path(__file__).resolve().parent)


def find_data_folder(name: str, package: Path) -> Path:
    """Return a data folder of a package: inside it where it is installed, beside it in a checkout.

    Raises:
        InputError: it is missing.
    """
    # Inside first: folders beside an installed package belong to other packages.
    for place in (package / "_shipped" / name, package.parent / name):
        if place.is_dir():
            return place
    raise InputError(
        f"{package}: the folder {name!r}, which comes with evolinstruct, is missing;"
        " install evolinstruct again."
    )
