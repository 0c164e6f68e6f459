"""The chat-completions format: turns a request into a body, and a body into a reply or an error.

Written for the JSON of OpenAI-compatible services, and for those that stray from it. What a service
puts in a reasoning field of its own is left out. A ``<think>`` block inside the content stays:
`reading` takes it away, because the journal keeps replies as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from evolinstruct.errors import CallRejected
from evolinstruct.llm.base import (
    SERVICE_TIER,
    Alternatives,
    Limits,
    Reply,
    Request,
    Usage,
    encodable,
)
from evolinstruct.llm.intake import count
from evolinstruct.llm.openai.finish_reasons import Finish, finish_of, word_of
from evolinstruct.llm.secrets import MARK, Secrets
from evolinstruct.text import shorten

PATH = "/chat/completions"
"""Where a service takes calls, below its base URL."""

_LONGEST_MESSAGE = 300  # characters; a message is read by a person and stored in a line
_LONGEST_READ = 5_000  # characters of a service's message that are looked at
_REASONING = ("reasoning_content", "reasoning")
_WORDS = ("message", "msg", "detail", "error", "error_message", "error_msg", "status_msg", "title")
_NUMBERS = ("code", "status", "status_code", "statusCode", "error_code")
_INNER = ("error", "errors", "base_resp")
# as DeepSeek, as Anthropic and gateways to it, as Moonshot and Together name cached tokens
_CACHED = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
_FAILURES = frozenset({"error", "failed", "failure", "fail"})

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
    """No such service sends this kind of body: a web page, a stream of events, a welcome."""


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
    return fields_of(found)


def fields_of(found: object) -> Mapping[str, object]:
    """Return the JSON object that a body is.

    Raises:
        UnreadableError: it is none.
    """
    if isinstance(found, list) and found:  # as Gemini sends errors
        found = found[0]
    if not isinstance(found, dict):
        raise UnreadableError(f"expected a JSON object, found {_shown(found)}")
    return found


def trouble(found: Mapping[str, object], replies: str = "choices") -> object:
    """Return the error that a body holds in the place of a reply, None where it holds none.

    Args:
        found: the body.
        replies: the field that its replies are in.

    Raises:
        UnreadableError: it holds neither.
    """
    if _tells(found.get("error")):
        return found
    choice = _first(found.get(replies))
    if choice is not None:
        return choice if _tells(choice.get("error")) else None
    if _is_error(found):
        return found
    shown = f"the reply has no {replies}: {_shown(found)}"
    is_chat = not found or replies in found or str(found.get("object")).startswith("chat")
    raise UnreadableError(shown) if is_chat else StrangerError(shown)


def _tells(error: object) -> bool:
    """Tell whether a field for an error says anything: some services fill it in every reply."""
    return any(error.values()) if isinstance(error, dict) else bool(error)


def _is_error(found: Mapping[str, object]) -> bool:
    """Tell whether a body without a reply is an error of its service's own shape."""
    words = (str(found.get(name)).lower() for name in ("object", "type", "status"))
    return (
        status(found) is not None
        or found.get("success") is False
        or any(_tells(found.get(name)) for name in ("errors", "base_resp", "detail", "msg"))
        or isinstance(found.get("code"), str)
        or not _FAILURES.isdisjoint(words)
    )


def finish_word(found: Mapping[str, object]) -> str:
    """Return the word by which a parsed body says how its reply ended; empty where it says none."""
    return encodable(word_of((_first(found.get("choices")) or {}).get("finish_reason")))


def reply(found: Mapping[str, object], limits: Limits | None = None) -> Reply:
    """Return the reply in a parsed body, with the limits that its headers announced.

    Raises:
        UnreadableError: the body holds none, or the service broke off.
        CallRejected: the service's content filter withheld it.
    """
    word = finish_word(found)
    finish = finish_of(word)
    if finish is Finish.FILTERED:
        told = f"the service's content filter withheld the reply (finish_reason {word!r})"
        raise CallRejected("refused_by_service", told)
    if finish is Finish.BROKEN:
        raise UnreadableError(f"the service broke off its reply (finish_reason {word!r})")
    choice = _first(found.get("choices")) or {}
    message = choice.get("message")
    text = encodable(_text(message))
    return Reply(
        text=text,
        finish_reason="length" if finish is Finish.CUT else word,
        usage=_usage(found),
        model=encodable(_word(found.get("model"))),
        limits=limits,
        reasoned=any(_fields(message).get(name) for name in _REASONING),
        logprobs=_logprobs(choice.get("logprobs"), text),
    )


def error(content: bytes) -> object:
    """Return the error in a body: as JSON, or else as text."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return content[:_LONGEST_READ].decode(errors="replace")
    return error_in(found)


def error_in(found: object) -> object:
    """Return the error in a parsed body."""
    return found.get("error", found) if isinstance(found, dict) else found


def param(error: object) -> object:
    """Return the parameter that an error names as its cause, or None."""
    return _levels(error)[0].get("param")


def model_names(found: Mapping[str, object]) -> list[str]:
    """Return the names in a list of models."""
    listed = found.get("data")
    rows = listed if isinstance(listed, list) else []
    return [name for row in rows if isinstance(name := _fields(row).get("id"), str)]


def codes(error: object) -> Iterator[str]:
    """Yield the names that a service gives an error: its code, its type, its status."""
    for fields in _levels(error):
        for name in ("code", "type", "status", "error"):
            word = fields.get(name)
            if isinstance(word, str):
                yield word.lower()


def status(error: object) -> int | None:
    """Return the status of HTTP that an error names in its body, None where it names none."""
    for fields in _levels(error):
        for name in _NUMBERS:
            number = str(fields.get(name))
            if re.fullmatch("[45][0-9][0-9]", number):
                return int(number)
    return None


def said(error: object) -> str:
    """Return a service's message about an error, whatever shape it has, or how it begins."""
    for fields in _levels(error):
        for name in _WORDS:
            words = fields.get(name)
            if isinstance(words, str) and words:
                return words[:_LONGEST_READ]
    if isinstance(error, str):
        return _page(error[:_LONGEST_READ]) or error[:_LONGEST_READ]
    return _shown(error)[:_LONGEST_READ] if error else ""


def whole(error: object) -> str:
    """Return all that a service says of an error, its details included, or how it begins."""
    return (error if isinstance(error, str) else _shown(error))[:_LONGEST_READ]


def is_page(error: object) -> bool:
    """Tell whether an error is a web page, as a firewall or a proxy sends."""
    return isinstance(error, str) and _page(error[:_LONGEST_READ]) is not None


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


def _logprobs(told: object, text: str) -> tuple[Alternatives, ...]:
    """Return what else might have stood in the place of each token of a text with a digit in it.

    Nothing where the tokens are not those of the text, which may have held a secret that they would
    spell out.
    """
    listed = _fields(told).get("content")
    tokens = [*map(_fields, listed)] if isinstance(listed, list) else []
    if "".join(_word(token.get("token")) for token in tokens).strip() != text.strip():
        return ()
    digits = [token for token in tokens if re.search(r"\d", _word(token.get("token")))]
    return tuple(filter(None, map(_alternatives, digits)))


def _alternatives(token: Mapping[str, object]) -> Alternatives:
    """Return a token, and then what else might have stood in its place; empty if nothing tells."""
    others = token.get("top_logprobs")
    found: dict[str, float] = {}
    for each in (token, *map(_fields, others if isinstance(others, list) else ())):
        if isinstance(logprob := each.get("logprob"), int | float):
            found.setdefault(encodable(_word(each.get("token"))), logprob)
        elif each is token:
            break
    return tuple(found.items())


def _usage(found: Mapping[str, object]) -> Usage:
    fields = _fields(found.get("usage"))
    prompt = _fields(fields.get("prompt_tokens_details"))
    completion = _fields(fields.get("completion_tokens_details"))
    told = (prompt.get("cached_tokens"), *map(fields.get, _CACHED))
    put = (prompt.get("cache_write_tokens"), fields.get("cache_creation_input_tokens"))
    return Usage(
        prompt_tokens=count(fields.get("prompt_tokens")),
        completion_tokens=count(fields.get("completion_tokens")),
        cached_tokens=_first_count(told),
        reasoning_tokens=count(completion.get("reasoning_tokens")),
        written_tokens=_first_count(put),
        tier=encodable(_word(found.get(SERVICE_TIER) or fields.get(SERVICE_TIER))),
    )


def _first_count(values: Iterable[object]) -> int | None:
    return next((known for value in values if (known := count(value)) is not None), None)


def _first(choices: object) -> Mapping[str, object] | None:
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _fields(value: object) -> Mapping[str, object]:
    """Return an object's fields; a list stands for its first element, as Gemini sends errors."""
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else {}


def _levels(error: object) -> tuple[Mapping[str, object], ...]:
    """Return the fields of the error within an object, if there is one, and then its own."""
    outer = _fields(error)
    detail = outer.get("detail")
    within = [*map(outer.get, _INNER), detail if isinstance(detail, dict) else None]
    return (*filter(None, map(_fields, within)), outer)


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
