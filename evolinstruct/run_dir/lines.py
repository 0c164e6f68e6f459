"""One JSONL file that never gets worse while it is written again.

A run writes each file from its first line, every time. Lines that are there already are only
compared; from the first missing one on they are appended; and where a line differs, the new file
grows beside the old one and takes its place when it is whole. Knows bytes, not what they say.

The lines of a run's files as they are written: most are looked at and never decoded.

Knows how a line begins, and that all files of a run are in seed order. Knows no directory.

Lines of ours, read back from wherever they lie: a run's files, or any JSONL file alone.

Knows the kinds of line by their fields, reads those of older and newer versions as far as it can,
and leaves out a last line that is torn. Knows nothing of a run.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from evolinstruct.atomic_write import beside_of, put_in_place, writing
from evolinstruct.errors import InputError
from evolinstruct.records import Failed, Kept, Line, Rejected, decode

_BLOCK = 1 << 20


class LineFile:
    """A file being written; a context manager that leaves it valid however it ends."""

    def __init__(self, path: Path, *, beside: bool = False) -> None:
        """Start at the first line; nothing that is there is changed yet.

        Args:
            path: the file.
            beside: what is there is whole and of another run: whatever is new goes beside it.

        Raises:
            InputError: the file cannot be read or made. Likewise every other method.
        """
        self._path = path
        self._beside = beside_of(path)
        self._digest = blake2b(digest_size=16)
        self._goes_beside = False
        self._is_whole = beside
        self.lines = 0
        self.size = 0
        with writing(path):
            self._there: BinaryIO | None = path.open("rb") if path.exists() else None
            self._out: BinaryIO | None = None if self._there else path.open("wb")

    def write(self, line: bytes) -> None:
        """Add a line: compare it with the one that is there, or write it."""
        if self._there is not None:
            found = self._there.read(len(line))
            if found != line:
                self._depart(found, line)
        if self._out is not None:
            with writing(self._path):
                self._out.write(line)
        self._digest.update(line)
        self.lines += 1
        self.size += len(line)

    def _depart(self, found: bytes, line: bytes) -> None:
        """Stop comparing: go on in place after a torn end, otherwise beside the old file."""
        assert self._there is not None  # noqa: S101 - only called while comparing
        self._there.close()
        self._there = None
        # Only the last line can be shorter than what belongs there.
        if not self._is_whole and len(found) < len(line) and line.startswith(found):
            with writing(self._path):
                self._out = self._path.open("r+b")
                self._out.seek(self.size)
                self._out.truncate()
        else:
            self._go_beside()

    def _go_beside(self) -> None:
        self._goes_beside = True
        with writing(self._beside), self._path.open("rb") as old:
            self._out = self._beside.open("wb")
            left = self.size
            while left and (block := old.read(min(left, _BLOCK))):
                self._out.write(block)
                left -= len(block)

    def flush(self) -> None:
        """Hand what was written to the system, for whoever reads along."""
        if self._out is not None:
            with writing(self._path):
                self._out.flush()

    def finish(self) -> dict[str, object]:
        """End the file after the last line; return its lines, size and digest."""
        if self._there is not None and self._there.read(1):
            self._there.close()
            self._there = None
            self._go_beside()
        with writing(self._path):
            if self._out is not None:
                self._out.flush()
                os.fsync(self._out.fileno())
            self._close()
            if self._goes_beside:
                put_in_place(self._beside, self._path)
            else:
                self._beside.unlink(missing_ok=True)  # of an earlier command that was to change it
        return {"lines": self.lines, "bytes": self.size, "digest": self._digest.hexdigest()}

    def _close(self) -> None:
        for handle in (self._there, self._out):
            if handle is not None:
                handle.close()
        self._there = self._out = None

    def __enter__(self) -> LineFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._close()
        else:
            with suppress(OSError):  # what could not be written was said already
                self._close()


def matches(path: Path, described: dict[str, object]) -> bool:
    """Tell whether a file is, byte for byte, what `LineFile.finish` described."""
    try:
        if path.stat().st_size != described["bytes"]:
            return False
        digest = blake2b(digest_size=16)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == described["digest"]


_IDS = re.compile(rb'\{"id":\s*"[^"]*",\s*"seed_id":\s*"([^"]*)"')


class Written(NamedTuple):
    """A line as it is written: most are looked at and never decoded.

    Attributes:
        line: its bytes, the line break included.
        kind: the kind of line.
        path: the file that it stands in.
        number: its number there, from 1.
    """

    line: bytes
    kind: type[Any]
    path: Path
    number: int

    @property
    def seed_id(self) -> str:
        """The seed that it descends from.

        Raises:
            InputError: it cannot be read.
        """
        found = _IDS.match(self.line)
        return found[1].decode() if found else str(self.decoded().seed_id)

    def decoded(self) -> Any:
        """Return the line.

        Raises:
            InputError: it cannot be read.
        """
        try:
            return decode(self.kind, self.line)
        except ValueError as error:
            raise InputError(
                f"{self.path}, line {self.number}, is no line of a run ({error});"
                " run the same `evolve` command again to mend it."
            ) from error


def whole_lines(path: Path, kind: type[Any]) -> Iterator[Written]:
    """Yield the lines of a file in order, but for a last one that a crash tore."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            yield Written(line, kind, path, number)


def newest_of_each(
    seeds: Iterator[Written], later: Sequence[Iterator[Written]]
) -> Iterator[Written]:
    """Yield for each seed, in their order, the last line of its family.

    Raises:
        InputError: a line cannot be read.
    """
    families = [_Peekable(lines) for lines in later]
    for seed in seeds:
        newest, seed_id = seed, seed.seed_id
        for lines in families:
            newest = lines.take(seed_id) or newest
        yield newest


class _Peekable:
    """Lines in seed order of which the next is taken only by the seed it belongs to."""

    def __init__(self, lines: Iterator[Written]) -> None:
        self._lines = lines
        self._advance()

    def take(self, seed_id: str) -> Written | None:
        if self._next is None or self._seed_id != seed_id:
            return None
        taken = self._next
        self._advance()
        return taken

    def _advance(self) -> None:
        self._next = next(self._lines, None)
        self._seed_id = "" if self._next is None else self._next.seed_id


_decode = json.JSONDecoder().decode
_TEXTS = ("id", "seed_id", "instruction")


class Entry(NamedTuple):
    """A line of a file: its bytes as they stand there, and what they say."""

    raw: bytes
    line: Line


def read_lines(path: Path, on_torn: Callable[[str], None], holding: bytes = b"") -> Iterator[Entry]:
    """Yield the lines of a file, whatever their kinds.

    Args:
        path: the file; a run may be writing it.
        on_torn: is told in a sentence if the last line is torn, and left out.
        holding: only lines that hold these bytes; the others are passed over unread, which is fast.

    Raises:
        InputError: the file cannot be read, or a line is none of ours.
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
                yield Entry(raw if raw.endswith(b"\n") else raw + b"\n", line)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; correct its name.") from error


def read_line(raw: bytes | str) -> Line:
    """Read a line of any kind; fields of other versions are left out or None.

    Raises:
        ValueError: it is no line of ours; says why.
    """
    fields: Any = _decode(raw if isinstance(raw, str) else raw.decode())
    if not isinstance(fields, dict):
        raise ValueError(f"expected an object, found {type(fields).__name__}")  # noqa: TRY004
    kind: type[Line] = Rejected if "rule" in fields else Failed if "error" in fields else Kept
    try:
        line = kind(**fields)
    except TypeError:
        known: dict[str, Any] = {name: fields.get(name) for name in kind.__slots__}
        line = kind(**known)
    _check(line)
    return line


def _check(line: Line) -> None:
    """Refuse what would be no line: a name, a text or a number is missing."""
    missing = [name for name in _TEXTS if not isinstance(getattr(line, name, ""), str)]
    if type(line.generation) is not int:
        missing.append("generation")
    if not isinstance(getattr(line, "output", None), str | None):
        missing.append("output")
    if missing:
        raise ValueError(f"it has no proper {missing[0]!r}")
