"""Compressed files, unpacked as they are read: gzip and zstd, told by their first bytes.

Knows bytes only. The only importer of zstandard, which Python 3.14 makes needless.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from evolinstruct.errors import InputError
from evolinstruct.extras import load

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_IN_PYTHON = (3, 14)


@contextmanager
def unpacked(name: str, stream: BinaryIO) -> Iterator[BinaryIO]:
    """Lend a stream of the bytes that a file holds, compressed or not.

    Raises:
        InputError: it is broken, or the package that unpacks it is missing.
    """
    reader = io.BufferedReader(cast("io.RawIOBase", stream))
    try:
        mark = reader.peek(len(_ZSTD))
        if mark.startswith(_GZIP):
            errors = (EOFError, zlib.error, gzip.BadGzipFile)
            guarded = _Guarded(name, "gzip", gzip.GzipFile(fileobj=reader), errors)
            yield cast("BinaryIO", guarded)
        elif mark.startswith(_ZSTD):
            yield cast("BinaryIO", _zstd(name, cast("BinaryIO", reader)))
        else:
            yield cast("BinaryIO", reader)
    finally:
        reader.detach()  # whoever opened the stream closes it


def _zstd(name: str, reader: BinaryIO) -> _Guarded:
    if sys.version_info >= _IN_PYTHON:
        zstd = load("compression.zstd", "zstd", name)
        return _Guarded(name, "zstd", _Frames(reader, zstd.ZstdDecompressor), _broken(zstd))
    zstd = load("zstandard", "zstd", f"{name} is compressed with zstd: to read it")
    frames = _Frames(reader, lambda: zstd.ZstdDecompressor().decompressobj())
    return _Guarded(name, "zstd", frames, _broken(zstd))


def _broken(zstd: Any) -> tuple[type[Exception], ...]:
    return (zstd.ZstdError, EOFError)


class _Frames:
    """The content of zstd frames, one behind the other; notices when the last one is cut off."""

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


class _Guarded:
    """A stream that says in a sentence when its file is broken."""

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
                " fetch or pack it anew."
            ) from error

    def seekable(self) -> bool:
        return False
