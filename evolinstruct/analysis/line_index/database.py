"""The database of an index: its tables, and where they lie."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from evolinstruct.atomic_write import refuse_link
from evolinstruct.databases import closed_on_error

FILE = "view.sqlite"
_FORMAT = 1
_SCHEMA = f"""
CREATE TABLE files (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,  -- bytes that were read
    inode INTEGER NOT NULL,
    last INTEGER NOT NULL,  -- where the last line that was read begins
    digest BLOB NOT NULL    -- of that line
);
CREATE TABLE lines (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, seed_id TEXT NOT NULL,
    generation INTEGER NOT NULL, kind TEXT NOT NULL, operation TEXT NOT NULL, rule TEXT NOT NULL,
    words INTEGER NOT NULL,
    digests TEXT NOT NULL,  -- of what may have been scored
    file INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL
);
CREATE INDEX lines_by_id ON lines (id);
CREATE INDEX lines_by_seed ON lines (seed_id);
CREATE INDEX lines_by_generation ON lines (generation);
CREATE VIRTUAL TABLE texts USING fts5 (
    text, content = '', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE counts (
    generation INTEGER, kind TEXT, operation TEXT, rule TEXT, lines INTEGER NOT NULL,
    PRIMARY KEY (generation, kind, operation, rule)
) WITHOUT ROWID;
CREATE TABLE ways (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE scores (
    way INTEGER, line INTEGER, value REAL NOT NULL, PRIMARY KEY (way, line)
) WITHOUT ROWID;
CREATE TABLE scored (  -- the file of scores that was read
    size INTEGER, modified INTEGER
);
PRAGMA user_version = {_FORMAT}
"""
_MEMORY = 32 << 20  # bytes of words that are gathered before they are written
_TABLES = ("files", "lines", "texts", "counts", "ways", "scores", "scored")


class Database:
    """The file beside a run; a temporary one where that cannot be written, or another uses it."""

    def __init__(self, path: Path) -> None:
        """Name the run directory; nothing is opened yet."""
        self.file = path / FILE
        self._place: TemporaryDirectory[str] | None = None
        self._connection: sqlite3.Connection | None = None

    def connection(self) -> sqlite3.Connection:
        """Return the one connection, opened at the first time.

        Raises:
            sqlite3.Error: no database can be made.
            InputError: a link stands in its place.
        """
        if self._connection is None:
            self._connection = self._beside() or self._elsewhere()
        return self._connection

    def close(self) -> None:
        """Close the connection, and forget what lies in a temporary place."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._place is not None:
            self._place.cleanup()
            self._place = None

    def _beside(self) -> sqlite3.Connection | None:
        if not os.access(self.file.parent, os.W_OK | os.X_OK):
            return None
        refuse_link(self.file, hard=True)
        try:
            return _opened(self.file)
        except sqlite3.OperationalError:  # another process has it, or this is no place for one
            return None
        except (
            sqlite3.DatabaseError
        ):  # it was torn; it holds nothing that is not in the run's files
            self.file.unlink()
            return _opened(self.file)

    def _elsewhere(self) -> sqlite3.Connection:
        self._place = TemporaryDirectory(prefix="evolinstruct-view-")
        return _opened(Path(self._place.name) / FILE)


def _opened(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
    with closed_on_error(db):
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA synchronous = OFF")  # what a power cut tears is made again
        db.execute("PRAGMA cache_size = -65536")
        db.execute("BEGIN EXCLUSIVE")
        if db.execute("PRAGMA user_version").fetchone() != (_FORMAT,):
            make_tables(db)
        db.execute("COMMIT")
    return db


def make_tables(db: sqlite3.Connection) -> None:
    """Drop whatever the tables hold, and make them anew."""
    for table in _TABLES:
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _SCHEMA.split(";\n"):
        db.execute(statement)
    db.execute("INSERT INTO texts (texts, rank) VALUES ('hashsize', ?)", [_MEMORY])
