"""The files of an export: rows in shards, checksums, and the folder that takes its place whole.

Knows names and sizes. Nothing of an earlier export is touched before the new one is complete, and
files that no export made are never removed. Knows nothing of what is in the files.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from evolinstruct.atomic_write import put_in_place, write_errors_explained
from evolinstruct.errors import InputError

CHECKSUMS = "SHA256SUMS"


class RowFile(Protocol):
    """A file that takes rows, each a line of JSON; a binary file is one."""

    def write(self, row: bytes, /) -> object:
        """Add a row."""

    def close(self) -> None:
        """End the file."""


def write_shards(
    rows: Iterable[bytes],
    folder: Path,
    stem: str,
    suffix: str,
    begin: Callable[[Path], RowFile],
    most: int | None,
) -> tuple[list[str], int]:
    """Write rows to one file, or to several of at most so many bytes before compression.

    Returns:
        The names of the files, and how many rows they hold.
    """
    count, size, file = 0, 0, None
    parts: list[Path] = []
    for row in rows:
        if file is None or (most and size + len(row) > most):
            if file is not None:
                file.close()
            parts.append(folder / f"{stem}.{len(parts)}.partial")
            file, size = begin(parts[-1]), 0
        file.write(row)
        count += 1
        size += len(row)
    if file is not None:
        file.close()
    names = [f"{stem}-{at:05}-of-{len(parts):05}{suffix}" for at in range(len(parts))]
    names = names if len(parts) > 1 else [f"{stem}{suffix}"]
    for part, name in zip(parts, names, strict=True):
        part.rename(folder / name)
    return names, count


def check(out: Path, *, force: bool) -> None:
    """Refuse a place where an export cannot go; change nothing.

    Raises:
        InputError: it is a file or a run, or holds something and `force` is not given.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a folder for the export with -o.")
    if (out / "run.json").exists():
        raise InputError(f"{out} holds a run; name another folder for the export with -o.")
    if out.exists() and any(out.iterdir()) and not force:
        raise InputError(
            f"{out} is there already; name another folder with -o, or replace what is in it of an"
            " earlier export with --force."
        )


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Lend an empty folder; what is in it at the end takes its place in `out`.

    Raises:
        InputError: something cannot be written.
    """
    with write_errors_explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
        try:
            yield staging
            _move(staging, out)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _move(staging: Path, out: Path) -> None:
    """Put the files in place, the checksums last; files of an earlier export go."""
    files = sorted(_files(staging), key=lambda path: path.name == CHECKSUMS)
    new = {path.relative_to(staging) for path in files}
    for old in listed_files(out) - new:
        (out / old).unlink(missing_ok=True)
    for path in files:
        target = out / path.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(path, target)


def listed_files(out: Path) -> set[Path]:
    """Return the files that the checksums in a folder name, as far as they lie in it."""
    sums = out / CHECKSUMS
    if not sums.is_file():
        return set()
    lines = sums.read_text(encoding="utf-8", errors="replace").splitlines()
    names = {Path(line.partition("  ")[2]) for line in lines if "  " in line}
    return {name for name in names if not name.is_absolute() and ".." not in name.parts}


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files, as `sha256sum --check` reads them."""
    lines = []
    for path in sorted(_files(folder)):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
