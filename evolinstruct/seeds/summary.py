"""Seed summary: what a run would read from seed files, counted, without starting one.

Counts layouts, fields, seeds, duplicates, lengths and scripts, and collects every problem.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from evolinstruct.quartiles import Quartiles
from evolinstruct.records import join_input
from evolinstruct.seeds import Seed, SeedCounts, distinct
from evolinstruct.seeds.layouts import RowTexts, extract_texts, layout_of
from evolinstruct.seeds.problems import REMARKS, BadRow
from evolinstruct.seeds.sources import OpenSource, Source, find_sources, open_source
from evolinstruct.words import count_words

_FIRST_FEW = 3
_MOST_PROBLEMS = 1_000
"""More problems than this are only counted."""
_SCRIPT_LENGTH = 200
"""The script is told by this many characters of an instruction."""


@dataclass(slots=True)
class FileSummary:
    """What one file holds.

    Attributes:
        name: as the user gave it.
        layouts: the number of rows of each layout.
        first_places: where the first row of each layout stands.
        mapping: the number of rows that take a part (``instruction`` …) from a field.
        rows: the number of rows, bad ones included.
        bad: the number of rows that cannot be seeds.
        notes: sentences on what is read of it, and what is not.
    """

    name: str
    layouts: Counter[str] = field(default_factory=Counter)
    first_places: dict[str, str] = field(default_factory=dict)
    mapping: Counter[tuple[str, str]] = field(default_factory=Counter)
    rows: int = 0
    bad: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SeedSummary:
    """What several files hold together.

    Attributes:
        files: a summary of each.
        seeds: the number of distinct seeds.
        duplicates: rows left out because an earlier one has the same text.
        remarks: how many rows are read, but not as they stand, by keys of `problems.REMARKS`.
        with_input: seeds with an input.
        with_output: seeds with an answer.
        words: the number of seeds for each number of words of the joined text.
        scripts: the number of seeds for each writing system.
        first: the first few seeds, each joined with its input as a run would evolve it.
        problems: a sentence for each bad row, up to a thousand.
    """

    files: list[FileSummary] = field(default_factory=list)
    seeds: int = 0
    duplicates: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    with_input: int = 0
    with_output: int = 0
    words: Counter[int] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def bad(self) -> int:
        """The number of rows that cannot be seeds."""
        return sum(file.bad for file in self.files)

    @property
    def lengths(self) -> Quartiles | None:
        """The quartiles of the number of words; None if there is no seed."""
        return Quartiles.of(self.words)

    def to_json(self) -> dict[str, object]:
        """Return it as plain data, as `evolinstruct seeds --json` prints it."""
        lengths = self.lengths
        return {
            "files": [_file_to_json(file) for file in self.files],
            "seeds": self.seeds,
            "duplicates": self.duplicates,
            "bad": self.bad,
            "multi_turn": self.remarks["multi_turn"],
            "remarks": {key: self.remarks[key] for key in REMARKS if self.remarks[key]},
            "with_input": self.with_input,
            "with_output": self.with_output,
            "words": lengths
            and {"least": lengths.least, "median": lengths.median, "most": lengths.most},
            "scripts": dict(self.scripts.most_common()),
            "first": self.first,
            "problems": self.problems,
        }


def _file_to_json(file: FileSummary) -> dict[str, object]:
    return {
        "name": file.name,
        "rows": file.rows,
        "bad": file.bad,
        "shapes": dict(file.layouts.most_common()),
        "mapping": [
            {"part": part, "field": name, "rows": rows}
            for (part, name), rows in file.mapping.items()
        ],
        "notes": file.notes,
    }


def summarize_seeds(
    names: Sequence[str], mapping: Mapping[str, str], streams: Mapping[Source, BinaryIO] = {}
) -> SeedSummary:
    """Read files to their ends, and say what they hold.

    Args:
        names: as `read_seeds` takes them.
        mapping: the field of each part that the user named.
        streams: what is read in the place of a source.

    Raises:
        InputError: a file as a whole cannot be read.
        UsageError: standard input is named twice.
    """
    summary, counts = SeedSummary(), SeedCounts()
    for seed in distinct(_seeds(summary, names, mapping, streams), counts):
        text = join_input(seed.instruction, seed.input)
        summary.seeds += 1
        summary.with_input += seed.input is not None
        summary.with_output += seed.output is not None
        summary.words[count_words(text)] += 1
        summary.scripts[script_of(text)] += 1
        if len(summary.first) < _FIRST_FEW:
            summary.first.append(text)
    summary.duplicates = counts.duplicates
    return summary


def _seeds(
    summary: SeedSummary,
    names: Sequence[str],
    mapping: Mapping[str, str],
    streams: Mapping[Source, BinaryIO],
) -> Iterator[Seed]:
    for source in find_sources(names):
        file = FileSummary(source.name)
        summary.files.append(file)
        with open_source(source, mapping, streams) as opened:
            file.notes += opened.notes
            for texts in _texts(summary, file, opened, mapping):
                yield Seed(texts.instruction, texts.input, texts.output, source.name)


def _texts(
    summary: SeedSummary, file: FileSummary, opened: OpenSource, mapping: Mapping[str, str]
) -> Iterator[RowTexts]:
    for row in opened.rows:
        file.rows += 1
        try:
            layout = layout_of(row.fields, mapping)
            file.layouts[layout] += 1
            file.first_places.setdefault(layout, row.place)
            texts = extract_texts(row.fields, mapping)
        except BadRow as problem:
            file.bad += 1
            if len(summary.problems) < _MOST_PROBLEMS:
                summary.problems.append(f"{opened.name}, {row.place}: {problem}")
        else:
            file.mapping.update(texts.fields.items())
            summary.remarks.update(texts.remarks)
            yield texts


def script_of(text: str) -> str:
    """Return the writing system of most letters at the beginning of a text, such as ``latin``."""
    letters = [char for char in text[:_SCRIPT_LENGTH] if char.isalpha()]
    names = Counter(
        "latin" if char.isascii() else unicodedata.name(char, "other").split()[0].lower()
        for char in letters
    )
    return names.most_common(1)[0][0] if names else "none"
