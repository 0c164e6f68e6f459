"""Headers: what every call is signed and sent with.

The variables are those of the `openai` package. What a service wants beside a key, such as Azure's
``api-key``, can be named in OPENAI_CUSTOM_HEADERS, a line ``NAME: VALUE`` for each header; the
client `openai-sdk` (`evolinstruct.llm.openai_sdk`) has Azure's own ways of signing in.
"""

from __future__ import annotations

import os
from base64 import b64encode
from importlib import metadata
from urllib.parse import SplitResult, unquote

NO_KEY = "not-needed"  # some local servers refuse a call without an Authorization header


def headers_of(base: SplitResult, key: str | None) -> dict[str, str]:
    """Return the headers for a server, from its base URL and the key for it."""
    headers = {
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": f"evolinstruct/{metadata.version('evolinstruct')}",
        "openai-organization": os.environ.get("OPENAI_ORG_ID", ""),
        "openai-project": os.environ.get("OPENAI_PROJECT_ID", ""),
        "authorization": f"Bearer {NO_KEY}",
    }
    for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    if base.username or base.password:
        user = f"{unquote(base.username or '')}:{unquote(base.password or '')}"
        headers["authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    return {name: value for name, value in headers.items() if value}
