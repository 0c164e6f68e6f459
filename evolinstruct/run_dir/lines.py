"""The JSONL files of a run: written so that they never get worse, and read back.

Three ways to handle lines stand here. `LineFile` writes a file. `LazyLine` reads a run's own files
quickly: most of its lines are compared or counted, and never parsed. `read_lines` reads any file of
lines, also one of another version or one that a run is writing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from evolinstruct.atomic_write import (
    created,
    partial_path,
    put_in_place,
    refuse_link,
    without_links,
    write_errors_explained,
)
from evolinstruct.errors import InputError
from evolinstruct.records import (
    Failed,
    Kept,
    Line,
    Member,
    Rejected,
    decode,
    decode_object,
    require_types,
)

_BLOCK = 1 << 20

# Writing


class LineFile:
    """One file while it is written, from its first line each time; a context manager.

    Lines that are already there are only compared. From the first missing line on, lines are
    appended. Where a line differs, the new content grows in ``NAME.partial`` beside the old file
    and replaces it when it is complete. So the file stays valid wherever the process is killed.
    """

    def __init__(self, path: Path, *, beside: bool = False) -> None:
        """Start at the first line; the file does not change yet.

        Args:
            path: the file.
            beside: the file is complete and belongs to another run, so it is never cut short:
                whatever differs grows beside it.

        Raises:
            InputError: the file cannot be read or made. Every other method raises it likewise.
        """
        self._path = path
        self._partial = partial_path(path)
        self._digest = blake2b(digest_size=16)
        self._goes_beside = False
        self._is_complete = beside
        self.lines = 0
        self.size = 0
        with write_errors_explained(path):
            refuse_link(path)
            self._old: BinaryIO | None = path.open("rb") if path.exists() else None
            self._new: BinaryIO | None = None if self._old else created(path)
            if self._old and os.fstat(self._old.fileno()).st_nlink > 1:
                self._is_complete = True  # it is a file of another name, too: leave that one alone

    def write(self, line: bytes) -> None:
        """Add a line: compare it with the old one while there is one, then write."""
        if self._old is not None:
            found = self._old.read(len(line))
            if found != line:
                self._stop_comparing(found, line)
        if self._new is not None:
            with write_errors_explained(self._path):
                self._new.write(line)
        self._digest.update(line)
        self.lines += 1
        self.size += len(line)

    def _stop_comparing(self, found: bytes, line: bytes) -> None:
        """Go on in place after a torn or missing end, otherwise beside the old file."""
        assert self._old is not None  # noqa: S101 - only called while comparing
        self._old.close()
        self._old = None
        # Only at the end of the file is less found than was asked for. What was found begins the
        # right line there, so to go on in place takes nothing away.
        if not self._is_complete and len(found) < len(line) and line.startswith(found):
            self._go_on_in_place()
        else:
            self._go_beside()

    def _go_on_in_place(self) -> None:
        with write_errors_explained(self._path):
            self._new = open(self._path, "r+b", opener=without_links)  # noqa: SIM115
            self._new.seek(self.size)
            self._new.truncate()

    def _go_beside(self) -> None:
        """Copy the lines that were right so far into the partial file, and write on there."""
        self._goes_beside = True
        with write_errors_explained(self._partial), self._path.open("rb") as old:
            self._new = created(self._partial)
            left = self.size
            while left and (block := old.read(min(left, _BLOCK))):
                self._new.write(block)
                left -= len(block)

    def flush(self) -> None:
        """Hand the lines to the operating system, so that other processes can read them."""
        if self._new is not None:
            with write_errors_explained(self._path):
                self._new.flush()

    def finish(self) -> dict[str, object]:
        """End the file after the last line; return its lines, size and digest."""
        if self._old is not None and self._old.read(1):  # the old file has more lines
            self._old.close()
            self._old = None
            self._go_beside()
        with write_errors_explained(self._path):
            if not self._goes_beside:
                self._refuse_removed()
            if self._new is not None:
                self._new.flush()
                os.fsync(self._new.fileno())
            self._close()
            if self._goes_beside:
                put_in_place(self._partial, self._path)
            else:
                self._partial.unlink(missing_ok=True)  # left by a command that was cut off
        return {"lines": self.lines, "bytes": self.size, "digest": self._digest.hexdigest()}

    def _refuse_removed(self) -> None:
        """Refuse to go on where the file that was written has its name no more."""
        handle = self._new or self._old
        assert handle is not None  # noqa: S101 - one is open until the end
        there = self._path.exists() and self._path.stat()
        if not (there and os.path.samestat(os.fstat(handle.fileno()), there)):
            raise InputError(
                f"{self._path} was removed or replaced while it was written;"
                " run the same command again, which writes it again."
            )

    def _close(self) -> None:
        for handle in (self._old, self._new):
            if handle is not None:
                handle.close()
        self._old = self._new = None

    def __enter__(self) -> LineFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._close()
        else:
            with suppress(OSError):  # the error that ended the block is the one to report
                self._close()


def matches(path: Path, described: dict[str, object]) -> bool:
    """Tell whether a file is, byte for byte, the one that `LineFile.finish` described."""
    try:
        if path.stat().st_size != described.get("bytes"):
            return False
        digest = blake2b(digest_size=16)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == described.get("digest")


# Reading a run's own files, in pool order

_IDS = re.compile(rb'\{"id":\s*"([^"]*)",\s*"seed_id":\s*"([^"]*)"')


class LazyLine(NamedTuple):
    """A line that is parsed only if someone asks for its fields.

    Attributes:
        raw: its bytes, the line break included.
        kind: the kind of line.
        path: its file.
        number: its number there, from 1.
    """

    raw: bytes
    kind: type[Any]
    path: Path
    number: int

    @property
    def id(self) -> str:
        """Its id, taken from the bytes where they begin as usual.

        Raises:
            InputError: the line cannot be read.
        """
        found = _IDS.match(self.raw)
        return found[1].decode() if found else str(self.parse().id)

    @property
    def seed_id(self) -> str:
        """The id of its family's seed, likewise."""
        found = _IDS.match(self.raw)
        return found[2].decode() if found else str(self.parse().seed_id)

    def parse(self) -> Any:
        """Return the line as an object of its kind.

        Raises:
            InputError: the line cannot be read.
        """
        try:
            return decode(self.kind, self.raw)
        except ValueError as error:
            raise InputError(
                f"{self.path}, line {self.number}, is no line of a run ({error});"
                " run the same `evolve` command again to mend it."
            ) from error


def lazy_lines(path: Path, kind: type[Any]) -> Iterator[LazyLine]:
    """Yield the lines of a file in order, without a last one that a crash tore."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                return
            yield LazyLine(raw, kind, path, number)


def members(
    seeds: Iterator[LazyLine],
    generations: Sequence[Iterator[LazyLine]],
    rejected: Iterator[LazyLine],
) -> Iterator[Member]:
    """Yield the family of each seed as a pool has it, in the order of the seeds.

    Args:
        seeds: the lines of generation 0.
        generations: the kept lines of the later ones, the older generations first.
        rejected: the rejected lines of the last generation.

    Raises:
        InputError: a line cannot be read.
    """
    later, dropped = [OneGeneration(lines) for lines in generations], OneGeneration(rejected)
    for seed in seeds:
        newest, seed_id = seed, seed.seed_id
        for generation in later:
            newest = generation.take(seed_id) or newest
        last = dropped.take(seed_id)
        yield Member(newest.parse(), last.parse().operation if last else None)


class OneGeneration:
    """The lines of one generation, in seed order; the next one waits until its seed comes up."""

    def __init__(self, lines: Iterator[LazyLine]) -> None:
        self._lines = lines
        self._advance()

    def take(self, seed_id: str) -> LazyLine | None:
        """Return the line of a seed's family, if the generation kept one."""
        if self._next is None or self._seed_id != seed_id:
            return None
        taken = self._next
        self._advance()
        return taken

    def _advance(self) -> None:
        self._next = next(self._lines, None)
        self._seed_id = "" if self._next is None else self._next.seed_id


# Reading any file of lines


class ParsedLine(NamedTuple):
    """A line with the bytes that it was read from, line break included."""

    raw: bytes
    line: Line


def read_lines(
    path: Path, on_torn: Callable[[str], None], holding: bytes = b""
) -> Iterator[ParsedLine]:
    """Yield the lines of a file, whatever their kinds.

    Args:
        path: the file; a run may be writing it.
        on_torn: is called with a sentence if the last line is torn, and so left out.
        holding: yield only lines that hold these bytes; the others are skipped unparsed, which is
            fast.

    Raises:
        InputError: the file cannot be read, or a line is not one of ours.
    """
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if holding not in raw:
                    continue
                try:
                    line = read_line(raw)
                except ValueError as error:
                    if not raw.endswith(b"\n"):
                        on_torn(f"{path} ends in a torn line, line {number}, which is left out.")
                        return
                    raise InputError(
                        f"{path}, line {number}, is no line of a run: {error};"
                        " name a run directory or one of its JSONL files, and mend a run by its"
                        " `evolve` command."
                    ) from error
                yield ParsedLine(raw if raw.endswith(b"\n") else raw + b"\n", line)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; correct its name.") from error


def read_line(raw: bytes | str) -> Line:
    """Read a line of any kind and version: unknown fields are dropped, missing ones become None.

    Raises:
        ValueError: it is not one of ours; says why.
    """
    fields = decode_object(raw if isinstance(raw, str) else raw.decode())
    kind: type[Line] = Rejected if "rule" in fields else Failed if "error" in fields else Kept
    try:
        line = kind(**fields)
    except TypeError:
        known: dict[str, Any] = {name: fields.get(name) for name in kind.__slots__}
        line = kind(**known)
    require_types(line)
    return line
