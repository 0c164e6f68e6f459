"""Subsets: which lines of a run a selection names, to export those alone or all but their families.

A selection is a file that `evolinstruct select` wrote; any file of a run's lines will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evolinstruct.errors import UsageError
from evolinstruct.records import Kept, seed_id
from evolinstruct.run_dir.lines import read_lines

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Subset:
    """What selections let pass.

    Attributes:
        only: the digests of the texts that pass, by id; None where all do.
        without: the ids of the seeds whose families do not pass.
    """

    only: dict[str, str] | None = None
    without: frozenset[str] = frozenset()

    def takes(self, line: Kept) -> bool:
        """Tell whether a line passes; one whose text has changed was not selected."""
        if line.seed_id in self.without:
            return False
        return self.only is None or self.only.get(line.id) == seed_id(line.instruction)


def read_subset(only: Path | None, without: Path | None, say: Say) -> Subset:
    """Read the selections of an export.

    Raises:
        UsageError: a file has no line of a run.
        InputError: a file cannot be read.
    """
    named = {line.id: seed_id(line.instruction) for line in _lines("--only", only, say)}
    left_out = frozenset(line.seed_id for line in _lines("--without", without, say))
    return Subset(None if only is None else named, left_out)


def _lines(flag: str, file: Path | None, say: Say) -> list[Kept]:
    """Return the kept lines of a file."""
    if file is None:
        return []
    found = [entry.line for entry in read_lines(file, say) if isinstance(entry.line, Kept)]
    if not found:
        raise UsageError(
            f"{flag} {file}: it has no instruction; name a file that `evolinstruct select` wrote."
        )
    return found
