"""A checksum of each row of the journal's file, as a disk may garble what SQLite takes for whole.

Knows values and the sentence that refuses them; no table.

What a disk may have done to a SQLite file, looked for before anything of it is used.

SQLite takes what it reads for what was written: a lookup through a damaged index finds nothing,
and a damaged end of the write-ahead log is left out, both without a word. Knows SQLite's files,
not what they hold.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from struct import iter_unpack, unpack
from zlib import crc32

from evolinstruct.errors import InputError


def digest_of(*values: object) -> int:
    """Return a checksum of a row's values."""
    return crc32("\0".join(map(str, values)).encode())


def damaged(path: Path, what: str) -> InputError:
    """Return the error that refuses a damaged journal."""
    return InputError(
        f"The journal {path} is damaged: {what};"
        " restore the file from a copy, then run the same command again."
    )


_BLOCK = 1 << 20
_HEADER, _FRAME_HEADER = 32, 24
_LITTLE_ENDIAN = 0x377F0682
_32_BITS = 0xFFFFFFFF


def find_damage(db: sqlite3.Connection, path: Path) -> str | None:
    """Return what is wrong with a database, in SQLite's words; None if nothing is.

    Pages, rows and indexes are looked at, and held against each other; not what rows say.

    Raises:
        sqlite3.Error: it cannot even be looked at.
    """
    with path.open("rb", buffering=0) as file:
        while file.read(_BLOCK):  # in the order of the disk: the check reads in that of the rows
            pass
    found = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    return None if found == "ok" else found.splitlines()[-1]


def count_lost_pages(db: sqlite3.Connection, log: Path) -> int:
    """Return how many pages of the write-ahead log were committed and cannot be read any more.

    Pages behind the last commit are none of them: whoever wrote them was killed.

    Args:
        db: the database, before anything is written to it.
        log: its log's file, which need not be there.
    """
    readable = int(db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
    size = int(db.execute("PRAGMA page_size").fetchone()[0])
    try:
        with log.open("rb") as file:
            salt = _salt(file.read(_HEADER), file.read(_FRAME_HEADER))
            last = number = 0
            file.seek(_HEADER)
            while len(head := file.read(_FRAME_HEADER)) == _FRAME_HEADER:
                number += 1
                is_commit = head[4:8] != bytes(4)
                if head[8:16] == salt and is_commit:
                    last = number
                file.seek(size, 1)
    except FileNotFoundError:
        return 0
    return max(0, last - max(readable, 0))


def _salt(header: bytes, frame: bytes) -> bytes:
    """Return what tells the log's frames from older ones; the first frame's if in doubt."""
    if len(header) < _HEADER:
        return b""
    order = "<" if unpack(">I", header[:4])[0] == _LITTLE_ENDIAN else ">"
    one = two = 0
    for first, second in iter_unpack(f"{order}II", header[:24]):
        one = (one + first + two) & _32_BITS
        two = (two + second + one) & _32_BITS
    is_whole = (one, two) == unpack(">II", header[24:])
    return header[16:24] if is_whole else frame[8:16]
