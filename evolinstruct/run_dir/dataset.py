"""Data set writer: merges the generations into dataset.jsonl and shuffles the lines.

A line's place depends on the run's seed and its id alone; but where a field is null all through the
beginning, the first line that has a value for it moves to the front. Memory stays flat, because
only the places of lines in their files are sorted, and on disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from hashlib import blake2b
from typing import IO, Any

from evolinstruct.atomic_write import replaced
from evolinstruct.errors import InputError
from evolinstruct.records import Kept, decode
from evolinstruct.run_dir.directory import RunDir

_CHECK_EVERY = 256
_BEGINNING = 1 << 20
"""Readers such as `datasets.load_dataset` take the types of columns from the first megabytes, and
fail at a text where a column was null until then."""

_Place = tuple[bytes, int, int, int]
"""The rank of a line, its file, where it starts there, and its size."""


def write(
    run_dir: RunDir, generations: int, seed: int, check_stop: Callable[[], None]
) -> dict[str, Any]:
    """Write dataset.jsonl from a run's finished generations, as a whole or not at all.

    Args:
        run_dir: the run.
        generations: the last generation.
        seed: the run's seed.
        check_stop: is called every few hundred lines, and raises to end the work.

    Returns:
        The lines, size and digest of the file, as `LineFile.finish` returns them.

    Raises:
        InputError: it cannot be written.
    """
    try:
        with ExitStack() as stack:
            order = stack.enter_context(closing(sqlite3.connect("")))
            files = [
                stack.enter_context(run_dir.file(number).open("rb"))
                for number in range(generations + 1)
            ]
            _sort(order, files, seed, check_stop)
            run_dir.check_intact()
            with replaced(run_dir.dataset) as out:
                return _merge(order, files, out, check_stop)
    except sqlite3.Error as error:
        raise InputError(
            f"No room for temporary files ({error}); free disk space, or name a directory that has"
            " some in SQLITE_TMPDIR, and run the same command again."
        ) from error


def _sort(
    order: sqlite3.Connection, files: Sequence[IO[bytes]], seed: int, check_stop: Callable[[], None]
) -> None:
    """Fill a table with the place of each line and the rank by which it is shuffled."""
    order.execute("CREATE TABLE lines (rank BLOB, file INT, start INT, size INT)")
    firsts: dict[str, _Place] = {}
    for number, file in enumerate(files):
        places = _places(file, number, seed, firsts, check_stop)
        order.executemany("INSERT INTO lines VALUES (?, ?, ?, ?)", places)
    before = "SELECT SUM(size) FROM lines WHERE (rank, file, start) < (?, ?, ?)"
    late = [
        (number, start)
        for rank, number, start, _ in firsts.values()
        if (order.execute(before, (rank, number, start)).fetchone()[0] or 0) > _BEGINNING
    ]
    order.executemany("UPDATE lines SET rank = x'' WHERE file = ? AND start = ?", late)


def _merge(
    order: sqlite3.Connection,
    files: Sequence[IO[bytes]],
    out: IO[bytes],
    check_stop: Callable[[], None],
) -> dict[str, Any]:
    """Copy the lines in the order of their ranks."""
    count, digest = 0, blake2b(digest_size=16)
    for number, start, size in order.execute(
        "SELECT file, start, size FROM lines ORDER BY rank, file, start"
    ):
        files[number].seek(start)
        line = files[number].read(size)
        out.write(line)
        digest.update(line)
        count += 1
        if count % _CHECK_EVERY == 0:
            check_stop()
    return {"lines": count, "bytes": out.tell(), "digest": digest.hexdigest()}


def _places(
    file: IO[bytes],
    number: int,
    seed: int,
    firsts: dict[str, _Place],
    check_stop: Callable[[], None],
) -> Iterator[_Place]:
    """Yield the place of each line that has an answer; note the first that has each field."""
    start = 0
    for count, line in enumerate(file):
        if count % _CHECK_EVERY == 0:
            check_stop()
        record = decode(Kept, line)
        if record.output is not None:
            rank = blake2b(f"{seed}/{record.id}/dataset".encode(), digest_size=8).digest()
            place = rank, number, start, len(line)
            for name in Kept.__slots__:
                if getattr(record, name) is not None:
                    firsts[name] = min(place, firsts.get(name, place))
            yield place
        start += len(line)
