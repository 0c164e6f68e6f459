"""A service of batches in OpenAI's form, which loses, reorders, doubles, expires and half-fails."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
        at: when it was made.
    """

    id: str
    source: str
    key: str
    looks: int = 0
    state: str = "validating"
    files: dict[str, str] = field(default_factory=dict)
    trouble: dict[str, str] | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


UNDONE = {"validating", "in_progress"}
Fault = Callable[["Batches", Made, list[dict[str, Any]]], str]
"""What becomes of the results of a batch: changes the lines in place, returns the final state."""


class Batches:
    """A handler that answers files of calls, each by an ordinary handler.

    Attributes:
        files: by name.
        made: batches by name.
        paid: how often each call was answered, by its custom id.
        faults: those of the next batches.
        urls: where batches said that their calls go.
        uploads: where files were brought.
        requests: how often it was asked anything.
        asked: how often each call was in a batch that ended, by its custom id.
    """

    def __init__(self, answer: Handler, *faults: Fault, looks: int = 1) -> None:
        """Answer calls; the first batches have these faults, one each; end after so many looks."""
        self._answer = answer
        self.faults = [*faults]
        self._looks = looks
        self.files: dict[str, bytes] = {}
        self.made: dict[str, Made] = {}
        self.paid: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.urls: set[str] = set()
        self.uploads: set[str] = set()
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
            case "POST", ["files"] | ["files", "upload"]:
                self.uploads.add(path)
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
        assert parts["purpose"] in {b"batch", b"batch-api"}
        return self._json({"id": self._stored(parts["file"]), "object": "file"})  # type: ignore[arg-type]

    def _stored(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    def _make(self, asked: dict[str, Any], key: str) -> Answer:
        self.urls.add(asked["endpoint"])
        made = Made(f"batch-{len(self.made)}", asked["input_file_id"], key)
        self.made[made.id] = made
        if self.lost_answers:
            self.lost_answers -= 1
            return drop()
        return self._json(self._told(made))

    def _listed(self, query: dict[str, list[str]], key: str, after_name: str = "after") -> Answer:
        newest = [made for made in reversed(self.made.values()) if made.key == key]
        after = query.get(after_name, [""])[0]
        ids = [made.id for made in newest]
        start = ids.index(after) + 1 if after else 0
        page = newest[start : start + 2]
        told = {"data": [*map(self._told, page)], "has_more": start + 2 < len(newest)}
        return self._json(told)

    def _look(self, made: Made) -> Answer:
        made.looks += 1
        if made.state in UNDONE:
            made.state = "in_progress"
            if made.looks >= self._looks:
                self._end(made)
        return self._json(self._told(made))

    def _end(self, made: Made) -> None:
        asked = [json.loads(line) for line in self.files[made.source].splitlines()]
        assert len({line["custom_id"] for line in asked}) == len(asked)
        fault = self.faults.pop(0) if self.faults else whole
        lines = [self.result(line) for line in asked]
        made.state = fault(self, made, lines)
        for line in lines:
            if line.get("response", {}) and line["response"]["status_code"] == 200:
                self.paid[line["custom_id"]] += not line.pop("is_copy", False)
        good = [line for line in lines if line["response"] and not line["error"]]
        for name, part in (("output_file_id", good), ("error_file_id", without(lines, good))):
            if part:
                told = "".join(json.dumps(self._written(line)) + "\n" for line in part).encode()
                made.files[name] = self._stored(told)

    def result(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what comes of a line of calls."""
        name, body = asked["custom_id"], asked["body"]
        assert (asked["method"], {asked["url"]}) == ("POST", self.urls)
        self.asked[name] += 1
        wire = self._answer(Ask(body, {}, 0, "/v1/chat/completions")).wire
        head, _, content = wire.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        response = {"status_code": status, "request_id": name, "body": json.loads(content)}
        return {"id": f"r-{name}", "custom_id": name, "response": response, "error": None}

    def _written(self, line: dict[str, Any]) -> dict[str, Any]:
        return line

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


class AnthropicBatches(Batches):
    """The same in Anthropic's form: calls come in one request, and results are no files."""

    def route(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer whatever is no request for a completion."""
        self.requests += 1
        parts = urlsplit(target)
        key = headers.get("x-api-key", "")
        assert "authorization" not in headers
        match method, parts.path.removeprefix("/v1/messages/batches").strip("/").split("/"):
            case "POST", [""]:
                lines = [json.dumps(each).encode() for each in json.loads(body)["requests"]]
                asked = {"input_file_id": self._stored(b"\n".join(lines) + b"\n")}
                return self._make({**asked, "endpoint": "/v1/chat/completions"}, key)
            case "GET", [""]:
                return self._listed(parse_qs(parts.query), key, "after_id")
            case "GET", [name] if name in self.made and self.made[name].key == key:
                return self._look(self.made[name])
            case "GET", [name, "results"] if self.made[name].state not in UNDONE:
                made = self.made[name]
                return http(200, b"".join(self.files[each] for each in made.files.values()))
        return error(404, f"nothing at {method} {parts.path}")

    def result(self, asked: dict[str, Any]) -> dict[str, Any]:
        asked_for = asked["params"]
        assert asked_for["max_tokens"] > 0
        about = {"custom_id": asked["custom_id"], "body": asked_for, "method": "POST"}
        return super().result({**about, "url": "/v1/chat/completions"})

    def _written(self, line: dict[str, Any]) -> dict[str, Any]:
        response, result = line["response"], dict[str, Any]()
        if response is None:
            result = {"type": "expired"}
        elif response["status_code"] == 200:
            [choice], used = response["body"]["choices"], response["body"]["usage"]
            finish = {"stop": "end_turn", "length": "max_tokens"}[choice["finish_reason"]]
            message = {
                "model": "claude-loopback",
                "content": [{"type": "text", "text": choice["message"]["content"]}],
                "stop_reason": finish,
                "usage": {
                    "input_tokens": used["prompt_tokens"],
                    "output_tokens": used["completion_tokens"],
                },
            }
            result = {"type": "succeeded", "message": message}
        else:
            said = response["body"]["error"]
            kind = "api_error" if response["status_code"] >= 500 else "invalid_request_error"
            inner = {**said, "type": kind}
            result = {"type": "errored", "error": {"type": "error", "error": inner}}
        return {"custom_id": line["custom_id"], "result": result}

    def _told(self, made: Made) -> dict[str, Any]:
        total = self.files[made.source].count(b"\n")
        has_ended = made.state not in UNDONE
        counts = {"processing": 0 if has_ended else total, "succeeded": total * has_ended}
        if made.state in {"expired", "cancelled"}:
            counts |= {"succeeded": total - 1, "expired": 1}
        return {
            "id": made.id,
            "type": "message_batch",
            "processing_status": "ended" if has_ended else "in_progress",
            "request_counts": counts,
            "created_at": made.at.isoformat(),
        }


class MistralBatches(Batches):
    """The same in Mistral's form: files as ever, and jobs in the place of batches."""

    STATES = {"completed": "SUCCESS", "failed": "FAILED", "expired": "TIMEOUT_EXCEEDED"} | {
        "validating": "QUEUED",
        "in_progress": "RUNNING",
        "cancelled": "CANCELLED",
    }

    def route(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer whatever is no request for a completion."""
        parts = urlsplit(target)
        key = headers.get("authorization", "")
        match method, parts.path.removeprefix("/v1").strip("/").split("/"):
            case "POST", ["batch", "jobs"]:
                self.requests += 1
                asked = json.loads(body)
                [source] = asked["input_files"]
                assert asked["model"]
                return self._make({"input_file_id": source, "endpoint": asked["endpoint"]}, key)
            case "GET", ["batch", "jobs"]:
                self.requests += 1
                query = parse_qs(parts.query)
                page, size = int(query["page"][0]), int(query["page_size"][0])
                newest = [made for made in reversed(self.made.values()) if made.key == key]
                some = newest[page * size : (page + 1) * size]
                return self._json({"data": [*map(self._told, some)], "total": len(newest)})
            case "GET", ["batch", "jobs", name] if self._is_of(name, key):
                self.requests += 1
                return self._look(self.made[name])
            case _, ["files", *_]:
                return super().route(method, target, headers, body)
        return error(404, f"nothing at {method} {parts.path}")

    def _is_of(self, name: str, key: str) -> bool:
        return name in self.made and self.made[name].key == key

    def result(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert "model" not in asked["body"]
        assert asked.keys() == {"custom_id", "body"}
        body = {**asked["body"], "model": "loopback-1"}
        about = {"custom_id": asked["custom_id"], "body": body, "method": "POST"}
        return super().result({**about, "url": "/v1/chat/completions"})

    def _told(self, made: Made) -> dict[str, Any]:
        total = self.files[made.source].count(b"\n")
        return {
            "id": made.id,
            "object": "batch",
            "input_files": [made.source],
            "endpoint": "/v1/chat/completions",
            "status": self.STATES[made.state],
            "errors": [made.trouble] if made.trouble else [],
            "output_file": made.files.get("output_file_id"),
            "error_file": made.files.get("error_file_id"),
            "total_requests": total,
            "completed_requests": 0 if made.state in UNDONE else total,
        }


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
