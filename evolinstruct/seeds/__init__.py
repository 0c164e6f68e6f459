"""Seed files of every common shape, as instructions; names the line that is wrong.

Knows which rows become seeds: the first of equal ones, up to a limit, one at a time however large
the files are. Knows nothing of what becomes of a seed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from evolinstruct.errors import InputError
from evolinstruct.records import join_input, seed_id
from evolinstruct.seeds.files import Source
from evolinstruct.seeds.layouts import take
from evolinstruct.seeds.problems import BadRow, shown_name
from evolinstruct.seeds.sources import find_all, open_rows

_FIRST_FEW = 5


@dataclass(frozen=True, slots=True)
class Seed:
    """An instruction to start from.

    Attributes:
        instruction: without its input; no white space around it, otherwise verbatim.
        input: what the instruction is about, where that stands apart; None if there is none.
        output: an answer that came with it, verbatim; None if there is none.
        source: the file's name as given; ``stdin`` for standard input.
    """

    instruction: str
    input: str | None
    output: str | None
    source: str


@dataclass(slots=True)
class SeedCounts:
    """What became of the rows read so far: ``read`` less the other two is the number of seeds.

    Attributes:
        read: rows met; blank lines are none.
        skipped: bad rows left out.
        duplicates: rows left out since an earlier one has the same joined text.
        multi_turn: conversations of several turns of a user, of which the first is taken.
        problems: a sentence for each of the first five bad rows.
    """

    read: int = 0
    skipped: int = 0
    duplicates: int = 0
    multi_turn: int = 0
    problems: list[str] = field(default_factory=list)

    def skip(self, problem: str) -> None:
        """Count a bad row."""
        self.skipped += 1
        if len(self.problems) < _FIRST_FEW:
            self.problems.append(problem)


def read_seeds(
    sources: Sequence[str],
    *,
    skip_bad: bool,
    limit: int | None,
    counts: SeedCounts,
    stdin: BinaryIO | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Iterator[Seed]:
    """Return an iterator over the distinct seeds of the files, in their order.

    The names are looked up at once, the files are read as the iterator is.

    Args:
        sources: names of files and folders; ``-`` is standard input, the stem of a shipped file
            means it, and ``hf:owner/name`` a data set of the Hugging Face Hub.
        skip_bad: leave bad rows out and count them, instead of ending at the first.
        limit: at most so many seeds, counted after bad rows and duplicates; None for all.
        counts: is kept up to date while the iterator is read.
        stdin: what ``-`` reads; None for the process's own.
        mapping: by ``instruction``, ``input`` and ``output``, the field or column that holds it;
            what is left out is found by the known names.

    Raises:
        InputError: a file cannot be read, holds no seed, or (without ``skip_bad``) has a bad row.
        UsageError: standard input is named twice.
    """
    found = find_all(sources)
    seeds = (
        seed
        for source in found
        for seed in _read_file(source, mapping or {}, skip_bad, counts, stdin)
    )
    return islice(distinct(seeds, counts), limit)


def _read_file(
    source: Source,
    mapping: Mapping[str, str],
    skip_bad: bool,
    counts: SeedCounts,
    stdin: BinaryIO | None,
) -> Iterator[Seed]:
    seeds, first_problem = 0, ""
    with open_rows(source, mapping, stdin) as opened:
        for place, row in opened.rows:
            counts.read += 1
            try:
                if isinstance(row, BadRow):
                    raise row
                texts = take(row, mapping)
            except BadRow as error:
                problem = f"{opened.name}, {place}: {error}"
                if not skip_bad:
                    raise InputError(
                        f"{problem}; correct it, or leave bad rows out with --skip-bad."
                    ) from error
                counts.skip(problem)
                first_problem = first_problem or problem
            else:
                seeds += 1
                counts.multi_turn += texts.has_more_turns
                yield Seed(texts.instruction, texts.input, texts.output, source.name)
    if not seeds:
        why = f"every row is bad, the first: {first_problem}" if first_problem else "it has no row"
        raise InputError(f"{shown_name(source.name)} holds no seed: {why}.")


def distinct(seeds: Iterator[Seed], counts: SeedCounts) -> Iterator[Seed]:
    """Pass on the first of seeds with equal text; their ids wait on disk, not in memory."""
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
