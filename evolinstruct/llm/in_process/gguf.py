"""GGUF files: finds the name of the model in one, and whether it chats.

The head of such a file is a list of keys and values, described in the documents of ggml. Little
end first: four bytes that say GGUF, a version, the numbers of tensors and of keys; a key is a text,
then the number of a type, then the value.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

from evolinstruct.errors import InputError
from evolinstruct.llm.in_process.contents import digest_of

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NUMBERS = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
_TEXT, _LIST = 8, 9
_NAME, _TEMPLATE = "general.name", "tokenizer.chat_template"
_LONGEST_NAME = 60  # characters
_PART = re.compile(r"(.*-)\d{5}(-of-\d{5}\.gguf)")


def find(place: str) -> tuple[str, Path]:
    """Return the name of the model in a file, and the file.

    The name is the one within the file, then how the SHA-256 of its bytes begins, or of those of
    all parts where a model has several.

    Raises:
        InputError: there is no such file, it cannot be read, or it holds no model that chats.
    """
    file = Path(place).expanduser()
    try:
        texts = dict(_texts(file))
        digest = digest_of(_parts(file))
    except OSError as error:
        raise InputError(
            f"--client llamacpp: {file} cannot be read ({error.strerror}); name a GGUF file."
        ) from None
    except (ValueError, struct.error, IndexError):
        raise InputError(
            f"--client llamacpp: {file} is no GGUF file, or not a whole one; fetch it anew."
        ) from None
    if _TEMPLATE not in texts:
        raise InputError(
            f"--client llamacpp: the model in {file} has no chat template, so it does not chat;"
            " name an instruct model."
        )
    name = re.sub(r"[^\w.-]+", "-", texts.get(_NAME, "")).strip("-")[:_LONGEST_NAME]
    return f"{name or 'gguf'}@{digest}", file.resolve()


def _parts(file: Path) -> list[Path]:
    """Return all files of the model that a file is a part of, in order."""
    named = _PART.fullmatch(file.name)
    if named is None:
        return [file]
    start, end = named.groups()
    return sorted(each for each in file.parent.iterdir() if _is_part(each.name, start, end))


def _is_part(name: str, start: str, end: str) -> bool:
    named = _PART.fullmatch(name)
    return named is not None and named.groups() == (start, end)


def _texts(file: Path) -> Iterator[tuple[str, str]]:
    """Yield the keys of a file whose values are texts, with them."""
    with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as data:
        head = _Head(data)
        if head.taken(len(_MAGIC)) != _MAGIC or head.number("I") not in _VERSIONS:
            raise ValueError
        _tensors, keys = head.number("Q"), head.number("Q")
        for _ in range(keys):
            key, kind = head.text(), head.number("I")
            if kind == _TEXT:
                yield key, head.text()
            else:
                head.skip(kind)


class _Head:
    """What is left of the head of a file."""

    def __init__(self, data: mmap) -> None:
        self._data = data
        self._at = 0

    def taken(self, size: int) -> bytes:
        """Return the next bytes; raises ValueError where there are not so many."""
        self._at += size
        if self._at > len(self._data):
            raise ValueError
        return self._data[self._at - size : self._at]

    def number(self, kind: str) -> int:
        return int(struct.unpack(f"<{kind}", self.taken(struct.calcsize(kind)))[0])

    def text(self) -> str:
        return self.taken(self.number("Q")).decode(errors="replace")

    def skip(self, kind: int) -> None:
        """Pass over a value; raises ValueError if its type is unknown."""
        if kind == _TEXT:
            self.text()
        elif kind != _LIST:
            self.taken(_size(kind))
        else:
            kind, count = self.number("I"), self.number("Q")
            if kind in _NUMBERS:
                self.taken(_size(kind) * count)
            else:
                for _ in range(count):
                    self.skip(kind)


def _size(kind: int) -> int:
    if kind not in _NUMBERS:
        raise ValueError
    return struct.calcsize(_NUMBERS[kind])
