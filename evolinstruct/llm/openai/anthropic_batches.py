"""Anthropic's batches: calls in its own form go up in one request, and are found by their ids.

Its endpoint in OpenAI's form has no batches. So a call that is asked in that form is put into
Anthropic's, and what comes is put back, before anything else sees it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Container, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from evolinstruct.llm.intake import count
from evolinstruct.llm.openai.batches import Batch, BatchService, Result, Terms

HOST = "api.anthropic.com"
TERMS = Terms(requests=100_000, size=250_000_000)
_VERSION = "2023-06-01"
_CLOCKS = 600.0  # seconds by which theirs and ours may differ
_FINISH = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
_FINISH |= {"refusal": "content_filter", "model_context_window_exceeded": "length"}
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def headers_of(headers: Mapping[str, str], key: str | None) -> dict[str, str]:
    """Return the headers that calls in Anthropic's own form are signed and sent with."""
    others = {name: value for name, value in headers.items() if name != "authorization"}
    return {**others, "x-api-key": key or "", "anthropic-version": _VERSION}


class AnthropicBatchService(BatchService):
    """Sends batches to Anthropic."""

    path = "/messages/batches"
    keeps_files = False

    def __init__(self, *how: Any) -> None:
        """Connect to nothing yet; takes what `BatchService` takes."""
        super().__init__(*how)
        self.terms = TERMS

    def line(self, custom_id: str, body: Mapping[str, object]) -> bytes:
        """Return the part of a request that asks for one call."""
        return json.dumps({"custom_id": custom_id, "params": params(body)}).encode() + b"\n"

    async def upload(self, lines: Path, name: str, first: str, size: int) -> str:  # noqa: ARG002
        """Send nothing yet; return the ids by which a batch is found that is made from now on."""
        return json.dumps([first, size, round(time.time())])

    async def create(self, source: str, mark: str, lines: Path | None) -> Batch:  # noqa: ARG002
        """Send the calls of a file as one batch."""
        assert lines is not None  # noqa: S101 - asked only where it is there
        with TemporaryFile() as whole, lines.open("rb") as file:
            whole.write(b'{"requests":[')
            whole.write(file.readline())
            for line in file:
                whole.write(b"," + line)
            whole.write(b"]}")
            whole.seek(0)
            made = await self._answered(self._connected.send_file(self.path, whole))
        return self._batch(self._found(made))

    async def find(self, source: str, known: Container[str]) -> Batch | None:
        """Return the batch that is likely to be of these calls, None where none can be.

        What its calls are is told with its results alone. So it is the one of their number that was
        made next; if it is another's, it brings no result of these calls, and they are asked again.
        """
        _, size, noted = json.loads(source)
        near: list[tuple[float, Mapping[str, object]]] = []
        async for row in self._listed("after_id"):
            made = _moment(row.get("created_at"))
            if made < noted - _CLOCKS:
                break
            if sum(_counts(row).values()) == size and row.get("id") not in known:
                near.append((abs(made - noted), row))
        return self._batch(min(near, key=lambda each: each[0])[1]) if near else None

    def _path_of(self, results: str) -> str:
        return f"{self.path}/{results}/results"

    def _batch(self, found: Mapping[str, object]) -> Batch:
        name, counts = str(found.get("id")), _counts(found)
        has_ended = found.get("processing_status") == "ended"
        undone = ("processing", "canceled", "expired")
        return Batch(
            name,
            "",
            has_ended=has_ended,
            is_complete=has_ended and not any(counts.get(state) for state in undone),
            results=(name,) if has_ended else (),
            done=sum(number for state, number in counts.items() if state not in undone),
        )

    def _came(self, found: Mapping[str, object]) -> Result | None:
        """Return what came of a call, in OpenAI's form; None where it was not carried out."""
        result = _fields(found.get("result"))
        if result.get("type") == "succeeded":
            return Result(200, completion(_fields(result.get("message"))))
        if result.get("type") != "errored":
            return None
        error = _fields(result.get("error"))
        error = _fields(error.get("error")) or error
        status = _STATUS.get(str(error.get("type")), 500)
        return Result(status, {"error": error})


def params(body: Mapping[str, object]) -> dict[str, object]:
    """Return a body of OpenAI's form in Anthropic's: what the system says stands by itself."""
    others = {name: value for name, value in body.items() if name != "messages"}
    messages: Any = body["messages"]
    system = [each["content"] for each in messages if each["role"] == "system"]
    told = {"system": "\n\n".join(system)} if system else {}
    spoken = [each for each in messages if each["role"] != "system"]
    length = others.pop("max_completion_tokens", None)
    bound = {} if length is None else {"max_tokens": length}
    return {**others, **bound, **told, "messages": spoken}


def completion(message: Mapping[str, object]) -> dict[str, object]:
    """Return a message of Anthropic's form in OpenAI's."""
    parts = message.get("content")
    blocks = map(_fields, parts if isinstance(parts, list) else ())
    text = "".join(str(each.get("text", "")) for each in blocks if each.get("type") == "text")
    finish = str(message.get("stop_reason"))
    used = _fields(message.get("usage"))
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    into = [count(used.get(name)) for name in names]
    usage = {**used, "completion_tokens": used.get("output_tokens")}
    if into[0] is not None:
        usage["prompt_tokens"] = sum(number or 0 for number in into)
    said = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": _FINISH.get(finish, finish), "message": said}
    about = {"object": "chat.completion", "model": message.get("model"), "usage": usage}
    return {**about, "choices": [choice]}


def _counts(found: Mapping[str, object]) -> dict[str, int]:
    counts = _fields(found.get("request_counts"))
    return {name: number for name, number in counts.items() if isinstance(number, int)}


def _fields(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _moment(said: object) -> float:
    """Return a time in seconds since 1970; one that cannot be read is now."""
    try:
        return datetime.fromisoformat(str(said)).timestamp()
    except ValueError:
        return time.time()
