"""What is asked of the server, and everything it can put on the wire in return."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import responses
from math import log
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for a completion.

    Attributes:
        json: the body.
        headers: names in lower case.
        nth: how often this prompt was asked before: 0 for the first time.
        target: the path and query.
    """

    json: dict[str, Any]
    headers: Mapping[str, str]
    nth: int
    target: str

    @property
    def prompt(self) -> str:
        """The content of the last message, or the text to be embedded."""
        if "input" in self.json:
            return str(self.json["input"])
        return str(self.json["messages"][-1]["content"])


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes for the wire.

    Attributes:
        wire: the response, head and body, or whatever is sent in its place.
        latency: seconds before the first byte.
        close: hang up afterwards.
        pace: seconds between one byte and the next; 0 sends all at once.
    """

    wire: bytes
    latency: float = 0.0
    close: bool = False
    pace: float = 0.0


Handler = Callable[[Ask], Answer]


@runtime_checkable
class Routes(Protocol):
    """A handler that also answers what is no request for a completion."""

    def route(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return what is sent for a request of any other path."""
        ...


def http(
    status: int,
    body: bytes,
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Any whole HTTP response."""
    lines = [
        f"HTTP/1.1 {status} {responses.get(status, 'Odd')}",
        f"content-type: {content_type}",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return Answer("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def reply(
    content: object,
    *,
    finish: object = "stop",
    tokens: Sequence[tuple[str, Mapping[str, float]]] | None = None,
    **fields: object,
) -> Answer:
    """A completion; further fields go into its message, ``usage`` and ``model`` beside it.

    With ``tokens``, it tells the tokens of the content, and how likely each was beside others.
    """
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    found = {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": 0,
        "model": fields.pop("model", "loopback-1"),
        "usage": fields.pop("usage", usage),
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "logprobs": tokens and {"content": [_token(*token) for token in tokens]},
                "message": {"role": "assistant", "content": content, **fields},
            }
        ],
    }
    return http(200, json.dumps(found).encode())


def _token(text: str, chances: Mapping[str, float]) -> dict[str, Any]:
    told = [{"token": token, "logprob": log(chance)} for token, chance in chances.items()]
    return {"token": text, "logprob": log(chances[text]), "top_logprobs": told}


def vector(*numbers: object) -> Answer:
    """An embedding."""
    found = {
        "object": "list",
        "model": "loopback-1",
        "data": [{"object": "embedding", "index": 0, "embedding": [*numbers]}],
        "usage": {"prompt_tokens": 10, "total_tokens": 10},
    }
    return http(200, json.dumps(found).encode())


def error(
    status: int,
    message: str = "trouble",
    *,
    code: object = None,
    kind: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An error as OpenAI sends it; ``kind`` is its type."""
    found = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return http(status, json.dumps(found).encode(), headers=headers)


def stream(*words: str) -> Answer:
    """A stream of events."""
    chunks = [json.dumps({"choices": [{"index": 0, "delta": {"content": w}}]}) for w in words]
    events = "".join(f"data: {chunk}\n\n" for chunk in [*chunks, "[DONE]"])
    return http(200, events.encode(), content_type="text/event-stream")


def half(answer: Answer) -> Answer:
    """The first half of another answer's bytes, its head whole; then it hangs up."""
    head, _, body = answer.wire.partition(b"\r\n\r\n")
    return Answer(head + b"\r\n\r\n" + body[: len(body) // 2], close=True)


def drop() -> Answer:
    """Hang up without a word."""
    return Answer(b"", close=True)


def garbage() -> Answer:
    """Bytes that are no HTTP."""
    return Answer(b"\x16\x03\x00\xff noise \x00\r\n\r\n", close=True)


def hang() -> Answer:
    """Never answer."""
    return Answer(b"", latency=float("inf"))
