"""One JSONL file that never gets worse while it is written again.

A run writes each file from its first line, every time. Lines that are there already are only
compared; from the first missing one on they are appended; and where a line differs, the new file
grows beside the old one and takes its place when it is whole. Knows bytes, not what they say.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from evolinstruct.whole_file import beside_of, put_in_place, writing

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
