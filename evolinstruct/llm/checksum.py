"""A checksum of each row of the journal's file, as a disk may garble what SQLite takes for whole.

Knows values and the sentence that refuses them; no table.
"""

from __future__ import annotations

from pathlib import Path
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
