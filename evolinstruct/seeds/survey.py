"""What would be read of seed files: shapes, fields, counts, lengths, scripts, problems.

Reads the files as a run does and changes nothing. Knows nothing of how it is shown.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from evolinstruct.records import join_input
from evolinstruct.seeds import Seed, SeedCounts, distinct
from evolinstruct.seeds.layouts import Texts, recognise, take, used_fields
from evolinstruct.seeds.problems import BadRow
from evolinstruct.seeds.sources import Opened, find_all, open_rows
from evolinstruct.statistics import Quartiles
from evolinstruct.words import count_words

_FIRST_FEW = 3
_PROBLEMS = 1_000
"""So many problems are named; more are only counted."""
_LOOKED_AT = 200
"""So many characters of an instruction tell its script."""


@dataclass(slots=True)
class FileSurvey:
    """What one file holds.

    Attributes:
        name: as the user gave it.
        shapes: rows of each shape.
        first_places: where the first row of each shape stands.
        mapping: how many rows take a part (``instruction`` …) from a field.
        rows: how many rows it has, bad ones included.
        bad: how many of them cannot be seeds.
    """

    name: str
    shapes: Counter[str] = field(default_factory=Counter)
    first_places: dict[str, str] = field(default_factory=dict)
    mapping: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: int = 0
    bad: int = 0


@dataclass(slots=True)
class Survey:
    """What several files hold together.

    Attributes:
        files: each of them.
        seeds: how many distinct seeds they come to.
        duplicates: rows left out since an earlier one has the same text.
        multi_turn: conversations of several turns of a user, of which the first is taken.
        with_input: seeds with an input.
        with_output: seeds with an answer.
        words: seeds by the number of words of their joined text.
        scripts: seeds by the writing system of most of their letters.
        first: the first few seeds, joined as they would be evolved.
        problems: a sentence for each bad row, up to a thousand.
    """

    files: list[FileSurvey] = field(default_factory=list)
    seeds: int = 0
    duplicates: int = 0
    multi_turn: int = 0
    with_input: int = 0
    with_output: int = 0
    words: Counter[int] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """How many rows cannot be seeds."""
        return sum(file.bad for file in self.files)

    @property
    def lengths(self) -> Quartiles | None:
        """Quartiles of the number of words; None where there is no seed."""
        return Quartiles.of(self.words)

    def to_json(self) -> dict[str, object]:
        """Return it as plain data."""
        lengths = self.lengths
        return {
            "files": [_file_to_json(file) for file in self.files],
            "seeds": self.seeds,
            "duplicates": self.duplicates,
            "bad": self.bad,
            "multi_turn": self.multi_turn,
            "with_input": self.with_input,
            "with_output": self.with_output,
            "words": lengths
            and {"least": lengths.least, "median": lengths.median, "most": lengths.most},
            "scripts": dict(self.scripts.most_common()),
            "first": self.first,
            "problems": self.problems,
        }


def _file_to_json(file: FileSurvey) -> dict[str, object]:
    return {
        "name": file.name,
        "rows": file.rows,
        "bad": file.bad,
        "shapes": dict(file.shapes.most_common()),
        "mapping": [
            {"part": part, "field": name, "rows": rows}
            for (part, name), rows in file.mapping.items()
        ],
    }


def look_at(
    names: Sequence[str], mapping: Mapping[str, str], stdin: BinaryIO | None = None
) -> Survey:
    """Read files to their ends and say what they hold.

    Args:
        names: as `read_seeds` takes them.
        mapping: the field of each part that the user named.
        stdin: what ``-`` reads; None for the process's own.

    Raises:
        InputError: a file as a whole cannot be read.
        UsageError: standard input is named twice.
    """
    survey, counts = Survey(), SeedCounts()
    for seed in distinct(_seeds(survey, names, mapping, stdin), counts):
        text = join_input(seed.instruction, seed.input)
        survey.seeds += 1
        survey.with_input += seed.input is not None
        survey.with_output += seed.output is not None
        survey.words[count_words(text)] += 1
        survey.scripts[script_of(text)] += 1
        if len(survey.first) < _FIRST_FEW:
            survey.first.append(text)
    survey.duplicates = counts.duplicates
    return survey


def _seeds(
    survey: Survey, names: Sequence[str], mapping: Mapping[str, str], stdin: BinaryIO | None
) -> Iterator[Seed]:
    for source in find_all(names):
        file = FileSurvey(source.name)
        survey.files.append(file)
        with open_rows(source, mapping, stdin) as opened:
            for texts in _texts(survey, file, opened, mapping):
                yield Seed(texts.instruction, texts.input, texts.output, source.name)


def _texts(
    survey: Survey, file: FileSurvey, opened: Opened, mapping: Mapping[str, str]
) -> Iterator[Texts]:
    for place, row in opened.rows:
        file.rows += 1
        try:
            if isinstance(row, BadRow):
                raise row
            shape = recognise(row, mapping)
            file.shapes[shape] += 1
            file.first_places.setdefault(shape, place)
            texts = take(row, mapping)
        except BadRow as problem:
            file.bad += 1
            if len(survey.problems) < _PROBLEMS:
                survey.problems.append(f"{opened.name}, {place}: {problem}")
        else:
            file.mapping.update(used_fields(row, mapping).items())
            survey.multi_turn += texts.has_more_turns
            yield texts


def script_of(text: str) -> str:
    """Return the writing system of most letters at the text's beginning, such as ``latin``."""
    letters = [char for char in text[:_LOOKED_AT] if char.isalpha()]
    names = Counter(
        "latin" if char.isascii() else unicodedata.name(char, "other").split()[0].lower()
        for char in letters
    )
    return names.most_common(1)[0][0] if names else "none"
