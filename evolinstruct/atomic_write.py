"""Atomic write: a file is replaced whole or not at all, and reaches the disk before it counts.

The new content grows in ``NAME.partial`` beside the old file and takes its place by one rename.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from evolinstruct.errors import InputError


@contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """Lend a file that takes the place of another at the end of the block.

    If the block raises, the old file stays as it was. A pipe or a terminal cannot be replaced, so
    it is written directly.

    Raises:
        InputError: it cannot be written.
    """
    partial = partial_path(path)
    with write_errors_explained(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        try:
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            put_in_place(partial, path)
        except BaseException:
            with suppress(OSError):  # the error that ended the block is the one to report
                partial.unlink(missing_ok=True)
            raise


def partial_path(path: Path) -> Path:
    """Return the path where the new content of a file grows."""
    return path.with_name(f"{path.name}.partial")


def put_in_place(partial: Path, path: Path) -> None:
    """Rename a complete file over an older one, and bring the rename to the disk.

    Raises:
        OSError: the file or its directory cannot be written.
    """
    partial.replace(path)
    bring_to_disk(path.parent)


@contextmanager
def write_errors_explained(path: Path) -> Iterator[None]:
    """Turn an OSError in the block into a sentence about the file.

    Raises:
        InputError: in place of the OSError.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror};"
            " put that right, and run the same command again."
        ) from error


def bring_to_disk(path: Path) -> None:
    """Return when the disk has everything that was written to a file or a directory.

    Raises:
        OSError: the disk refuses.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
