"""A shard's file: a journal that a worker has filled, with a table that says whose it is.

What it holds is taken into the journal of the run by what was asked for: its key, and the most
tokens of the reply. A reply wins over a failure; else what is there stays. SQLite copies the rows
from file to file, so that memory stays flat and none of them becomes a Python object.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolinstruct.databases import transaction
from evolinstruct.errors import InputError
from evolinstruct.llm.journal.database import (
    check,
    open_to_write,
    read_only,
    unusable,
)
from evolinstruct.llm.journal.integrity import damaged, digest_of

_TABLE = "CREATE TABLE IF NOT EXISTS shard (said TEXT NOT NULL, digest INTEGER NOT NULL)"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
_HAS_CALLS = "SELECT EXISTS (SELECT 1 FROM calls)"
_CACHE = "PRAGMA cache_size = -65536"  # 64 MB: keys come in no order, all over the index
_SAME_KEY = "ours.key = theirs.key AND ours.max_tokens IS theirs.max_tokens"
_DIFFERING = f"""
SELECT COUNT(*) FROM shard.calls AS theirs JOIN main.calls AS ours ON {_SAME_KEY}
WHERE theirs.outcome != 'failed' AND ours.outcome != 'failed'
AND (theirs.outcome, theirs.text, theirs.word) IS NOT (ours.outcome, ours.text, ours.word)
"""  # noqa: S608 - no data in it
_WANTED = f"""
INSERT INTO wanted SELECT theirs.rowid FROM shard.calls AS theirs WHERE NOT EXISTS (
    SELECT 1 FROM main.calls AS ours WHERE {_SAME_KEY}
    AND (ours.outcome != 'failed' OR theirs.outcome = 'failed')
)
"""  # noqa: S608 - no data in it
# The first condition is that of an index, which a run without failures makes empty.
_REPLACED = f"""
SELECT COUNT(*) FROM main.calls AS ours CROSS JOIN shard.calls AS theirs ON {_SAME_KEY}
WHERE ours.outcome != 'reply' AND ours.outcome = 'failed' AND theirs.outcome != 'failed'
AND theirs.rowid IN (SELECT row FROM wanted)
"""  # noqa: S608 - no data in it
_ROWS = "FROM wanted CROSS JOIN shard.calls AS theirs ON theirs.rowid = wanted.row"
_GARBLED = f"""
SELECT COUNT(*) {_ROWS} WHERE digest != digest_of(
    lower(hex(key)), child_id, purpose, attempt, generation, operation, outcome, text, word, model,
    max_tokens, attempts, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens
)
"""
_TAKE = f"INSERT INTO main.calls SELECT theirs.* {_ROWS}"
_MARK = f"""
INSERT OR IGNORE INTO main.prefetched SELECT key, ifnull(max_tokens, 0) {_ROWS} ORDER BY key
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one shard brought.

    Attributes:
        outcomes: how many it holds.
        new: how many of them were new to the run's journal.
        replaced: how many of these take the place of a failure there.
        differing: how many others say something else than the run's journal, which stays.
    """

    outcomes: int
    new: int
    replaced: int
    differing: int


def read_whole(path: Path) -> dict[str, Any]:
    """Return what a shard's file says of itself, if all of the file is as it was written.

    Raises:
        InputError: it is missing, empty, damaged, no shard's, or from another version.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}; name the files of shards.")
    try:
        check(path, must_exist=True)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    if not (state := read_state(path)):
        raise InputError(
            f"{path} holds nothing yet, because its worker ended too early; run the same"
            " `evolinstruct work` again."
        )
    return state


def read_state(path: Path) -> dict[str, Any]:
    """Return what a shard's file says of itself; an empty dict where nothing is written yet.

    Raises:
        InputError: the file cannot be read, or is no shard's.
    """
    try:
        with closing(read_only(path)[0]) as db:
            tables = {name for (name,) in db.execute(_TABLES)}
            if "shard" not in tables:
                # A worker that is killed in its first moment leaves a journal without a call.
                if not tables or ("calls" in tables and not db.execute(_HAS_CALLS).fetchone()[0]):
                    return {}
                raise InputError(
                    f"{path} is no shard's file; name one that `evolinstruct work` has made."
                )
            said, digest = db.execute("SELECT said, digest FROM shard").fetchone()
    except (sqlite3.Error, TypeError, UnicodeDecodeError) as error:
        raise unusable(path, error) from error
    if digest != digest_of(said):
        raise damaged(path, "what it says of itself is not as it was written")
    return dict(json.loads(said))


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Replace what a shard's file says of itself.

    Raises:
        InputError: it cannot be written.
    """
    said = json.dumps(state)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db, transaction(db):
            db.execute(_TABLE)
            db.execute("DELETE FROM shard")
            db.execute("INSERT INTO shard VALUES (?, ?)", (said, digest_of(said)))
    except sqlite3.Error as error:
        raise unusable(path, error) from error


def settle(path: Path) -> None:
    """Bring a file that its worker has closed into one piece, so that it can be copied."""
    # Whoever reads it just now keeps it in two pieces, which are as good where they are.
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")


class Merging:
    """The journal of a run, while shards are taken into it: ``with``."""

    def __init__(self, path: Path) -> None:
        """Open the journal.

        Raises:
            InputError: it is missing, damaged, or from another version.
        """
        self._path = path
        self._db = open_to_write(path, must_exist=True)
        self._db.execute(_CACHE)
        self._db.execute("CREATE TEMP TABLE wanted (row INTEGER PRIMARY KEY)")

    def __enter__(self) -> Merging:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def taking(self, path: Path) -> Iterator[tuple[Taken, int, sqlite3.Connection]]:
        """Take a shard's outcomes in; lend the open transaction for what goes with them.

        Yields:
            What was taken, the number of the shard's journal, and the database, to which the
            shard's is attached as ``shard``.

        Raises:
            InputError: the file is damaged, or the run's journal cannot be written.
        """
        try:
            self._db.execute("ATTACH ? AS shard", (read_only(path)[1],))
            try:
                with transaction(self._db):
                    number = self._db.execute("PRAGMA shard.application_id").fetchone()[0]
                    yield self._take(path), number, self._db
            finally:
                self._db.execute("DETACH shard")
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def _take(self, path: Path) -> Taken:
        db = self._db
        db.execute("DELETE FROM wanted")
        outcomes = db.execute("SELECT ifnull(MAX(rowid), 0) FROM shard.calls").fetchone()[0]
        new = db.execute(_WANTED).rowcount
        differing = db.execute(_DIFFERING).fetchone()[0] if new < outcomes else 0
        if db.execute(_GARBLED).fetchone()[0]:
            raise damaged(path, "an outcome is not as it was written")
        replaced = db.execute(_REPLACED).fetchone()[0]
        db.execute(_TAKE)
        db.execute(_MARK)
        return Taken(outcomes, new, replaced, differing)
