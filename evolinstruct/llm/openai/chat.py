"""The chat-completions format: turns a request into a body, and a body into a reply or an error.

Written for the JSON of OpenAI-compatible services, and for those that stray from it. What a service
puts in a reasoning field of its own is left out. A ``<think>`` block inside the content stays:
`reading` takes it away, because the journal keeps replies as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from evolinstruct.errors import CallRejected
from evolinstruct.llm.base import Limits, Reply, Request, Usage, encodable
from evolinstruct.llm.intake import count
from evolinstruct.llm.secrets import MARK, Secrets
from evolinstruct.text import shorten

PATH = "/chat/completions"
"""Where a service takes calls, below its base URL."""

_LONGEST_MESSAGE = 300  # characters; a message is read by a person and stored in a line
_LONGEST_READ = 5_000  # characters of a service's message that are looked at
_TRUNCATED = frozenset({"max_tokens", "model_length", "max_length"})
_REASONING = ("reasoning_content", "reasoning")
_FILTERED = frozenset({"content_filter", "safety", "prohibited_content"})

_SECRETS = re.compile(
    r"(?<=bearer )\S+"
    r"|\b(?:sk|pk|rk|gsk|csk|hf|xai|r8|key|tgp)[-_][\w.*-]{6,}"
    r"|\bAIza[\w-]{20,}"
    r"|(?<=://)[^\s/]+(?=@)"
    r"|(?:(?<=key=)|(?<=token=)|(?<=password=))[^\s&\"']+",
    re.IGNORECASE,
)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class UnreadableError(ValueError):
    """The body holds no reply; the message says what it holds instead."""


class StrangerError(UnreadableError):
    """No such service sends this kind of body: a web page, a stream of events."""


def body(request: Request) -> dict[str, object]:
    """Return the request's body; a setting that is None is left to the service."""
    return {
        "model": request.model,
        "messages": [{"role": role, "content": content} for role, content in request.messages],
        **request.parameters(),
    }


def parse(content: bytes) -> Mapping[str, object]:
    """Return the JSON object in a body.

    Raises:
        UnreadableError: there is none.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):  # nesting without end is garbage too
        raise _instead_of_json(content) from None
    if not isinstance(found, dict):
        raise UnreadableError(f"expected a JSON object, found {_shown(found)}")
    return found


def reply(found: Mapping[str, object], limits: Limits | None = None) -> Reply:
    """Return the reply in a parsed body, with the limits that its headers announced.

    Raises:
        UnreadableError: the body holds none.
        CallRejected: the service's content filter withheld it.
    """
    choice = _first(found.get("choices"))
    if choice is None:
        raise UnreadableError(f"the reply has no choices: {_shown(found)}")
    finish = _word(choice.get("finish_reason")).lower()
    if finish in _FILTERED:
        raise CallRejected("refused_by_service", "the service's content filter withheld the reply")
    if finish == "error":
        raise UnreadableError(f"the service broke off: {said(choice.get('error'))}")
    message = choice.get("message")
    return Reply(
        text=encodable(_text(message)),
        finish_reason="length" if finish in _TRUNCATED else encodable(finish),
        usage=_usage(found.get("usage")),
        model=encodable(_word(found.get("model"))),
        limits=limits,
        reasoned=any(_fields(message).get(name) for name in _REASONING),
    )


def error(content: bytes) -> object:
    """Return the error in a body: as JSON, or else as text."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return content[:_LONGEST_READ].decode(errors="replace")
    return found.get("error", found) if isinstance(found, dict) else found


def param(error: object) -> object:
    """Return the parameter that an error names as its cause, or None."""
    return _fields(error).get("param")


def model_names(found: Mapping[str, object]) -> list[str]:
    """Return the names in a list of models."""
    listed = found.get("data")
    rows = listed if isinstance(listed, list) else []
    return [name for row in rows if isinstance(name := _fields(row).get("id"), str)]


def codes(error: object) -> Iterator[str]:
    """Yield the names that a service gives an error: its code, its type."""
    for name in ("code", "type"):
        word = _fields(error).get(name)
        if isinstance(word, str):
            yield word.lower()


def said(error: object) -> str:
    """Return a service's message about an error, whatever shape it has, or how it begins."""
    fields = _fields(error)
    for name in ("message", "detail", "error"):
        if isinstance(fields.get(name), str):
            return str(fields[name])[:_LONGEST_READ]
    if isinstance(error, str):
        return _page(error[:_LONGEST_READ]) or error[:_LONGEST_READ]
    return _shown(error)[:_LONGEST_READ] if error else ""


def clean_message(message: str, secrets: Secrets) -> str:
    """Return a service's message, made fit for a terminal and a file.

    That is one line of at most 300 characters, without control characters, without the secrets and
    without anything that looks like one.
    """
    # Secrets first: of one that is cut, or broken by a control character, a part would be left.
    start = secrets.hide_all(message)[:_LONGEST_READ]
    line = "".join(c if c.isprintable() else " " for c in start)
    return shorten(" ".join(_SECRETS.sub(MARK, line).split()), _LONGEST_MESSAGE)


def _text(message: object) -> str:
    """Return a message's content: a string, null, or a list of parts."""
    if not isinstance(message, dict):
        raise UnreadableError("the reply's first choice has no message")
    content = message.get("content")
    if content is None:
        return _word(message.get("refusal"))  # a refusal is a reply too: the rules judge it
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    raise UnreadableError(f"the reply's content is no text: {_shown(content)}")


def _part(part: object) -> str:
    """Return the text of one part of a content; reasoning and pictures have none."""
    if isinstance(part, dict) and part.get("type", "text") in ("text", "output_text"):
        part = part.get("text")
    return part if isinstance(part, str) else ""


def _usage(usage: object) -> Usage:
    fields = _fields(usage)
    prompt = _fields(fields.get("prompt_tokens_details"))
    completion = _fields(fields.get("completion_tokens_details"))
    cached = count(prompt.get("cached_tokens"))
    return Usage(
        prompt_tokens=count(fields.get("prompt_tokens")),
        completion_tokens=count(fields.get("completion_tokens")),
        # DeepSeek counts them in a field of its own
        cached_tokens=count(fields.get("prompt_cache_hit_tokens")) if cached is None else cached,
        reasoning_tokens=count(completion.get("reasoning_tokens")),
    )


def _first(choices: object) -> Mapping[str, object] | None:
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _fields(value: object) -> Mapping[str, object]:
    """Return an object's fields; a list stands for its first element, as Gemini sends errors."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return {}
    inner = value.get("error")
    return inner if isinstance(inner, dict) else value


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _shown(value: object) -> str:
    """Return a value as JSON; what nests as deep as can be read cannot always be written."""
    try:
        return json.dumps(value)
    except RecursionError:
        return "lists in lists without end"


def _instead_of_json(content: bytes) -> UnreadableError:
    text = content[:_LONGEST_READ].decode(errors="replace").strip()
    if not text:
        return UnreadableError("the reply is empty")
    if text.startswith(("data:", "event:", ":")):
        return StrangerError(f"a stream of events, though none was asked for: {text}")
    if page := _page(text):
        return StrangerError(page)
    return UnreadableError(f"expected JSON, found {text!r}")


def _page(text: str) -> str | None:
    """Return what a web page says, in one line; None where the text is no web page."""
    if not text.lstrip().lower().startswith(("<!doctype", "<html", "<head", "<?xml")):
        return None
    title = _TITLE.search(text)
    words = title.group(1) if title else _TAG.sub(" ", text)
    return f"a web page, as a proxy or a wrong address sends: {' '.join(words.split())}"
