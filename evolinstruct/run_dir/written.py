"""The lines of a run's files as they are written: most are looked at and never decoded.

Knows how a line begins, and that all files of a run are in seed order. Knows no directory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from evolinstruct.errors import InputError
from evolinstruct.records import decode

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
