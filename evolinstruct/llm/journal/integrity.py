"""Integrity: finds what a disk or a power cut did to the journal's file, before it is believed.

SQLite takes what it reads for what was written. A lookup through a damaged index finds nothing, so
a call that was paid for would be paid for again; a garbled text would become data; a damaged end of
the write-ahead log is left out. All three without a word. So pages and indexes are looked at when
the journal is opened, each row by its checksum when it is read, and the log page by page.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from struct import iter_unpack, unpack
from zlib import crc32

from evolinstruct.errors import InputError

_BLOCK = 1 << 20
_HEADER, _FRAME_HEADER = 32, 24  # bytes of the write-ahead log's header, and of each page's in it
_LITTLE_ENDIAN = 0x377F0682
_32_BITS = 0xFFFFFFFF


def digest_of(*values: object) -> int:
    """Return the checksum of a row's values."""
    return crc32("\0".join(map(str, values)).encode())


def damaged(path: Path, what: str) -> InputError:
    """Return the error that refuses a damaged journal."""
    return InputError(
        f"The journal {path} is damaged: {what};"
        " restore the file from a copy, then run the same command again."
    )


def find_damage(db: sqlite3.Connection, path: Path) -> str | None:
    """Return what is wrong with a database, in SQLite's words; None if nothing is.

    Checks that pages, rows and indexes fit together; what rows say is not read.

    Raises:
        sqlite3.Error: it cannot even be looked at.
    """
    with path.open("rb", buffering=0) as file:
        # The check reads in the order of the rows, all over the file. Read once in the order of
        # the disk, the file is in the system's cache when it does.
        while file.read(_BLOCK):
            pass
    found = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    return None if found == "ok" else found.splitlines()[-1]


def count_lost_pages(db: sqlite3.Connection, log: Path) -> int:
    """Return how many pages of the write-ahead log were committed and cannot be read any more.

    SQLite reads the log up to the first page that is not as it was written, and drops the rest,
    commits included. Pages behind the last commit are not lost: whoever wrote them was killed.

    Args:
        db: the database, before anything is written to it.
        log: its log's file; may be missing.
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
                # SQLite begins the log anew over the old one, with another salt. A page with the
                # old salt is a leftover. The size of the database stands in a commit's page alone.
                is_commit = head[4:8] != bytes(4)
                if head[8:16] == salt and is_commit:
                    last = number
                file.seek(size, 1)
    except FileNotFoundError:
        return 0
    return max(0, last - max(readable, 0))


def _salt(header: bytes, frame: bytes) -> bytes:
    """Return the salt by which the log's pages are told from leftovers.

    It stands in the log's header; where the checksum there is wrong, the first page's counts.
    """
    if len(header) < _HEADER:
        return b""
    order = "<" if unpack(">I", header[:4])[0] == _LITTLE_ENDIAN else ">"
    one = two = 0
    for first, second in iter_unpack(f"{order}II", header[:24]):
        one = (one + first + two) & _32_BITS
        two = (two + second + one) & _32_BITS
    is_whole = (one, two) == unpack(">II", header[24:])
    return header[16:24] if is_whole else frame[8:16]
