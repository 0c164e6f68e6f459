"""Prompt packs as folders: finds a pack, lists its files, and copies it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from evolinstruct.atomic_write import bring_to_disk
from evolinstruct.errors import InputError, UsageError
from evolinstruct.installation import data_folder
from evolinstruct.purposes import PURPOSES
from evolinstruct.text import did_you_mean

MEASURES = "measures"
"""The folder of what scores are asked with; no part of what decides a run."""
_FOLDERS = ("frames", "operations", "formats", MEASURES)
HISTORY = "tuning"
"""The folder in which `evolinstruct tune` keeps how a pack came about; no part of the pack."""


def _required() -> Iterator[str]:
    """Yield the files that every pack needs: those of the purposes that runs ask."""
    yield "pack.toml"
    for purpose in PURPOSES.values():
        is_worded = purpose.worded_by == "file" and not purpose.borrowed
        if is_worded and purpose.is_asked_by_runs():
            yield f"{purpose.name}.txt"


def _layout() -> Iterator[str]:
    """Yield the patterns of all files that a pack may have."""
    yield from ("pack.toml", "demonstration.txt", "correct.txt")
    yield from (f"{name}.txt" for name, row in PURPOSES.items() if row.worded_by == "file")
    yield from (f"{folder}/*.txt" for folder in _FOLDERS)


def builtin() -> tuple[str, ...]:
    """Return the names of the packs that come with the program, sorted."""
    folders = data_folder("prompts").iterdir()
    return tuple(sorted(each.name for each in folders if (each / "pack.toml").is_file()))


def find(name: str) -> Path:
    """Return the folder of the built-in pack of that name, else the folder of that path.

    Raises:
        UsageError: neither exists.
    """
    known = builtin()
    if name in known:
        return data_folder("prompts") / name
    if name and Path(name).is_dir():
        return Path(name)
    raise UsageError(
        f"Unknown prompt pack {name!r}{did_you_mean(name, known)}: it is not a folder, and the"
        f" built-in packs are {', '.join(known)}."
    )


def files(folder: Path) -> dict[str, Path]:
    """Return the pack's files by their names inside it, sorted, without hidden and tuning's files.

    Raises:
        InputError: the folder is not a pack, lacks a file, or holds one that packs do not have.
    """
    if not (folder / "pack.toml").exists():
        raise InputError(f"{folder}: this is not a prompt pack, because it has no file pack.toml.")
    layout = list(_layout())
    found = {path.relative_to(folder).as_posix(): path for path in sorted(_walk(folder))}
    for name, path in found.items():
        if not (path.is_file() and any(fnmatchcase(name, known) for known in layout)):
            raise InputError(f"{path}: a prompt pack has no such file; move it elsewhere.")
        if not path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{path}: the link leads out of the pack; put the file itself there.")
    for name in _required():
        if name not in found:
            raise InputError(f"{folder / name}: the file is missing; every prompt pack needs it.")
    return found


def find_file(folder: Path, name: str) -> Path:
    """Return a pack's file by its name or its path in the pack, with or without the ending.

    Raises:
        UsageError: the pack has no such file.
    """
    known = files(folder)
    for path, file in known.items():
        if name in {path, path.removesuffix(".txt"), file.name, file.stem}:
            return file
    raise UsageError(f"{folder}: the pack has no file {name!r}; it has {', '.join(known)}.")


def _walk(folder: Path) -> Iterator[Path]:
    for path in _visible(folder):
        if path.name == HISTORY and path.is_dir():
            continue
        yield from _visible(path) if path.name in _FOLDERS and path.is_dir() else [path]


def _visible(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be read ({error.strerror}).") from error


def copy(folder: Path, to: Path) -> None:
    """Copy the pack's files, and nothing else of its folder, into a new or empty folder.

    A new folder appears by one rename once its files are on the disk, so neither a copy that breaks
    off nor a power cut leaves half a pack.

    Raises:
        InputError: the folder is not a pack, or the target is a file, not empty or not writable.
    """
    found = files(folder)
    target = to if to.exists() else to.with_name(f".{to.name}.partial")
    try:
        if to.exists() and any(to.iterdir()):
            raise InputError(f"{to}: the folder is not empty; name a new one for the copy.")
        if target != to:
            if target.is_symlink():
                raise InputError(f"{target} is a link, so nothing is written there; move it away.")
            shutil.rmtree(target, ignore_errors=True)
        for name, path in found.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
            bring_to_disk(target / name)
        if target != to:
            for folder_of_files in {(target / name).parent for name in found}:
                bring_to_disk(folder_of_files)
            target.rename(to)
            bring_to_disk(to.parent)
    except OSError as error:
        raise InputError(f"{to}: the pack cannot be copied there ({error.strerror}).") from error
