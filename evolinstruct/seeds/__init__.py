"""Seeds: the instructions that a run starts from, read from files of every common layout.

The first of equal rows becomes a seed, up to a limit. Rows are read one at a time, however large
the files are, and an error names the file and the line.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from evolinstruct.errors import InputError
from evolinstruct.records import join_input, seed_id
from evolinstruct.seeds.layouts import extract_texts
from evolinstruct.seeds.problems import BadRow, shown_name
from evolinstruct.seeds.sources import Source, find_sources, open_source

_FIRST_FEW = 5


@dataclass(frozen=True, slots=True)
class Seed:
    """An instruction to start from.

    Attributes:
        instruction: its text without the input; verbatim, except for white space around it.
        input: what the instruction is about, if the file has that in a field of its own.
        output: the answer in the file, verbatim; None if there is none.
        source: the file's name as given; ``stdin`` for standard input.
    """

    instruction: str
    input: str | None
    output: str | None
    source: str


@dataclass(slots=True)
class SeedCounts:
    """Counts the rows read so far: ``read - skipped - duplicates`` of them are seeds.

    Attributes:
        read: rows, without blank lines.
        skipped: bad rows that were left out.
        duplicates: rows left out because an earlier one has the same joined text.
        remarks: how many rows are read, but not as they stand, by keys of `problems.REMARKS`.
        problems: a sentence for each of the first five bad rows.
        notes: sentences on what is read of a file, and what is not.
    """

    read: int = 0
    skipped: int = 0
    duplicates: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def skip(self, problem: str) -> None:
        """Count a bad row, and keep the sentence if it is among the first."""
        self.skipped += 1
        if len(self.problems) < _FIRST_FEW:
            self.problems.append(problem)


def read_seeds(
    sources: Sequence[str],
    *,
    skip_bad: bool,
    limit: int | None,
    counts: SeedCounts,
    streams: Mapping[Source, BinaryIO] = {},
    mapping: Mapping[str, str] | None = None,
) -> Iterator[Seed]:
    """Return an iterator over the distinct seeds of the files, in their order.

    The names are looked up at once; the files are read while the iterator is.

    Args:
        sources: names of files and folders; ``-`` is standard input, the name of a shipped file
            without its extension means that file, and ``hf:owner/name`` a data set of the Hugging
            Face Hub.
        skip_bad: leave bad rows out and count them, instead of raising at the first.
        limit: the most seeds to return, not counting bad rows and duplicates; None for all.
        counts: is kept up to date while the iterator is read.
        streams: what is read in the place of a source; from `sources.copy_streams`.
        mapping: the field or column that holds each of ``instruction``, ``input`` and ``output``;
            those that are left out are found by the known names.

    Raises:
        InputError: a file cannot be read, holds no seed, or (without ``skip_bad``) has a bad row.
        UsageError: standard input is named twice, or a data set's name is wrong.
    """
    fields = mapping or {}
    found = find_sources(sources)
    seeds = (seed for source in found for seed in _read(source, fields, skip_bad, counts, streams))
    return islice(distinct(seeds, counts), limit)


def _read(
    source: Source,
    mapping: Mapping[str, str],
    skip_bad: bool,
    counts: SeedCounts,
    streams: Mapping[Source, BinaryIO],
) -> Iterator[Seed]:
    seeds, first_problem = 0, ""
    with open_source(source, mapping, streams) as opened:
        counts.notes += opened.notes
        for row in opened.rows:
            counts.read += 1
            try:
                texts = extract_texts(row.fields, mapping)
            except BadRow as error:
                problem = f"{opened.name}, {row.place}: {error}"
                if not skip_bad:
                    raise InputError(
                        f"{problem}; correct it, or leave bad rows out with --skip-bad."
                    ) from error
                counts.skip(problem)
                first_problem = first_problem or problem
            else:
                seeds += 1
                counts.remarks.update(texts.remarks)
                yield Seed(texts.instruction, texts.input, texts.output, source.name)
    if not seeds:
        why = f"every row is bad, the first: {first_problem}" if first_problem else "it has no row"
        raise InputError(f"{shown_name(source.name)} holds no seed: {why}.")


def distinct(seeds: Iterator[Seed], counts: SeedCounts) -> Iterator[Seed]:
    """Yield the first of the seeds with equal text; ids seen so far are on disk, not in memory."""
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as database:
        database.execute("CREATE TABLE seen (id INTEGER PRIMARY KEY)")
        database.execute("BEGIN")
        for seed in seeds:
            text = join_input(seed.instruction, seed.input)
            signed = int(seed_id(text), 16) - (1 << 63)
            if database.execute("INSERT OR IGNORE INTO seen VALUES (?)", [signed]).rowcount:
                yield seed
            else:
                counts.duplicates += 1
