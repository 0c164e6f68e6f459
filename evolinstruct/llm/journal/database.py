"""The journal's file: its tables and version; opens it, and refuses one that is not whole."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from secrets import randbelow

from evolinstruct.databases import closed_on_error
from evolinstruct.errors import InputError
from evolinstruct.llm.journal.integrity import damaged, digest_of, find_damage

_FORMAT = 4
_CARRIED_OVER = 3  # differs in what was spent alone, which `llm.usage` brings into today's form
_SCHEMA = """
CREATE TABLE calls (
    key BLOB NOT NULL,          -- digest of what was asked for
    child_id TEXT NOT NULL, purpose TEXT NOT NULL, attempt INTEGER NOT NULL,
    generation INTEGER NOT NULL, operation TEXT,
    outcome TEXT NOT NULL,      -- reply, rejected, failed
    text TEXT NOT NULL,         -- the reply, or the message
    word TEXT NOT NULL,         -- finish reason, rule, or error
    model TEXT NOT NULL, max_tokens INTEGER, attempts INTEGER NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER,
    cached_tokens INTEGER, reasoning_tokens INTEGER,
    digest INTEGER NOT NULL     -- of the row: a disk may garble what SQLite takes for whole
);
CREATE INDEX calls_by_key ON calls (key);
CREATE INDEX calls_without_reply ON calls (outcome) WHERE outcome != 'reply';
CREATE TABLE retries (
    id INTEGER PRIMARY KEY, what TEXT NOT NULL, is_over INTEGER NOT NULL, digest INTEGER NOT NULL
);
CREATE TABLE retired (
    child_id TEXT NOT NULL, purpose TEXT NOT NULL, generation INTEGER NOT NULL,
    next_attempt INTEGER NOT NULL,  -- attempts of this place and purpose count from here
    retry INTEGER NOT NULL REFERENCES retries,
    digest INTEGER NOT NULL,
    PRIMARY KEY (child_id, purpose)
) WITHOUT ROWID;
"""
# A journal of an earlier version has none, and gets it. It is not among the tables that a journal
# must have: no line of a new run depends on it.
_PREFETCHED = """
CREATE TABLE IF NOT EXISTS prefetched (  -- outcomes that no line of the run has used yet
    key BLOB NOT NULL, max_tokens INTEGER NOT NULL, PRIMARY KEY (key, max_tokens)
) WITHOUT ROWID
"""
LOGPROBS_TABLE = """
CREATE TABLE IF NOT EXISTS logprobs (  -- of the tokens of replies, as JSON
    key BLOB NOT NULL, max_tokens INTEGER NOT NULL, said TEXT NOT NULL,
    digest INTEGER NOT NULL, PRIMARY KEY (key, max_tokens)
) WITHOUT ROWID
"""
"""Made when there is something to be put in, which few journals have."""
_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_GARBLED = """
SELECT (SELECT COUNT(*) FROM retries WHERE digest != digest_of(id, what, is_over))
     + (SELECT COUNT(*) FROM retired
        WHERE digest != digest_of(child_id, purpose, generation, next_attempt, retry))
"""
_NO_TEXT = re.compile("Could not decode|user-defined function")
_LOST = (
    "without it all that the run was given would be paid for again."
    " Restore the file, or choose another directory with -o."
)


def open_to_write(path: Path, *, must_exist: bool) -> sqlite3.Connection:
    """Open a journal that was found whole, or make it.

    Raises:
        InputError: it is damaged or from another version; or there is none, and it must exist.
        sqlite3.Error: it is no journal.
    """
    if path.exists():
        check(path, must_exist=must_exist)
    elif must_exist:
        raise _missing(path)
    path.touch()  # with the permissions that other files get: SQLite's own are narrower
    # As a URI: so may other journals be named, which are attached to this one.
    db = sqlite3.connect(path.absolute().as_uri(), uri=True, isolation_level=None)
    with closed_on_error(db):
        version = _version(db)
        if version == _CARRIED_OVER:
            db.execute(f"PRAGMA user_version = {_FORMAT}")
        if version == 0:
            # In one transaction, before the log is in use: a power cut leaves all of it or nothing.
            db.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORMAT}; {_number()} COMMIT;"
            )
        db.execute(_PREFETCHED)
        db.create_function("digest_of", -1, digest_of, deterministic=True)
        db.execute("PRAGMA journal_mode = WAL")
        # In the write-ahead log with NORMAL a commit does not wait for the disk: thousands of calls
        # a second may end. A kill loses nothing, the system has it. A power cut loses what is
        # younger than a second, because `journal.sync` syncs the log that often.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -16000")
    return db


def _number() -> str:
    """Return the statement that gives a new journal a number of its own.

    `run.json` repeats the number, so that a journal of another run is refused.
    """
    return f"PRAGMA application_id = {1 + randbelow((1 << 31) - 1)};"


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a journal that a run may be writing; each row is checked when it is found.

    Raises:
        InputError: it is missing, empty, or from another version.
        sqlite3.Error: it is no journal.
    """
    if not path.exists():
        raise _missing(path)
    db, _ = read_only(path)
    with closed_on_error(db):
        _refuse_other_version(db, path, must_exist=True)
    return db


def read_only(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open a database that nothing is written to; return it, and the URI that opens it so."""
    name = path.absolute().as_uri()
    uri = f"{name}?mode=ro"
    db = sqlite3.connect(uri, uri=True)
    try:
        _version(db)
    except sqlite3.OperationalError:
        # Even a reader needs the log's index beside the file, and makes it. In a folder where
        # nothing can be written nobody is writing the journal either, so it can be read without.
        db.close()
        uri = f"{name}?immutable=1"
        db = sqlite3.connect(uri, uri=True)
    except sqlite3.Error:
        db.close()
        raise
    return db, uri


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _refuse_other_version(db: sqlite3.Connection, path: Path, *, must_exist: bool) -> int:
    """Return the format's version, 0 where nothing is written yet."""
    version = _version(db)
    if version in {_FORMAT, _CARRIED_OVER} or (version == 0 and not must_exist):
        return version
    if version == 0:
        raise InputError(f"The journal {path} is empty; {_LOST}")
    if version > _FORMAT:
        raise InputError(
            f"The journal {path} is from a newer version of evolinstruct;"
            " update evolinstruct, or choose another run directory."
        )
    raise InputError(
        f"The journal {path} is from an older version of evolinstruct, and cannot be carried on;"
        " choose another run directory."
    )


def _missing(path: Path) -> InputError:
    return InputError(f"The journal {path} is missing; {_LOST}")


def check(path: Path, *, must_exist: bool) -> None:
    """Refuse a damaged journal, without changing it.

    Raises:
        InputError: it is damaged or from another version; or empty, and it must exist.
    """
    db, _ = read_only(path)
    try:
        if _refuse_other_version(db, path, must_exist=must_exist) == 0:
            return
        db.create_function("digest_of", -1, digest_of, deterministic=True)
        what = find_damage(db, path)
        if what is None and not _ours() <= set(db.execute(_OBJECTS)):
            what = "its tables are not those of a journal"
        if what is None and db.execute(_GARBLED).fetchone()[0]:
            what = "what was retired is not as it was written"
    finally:
        db.close()
    if what is not None:
        raise damaged(path, what)


def _ours() -> set[tuple[str, ...]]:
    """Return the tables and indexes of a new journal."""
    db = sqlite3.connect(":memory:")
    try:
        db.executescript(_SCHEMA)
        return set(db.execute(_OBJECTS))
    finally:
        db.close()


def unusable(path: Path, error: Exception) -> InputError:
    """Return the error for what SQLite says of the journal."""
    if isinstance(error, UnicodeDecodeError) or _NO_TEXT.search(str(error)):
        return damaged(path, "a text is not as it was written")
    if type(error) is sqlite3.DatabaseError:  # of its leaves, none speaks of the file
        return damaged(path, ascii(str(error))[1:-1])
    locked = "locked" in str(error)
    advice = "end the other program" if locked else "free disk space or restore the file"
    return InputError(
        f"The journal {path} cannot be used: {error}; {advice}, then run the same command again."
    )
