"""dataset.jsonl: every instruction that has an answer, merged and shuffled.

Where a line goes depends on the run's seed and its id alone. Only places in the files are sorted,
on disk, so memory stays flat. Knows nothing of how a generation is made.
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


def write(
    run_dir: RunDir, generations: int, seed: int, check: Callable[[], None]
) -> dict[str, Any]:
    """Put the data set of a run's finished generations in place, whole or not at all.

    Args:
        run_dir: the run.
        generations: the last generation.
        seed: the run's seed.
        check: is called every now and then; what it raises ends the work.

    Returns:
        Its lines, size and digest, as of every file of a run.

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
            _sort(order, files, seed, check)
            with replaced(run_dir.dataset) as out:
                return _merge(order, files, out, check)
    except sqlite3.Error as error:
        raise InputError(
            f"No room for temporary files ({error}); free disk space, or name a directory that has"
            " some in SQLITE_TMPDIR, and run the same command again."
        ) from error


def _sort(
    order: sqlite3.Connection, files: Sequence[IO[bytes]], seed: int, check: Callable[[], None]
) -> None:
    order.execute("CREATE TABLE lines (rank BLOB, file INT, start INT, size INT)")
    for number, file in enumerate(files):
        places = _places(file, number, seed, check)
        order.executemany("INSERT INTO lines VALUES (?, ?, ?, ?)", places)


def _merge(
    order: sqlite3.Connection, files: Sequence[IO[bytes]], out: IO[bytes], check: Callable[[], None]
) -> dict[str, Any]:
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
            check()
    return {"lines": count, "bytes": out.tell(), "digest": digest.hexdigest()}


def _places(
    file: IO[bytes], number: int, seed: int, check: Callable[[], None]
) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield (rank, file, start, size) of every line that has an answer."""
    start = 0
    for count, line in enumerate(file):
        if count % _CHECK_EVERY == 0:
            check()
        record = decode(Kept, line)
        if record.output is not None:
            rank = blake2b(f"{seed}/{record.id}/dataset".encode(), digest_size=8).digest()
            yield rank, number, start, len(line)
        start += len(line)
