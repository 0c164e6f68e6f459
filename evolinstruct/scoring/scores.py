"""Scores: one line for each instruction and way of measuring it, in ``scores.jsonl``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evolinstruct.atomic_write import replaced
from evolinstruct.defaults import SCORES
from evolinstruct.records import Kept, digests_of
from evolinstruct.run_dir import flat

FILE = SCORES


class Way(NamedTuple):
    """How something is measured: two of them stand side by side for one instruction.

    Attributes:
        measure: what is measured, such as ``difficulty``.
        method: how, such as ``ranking``.
        model: who judges; empty for a client that has only one model.
        pack: the prompt pack of the measure.
    """

    measure: str
    method: str
    model: str
    pack: str


@dataclass(frozen=True, slots=True)
class Score:
    """What one way of measuring says of one instruction.

    Attributes:
        id: of the instruction.
        measure: what is measured.
        method: how.
        model: who judges.
        pack: the prompt pack of the measure.
        value: how much.
        low: the lower end of where it may lie; None where nothing tells.
        high: the upper end.
        n: how many judgements it rests on.
        text_digest: of the text that was judged; a score of another text is void.
        tags: a JSON list of the tags, where the measure finds some.
    """

    id: str
    measure: str
    method: str
    model: str
    pack: str
    value: float
    low: float | None
    high: float | None
    n: int
    text_digest: str
    tags: str | None = None

    @classmethod
    def of(
        cls,
        line_id: str,
        way: Way,
        value: float,
        span: tuple[float, float] | None,
        n: int,
        digest: str,
        tags: str | None = None,
    ) -> Score:
        """Return a score by its way; `span` is where the value may lie, None if nothing tells."""
        low, high = span or (None, None)
        return cls(line_id, *way, value, low, high, n, digest, tags)

    @property
    def way(self) -> Way:
        """How it was measured."""
        return Way(self.measure, self.method, self.model, self.pack)


def read_scores(path: Path) -> Iterator[Score]:
    """Yield the scores of a file; a torn last line is left out.

    Raises:
        InputError: the file cannot be read, or a line is no score.
    """
    mend = "move the file away and run `evolinstruct score` again, which pays for nothing twice"
    return flat.read(path, Score, "score", mend)


class ScoreStore(AbstractContextManager["ScoreStore"]):
    """Scores on their way into a file: found by id, on disk as soon as they are many."""

    def __init__(self) -> None:
        """Begin with none."""
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute(
            "CREATE TABLE scores (id, measure, method, model, pack, digest, line, is_new,"
            " PRIMARY KEY (id, measure, method, model, pack)) WITHOUT ROWID"
        )
        self._db.execute("BEGIN")

    def add(self, scores: Iterable[Score], *, is_new: bool) -> None:
        """Take scores in; one that is measured the same way takes another's place."""
        rows = [
            (each.id, *each.way, each.text_digest, flat.encode(each), is_new) for each in scores
        ]
        self._db.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def drop_older(self, way: Way) -> None:
        """Forget what was measured in a way before, and is not known anew."""
        self._db.execute(
            "DELETE FROM scores WHERE (measure, method, model, pack) = (?, ?, ?, ?) AND NOT is_new",
            way,
        )

    def of(self, line_id: str) -> Iterator[tuple[str, bytes]]:
        """Yield the text digest and the line of each score of an instruction, by their ways."""
        query = "SELECT digest, line FROM scores WHERE id = ? ORDER BY measure, method, model, pack"
        yield from self._db.execute(query, (line_id,))

    def __len__(self) -> int:
        """Return how many scores there are."""
        return int(self._db.execute("SELECT COUNT(*) FROM scores").fetchone()[0])

    def __exit__(self, *_: object) -> None:
        self._db.close()


def write_scores(path: Path, store: ScoreStore, lines: Iterable[Kept]) -> int:
    """Replace a file of scores; return how many are left out, because their texts changed or went.

    Args:
        path: the file.
        store: the scores.
        lines: the texts, in the order in which their scores are to stand.

    Raises:
        InputError: it cannot be written.
    """
    written = 0
    with replaced(path) as file:
        for line in lines:
            known = digests_of(line)
            for digest, score in store.of(line.id):
                if digest in known:
                    file.write(score)
                    written += 1
    return len(store) - written
