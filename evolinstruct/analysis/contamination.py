"""Which test items a run, or any file of instructions, holds: where, how, and how many.

What counts as an overlap is decided in `evolinstruct.contamination`. Lines are streamed: only
counts are kept, and one match for each item.
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
"""What the seeds have in place of an operation."""

OverlapKind = Literal["contaminated", "weak", "near", "answer"]
"""The instruction holds the item, shares 8-grams with it, is like it; or the answer holds it."""


@dataclass(frozen=True, slots=True)
class ItemMatch:
    """A line that overlaps with a test item.

    Attributes:
        line: the line.
        how: which of its texts overlaps, and how.
        item: the item that it has most of.
        share: the share of the item's 8-grams; for a near item, of the word shingles of both.
        gram: the n-gram that both have; empty for a near item.
    """

    line: Kept
    how: OverlapKind
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
class OverlapCounts:
    """How many lines overlap with test items; a line counts once for each kind of overlap.

    Attributes:
        lines: how many were looked at.
        contaminated: how many hold an item in their instruction.
        weak: how many of the others share 8 words in a row with an item.
        near: how many of all but the contaminated are like an item.
        answers: how many hold an item in their answer.
    """

    lines: int = 0
    contaminated: int = 0
    weak: int = 0
    near: int = 0
    answers: int = 0

    def see(self, kinds: set[OverlapKind]) -> None:
        """Count a line."""
        self.lines += 1
        self.contaminated += "contaminated" in kinds
        self.weak += "weak" in kinds
        self.near += "near" in kinds
        self.answers += "answer" in kinds


@dataclass(slots=True)
class ContaminationResult:
    """Which items of some test sets were found.

    Attributes:
        total: counts of all lines.
        generations: by generation; 0 are the seeds, and every line of a file that is no run's.
        operations: by operation; the seeds have a name of their own.
        items: how many items each test set has.
        items_found: how many of them some line holds, or is near to.
        matches: for each item, the match that has most of it.
    """

    total: OverlapCounts = field(default_factory=OverlapCounts)
    generations: defaultdict[int, OverlapCounts] = field(
        default_factory=lambda: defaultdict(OverlapCounts)
    )
    operations: defaultdict[str, OverlapCounts] = field(
        default_factory=lambda: defaultdict(OverlapCounts)
    )
    items: Counter[str] = field(default_factory=Counter)
    items_found: Counter[str] = field(default_factory=Counter)
    matches: dict[Item, ItemMatch] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether no item was found; a weak overlap does not count."""
        return not self.items_found.total()

    def worst(self) -> list[ItemMatch]:
        """Return some matches, each of another item: those that have most of it, weak ones last."""
        return nlargest(
            EXAMPLES, self.matches.values(), key=lambda match: (match.how != "weak", match.share)
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
                {"file": name, "items": count, "surfaced": self.items_found[name]}
                for name, count in self.items.items()
            ],
            "worst": [match.to_json() for match in self.worst()],
        }


class Search:
    """Looks for test items in the texts of lines."""

    def __init__(self, items: Items, *, near: float | None = None, answers: bool = False) -> None:
        """Prepare the items.

        Args:
            items: the items to look for.
            near: how alike a text and an item must be to be near; None: do not look for near ones.
            answers: look at answers too.
        """
        self._items = items
        self._index: Index = items.index
        self._near = None if near is None else items.near(near)
        self._answers = answers

    def look(self, line: Kept) -> list[ItemMatch]:
        """Return the matches of a line: for each test set at most one of a kind."""
        found = self._held(line, line.instruction, "contaminated")
        if not any(each.how == "contaminated" for each in found) and self._near is not None:
            near = self._near.find(line.instruction)
            if near is not None:
                item = self._items.all[near.item]
                found.append(ItemMatch(line, "near", item, near.likeness, ""))
        if self._answers and line.output:
            held = self._held(line, line.output, "answer")
            found += [each for each in held if each.how == "answer"]
        return found

    def through(
        self, lines: Iterator[Kept], on_match: Callable[[ItemMatch], None] = lambda _: None
    ) -> ContaminationResult:
        """Look at every line; call `on_match` with each match as it comes."""
        result = ContaminationResult(items=self._items.per_file())
        for line in lines:
            found = self.look(line)
            kinds = {each.how for each in found}
            if "contaminated" in kinds:
                kinds.discard("weak")
            for group in (
                result.total,
                result.generations[line.generation],
                result.operations[line.operation or SEEDS],
            ):
                group.see(kinds)
            for each in found:
                on_match(each)
                _keep_most(result.matches, each)
        for match in result.matches.values():
            result.items_found[match.item.file] += match.how != "weak"
        return result

    def _held(self, line: Kept, text: str, strong: OverlapKind) -> list[ItemMatch]:
        """Return, for each test set, the overlap that has most of an item."""
        best: dict[str, Overlap] = {}
        for overlap in self._index.overlaps(text, WORDS, SHARE):
            file = self._items.all[overlap.item].file
            if file not in best or overlap.rank > best[file].rank:
                best[file] = overlap
        return [
            ItemMatch(
                line,
                strong if overlap.is_strong else "weak",
                self._items.all[overlap.item],
                overlap.share,
                overlap.gram,
            )
            for overlap in best.values()
        ]


def _keep_most(matches: dict[Item, ItemMatch], new: ItemMatch) -> None:
    there = matches.get(new.item)
    if there is None or (new.how != "weak", new.share) > (there.how != "weak", there.share):
        matches[new.item] = new


def lines_of(source: Path, on_notice: Callable[[str], None]) -> Iterator[Kept]:
    """Yield the instructions of a run, of one of its files, or of any file that seeds may have.

    Args:
        source: the directory or the file.
        on_notice: called with a sentence on whatever was left out while reading.

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
