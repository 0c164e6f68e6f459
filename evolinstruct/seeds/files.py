"""Seed files as bytes: opened, decompressed and cut into lines.

Handles gzip and zstd, byte-order marks and every kind of line end, and refuses what is not text.
The only importer of zstandard, which Python 3.14 makes needless.
"""

from __future__ import annotations

import gzip
import io
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from select import select
from typing import Any, BinaryIO, cast

from evolinstruct import parquet
from evolinstruct.errors import InputError
from evolinstruct.installation import import_extra
from evolinstruct.seeds.problems import shown_name

MAX_ROW = 10_000_000
"""The longest row that is read, in bytes: it bounds the memory that a broken file can take."""

COMPRESSED = (".gz", ".zst", ".zstd")
"""The extensions of compressed files."""
_CHUNK = 1 << 16
_PATIENCE = 0.5  # seconds
_UTF8_MARK = b"\xef\xbb\xbf"
_COLUMNS = (parquet.PARQUET, *parquet.ARROW)
ZIP = b"PK\x03\x04"
"""The first bytes of a zip archive, which an Excel file is."""
_NOT_UTF8_TEXT = {  # a file's first bytes → what it is and what to do; longer marks first
    b"\xff\xfe\0\0": "begins with a UTF-32 byte-order mark; save it as UTF-8",
    b"\0\0\xfe\xff": "begins with a UTF-32 byte-order mark; save it as UTF-8",
    b"\xff\xfe": "begins with a UTF-16 byte-order mark; save it as UTF-8",
    b"\xfe\xff": "begins with a UTF-16 byte-order mark; save it as UTF-8",
    b"\xd0\xcf\x11\xe0": (
        "is an Excel file of the old kind (.xls), or one with a password; save it as .xlsx without"
        " one, or as CSV"
    ),
    b"FEA1": "is a Feather file of version 1; write it again, as version 2",
    b"%PDF": "is a PDF; save its texts as CSV or JSON lines",
    b"{\\rtf": "is RTF; save it as plain text in UTF-8",
    b"SQLite format 3": "is a database; save its rows as CSV or JSON lines",
    b"BZh": "is compressed with bzip2; unpack it first",
    b"\xfd7zXZ": "is compressed with xz; unpack it first",
    b"version https://git-lfs": "is a pointer of Git LFS, not the data; run `git lfs pull` there",
}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open seed file, to be read once, from its start.

    Attributes:
        name: the file's name, safe to print.
        suffix: its extension in lower case, with the dot; empty for standard input.
        head: the first bytes, without a byte-order mark.
        rest: the bytes after the head, in pieces.
        whole: the file itself, seekable, if it is Parquet, Arrow or a zip archive, such as an Excel
            file; it then has no lines.
        notes: sentences on what is read of it, and what is not.
    """

    name: str
    suffix: str
    head: bytes
    rest: Iterator[bytes]
    whole: BinaryIO | None = None
    notes: list[str] = field(default_factory=list)

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
            # A \r at the end of a piece may be the first half of \r\n: only \n surely ends a line.
            rest = b"" if chunk.endswith(b"\n") else pieces.pop()
            for piece in pieces:
                yield number, piece
                number += 1
            if len(rest) > MAX_ROW:
                raise InputError(
                    f"{self.name}, line {number}: more than {MAX_ROW:,} bytes and no line break;"
                    " check that the file has one row on each line."
                )
        if rest:
            yield number, rest


def is_pipe(path: Path) -> bool:
    """Tell whether what stands at a path is a pipe, which can be read but once."""
    try:
        return path.is_fifo()
    except OSError:
        return False  # whoever opens it says what is wrong


def copied(name: str, path: Path | None) -> BinaryIO:
    """Copy what can be read but once to where it can be read again.

    Args:
        name: as the user gave it.
        path: the pipe; None for standard input.

    Raises:
        InputError: it cannot be read.
    """
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with _opened(shown_name(name), path) as stream:
        copy.writelines(_chunks(shown_name(name), stream, _arrived))
    return cast("BinaryIO", copy)


def _arrived(stream: BinaryIO) -> bytes:
    """Return what has arrived in a pipe, nothing at its end.

    A signal that comes just before a read begins is heard when the read ends, so none waits long.
    """
    try:
        stream.fileno()
    except OSError:  # it lies in memory
        return stream.read(_CHUNK)
    while not select([stream], [], [], _PATIENCE)[0]:
        pass
    return cast("io.BufferedReader", stream).read1(_CHUNK)


def suffix_of(path: Path) -> str:
    """Return the extension in lower case; of ``a.jsonl.gz`` it is ``.jsonl``."""
    return Path(path.stem if path.suffix.lower() in COMPRESSED else path.name).suffix.lower()


@contextmanager
def open_file(name: str, path: Path | None, stream: BinaryIO | None) -> Iterator[OpenFile]:
    """Open a file for one reading.

    Args:
        name: as the user gave it.
        path: the file; None for standard input.
        stream: what is read in its place; None to open it.

    Raises:
        InputError: it cannot be read, is empty, or does not begin as UTF-8 text, Parquet,
            Arrow or Excel.
    """
    name = shown_name(name)
    if stream is not None:
        stream.seek(0)
    file = _opened(name, path) if stream is None else nullcontext(stream)
    with file as compressed, _decompressed(name, compressed) as content:
        chunks = _chunks(name, content)
        head = next(chunks, b"")
        suffix = suffix_of(path) if path else ""
        if head.startswith((*_COLUMNS, ZIP)):
            with _seekable(content, head, chunks) as whole:
                yield OpenFile(name, suffix, head, chunks, whole)
            return
        _require_text(name, head)
        yield OpenFile(name, suffix, head.removeprefix(_UTF8_MARK), chunks)


def _opened(name: str, path: Path | None) -> AbstractContextManager[BinaryIO]:
    if path is None:
        if sys.stdin is None:
            raise InputError("stdin is closed; name a seed file, or send one to standard input.")
        return nullcontext(sys.stdin.buffer)
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error


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


def _whole(stream: BinaryIO) -> bytes:
    return stream.read(_CHUNK)


def _chunks(
    name: str, stream: BinaryIO, read: Callable[[BinaryIO], bytes] = _whole
) -> Iterator[bytes]:
    try:
        while chunk := read(stream):
            yield chunk
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error


def _require_text(name: str, head: bytes) -> None:
    """Refuse an empty file, a known format that is not text, and binary data."""
    if not head.removeprefix(_UTF8_MARK):
        raise InputError(f"{name} is empty; a seed file holds at least one instruction.")
    for mark, what in _NOT_UTF8_TEXT.items():
        if head.startswith(mark):
            raise InputError(f"{name} {what}.")
    if (at := head.find(b"\0")) >= 0:
        raise InputError(
            f"{name} is binary, not text: byte {at + 1:,} is NUL;"
            " seeds are JSON lines, a JSON array, CSV or plain text, in UTF-8."
        )


# Compression, recognised by the first bytes

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_IN_PYTHON = (3, 14)


@contextmanager
def _decompressed(name: str, stream: BinaryIO) -> Iterator[BinaryIO]:
    """Lend a stream of the content of a file, compressed or not.

    Raises:
        InputError: it is broken, or the package that decompresses it is not installed.
    """
    reader = io.BufferedReader(cast("io.RawIOBase", stream))
    try:
        mark = reader.peek(len(_ZSTD))
        if mark.startswith(_GZIP):
            errors = (EOFError, zlib.error, gzip.BadGzipFile)
            checked = _Checked(name, "gzip", gzip.GzipFile(fileobj=reader), errors)
            yield cast("BinaryIO", checked)
        elif mark.startswith(_ZSTD):
            yield cast("BinaryIO", _zstd(name, cast("BinaryIO", reader)))
        else:
            yield cast("BinaryIO", reader)
    finally:
        reader.detach()  # whoever opened the stream closes it


def _zstd(name: str, reader: BinaryIO) -> _Checked:
    if sys.version_info >= _ZSTD_IN_PYTHON:
        zstd = import_extra("compression.zstd", "zstd", name)
        frames = _ZstdFrames(reader, zstd.ZstdDecompressor)
    else:
        zstd = import_extra("zstandard", "zstd", f"{name} is compressed with zstd: to read it")
        frames = _ZstdFrames(reader, lambda: zstd.ZstdDecompressor().decompressobj())
    return _Checked(name, "zstd", frames, (zstd.ZstdError, EOFError))


class _ZstdFrames:
    """The content of zstd frames, one after the other; notices when the last one is cut off."""

    def __init__(self, reader: BinaryIO, begin: Callable[[], Any]) -> None:
        self._reader = reader
        self._begin = begin
        self._frame: Any = None
        self._pending = b""

    def read(self, size: int) -> bytes:
        while data := self._pending or self._reader.read(size):
            self._frame = self._frame or self._begin()
            content: bytes = self._frame.decompress(data)
            self._pending = b""
            if self._frame.eof:
                self._pending, self._frame = self._frame.unused_data, None
            if content:
                return content
        if self._frame is not None:
            raise EOFError("it ends before its end mark")
        return b""


class _Checked:
    """A stream that reports a broken file in a sentence."""

    def __init__(
        self, name: str, kind: str, stream: Any, errors: tuple[type[Exception], ...]
    ) -> None:
        self._name = name
        self._kind = kind
        self._stream = stream
        self._errors = errors

    def read(self, size: int = -1) -> bytes:
        try:
            return cast("bytes", self._stream.read(size))
        except self._errors as error:
            raise InputError(
                f"{self._name} is broken or cut off: {self._kind} cannot unpack it ({error});"
                " download or compress it again."
            ) from error

    def seekable(self) -> bool:
        return False
