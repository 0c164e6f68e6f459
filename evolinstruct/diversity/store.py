"""The file of embeddings: the vector of each text, by the digest of the text and the model.

It is derived: what is missing from it, or was made of another text or by another model, is made
again. Rows that were added stay after a kill.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path

from evolinstruct.atomic_write import refuse_link
from evolinstruct.errors import InputError

FOLDER = "diversity"
"""The folder of a run's directory that keeps what is derived of its meaning."""
NAME = "embeddings.sqlite"
"""The file's name in that folder, or in another."""

_FORMAT = 1
_SCHEMA = f"""
BEGIN;
CREATE TABLE vectors (
    digest BLOB NOT NULL,   -- of the text
    model TEXT NOT NULL,
    vector BLOB NOT NULL,   -- a signed byte for each dimension
    PRIMARY KEY (digest, model)
) WITHOUT ROWID;
PRAGMA user_version = {_FORMAT};
COMMIT;
"""
_FIND = "SELECT digest, vector FROM vectors WHERE model = ? AND digest IN ({})"
_MODELS = "SELECT model, COUNT(*) FROM vectors GROUP BY model ORDER BY 2 DESC, 1"
_AT_ONCE = 500


def digest_of(text: str) -> bytes:
    """Return what stands for a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Store:
    """A file of embeddings, while it is open."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        """Take over an open file: see `opened`."""
        self._path = path
        self._db = db

    def find(self, model: str, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the vectors of those texts that the model has embedded, a byte a dimension."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(digests), _AT_ONCE):
            part = digests[start : start + _AT_ONCE]
            query = _FIND.format(",".join("?" * len(part)))
            found.update(self._db.execute(query, (model, *part)))
        if len({len(vector) for vector in found.values()}) > 1:
            raise _unusable(self._path, "its vectors differ in length")
        return found

    def add(self, model: str, vectors: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep the vectors of texts, by digest; when this returns, a kill does not lose them."""
        rows = [(digest, model, vector) for digest, vector in vectors]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def models(self) -> dict[str, int]:
        """Return how many texts each model has embedded, most first."""
        return dict(self._db.execute(_MODELS))


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Lend the file of embeddings, made if it does not exist.

    Raises:
        InputError: it cannot be used; it may be removed, as it is made again.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_link(path, hard=True)
        path.touch()  # with the permissions that other files get: SQLite's own are narrower
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as db:
            _prepare(path, db)
            yield Store(path, db)
    except sqlite3.Error as error:
        raise _unusable(path, str(error)) from error


def _prepare(path: Path, db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        db.executescript(_SCHEMA)
    elif version != _FORMAT:
        raise _unusable(path, "it is of another version")
    db.execute("PRAGMA synchronous = NORMAL")


def _unusable(path: Path, reason: str) -> InputError:
    return InputError(
        f"The embeddings {path} cannot be used ({reason}); put that right, or remove the file, and"
        " the texts are embedded again; or name another folder with -o."
    )
