"""JSON values, one after the other, out of a text of any size.

Knows where a value ends and in which line it stands; holds one value at a time. Knows nothing of
seeds.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from evolinstruct.errors import InputError
from evolinstruct.seeds.files import MAX_ROW
from evolinstruct.seeds.problems import shown

_SPACE = re.compile(r"[ \t\r\n]*")
_SAFE_DIGITS = 18


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; no number is ever used here.
    return int(digits) if len(digits) <= _SAFE_DIGITS else float(digits)


DECODER = json.JSONDecoder(parse_int=_integer)
"""Reads one JSON value; raises JSONDecodeError, or RecursionError where it is nested too deeply."""


def fault(error: json.JSONDecodeError) -> str:
    """Return what is wrong with a JSON text and what stands there, in words."""
    there = error.doc[error.pos : error.pos + 50].strip()
    message = error.msg[:1].lower() + error.msg[1:].removesuffix(" at").removesuffix(" starting")
    return f"{message}, found {shown(there) if there else 'its end'}"


class JsonText:
    """A window that moves over a JSON text which arrives in pieces.

    Args:
        name: the file's name, for errors.
        chunks: the text's UTF-8 bytes.
    """

    def __init__(self, name: str, chunks: Iterator[bytes]) -> None:
        self.line = 1
        self._name = name
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._taken = 0
        self._ended = False
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """Move over white space and return the character that follows, or "" at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._move(space.end() if space else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        """Move over one character, which was peeked at before."""
        self._move(self._at + 1)

    def value(self) -> object:
        """Read the value that begins here and move behind it.

        Raises:
            InputError: it is broken, nested too deeply, or longer than any row may be.
        """
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise self.wrong("nested too deeply to be a seed") from error
            except json.JSONDecodeError as error:
                if self._more():
                    continue
                raise self._broken(error) from error
            # A number that reaches the window's edge may go on behind it.
            if end < len(self._text) or not self._more():
                self._move(end)
                return value

    def wrong(self, what: str, line: int | None = None) -> InputError:
        """Return the error for this place: what is wrong with the file, in words."""
        return InputError(
            f"{self._name}, line {line or self.line}: {what};"
            " correct the file, since what follows cannot be told apart."
        )

    def _broken(self, error: json.JSONDecodeError) -> InputError:
        if not self._ended:
            return self.wrong(f"no whole value within {MAX_ROW:,} characters ({fault(error)})")
        line = self.line + self._text.count("\n", self._at, error.pos)
        return self.wrong(f"broken JSON ({fault(error)})", line)

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _more(self) -> bool:
        """Double the window; False if the text has ended or the window is as large as may be."""
        rest = self._text[self._at :]
        if self._ended or len(rest) > MAX_ROW:
            return False
        parts, size = [rest], 0
        while not self._ended and size <= len(rest):
            parts.append(self._decoded(next(self._chunks, b"")))
            size += len(parts[-1])
        self._text, self._at = "".join(parts), 0
        return True

    def _decoded(self, chunk: bytes) -> str:
        pending = len(self._decoder.getstate()[0])
        self._ended = not chunk
        try:
            text = self._decoder.decode(chunk, final=self._ended)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].count(b"\n") + self._text.count("\n", self._at)
            byte = self._taken - pending + error.start
            what = f"byte {byte + 1:,} of the file (0x{error.object[error.start]:02x}) is not UTF-8"
            raise self.wrong(what, self.line + before) from error
        self._taken += len(chunk)
        return text
