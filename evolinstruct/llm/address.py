"""Address: what a server's base URL may be, how it is shown, and which of its parts are secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from evolinstruct.errors import UsageError
from evolinstruct.text import shorten

_LONGEST_SHOWN = 200
_LONGEST_HOST = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_CLEAR = re.compile(r"(\w+://)?[^:@?/]*(:\d*)?(/[^:@?]*)?")
"""A wrong URL of this form holds no user name, password or query, however it is read."""


def check(url: str) -> None:
    """Refuse a base URL that is none.

    Raises:
        UsageError: it is not whole, or holds what no URL can hold.
    """
    if (reason := _fault(url)) is not None:
        start, slashes, _ = url.strip().partition("://")
        shown = url if _CLEAR.fullmatch(url) else f"{start}://…" if slashes else "…"
        raise UsageError(
            f"The base URL {shorten(shown, _LONGEST_SHOWN)!r} is not one{reason};"
            " write it whole, as in http://localhost:8000/v1."
        )


def is_url(url: str) -> bool:
    """Tell whether an address of a server, or of a proxy, is one."""
    return _fault(url) is None


def bare(url: str) -> str:
    """Return a URL as it is shown and stored: without user name, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, _server(parts), parts.path, "", ""))


def server(url: str) -> str:
    """Return the host and port of a base URL."""
    return _server(urlsplit(url))


def secrets(url: str) -> Iterator[str]:
    """Yield what of a URL is secret: its user name, its password, the values of its query."""
    parts = urlsplit(url)
    userinfo = parts.netloc.rpartition("@")[0]
    user, _, password = map(unquote, userinfo.partition(":"))
    # The pair too: its base64 is what is sent, and holds the base64 of neither part.
    yield from (userinfo, f"{user}:{password}" if userinfo else "", user, password)
    yield from (value for _, value in parse_qsl(parts.query))
    yield from (pair.partition("=")[2] for pair in parts.query.split("&"))


def _server(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _fault(url: str) -> str | None:
    """Return what is wrong with a base URL, in words to follow a sentence; None if nothing is."""
    if " " in url or not url.isprintable():
        return " (it holds a blank or a control character)"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host or port == 0 or "\\" in parts.netloc:
        return ""
    if "@" in url and "@" not in parts.netloc:
        return " (an @ stands behind the host; in a password, write / ? # and @ as %2F %3F %23 %40)"
    return None if _is_host(host) else " (no host can have this name)"


def _is_host(host: str) -> bool:
    """Tell whether a name or an address can be looked up."""
    try:
        if ":" in host:
            return bool(IPv6Address(host))
        labels = host.encode("idna").decode().removesuffix(".").split(".")
    except ValueError:
        return False
    return all(map(_LABEL.fullmatch, labels)) and len(host) <= _LONGEST_HOST
