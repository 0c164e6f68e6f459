"""A service of batches in OpenAI's form, which loses, reorders, doubles, expires and half-fails."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loopback.answers import Answer, Ask, Handler, drop, error, http


@dataclass
class Made:
    """A batch of the service.

    Attributes:
        id: its name.
        source: the file that it was made of.
        looks: how often it has been looked at.
        state: as the service calls it.
        files: what came of it: the file of results and that of errors.
        key: who made it.
        trouble: why it failed.
    """

    id: str
    source: str
    key: str
    looks: int = 0
    state: str = "validating"
    files: dict[str, str] = field(default_factory=dict)
    trouble: dict[str, str] | None = None


Fault = Callable[["Batches", Made, list[dict[str, Any]]], str]
"""What becomes of the results of a batch: changes the lines in place, returns the final state."""


class Batches:
    """A handler that answers files of calls, each by an ordinary handler.

    Attributes:
        files: by name.
        made: batches by name.
        paid: how often each call was answered, by its custom id.
        requests: how often it was asked anything.
        asked: how often each call was in a batch that ended, by its custom id.
    """

    def __init__(self, answer: Handler, *faults: Fault, looks: int = 1) -> None:
        """Answer calls; the first batches have these faults, one each; end after so many looks."""
        self._answer = answer
        self._faults = [*faults]
        self._looks = looks
        self.files: dict[str, bytes] = {}
        self.made: dict[str, Made] = {}
        self.paid: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.requests = 0
        self.lost_answers = 0
        """How many of the next answers to a new batch get lost on their way."""

    def __call__(self, ask: Ask) -> Answer:
        return error(400, "this model is asked in batches alone")

    def route(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer whatever is no request for a completion."""
        self.requests += 1
        parts = urlsplit(target)
        path = parts.path.removeprefix("/v1")
        key = headers.get("authorization", "")
        match method, path.strip("/").split("/"):
            case "POST", ["files"]:
                return self._take(headers, body)
            case "GET", ["files", name, "content"] if name in self.files:
                return http(200, self.files[name], content_type="application/jsonl")
            case "POST", ["batches"]:
                return self._make(json.loads(body), key)
            case "GET", ["batches"]:
                return self._listed(parse_qs(parts.query), key)
            case "GET", ["batches", name] if name in self.made and self.made[name].key == key:
                return self._look(self.made[name])
        return error(404, f"nothing at {method} {path}")

    def _take(self, headers: Mapping[str, str], body: bytes) -> Answer:
        head = f"content-type: {headers['content-type']}\r\n\r\n".encode()
        parts = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in BytesParser().parsebytes(head + body).walk()
            if not part.is_multipart()
        }
        assert parts["purpose"] == b"batch"
        return self._json({"id": self._stored(parts["file"]), "object": "file"})  # type: ignore[arg-type]

    def _stored(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _make(self, asked: dict[str, Any], key: str) -> Answer:
        assert asked["endpoint"] == "/v1/chat/completions"
        made = Made(f"batch-{len(self.made)}", asked["input_file_id"], key)
        self.made[made.id] = made
        if self.lost_answers:
            self.lost_answers -= 1
            return drop()
        return self._json(self._told(made))

    def _listed(self, query: dict[str, list[str]], key: str) -> Answer:
        newest = [made for made in reversed(self.made.values()) if made.key == key]
        after = query.get("after", [""])[0]
        ids = [made.id for made in newest]
        start = ids.index(after) + 1 if after else 0
        page = newest[start : start + 2]
        told = {"data": [*map(self._told, page)], "has_more": start + 2 < len(newest)}
        return self._json(told)

    def _look(self, made: Made) -> Answer:
        made.looks += 1
        if made.state in {"validating", "in_progress"}:
            made.state = "in_progress"
            if made.looks >= self._looks:
                self._end(made)
        return self._json(self._told(made))

    def _end(self, made: Made) -> None:
        asked = [json.loads(line) for line in self.files[made.source].splitlines()]
        assert len({line["custom_id"] for line in asked}) == len(asked)
        fault = self._faults.pop(0) if self._faults else whole
        lines = [self._line(line) for line in asked]
        made.state = fault(self, made, lines)
        for line in lines:
            if line.get("response", {}) and line["response"]["status_code"] == 200:
                self.paid[line["custom_id"]] += not line.pop("is_copy", False)
        good = [line for line in lines if line["response"] and not line["error"]]
        for name, part in (("output_file_id", good), ("error_file_id", without(lines, good))):
            if part:
                told = "".join(json.dumps(line) + "\n" for line in part).encode()
                made.files[name] = self._stored(told)

    def _line(self, asked: dict[str, Any]) -> dict[str, Any]:
        name, body = asked["custom_id"], asked["body"]
        assert (asked["method"], asked["url"]) == ("POST", "/v1/chat/completions")
        self.asked[name] += 1
        wire = self._answer(Ask(body, {}, 0, "/v1/chat/completions")).wire
        head, _, content = wire.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        response = {"status_code": status, "request_id": name, "body": json.loads(content)}
        return {"id": f"r-{name}", "custom_id": name, "response": response, "error": None}

    def _told(self, made: Made) -> dict[str, Any]:
        errors = {"object": "list", "data": [made.trouble]} if made.trouble else None
        about = {"id": made.id, "object": "batch", "input_file_id": made.source}
        total = self.files[made.source].count(b"\n")
        counts = {"total": total, "completed": 0, "failed": 0}
        return {
            **about,
            "status": made.state,
            "errors": errors,
            "request_counts": counts,
        } | made.files

    def _json(self, found: object) -> Answer:
        return http(200, json.dumps(found).encode())


def without(lines: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line not in others]


# Faults


def whole(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    return "completed"


def shuffled(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    random.Random(1).shuffle(lines)
    return "completed"


def doubled(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    """Bring each line twice, and some of calls that nobody made."""
    lines += [{**line, "is_copy": True} for line in lines]
    strange = {"status_code": 200, "body": lines[0]["response"]["body"]}
    lines += [
        {"custom_id": name, "response": strange, "error": None, "is_copy": True}
        for name in ("0" * 32, "mine")
    ]
    return "completed"


def expired(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    """Answer every second call; the others are told to have expired."""
    for line in lines[::2]:
        line["response"] = None
        line["error"] = {"code": "batch_expired", "message": "This request could not be executed"}
    return "expired"


def cancelled(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    """Answer every third call, and say nothing of the others."""
    lines[:] = lines[::3]
    return "cancelled"


def half_failed(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    """Answer every second call; the others get an error of the service."""
    for line in lines[::2]:
        line["response"] = {"status_code": 500, "body": {"error": {"message": "trouble"}}}
    return "completed"


def lossy(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    """Lose every fourth line."""
    del lines[::4]
    return "completed"


def full(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    """Turn the batch down, because too many tokens wait."""
    lines.clear()
    made.trouble = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
    return "failed"


def turned_down(service: Batches, made: Made, lines: list[dict[str, Any]]) -> str:
    """Turn the batch down for good."""
    lines.clear()
    made.trouble = {"code": "invalid_batch", "message": "The model gpt-0 has no batches"}
    return "failed"
