"""Which test items surface in a run, or in any file of instructions: where, how, and how many.

Knows lines and items; which overlap counts, `evolinstruct.contamination` knows. Streams: of the
lines it keeps counts, and one finding for each item.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from heapq import nlargest
from pathlib import Path
from typing import Any, Literal

from evolinstruct.analysis.runs import Run
from evolinstruct.contamination import SHARE, WORDS, Index, Item, Items, Overlap
from evolinstruct.records import Kept
from evolinstruct.run.seed_lines import SeedLines
from evolinstruct.run_dir.lines import read_line, read_lines
from evolinstruct.settings import SeedSettings

EXAMPLES = 10
SEEDS = "seeds"
"""What stands where the others have an operation."""

How = Literal["contaminated", "weak", "near", "answer"]
"""The instruction holds the item, has 8-grams of it, is like it; or the answer holds it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line that overlaps with a test item.

    Attributes:
        line: the line.
        how: which of its texts, and how.
        item: the item that it has most of.
        share: how much of the item's 8-grams; of a near one, of the word shingles of both.
        gram: the n-gram that both have; empty for a near one.
    """

    line: Kept
    how: How
    item: Item
    share: float
    gram: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "id": self.line.id,
            "generation": self.line.generation,
            "operation": self.line.operation,
            "how": self.how,
            "file": self.item.file,
            "item": self.item.place,
            "share": round(self.share, 3),
            "gram": self.gram,
            "instruction": self.line.instruction,
            "item_text": self.item.text,
        }


@dataclass(slots=True)
class Found:
    """How many of some lines overlap with test items; a line counts once in each.

    Attributes:
        lines: how many were looked at.
        contaminated: how many hold an item in their instruction.
        weak: how many others share 8 words in a row with one.
        near: how many of all but the contaminated are like one.
        answers: how many hold one in their answer.
    """

    lines: int = 0
    contaminated: int = 0
    weak: int = 0
    near: int = 0
    answers: int = 0

    def see(self, hows: set[How]) -> None:
        """Count a line."""
        self.lines += 1
        self.contaminated += "contaminated" in hows
        self.weak += "weak" in hows
        self.near += "near" in hows
        self.answers += "answer" in hows


@dataclass(slots=True)
class ContaminatedText:
    """What surfaced of some test sets.

    Attributes:
        total: of all lines.
        generations: by generation; 0 are the seeds, and all there is of a file that is no run's.
        operations: by operation; the seeds under a name of their own.
        items: how many items each test set has.
        surfaced: how many of them some line holds, or is near to.
        findings: for each item, the finding that has most of it.
    """

    total: Found = field(default_factory=Found)
    generations: defaultdict[int, Found] = field(default_factory=lambda: defaultdict(Found))
    operations: defaultdict[str, Found] = field(default_factory=lambda: defaultdict(Found))
    items: Counter[str] = field(default_factory=Counter)
    surfaced: Counter[str] = field(default_factory=Counter)
    findings: dict[Item, Finding] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether no item surfaced; weak overlaps are none."""
        return not self.surfaced.total()

    def worst(self) -> list[Finding]:
        """Return some findings, of an item each: those that have most of it, weak ones last."""
        return nlargest(
            EXAMPLES, self.findings.values(), key=lambda found: (found.how != "weak", found.share)
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, in a fixed order."""
        return {
            **asdict(self.total),
            "generations": [
                {"generation": number, **asdict(found)}
                for number, found in sorted(self.generations.items())
            ],
            "operations": [
                {"operation": name, **asdict(found)}
                for name, found in sorted(self.operations.items())
            ],
            "test_sets": [
                {"file": name, "items": count, "surfaced": self.surfaced[name]}
                for name, count in self.items.items()
            ],
            "worst": [found.to_json() for found in self.worst()],
        }


class Search:
    """Test items, and which texts of a line are held against them."""

    def __init__(self, items: Items, *, near: float | None = None, answers: bool = False) -> None:
        """Prepare the items.

        Args:
            items: what is looked for.
            near: how alike a text is to be to an item, to be near it; None to look for none.
            answers: look at answers too.
        """
        self._items = items
        self._index: Index = items.index
        self._near = None if near is None else items.near(near)
        self._answers = answers

    def look(self, line: Kept) -> list[Finding]:
        """Return what a line has of each test set; at most one finding of a kind for each."""
        found = self._held(line, line.instruction, "contaminated")
        if not any(each.how == "contaminated" for each in found) and self._near is not None:
            near = self._near.find(line.instruction)
            if near is not None:
                item = self._items.all[near.item]
                found.append(Finding(line, "near", item, near.likeness, ""))
        if self._answers and line.output:
            held = self._held(line, line.output, "answer")
            found += [each for each in held if each.how == "answer"]
        return found

    def through(
        self, lines: Iterator[Kept], on_finding: Callable[[Finding], None] = lambda _: None
    ) -> ContaminatedText:
        """Look at every line, and tell each finding as it comes."""
        surfaced = ContaminatedText(items=self._items.per_file())
        for line in lines:
            found = self.look(line)
            hows = {each.how for each in found}
            if "contaminated" in hows:
                hows.discard("weak")
            for group in (
                surfaced.total,
                surfaced.generations[line.generation],
                surfaced.operations[line.operation or SEEDS],
            ):
                group.see(hows)
            for each in found:
                on_finding(each)
                _keep_most(surfaced.findings, each)
        for finding in surfaced.findings.values():
            surfaced.surfaced[finding.item.file] += finding.how != "weak"
        return surfaced

    def _held(self, line: Kept, text: str, strong: How) -> list[Finding]:
        """Return, for each test set, the overlap that says most."""
        best: dict[str, Overlap] = {}
        for overlap in self._index.overlaps(text, WORDS, SHARE):
            file = self._items.all[overlap.item].file
            if file not in best or overlap.rank > best[file].rank:
                best[file] = overlap
        return [
            Finding(
                line,
                strong if overlap.is_strong else "weak",
                self._items.all[overlap.item],
                overlap.share,
                overlap.gram,
            )
            for overlap in best.values()
        ]


def _keep_most(findings: dict[Item, Finding], new: Finding) -> None:
    there = findings.get(new.item)
    if there is None or (new.how != "weak", new.share) > (there.how != "weak", there.share):
        findings[new.item] = new


def lines_of(source: Path, on_notice: Callable[[str], None]) -> Iterator[Kept]:
    """Yield the instructions of a run, of one of its files, or of any file of a seed's shape.

    Args:
        source: the directory or the file.
        on_notice: is told what was left out while reading.

    Raises:
        InputError: a file or a line cannot be read.
    """
    if not source.is_file():
        run = Run(source)
        yield from run.instructions()
        for notice in run.notices:
            on_notice(notice)
    elif _is_ours(source):
        lines = (entry.line for entry in read_lines(source, on_notice))
        yield from (line for line in lines if isinstance(line, Kept))
    else:
        yield from SeedLines([str(source)], SeedSettings()).read()


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            read_line(file.readline())
        except ValueError:
            return False
    return True
