"""A file that is replaced whole or not at all, and the sentence where it cannot be written.

What is new grows beside what is there, and takes its place by one rename. Knows bytes, not what
they say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from evolinstruct.durability import bring_to_disk
from evolinstruct.errors import InputError


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Lend a file that takes the place of another at the end; if anything is raised, nothing does.

    A pipe or a terminal has no place to take, and is written as it comes.

    Raises:
        InputError: it cannot be written.
    """
    beside = beside_of(path)
    with writing(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        try:
            with beside.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            put_in_place(beside, path)
        except BaseException:
            with suppress(OSError):  # what keeps it from being written was said already
                beside.unlink(missing_ok=True)
            raise


def beside_of(path: Path) -> Path:
    """Return where the new content of a file grows."""
    return path.with_name(f"{path.name}.partial")


def put_in_place(beside: Path, path: Path) -> None:
    """Let a whole file take the place of an older one, for good.

    Raises:
        OSError: it cannot be.
    """
    beside.replace(path)
    bring_to_disk(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence what keeps a file from being written.

    Raises:
        InputError: in place of an OSError in the block.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror};"
            " put that right, and run the same command again."
        ) from error
