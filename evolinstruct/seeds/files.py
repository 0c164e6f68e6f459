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
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from evolinstruct.errors import InputError
from evolinstruct.installation import import_extra
from evolinstruct.seeds.problems import shown_name

MAX_ROW = 10_000_000
"""The longest row that is read, in bytes: it bounds the memory that a broken file can take."""

COMPRESSED = (".gz", ".zst", ".zstd")
"""The extensions of compressed files."""
_CHUNK = 1 << 16
_UTF8_MARK = b"\xef\xbb\xbf"
_PARQUET = b"PAR1"
_NOT_UTF8_TEXT = {  # a file's first bytes → what it is and what to do; longer marks first
    b"\xff\xfe\0\0": "begins with a UTF-32 byte-order mark; save it as UTF-8",
    b"\0\0\xfe\xff": "begins with a UTF-32 byte-order mark; save it as UTF-8",
    b"\xff\xfe": "begins with a UTF-16 byte-order mark; save it as UTF-8",
    b"\xfe\xff": "begins with a UTF-16 byte-order mark; save it as UTF-8",
    b"PK\x03\x04": "is a zip archive or a spreadsheet; save it as CSV or JSON lines",
}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open seed file, to be read once, from its start.

    Attributes:
        name: the file's name, safe to print.
        suffix: its extension in lower case, with the dot; empty for standard input.
        head: the first bytes, without a byte-order mark.
        rest: the bytes after the head, in pieces.
        parquet: the file itself, seekable, if it is Parquet; it then has no lines.
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


def suffix_of(path: Path) -> str:
    """Return the extension in lower case; of ``a.jsonl.gz`` it is ``.jsonl``."""
    return Path(path.stem if path.suffix.lower() in COMPRESSED else path.name).suffix.lower()


@contextmanager
def open_file(name: str, path: Path | None, stdin: BinaryIO | None) -> Iterator[OpenFile]:
    """Open a file for one reading.

    Args:
        name: as the user gave it.
        path: the file; None for standard input.
        stdin: what standard input is; None for the process's own.

    Raises:
        InputError: it cannot be read, is empty, or does not begin as UTF-8 text or Parquet.
    """
    name = shown_name(name)
    try:
        file = path.open("rb") if path else nullcontext(stdin or _standard_input())
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error
    with file as compressed, _decompressed(name, compressed) as stream:
        chunks = _chunks(name, stream)
        head = next(chunks, b"")
        suffix = suffix_of(path) if path else ""
        if head.startswith(_PARQUET):
            with _seekable(stream, head, chunks) as whole:
                yield OpenFile(name, ".parquet", head, chunks, whole)
            return
        _require_text(name, head)
        yield OpenFile(name, suffix, head.removeprefix(_UTF8_MARK), chunks)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise InputError("stdin is closed; name a seed file, or send one to standard input.")
    return sys.stdin.buffer


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


def _chunks(name: str, stream: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := stream.read(_CHUNK):
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
