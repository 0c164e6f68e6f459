"""Contents: the digest by which a model is known, wherever its files lie."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

_DIGITS = 16  # no two models of anybody's have the same
_PIECE = 1 << 20  # bytes


def digest_of(files: Iterable[Path]) -> str:
    """Return the first 16 digits of the SHA-256 of all bytes of the files, one after the other.

    Raises:
        OSError: one cannot be read.
    """
    digest = sha256()
    for file in files:
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE):
                digest.update(piece)
    return digest.hexdigest()[:_DIGITS]
