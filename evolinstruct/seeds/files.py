"""Seed files as bytes: which file a name means, and the lines in it.

Knows names, folders, the shipped files, standard input, compression, byte-order marks and line
ends. Knows nothing of what a line holds.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

from evolinstruct.errors import InputError
from evolinstruct.seeds.compression import unpacked
from evolinstruct.seeds.problems import listed, shown_name
from evolinstruct.text import did_you_mean

MAX_ROW = 10_000_000
"""The longest row that is read, in bytes: it bounds the memory that a broken file can take."""

STDIN = "-"
_CHUNK = 1 << 16
_UTF8_MARK = b"\xef\xbb\xbf"
_PACKED = (".gz", ".zst", ".zstd")
_SEED_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet")
_PARQUET = b"PAR1"
_NO_UTF8_TEXT = {  # the first bytes of a file → what it is and what to do; longer marks first
    b"\xff\xfe\0\0": "begins with a UTF-32 byte-order mark; save it as UTF-8",
    b"\0\0\xfe\xff": "begins with a UTF-32 byte-order mark; save it as UTF-8",
    b"\xff\xfe": "begins with a UTF-16 byte-order mark; save it as UTF-8",
    b"\xfe\xff": "begins with a UTF-16 byte-order mark; save it as UTF-8",
    b"PK\x03\x04": "is a zip archive or a spreadsheet; save it as CSV or JSON lines",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A seed file that was named.

    Attributes:
        name: as the user gave it; ``stdin`` for standard input.
        path: where it lies; None for standard input.
    """

    name: str
    path: Path | None


@dataclass(frozen=True, slots=True)
class Content:
    """An open seed file, to be read once, from its start.

    Attributes:
        name: the file's name, fit to be shown.
        suffix: its extension in lower case, with the dot; empty for standard input.
        head: the first bytes, without a byte-order mark.
        rest: the bytes after the head, in pieces.
        parquet: the file itself, seekable, where it is Parquet; then there are no lines.
    """

    name: str
    suffix: str
    head: bytes
    rest: Iterator[bytes]
    parquet: BinaryIO | None = None

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes, in pieces."""
        return chain([self.head], self.rest)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        r"""Yield each line with its number, line end included: ``\n``, ``\r\n`` or a lone ``\r``.

        Raises:
            InputError: a line is longer than any row may be.
        """
        number, rest = 1, b""
        for chunk in self.chunks():
            pieces = (rest + chunk).splitlines(keepends=True)
            # A \r that ends a piece may be the first half of \r\n, so only \n ends it for sure.
            rest = b"" if chunk.endswith(b"\n") else pieces.pop()
            for piece in pieces:
                yield number, piece
                number += 1
            if len(rest) > MAX_ROW:
                raise InputError(
                    f"{self.name}, line {number}: more than {MAX_ROW:,} bytes and no line break;"
                    " look whether this is a file of one row a line."
                )
        if rest:
            yield number, rest


def find(name: str) -> list[Source]:
    """Return the sources that a name means: standard input, a file, a shipped file, or a folder's.

    Raises:
        InputError: there is no such file, or a folder has no seed file.
    """
    if name == STDIN:
        return [Source("stdin", None)]
    path = Path(name)
    try:
        if path.is_dir():
            return _inside(name, path)
        return [Source(_storable(name), path if path.exists() else _shipped(name))]
    except OSError as error:
        raise InputError(f"{shown_name(name)} cannot be read: {error.strerror}.") from error


def _inside(name: str, folder: Path) -> list[Source]:
    """Return the seed files of a folder, by name; hidden ones and other kinds are none."""
    if (folder / "run.json").exists():
        raise InputError(
            f"{shown_name(name)} is a run; name a file in it, such as"
            f" {shown_name(str(folder / 'dataset.jsonl'))}."
        )
    paths = [
        path
        for path in sorted(folder.iterdir())
        if _suffix(path) in _SEED_SUFFIXES and path.is_file() and not path.name.startswith(".")
    ]
    if not paths:
        raise InputError(
            f"{shown_name(name)} is a folder that holds no seed file"
            f" ({', '.join(_SEED_SUFFIXES)}, each also with {' or '.join(_PACKED)});"
            " name another."
        )
    return [Source(_storable(str(path)), path) for path in paths]


def _suffix(path: Path) -> str:
    """Return the extension in lower case, that of a compressed file without its own."""
    return Path(path.stem if path.suffix.lower() in _PACKED else path.name).suffix.lower()


@contextmanager
def opened(source: Source, stdin: BinaryIO | None) -> Iterator[Content]:
    """Open a source for one reading.

    Raises:
        InputError: it cannot be read, is empty, or is no UTF-8 text at first sight.
    """
    name = shown_name(source.name)
    try:
        file = source.path.open("rb") if source.path else nullcontext(stdin or _standard_input())
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    with file as packed, unpacked(name, packed) as stream:
        chunks = _chunks(name, stream)
        head = next(chunks, b"")
        suffix = _suffix(source.path) if source.path else ""
        if head.startswith(_PARQUET):
            with _seekable(stream, head, chunks) as whole:
                yield Content(name, ".parquet", head, chunks, whole)
            return
        _refuse_what_is_no_text(name, head)
        yield Content(name, suffix, head.removeprefix(_UTF8_MARK), chunks)


@contextmanager
def _seekable(stream: BinaryIO, head: bytes, rest: Iterator[bytes]) -> Iterator[BinaryIO]:
    """Lend a file at its start: the stream itself, or a copy on disk."""
    if stream.seekable():
        stream.seek(0)
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        copy.write(head)
        copy.writelines(rest)
        copy.seek(0)
        yield cast("BinaryIO", copy)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise InputError("stdin is closed; name a seed file, or send one to standard input.")
    return sys.stdin.buffer


def _chunks(name: str, stream: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := stream.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error


def _refuse_what_is_no_text(name: str, head: bytes) -> None:
    if not head.removeprefix(_UTF8_MARK):
        raise InputError(f"{name} is empty; a seed file holds at least one instruction.")
    for mark, what in _NO_UTF8_TEXT.items():
        if head.startswith(mark):
            raise InputError(f"{name} {what}.")
    if (at := head.find(b"\0")) >= 0:
        raise InputError(
            f"{name} is binary, not text: byte {at + 1:,} is NUL;"
            " seeds are JSON lines, a JSON array, CSV or plain text, in UTF-8."
        )


def _storable(name: str) -> str:
    # A file name that is not UTF-8 comes with lone surrogates, which no line can hold.
    return name.encode(errors="backslashreplace").decode()


def _shipped(name: str) -> Path:
    from evolinstruct.shipped import folder  # noqa: PLC0415 - most runs never look there

    stems = {path.stem: path for path in folder("seeds").glob("*.jsonl")}
    if name in stems:
        return stems[name]
    path = Path(name)
    beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    raise InputError(
        f"{shown_name(name)}: no such file{did_you_mean(path.name, [*beside, *stems])},"
        f" and no seeds of that name are shipped ({listed(sorted(stems))} are); check the path."
    )
