"""The lines of a run or of one file that a person asks to see: filtered, sampled, sorted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from evolinstruct import defaults
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.scores import ScoreBook
from evolinstruct.errors import UsageError
from evolinstruct.filters import Measures, draw_sample, select, selected
from evolinstruct.records import Failed, Kept, Rejected
from evolinstruct.run_dir.lines import ParsedLine, read_lines


class LineBrowser:
    """Finds the lines of a run or a file that pass some filters.

    Attributes:
        notices: sentences on what was left out while reading.
        scores: the scores of the run, or of the folder of the file.
    """

    def __init__(
        self,
        source: Path,
        filters: Mapping[str, object],
        *,
        rejected: bool = False,
        failed: bool = False,
        sample: int | None = None,
        seed: int = defaults.SEED,
        sort: str | None = None,
        evolved: bool = False,
    ) -> None:
        """Choose lines of a run directory or of one of its files; no line is read yet.

        Args:
            source: the directory, or the file.
            filters: the words that `filters.select` takes.
            rejected: what rules eliminated; a filter by rule implies it.
            failed: what got no answer. With neither, what was kept; of a file, everything.
            sample: draw only so many of them; None for all.
            seed: the seed that draws a sample.
            sort: the measure by which lines are sorted, the highest first; with a minus before it,
                the lowest. What has no value comes last.
            evolved: leave the seeds out.

        Raises:
            UsageError: a filter is wrong, or does not fit the lines that are asked for.
            InputError: the run or file does not exist, or has no such scores.
        """
        self.notices: list[str] = []
        self._run = None if source.is_file() else Run(source)
        self.scores = ScoreBook.open(source)
        self._path = source
        self._sample = sample
        self._seed = seed
        self._first = 1 if evolved else 0
        if failed and not rejected and filters.get("rule"):
            raise UsageError("--rule is for rejected lines and --failed for others; drop one.")
        rejected = rejected or bool(filters.get("rule"))
        kinds = {Rejected: rejected, Failed: failed}
        self._kinds = [kind for kind, asked in kinds.items() if asked]
        if self._run is not None:
            _ = self._run.generations  # so that an empty run is named before a wrong filter
        known = self._known_names() if filters else {}
        self._selection = select(filters, known, self.scores.value_of)
        self._order = None if sort is None else _order(sort, self.scores.value_of)

    def entries(self) -> Iterator[ParsedLine]:
        """Yield the lines that pass, in the order of their generations and files.

        Raises:
            InputError: a file or a line cannot be read, or a generation does not exist.
        """
        entries = selected(self._all(), self._selection)
        if self._sample is not None:
            entries = iter(draw_sample(entries, self._sample, self._seed, _name))
        yield from sorted(entries, key=self._order) if self._order else entries
        if self._run is not None:
            self.notices += self._run.notices

    def _all(self) -> Iterator[ParsedLine]:
        if self._run is None:
            kinds = tuple(self._kinds) or (Kept, Rejected, Failed)
            entries = read_lines(self._path, self.notices.append)
            yield from (entry for entry in entries if isinstance(entry.line, kinds))
            return
        wanted: Collection[int] = self._selection.generations or self._run.generations
        for number in sorted(number for number in wanted if number >= self._first):
            for kind in self._kinds or [Kept]:
                yield from self._run.entries(kind, number)

    def _known_names(self) -> dict[str, Collection[str]]:
        if self._run is None:
            return {}
        from evolinstruct import elimination  # noqa: PLC0415 - slow

        rules = {*elimination.RULES}
        for counts in self._run.state.all_counts:
            rules |= counts.rejected.keys()
        operations = [operation.name for operation in self._run.pack.operations]
        return {"operation": operations, "rule": sorted(rules)}


def _name(entry: ParsedLine) -> str:
    return entry.line.id


def _order(word: str, measures: Measures) -> Callable[[ParsedLine], tuple[bool, float]]:
    """Return what lines are sorted by: highest first, lowest after a minus, the unscored last."""
    sign = 1 if word.startswith("-") else -1
    value_of = measures(word.removeprefix("-"))

    def place(entry: ParsedLine) -> tuple[bool, float]:
        value = value_of(entry.line)
        return value is None, sign * (value or 0.0)

    return place
