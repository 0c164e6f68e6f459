"""Export files: rows shuffled and split on disk, written in shards, and put in place as a whole.

Nothing of an earlier export changes before the new one is complete, and files that no export made
are never removed.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO, Protocol

from evolinstruct.atomic_write import put_in_place, write_errors_explained
from evolinstruct.errors import InputError
from evolinstruct.records import Kept

TRAIN, TEST = "train", "test"
CHECKSUMS = "SHA256SUMS"

# Rows


class RowBuffer:
    """Rows that wait on disk until all are there, then are split and come out in order.

    The side that a family is on, and the place of a row, depend on the seed and on ids alone.
    Memory stays flat, because only the places of rows are sorted, and on disk.
    """

    def __init__(self, folder: Path, seed: int, *, shuffled: bool) -> None:
        """Open an empty buffer in a folder; rows keep their order unless they are shuffled."""
        self._rows: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed on exit
        self._order = sqlite3.connect("", isolation_level=None)
        self._order.execute("CREATE TABLE rows (rank BLOB, family BLOB, start INT, size INT)")
        self._order.execute("BEGIN")
        self._seed = seed
        self._shuffled = shuffled
        self._count = 0
        self._size = 0
        self._last_test = b""

    def add(self, line: Kept, row: bytes) -> None:
        """Add the row of a line."""
        rank = self._digest(line.id, "export") if self._shuffled else self._count.to_bytes(8)
        place = (rank, self._digest(line.seed_id, TEST), self._size, len(row))
        self._order.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", place)
        self._rows.write(row)
        self._count += 1
        self._size += len(row)

    def _digest(self, name: str, purpose: str) -> bytes:
        return blake2b(f"{self._seed}/{name}/{purpose}".encode(), digest_size=8).digest()

    def split(self, share: float) -> None:
        """Put a share of the families into the test split: at least one of them, and never all.

        Raises:
            InputError: there is only one family.
        """
        (families,) = self._order.execute("SELECT COUNT(DISTINCT family) FROM rows").fetchone()
        if families < 2:  # noqa: PLR2004 - one for each split
            raise InputError(
                "--test needs at least two families, and there is only one; export without it."
            )
        chosen = min(max(1, round(share * families)), families - 1)
        (self._last_test,) = self._order.execute(
            "SELECT DISTINCT family FROM rows ORDER BY family LIMIT 1 OFFSET ?", [chosen - 1]
        ).fetchone()

    def rows(self, split: str) -> Iterator[bytes]:
        """Yield the rows of a split, in order."""
        sign = "<=" if split == TEST else ">"
        places = self._order.execute(
            f"SELECT start, size FROM rows WHERE family {sign} ? ORDER BY rank",  # noqa: S608
            [self._last_test],
        )
        for start, size in places:
            self._rows.seek(start)
            yield self._rows.read(size)

    def close(self) -> None:
        """Remove the rows from the disk."""
        self._order.close()
        self._rows.close()


# Shards


class RowFile(Protocol):
    """Takes rows, each a line of JSON; a file opened for binary writing is one."""

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
    """Write rows to one file, or to several.

    Args:
        rows: lines of JSON.
        folder: where the files go.
        stem: the beginning of their names.
        suffix: their extension.
        begin: opens a file.
        most: the most bytes of a file, before compression; None for a single file.

    Returns:
        The names of the files, and the number of rows.
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


# The folder


def check_folder(out: Path, *, force: bool) -> None:
    """Refuse a folder that cannot take the export; change nothing.

    Raises:
        InputError: it is a file or a run, or it is not empty and `force` is not set.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a folder for the export with -o.")
    if (out / "run.json").exists():
        raise InputError(f"{out} holds a run; name another folder for the export with -o.")
    if out.exists() and any(out.iterdir()) and not force:
        raise InputError(
            f"{out} is not empty; name another folder with -o, or replace the files of an earlier"
            " export with --force."
        )


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Lend an empty folder; at the end of the block its files are moved into `out`.

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
    """Remove the files of an earlier export, and put the new ones in place, the checksums last."""
    files = sorted(_files(staging), key=lambda path: path.name == CHECKSUMS)
    new = {path.relative_to(staging) for path in files}
    for old in listed_files(out) - new:
        (out / old).unlink(missing_ok=True)
    for path in files:
        target = out / path.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(path, target)


def listed_files(out: Path) -> set[Path]:
    """Return the files that the checksums of a folder name, without paths that lead out of it."""
    sums = out / CHECKSUMS
    if not sums.is_file():
        return set()
    lines = sums.read_text(encoding="utf-8", errors="replace").splitlines()
    names = {Path(line.partition("  ")[2]) for line in lines if "  " in line}
    return {name for name in names if not name.is_absolute() and ".." not in name.parts}


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files in a folder, as `sha256sum --check` reads them."""
    lines = []
    for path in sorted(_files(folder)):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
