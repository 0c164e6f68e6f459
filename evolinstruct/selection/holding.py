"""Holding out: families that may not be taken, because lines of them are exported elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evolinstruct.analysis.contamination import lines_of
from evolinstruct.records import Kept
from evolinstruct.run.seed_lines import SeedLines
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.selection.candidates import plain
from evolinstruct.settings import SeedSettings

HELD_OUT = "held_out"
_ROWS = (".jsonl", ".parquet")


@dataclass(frozen=True, slots=True)
class HeldFamilies:
    """The families that stand in other files.

    Attributes:
        seed_ids: the ids of their seeds.
    """

    seed_ids: frozenset[str]

    def held(self, line: Kept) -> str | None:
        """Return a short name for why an instruction may not be taken; None if it may."""
        return HELD_OUT if line.seed_id in self.seed_ids else None


def find_held(
    sources: Sequence[Path], lines: Iterable[Kept], say: Callable[[str], None]
) -> HeldFamilies:
    """Return the families of which a line stands in some files.

    A row of an export has no id, so it is known by its text; white space and case make no
    difference.

    Args:
        sources: runs, files of their lines, exports or their files.
        lines: all instructions that the families are of.
        say: called with sentences on whatever was left out, or is in no family.

    Raises:
        InputError: a source cannot be read.
    """
    texts: dict[bytes, Path] = {}
    ids: dict[str, Path] = {}
    for source in sources:
        for line in _lines(source, say):
            texts[plain(line)] = ids[line.seed_id] = source
    found: set[str] = set()
    used: set[Path] = set()
    for line in lines if sources else ():
        source_of = ids.get(line.seed_id) or texts.get(plain(line))
        if source_of is not None:
            found.add(line.seed_id)
            used.add(source_of)
    for source in sources:
        if source not in used:
            say(f"Nothing of {source} belongs to a family here, so nothing is held out for it.")
    return HeldFamilies(frozenset(found))


def _lines(source: Path, say: Callable[[str], None]) -> Iterable[Kept]:
    if source.is_dir() and not RunDir(source).is_run:
        files = sorted(path for path in source.iterdir() if path.suffix in _ROWS)
        return SeedLines([str(path) for path in files or [source]], SeedSettings()).read()
    return lines_of(source, say)
