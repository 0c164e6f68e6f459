"""Headers: what every call is signed and sent with.

The variables are those of the `openai` package. What a service wants beside a key, such as Azure's
``api-key``, can be named in OPENAI_CUSTOM_HEADERS, a line ``NAME: VALUE`` for each header; the
client `openai-sdk` (`evolinstruct.llm.openai_sdk`) has Azure's own ways of signing in.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from urllib.parse import SplitResult, unquote

from evolinstruct import environment
from evolinstruct.errors import UsageError

NO_KEY = "not-needed"  # some local servers refuse a call without an Authorization header
_BEARER = "authorization"
_CUSTOM = "OPENAI_CUSTOM_HEADERS"
_VARIABLES = {"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_PUBLIC = re.compile(
    r"accept.*|content-.*|host|http-referer|openai-(organization|project|beta)|origin|referer"
    r"|user-agent|x-stainless-.*|x-title"
)
"""Headers whose value is no secret: it may well be a word of an ordinary reply."""


def headers_of(base: SplitResult, key: str | None, key_header: str = _BEARER) -> dict[str, str]:
    """Return the headers for a server, from its base URL, the key for it and the key's header.

    Raises:
        UsageError: a variable names one that cannot be sent.
    """
    named = {name: environment.variable(variable) for name, variable in _VARIABLES.items()}
    for line in environment.variable(_CUSTOM).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            named[name.strip().lower()] = value.strip()
    _check(named)
    headers = {
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": f"evolinstruct/{metadata.version('evolinstruct')}",
        _BEARER: f"Bearer {NO_KEY}",
        **named,
    }
    if key is not None and key_header == _BEARER:
        headers[_BEARER] = f"Bearer {key}"
    elif key is not None:
        headers |= {_BEARER: "", key_header: key}
    if base.username or base.password:
        user = f"{unquote(base.username or '')}:{unquote(base.password or '')}"
        headers[_BEARER] = f"Basic {b64encode(user.encode()).decode()}"
    return {name: value for name, value in headers.items() if value}


def _check(named: Mapping[str, str]) -> None:
    for name, value in named.items():
        is_name = _NAME.fullmatch(name)
        if not is_name or not value.replace("\t", " ").isprintable():
            what = f"the header {name}" if is_name else "a header's name"
            raise UsageError(
                f"{_VARIABLES.get(name, _CUSTOM)}: {what} holds a line break or another character"
                " that no header has; set it again without."
            )


def secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield what of a call's headers is secret: keys, tokens, cookies, user names and passwords."""
    for name, value in headers.items():
        if _PUBLIC.fullmatch(name.lower()):
            continue
        scheme, _, credential = value.partition(" ")
        if credential == NO_KEY:
            continue
        yield from (value, credential)
        if scheme.lower() == "basic":
            with suppress(ValueError):  # where it is no base64, it is hidden as it is
                user = b64decode(credential + "==").decode()
                yield from (user, *user.split(":", 1))
        if name.lower() == "cookie":
            yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
