"""What a service's answer to a call means: try again, skip, or stop.

An answer is judged by its code, else by its wording, else by its status; a call without an answer
by the exception that the transport raised. What headers announce is read here too: how long to
wait, and the limits.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp

from evolinstruct import errors
from evolinstruct.errors import CallError, CallFailed, CallRejected, ServiceRefused, TryAgain
from evolinstruct.llm.base import Limits
from evolinstruct.llm.openai import chat

HOME = "https://api.openai.com/v1"
"""Where calls go if no server is named."""

_KEY = "the service refuses the key; check that it is complete and belongs to this service"
_ACCESS = "the service refuses access; check what the key and its account may use"
_MODEL = "the service has no such model or address; check the model's name and the base URL"
_MOVED = "the address is wrong, because the service names another one; correct the base URL"
_CREDIT = "the account has no credit left; top it up and run the same command again"
_REACH = "the service cannot be reached; check that it runs and that the base URL is right"
_TLS = "the server does not speak TLS as it should; check whether its base URL starts with http:"
_TRUST = "the server's certificate is not trusted; name its authority's file in SSL_CERT_FILE"
_STRANGER = "what answers there is no OpenAI-compatible service; check the base URL and any proxy"


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """What an error of a service means to the run.

    Attributes:
        error: the class of the error to raise.
        name: the error's short name, or the rule; None: ``http_`` and the status.
        advice: where the run stops: what is wrong, and what to do.
    """

    error: type[CallError | ServiceRefused]
    name: str | None = None
    advice: str = ""


AGAIN = ErrorMeaning(TryAgain)
TIMEOUT = ErrorMeaning(TryAgain, "timeout")
CONNECTION = ErrorMeaning(TryAgain, "connection_error")
UNREACHABLE = ErrorMeaning(TryAgain, errors.UNREACHABLE)
UNREADABLE = ErrorMeaning(TryAgain, "unreadable_reply")
FAILED = ErrorMeaning(CallFailed)
CLIENT_ERROR = ErrorMeaning(CallFailed, "client_error")
FILTERED = ErrorMeaning(CallRejected, "refused_by_service")
TOO_LONG = ErrorMeaning(CallRejected, "too_long")
NO_SERVICE = ErrorMeaning(ServiceRefused, advice=_REACH)
NO_TLS = ErrorMeaning(ServiceRefused, advice=_TLS)
NO_TRUST = ErrorMeaning(ServiceRefused, advice=_TRUST)
NO_SUCH_SERVICE = ErrorMeaning(ServiceRefused, advice=_STRANGER)
TOO_LARGE = ErrorMeaning(CallFailed, "reply_too_large")
MOVED = ErrorMeaning(ServiceRefused, advice=_MOVED)
NO_MODEL = ErrorMeaning(ServiceRefused, advice=_MODEL)
NO_CREDIT = ErrorMeaning(ServiceRefused, advice=_CREDIT)
BAD_KEY = ErrorMeaning(ServiceRefused, advice=_KEY)
NO_ACCESS = ErrorMeaning(ServiceRefused, advice=_ACCESS)

_BY_CODE: dict[str, ErrorMeaning] = {
    "content_filter": FILTERED,
    "content_policy_violation": FILTERED,
    "data_inspection_failed": FILTERED,
    "context_length_exceeded": TOO_LONG,
    "exceed_context_size_error": TOO_LONG,
    "insufficient_quota": NO_CREDIT,
    "exceeded_current_quota_error": NO_CREDIT,
    "billing_hard_limit_reached": NO_CREDIT,
    "invalid_api_key": BAD_KEY,
    "model_not_found": NO_MODEL,
    "model_not_available": NO_MODEL,
}

# For services that give no code, or one of their own.
_BY_WORDS: tuple[tuple[re.Pattern[str], ErrorMeaning], ...] = tuple(
    (re.compile(words, re.IGNORECASE), meaning)
    for words, meaning in (
        (r"content (management|exists|policy|filter)|\bflagged\b", FILTERED),
        (r"maximum (context|model) length|context (size|window|length)", TOO_LONG),
        (r"prompt (is )?too long|(too large for|than the) model|request too large", TOO_LONG),
        (r"input token count|reduce the length|tokens?\b.{0,40} must be <=", TOO_LONG),
        (r"api key (is )?(not valid|invalid)|(invalid|incorrect) api key", BAD_KEY),
        (r"model not exist|model .{0,80}(not found|does not exist)|valid model", NO_MODEL),
        (r"insufficient (balance|credit|funds)", NO_CREDIT),
    )
)
_WORDED = frozenset({400, 403, 413, 422, 429})  # where the wording may say more than the status


def by_code(error: object) -> ErrorMeaning | None:
    """Return what an error's own code means, None where the code is unknown."""
    return next((_BY_CODE[code] for code in chat.codes(error) if code in _BY_CODE), None)


def by_words(said: str, status: int) -> ErrorMeaning | None:
    """Return what a message's wording means, None where it tells nothing under this status."""
    if status not in _WORDED:
        return None
    return next((meaning for words, meaning in _BY_WORDS if words.search(said)), None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a service asks to wait, None where its headers name none."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return max(0.0, until - time.time())


def limits(headers: Mapping[str, str]) -> Limits | None:
    """Return the limits that headers announce, None where they announce none."""
    requests = next((names for names in _OF_REQUESTS if names[1] in headers), None)
    tokens = next((names for names in _OF_TOKENS if names[1] in headers), None)
    if requests is None and tokens is None:
        return None
    return Limits(*_window(headers, requests), *_window(headers, tokens))


_Window = tuple[int | None, int | None, float | None]


def _window(headers: Mapping[str, str], names: tuple[str, str, str] | None) -> _Window:
    if names is None:
        return None, None, None
    limit, remaining, reset = (headers.get(name, "").strip() for name in names)
    return _whole(limit), _whole(remaining), _seconds(reset)


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else None


def _seconds(text: str) -> float | None:
    """Read a time to wait: plain seconds, ``6m0.5s``, ``20ms``, or a moment since 1970."""
    try:
        number = float(text)
    except ValueError:
        return _spelled(text)
    if not math.isfinite(number):
        return None
    if number > _EPOCH_MILLISECONDS:
        number /= 1000
    return max(0.0, number - time.time() if number > _EPOCH else number)


def _spelled(text: str) -> float | None:
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION = re.compile(f"(?:{_PART.pattern})+")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH = 1e9  # no window is that many seconds long
_EPOCH_MILLISECONDS = 1e11


def _names(*patterns: str) -> tuple[tuple[str, str, str], ...]:
    words = ("limit", "remaining", "reset")
    return tuple(
        (pattern.format(words[0]), pattern.format(words[1]), pattern.format(words[2]))
        for pattern in patterns
    )


# as OpenAI and Groq, as Mistral, as Together and OpenRouter spell them
_OF_REQUESTS = _names("x-ratelimit-{}-requests", "x-ratelimit-{}-req-minute", "x-ratelimit-{}")
_OF_TOKENS = _names("x-ratelimit-{}-tokens", "x-ratelimit-{}-tokens-minute", "x-tokenlimit-{}")


BY_STATUS: dict[int | str, ErrorMeaning] = {
    304: FAILED,
    "3xx": MOVED,
    401: BAD_KEY,
    402: NO_CREDIT,
    403: NO_ACCESS,
    404: NO_MODEL,
    408: AGAIN,
    409: AGAIN,
    413: TOO_LONG,
    425: AGAIN,
    429: AGAIN,
    "5xx": AGAIN,
    "any other": FAILED,
}
"""What an answer means by its status, where its code and its wording are unknown."""

BY_CLASS: dict[type[BaseException], ErrorMeaning] = {
    TimeoutError: TIMEOUT,
    OSError: CONNECTION,
    aiohttp.ClientConnectorCertificateError: NO_TRUST,
    aiohttp.ClientConnectorSSLError: NO_TLS,
    aiohttp.ClientConnectorError: UNREACHABLE,
    aiohttp.ClientHttpProxyError: UNREACHABLE,
    aiohttp.ConnectionTimeoutError: UNREACHABLE,
    aiohttp.ClientPayloadError: UNREADABLE,
    aiohttp.ClientResponseError: UNREADABLE,
    aiohttp.ServerTimeoutError: TIMEOUT,
    aiohttp.ClientError: CONNECTION,
}
"""What it means that no answer came; the nearest class above the error's own counts."""

TROUBLE = (OSError, aiohttp.ClientError)
"""What the transport raises where no answer came."""


class NoAnswerError(Exception):
    """No whole answer came.

    Attributes:
        meaning: what that means for the call.
        said: the words of the transport; may be empty.
    """

    def __init__(self, meaning: ErrorMeaning, said: str) -> None:
        super().__init__(said)
        self.meaning = meaning
        self.said = said


def by_answer(status: int, error: object) -> ErrorMeaning:
    """Return what an answer that is no reply means: by its code, its wording, its status."""
    other = "5xx" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "any other"
    if status < HTTPStatus.BAD_REQUEST:
        return BY_STATUS.get(status) or MOVED
    return (
        by_code(error)
        or by_words(chat.said(error), status)
        or BY_STATUS.get(status)
        or BY_STATUS[other]
    )


def no_answer(error: BaseException) -> NoAnswerError:
    """Return what an exception of the transport means."""
    kinds = (BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS)
    return NoAnswerError(next(kinds, CONNECTION), words_of(error))


def words_of(error: BaseException) -> str:
    """Return the words of an exception's deepest cause that has any."""
    return next((text for link in causes(error) if (text := str(link))), "")


def causes(error: BaseException) -> list[BaseException]:
    """Return an exception and its causes, the deepest first."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    return chain[::-1]
