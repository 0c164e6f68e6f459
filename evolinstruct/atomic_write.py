"""Atomic write: a file is replaced whole or not at all, and reaches the disk before it counts.

The new content grows in ``NAME.partial`` beside the old file and takes its place by one rename.
Nothing is written through a link, because it would change a file of another name or place.
"""

from __future__ import annotations

import os
import stat
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
        InputError: it is a directory or a link to a file, or cannot be written.
    """
    if path.is_dir():
        raise InputError(f"{path} is a directory; name a file in it.")
    partial = partial_path(path)
    with write_errors_explained(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as pipe:
                yield pipe
            return
        refuse_link(path)
        file = created(partial)
        try:
            with file:
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


def refuse_link(path: Path, *, hard: bool = False) -> None:
    """Refuse a path at which anything but a file of its own stands; a free one is fine.

    Args:
        path: of a file that is to be written.
        hard: refuse a second name of another file (a hard link), too.

    Raises:
        InputError: it is a link, or no regular file.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "no regular file"
    elif hard and found.st_nlink > 1:
        kind = "a second name (a hard link) of another file"
    else:
        return
    raise InputError(f"{path} is {kind}, so it is not written; move it away, or name another file.")


def created(path: Path) -> BinaryIO:
    """Open a new file, in place of one that a command which was cut off left under this name.

    Raises:
        InputError: something else has the name.
        OSError: it cannot be made.
    """
    refuse_link(path, hard=True)
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=without_links)


def without_links(path: str, flags: int) -> int:
    """Open a file for `open`, but none that a link leads to."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


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
