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
from evolinstruct.databases import closed_on_error, transaction
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
CREATE TABLE uses (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL UNIQUE  -- the one with the highest number was used last
);
PRAGMA user_version = {_FORMAT};
COMMIT;
"""
_FIND = "SELECT digest, vector FROM vectors WHERE model = ? AND digest IN ({})"
_USE = "INSERT OR REPLACE INTO uses SELECT ifnull(MAX(number), 0) + 1, ? FROM uses"
_LAST = "SELECT model FROM uses ORDER BY number DESC LIMIT 1"
_AT_ONCE = 500
_PATIENCE = 60.0  # seconds that another command may take to add vectors


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
        with transaction(self._db):
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def use(self, model: str) -> None:
        """Note that a model's vectors are used."""
        self._db.execute(_USE, (model,))

    @property
    def last_model(self) -> str | None:
        """The model whose vectors were used last; None where none were."""
        found = self._db.execute(_LAST).fetchone()
        return None if found is None else str(found[0])


@contextmanager
def opened(path: Path, *, only_read: bool = False) -> Iterator[Store]:
    """Lend the file of embeddings; made if it does not exist, unless it is only read.

    Raises:
        InputError: it cannot be used; it may be removed, as it is made again.
    """
    if not only_read:
        _prepare(path)
    try:
        with closing(_connected(path, only_read=only_read)) as db:
            yield Store(path, db)
    except sqlite3.Error as error:
        raise _unusable(path, str(error)) from error


def _prepare(path: Path) -> None:
    """Make the file and its folder, where they do not exist."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        refuse_link(path, hard=True)
        path.touch()  # with the permissions that other files get: SQLite's own are narrower
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error


def _connected(path: Path, *, only_read: bool) -> sqlite3.Connection:
    mode = "ro" if only_read else "rw"
    name = f"{path.absolute().as_uri()}?mode={mode}"
    db = sqlite3.connect(name, uri=True, isolation_level=None, timeout=_PATIENCE)
    with closed_on_error(db):
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not only_read:
            db.executescript(_SCHEMA)
        elif version != _FORMAT:
            raise _unusable(path, "it is of another version")
        db.execute("PRAGMA synchronous = NORMAL")
    return db


def _unusable(path: Path, reason: str) -> InputError:
    return InputError(
        f"The embeddings {path} cannot be used ({reason}); put that right, or remove the file, and"
        " the texts are embedded again; or name another folder with -o."
    )
