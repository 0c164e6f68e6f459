"""The newest lines of a run that is being written, found at the ends of its files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from evolinstruct.records import Line
from evolinstruct.run_dir.directory import KINDS, RunDir
from evolinstruct.run_dir.lines import read_line

_MOST = 1 << 18  # bytes of a file that are read at once


class NewestLines:
    """Follows the files of a run; remembers its newest lines, and how far each file was read."""

    def __init__(self, path: Path, most: int) -> None:
        """Follow a run directory; remember so many lines at most."""
        self._dir = RunDir(path)
        self._read: dict[Path, int] = {}
        self._lines: deque[Line] = deque(maxlen=most)

    def look(self, generation: int) -> list[Line]:
        """Return the newest lines by now, the newest first; new ones are of this generation.

        The order among lines of different kinds that are new at once is a guess.
        """
        # How far a line stands in what is new of its file is about how far it stands in all.
        placed = []
        for kind in KINDS:
            found = [*self._new(self._dir.file(generation, kind))]
            placed += [(place / len(found), line) for place, line in enumerate(found, 1)]
        self._lines.extend(line for _, line in sorted(placed, key=itemgetter(0)))
        return [*reversed(self._lines)]

    def _new(self, path: Path) -> Iterator[Line]:
        """Yield the whole lines that a file has got since the last look, or its last ones."""
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                before = self._read.get(path, 0)
                start = max(before if before <= size else 0, size - _MOST)
                file.seek(start)
                block = file.read(_MOST)
        except OSError:
            return  # it is made only when there is a line of its kind
        if start > before:
            cut = block.find(b"\n") + 1  # it begins within a line
            start, block = start + cut, block[cut:]
        whole = block[: block.rfind(b"\n") + 1]
        self._read[path] = start + len(whole)
        for raw in whole.splitlines():
            yield read_line(raw)
