"""Export files: rows shuffled and split on disk, written in shards, and put in place as a whole.

Nothing of an earlier export changes before the new one is complete, and files that no export made
are never removed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO, Protocol

from evolinstruct.atomic_write import (
    partial_path,
    put_in_place,
    refuse_link,
    write_errors_explained,
)
from evolinstruct.errors import InputError
from evolinstruct.records import Kept
from evolinstruct.text import shorten

_SHOWN = 60
TRAIN, TEST = "train", "test"
CHECKSUMS = "SHA256SUMS"
_NAMES = re.compile(
    r"README\.md|(train|test)(-\d{5,}-of-\d{5,})?\.(jsonl|parquet)|dataset_info\.json"
    r"|(trl|axolotl|llama-factory)\.yaml|prompts/([a-z]+/)?[^/.][^/]*"
)
"""The names that a file of an export may have."""

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
        InputError: it is a file or a run; or it is not empty, and `force` is not set or it holds
            something that no export wrote under a name that exports use.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; name a folder for the export with -o.")
    if (out / "run.json").exists():
        raise InputError(f"{out} holds a run; name another folder for the export with -o.")
    if not out.exists() or not any(out.iterdir()):
        return
    if not force:
        raise InputError(
            f"{out} is not empty; name another folder with -o, or replace the files of an earlier"
            " export with --force."
        )
    _earlier_files(out)


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Lend an empty folder; at the end of the block its files are moved into `out`.

    Raises:
        InputError: something cannot be written, or stands there that no export wrote.
    """
    with write_errors_explained(out):
        out = out.resolve()  # where the folder is a link, the rename has to stay on its disk
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
        try:
            yield staging
            _move(staging, out)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _move(staging: Path, out: Path) -> None:
    """Put the new files in the place of those of an earlier export.

    The new checksums stand beside the old ones meanwhile, so that each file can be told from a
    stranger's wherever this is cut off.
    """
    earlier = _earlier_files(out) if out.exists() and any(out.iterdir()) else set()
    new = sorted(path.relative_to(staging) for path in _files(staging))
    new.remove(Path(CHECKSUMS))
    for name in {*new, Path(CHECKSUMS)} - earlier:
        _refuse_stranger(out, name)
    out.mkdir(exist_ok=True)
    both = partial_path(out / CHECKSUMS)
    put_in_place(staging / CHECKSUMS, both)
    for name in earlier - {*new, Path(CHECKSUMS), Path(both.name)}:
        (out / name).unlink()
    for name in new:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        put_in_place(staging / name, out / name)
    put_in_place(both, out / CHECKSUMS)


def _earlier_files(out: Path) -> set[Path]:
    """Return the files that an earlier export wrote to a folder and nobody has changed since.

    Raises:
        InputError: there was no export, or a file that it names is another one now.
    """
    sums = [path for path in (out / CHECKSUMS, partial_path(out / CHECKSUMS)) if path.exists()]
    if not sums:
        raise InputError(
            f"{out} holds files but no earlier export (there is no {CHECKSUMS});"
            " name another folder with -o."
        )
    digests: dict[str, set[str]] = {}
    for path in sums:
        refuse_link(path, hard=True)
        for name, digest in _listed(path):
            digests.setdefault(name, set()).add(digest)
    for name, known in digests.items():
        _refuse_stranger(out, Path(name), known)
    there = {Path(name) for name in digests if (out / name).exists()}
    return there | {path.relative_to(out) for path in sums}


def _refuse_stranger(out: Path, name: Path, digests: Collection[str] = ()) -> None:
    """Refuse a file that is not what an export wrote, as one of these digests tells; or a link.

    Raises:
        InputError: it, or a folder around it, is something else.
    """
    *folders, _ = (out / part for part in name.parents)
    stranger = next((path for path in folders if path.is_symlink() or path.is_file()), None)
    path = out / name
    if stranger is None and (path.is_symlink() or path.exists()):
        is_ours = path.is_file() and not path.is_symlink() and _digest(path) in digests
        stranger = None if is_ours else path
    if stranger is not None:
        raise InputError(
            f"{stranger} is not what an earlier export wrote, so it is not replaced;"
            " move it away, or name another folder with -o."
        )


def listed_files(folder: Path) -> list[str]:
    """Return the names of the files that an export's checksums name.

    Raises:
        InputError: the checksums are not as an export writes them.
    """
    return [name for name, _ in _listed(folder / CHECKSUMS)]


def _listed(sums: Path) -> Iterator[tuple[str, str]]:
    """Yield the (name, digest) of each line of checksums; see `listed_files`."""
    for line in sums.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        if not re.fullmatch("[0-9a-f]{64}", digest) or not _NAMES.fullmatch(name):
            raise InputError(
                f"{sums} has the line {shorten(line, _SHOWN)!r}, which no export writes;"
                " name another folder with -o."
            )
        yield name, digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files in a folder, as `sha256sum --check` reads them."""
    names = {path.relative_to(folder).as_posix(): _digest(path) for path in sorted(_files(folder))}
    lines = [f"{digest}  {name}\n" for name, digest in names.items()]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
