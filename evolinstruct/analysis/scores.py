"""Scores of a run or a file, found by the names that people give measures.

    difficulty                  by the way of measuring that has scored most instructions
    difficulty.pairwise         by that method
    difficulty@MODEL            as that model judges
    words                       how many words an instruction has; needs no score

Of ways that have scored equally many, the method that `score` itself would take comes first, then
the first by its names. A score of a text that has changed since is void, and counts nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from evolinstruct.defaults import PACK, SCORES
from evolinstruct.errors import InputError, UsageError
from evolinstruct.filters import Value
from evolinstruct.prompts.measures import PREFERENCE
from evolinstruct.records import Failed, Kept, Line
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.text import command, did_you_mean, listed, shorten
from evolinstruct.words import count_words

if TYPE_CHECKING:
    from evolinstruct.scoring import Score, Way

NAME = r"[a-zA-Z_]\w*(?:\.[a-zA-Z]+)?(?:@[^\s()*,+]+)?"
"""How a measure is named; the name of a model ends at a blank."""
WORDS = "words"
DIFFICULTY = "difficulty"
_NAME = re.compile(r"(\w+)(?:\.([a-zA-Z]+))?(?:@(\S+))?")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class MeasureName:
    """A measure as a person names it.

    Attributes:
        measure: what is measured.
        method: how; None for any.
        model: who judges; None for any.
    """

    measure: str
    method: str | None = None
    model: str | None = None

    @classmethod
    def of(cls, word: str) -> MeasureName:
        """Read a name.

        Raises:
            UsageError: it is none.
        """
        found = _NAME.fullmatch(word)
        if not found:
            raise UsageError(
                f"{shorten(word, _SHOWN)!r} is not the name of a measure; name one such as"
                " difficulty, difficulty.pairwise or difficulty@MODEL."
            )
        return cls(*found.groups())

    def means(self, way: Way) -> bool:
        """Tell whether it means a way of measuring; a method may be named without its number."""
        return (
            way.measure == self.measure
            and self.method in (None, way.method.partition("-")[0])
            and self.model in (None, way.model)
        )


@dataclass
class ScoreBook:
    """The scores of one target.

    Attributes:
        target: the run directory or the file that was scored.
        file: the file of scores.
        by_way: the scores by way of measuring, then by id.
    """

    target: Path
    file: Path
    by_way: dict[Way, dict[str, Score]] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, target: Path, scores: Path | None = None) -> ScoreBook:
        """Read the scores of a run directory or a file.

        Args:
            target: what was scored.
            scores: the file of scores, or the directory that it lies in; None for that of the run,
                or of the file's folder. It may be missing there.

        Raises:
            InputError: the scores cannot be read.
        """
        place = scores or (target if target.is_dir() else target.parent)
        file = place / SCORES if place.is_dir() else place
        book = cls(target, file)
        if file.exists() or scores is not None:
            from evolinstruct.scoring import read_scores  # noqa: PLC0415 - slow

            book._take(read_scores(file))
        return book

    def _take(self, scores: Iterable[Score]) -> None:
        """Take scores in; those of one way share its names, which halves what they hold."""
        from evolinstruct.scoring import Score  # noqa: PLC0415 - slow

        shared: dict[Way, Way] = {}
        for each in scores:
            way = shared.setdefault(each.way, each.way)
            span = None if each.low is None or each.high is None else (each.low, each.high)
            kept = Score.of(each.id, way, each.value, span, each.n, each.text_digest, each.tags)
            self.by_way.setdefault(way, {})[each.id] = kept

    # Finding

    @cached_property
    def ways(self) -> list[Way]:
        """The ways of measuring that there are, the preferred ones first."""
        return sorted(self.by_way, key=self._preference)

    def _preference(self, way: Way) -> tuple[int, int, Way]:
        from evolinstruct.prompts.measures import METHODS  # noqa: PLC0415 - slow

        method = way.method.partition("-")[0]
        place = METHODS.index(method) if method in METHODS else len(METHODS)
        return -len(self.by_way[way]), place, way

    @property
    def usual(self) -> list[Way]:
        """The preferred way of each measure, by the measures' names."""
        first = {way.measure: way for way in reversed(self.ways)}
        return [first[measure] for measure in sorted(first)]

    def way(self, name: MeasureName) -> Way | None:
        """Return the preferred way that a name means; None if nothing was scored so."""
        return next(filter(name.means, self.ways), None)

    def score(self, way: Way, line: Line) -> Score | None:
        """Return the score of an instruction; None if it has none, or one of another text."""
        from evolinstruct.scoring import digests_of  # noqa: PLC0415 - slow

        if not isinstance(line, Kept):
            return None
        score = self.by_way[way].get(line.id)
        return score if score and score.text_digest in digests_of(line) else None

    def value_of(self, word: str) -> Value:
        """Return what tells the value of a measure for a line, and None where it has none.

        Raises:
            UsageError: the measure is unknown.
            InputError: nothing was scored by it; names the command that does.
        """
        return self.values_of([word])[word]

    def values_of(self, words: Sequence[str]) -> dict[str, Value]:
        """Return the same of several measures; see `value_of`."""
        names = {word: MeasureName.of(word) for word in words}
        ways = {word: self.way(name) for word, name in names.items() if name.measure != WORDS}
        missing = [names[word] for word, way in ways.items() if way is None]
        if missing:
            raise self._missing(missing)
        found: dict[str, Value] = dict.fromkeys(names, _words)
        return found | {word: self._valued(way) for word, way in ways.items() if way is not None}

    def _valued(self, way: Way) -> Value:
        def value(line: Line) -> float | None:
            score = self.score(way, line)
            return None if score is None else score.value

        return value

    # What is missing

    def _missing(self, names: Sequence[MeasureName]) -> InputError:
        """Return what to say where nothing was scored by some measures.

        Raises:
            UsageError: one of them is unknown.
        """
        known = self._known()
        for name in names:
            if name.measure not in known:
                raise UsageError(
                    f"unknown measure {name.measure!r}{did_you_mean(name.measure, known)}; there"
                    f" are {', '.join(sorted(known))}, and {WORDS}."
                )
        said = listed([_said(name) for name in names])
        return InputError(
            f"{self.target} has no scores of {said}; run"
            f" {listed([f'`{line}`' for line in self._commands(names)])}."
        )

    def _known(self) -> set[str]:
        """Return the measures of the usual pack, of the run's own, and those that were scored."""
        from evolinstruct import prompts  # noqa: PLC0415 - slow

        packs = [prompts.find(PACK), *filter(Path.is_dir, [self.target / "prompts"])]
        measures = [key for pack in packs for key in prompts.read(pack).measures]
        of_packs = {name for name, method in measures if method != PREFERENCE}
        return of_packs | {way.measure for way in self.by_way}

    def _commands(self, names: Sequence[MeasureName]) -> list[str]:
        """Return the commands that score by some measures: one for each method and model."""
        by: dict[tuple[str | None, str | None], list[str]] = {}
        for name in names:
            measures = by.setdefault((name.method, name.model), [])
            measures += [name.measure] if name.measure not in measures else []
        folder = self.file.parent
        place = [folder] if RunDir(folder).is_run else [self.target, "-o", folder]
        return [
            command(
                *("evolinstruct", "score", *place, "--by", ",".join(measures)),
                *(("--method", method) if method else ()),
                *(("--model", model) if model else ()),
            )
            for (method, model), measures in by.items()
        ]


def _said(name: MeasureName) -> str:
    by = f" by {name.method}" if name.method else ""
    return f"{name.measure}{by}{f' with {name.model}' if name.model else ''}"


def _words(line: Line) -> float | None:
    return None if isinstance(line, Failed) else float(count_words(line.instruction))


def measures_of(target: Path, scores: Path | None = None) -> Callable[[str], Value]:
    """Return what finds measures of a target by name; its scores are read when one is asked for."""
    books: list[ScoreBook] = []

    def value_of(word: str) -> Value:
        if not books:
            books.append(ScoreBook.open(target, scores))
        return books[0].value_of(word)

    return value_of
