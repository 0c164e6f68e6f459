"""Secrets: what no file and no message may show, and the mark that takes its place.

Keys, passwords and the like of every server in use, in each spelling in which a service may send
them back: as they are, percent-encoded, in base64, escaped for JSON or HTML.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MARK = "[secret]"
_IN_TEXTS = 12  # characters; a shorter secret may be a word of an ordinary reply
_IN_MESSAGES = 4
_ESCAPE = re.compile("%[0-9A-F]{2}")


class Secrets:
    """The secrets of the servers in use; a client adds whatever it signs in with."""

    def __init__(self, *values: str | None) -> None:
        """Begin with some, as :meth:`add` takes them."""
        self._values: set[str] = set()
        self._in_texts: list[str] = []
        self._in_bytes: list[bytes] = []
        self._in_messages: list[str] = []
        self.add(*values)

    def add(self, *values: str | None) -> None:
        """Hide these from now on; None, and what is shorter than four characters, is no secret."""
        added = {each for each in values if each and len(each) >= _IN_MESSAGES and each not in MARK}
        if added <= self._values:
            return
        self._values |= added
        self._in_texts = _spelled(each for each in self._values if len(each) >= _IN_TEXTS)
        self._in_bytes = [each.encode("utf-8", "surrogateescape") for each in self._in_texts]
        self._in_messages = _spelled(self._values)

    def hide(self, text: str) -> str:
        """Return a text that becomes data, with a mark for each secret of 12 characters or more."""
        return _marked(text, self._in_texts)

    def hide_in_bytes(self, content: bytes) -> bytes:
        """Return the body of an answer likewise, so that no part of a secret is left by a cut."""
        for spelling in self._in_bytes:
            if spelling in content:
                content = content.replace(spelling, MARK.encode())
        return content

    def hide_all(self, message: str) -> str:
        """Return a message, which is read and is no data, with a mark for each secret."""
        return _marked(message, self._in_messages)


def _marked(text: str, spellings: list[str]) -> str:
    for spelling in spellings:
        if spelling in text:
            text = text.replace(spelling, MARK)
    return text


def _spelled(values: Iterable[str]) -> list[str]:
    """Return all spellings; longer ones first, so that none leaves a part of another one."""
    return sorted({each for value in values for each in _spellings(value)}, key=len, reverse=True)


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    for encoded in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield from (encoded, _ESCAPE.sub(lambda escape: escape[0].lower(), encoded))
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (escaped, escaped.replace("/", "\\/"))
    yield html.escape(secret)
    raw = secret.encode("utf-8", "surrogateescape")
    for encode in (b64encode, urlsafe_b64encode):
        yield encode(raw).decode().rstrip("=")
