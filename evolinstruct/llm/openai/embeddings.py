"""The embeddings format: turns a request into a body, and a body into a reply that is a vector."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from evolinstruct.llm.base import Limits, Reply, Request, Usage, encodable, encode_vector
from evolinstruct.llm.intake import count
from evolinstruct.llm.openai import chat

PATH = "/embeddings"
"""Where a service takes texts to embed, below its base URL."""


def body(request: Request) -> dict[str, object]:
    """Return the request's body: the model embeds the last message."""
    return {"model": request.model, "input": request.messages[-1][1], **request.parameters()}


def trouble(found: Mapping[str, object]) -> object:
    """Return the error that a body holds in the place of a vector; see :func:`chat.trouble`."""
    return chat.trouble(found, "data")


def reply(found: Mapping[str, object], limits: Limits | None = None) -> Reply:
    """Return the reply in a parsed body, with the limits that its headers announced.

    Raises:
        UnreadableError: the body holds no vector.
    """
    data, usage, model = found.get("data"), found.get("usage"), found.get("model")
    first = data[0] if isinstance(data, list) and data else None
    vector = first.get("embedding") if isinstance(first, dict) else None
    if not isinstance(vector, list) or not vector or not all(map(_is_number, vector)):
        raise chat.UnreadableError("the reply's data holds no embedding of numbers")
    tokens = count(usage.get("prompt_tokens")) if isinstance(usage, dict) else None
    name = model if isinstance(model, str) else ""
    return Reply(encode_vector(vector), "stop", Usage(tokens), encodable(name), limits)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and isfinite(value) and abs(value) < _MOST  # type: ignore[arg-type]


_MOST = 1e30
"""Beyond it a number may not fit 32 bits."""
