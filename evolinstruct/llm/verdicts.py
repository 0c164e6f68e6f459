"""What a service's answer to a call means: try again, skip, or stop.

Knows the words, codes and headers by which OpenAI-compatible services say what is wrong. Knows no
package and sends nothing.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from evolinstruct import errors
from evolinstruct.errors import CallError, CallFailed, CallRejected, ServiceRefused, TryAgain
from evolinstruct.llm import chat
from evolinstruct.llm.base import Limits

HOME = "https://api.openai.com/v1"
"""Where calls go if no server is named."""

_KEY = "the service refuses the key; check that it is complete and belongs to this service"
_ACCESS = "the service refuses access; check what the key and its account may use"
_MODEL = "the service has no such model or address; check the model's name and the base URL"
_CREDIT = "the account has no credit left; top it up and run the same command again"
_REACH = "the service cannot be reached; check that it runs and that the base URL is right"
_TLS = "the server does not speak TLS as it should; check whether its base URL starts with http:"
_TRUST = "the server's certificate is not trusted; name its authority's file in SSL_CERT_FILE"
_STRANGER = "what answers there is no OpenAI-compatible service; check the base URL and any proxy"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of the table.

    Attributes:
        error: the class of the error to raise.
        name: the error's short name or rule; None: ``http_`` and the status.
        advice: what is wrong and what to do, where the run stops.
    """

    error: type[CallError | ServiceRefused]
    name: str | None = None
    advice: str = ""


AGAIN = Verdict(TryAgain)
TIMEOUT = Verdict(TryAgain, "timeout")
CONNECTION = Verdict(TryAgain, "connection_error")
UNREACHABLE = Verdict(TryAgain, errors.UNREACHABLE)
UNREADABLE = Verdict(TryAgain, "unreadable_reply")
FAILED = Verdict(CallFailed)
CLIENT_ERROR = Verdict(CallFailed, "client_error")
FILTERED = Verdict(CallRejected, "refused_by_service")
TOO_LONG = Verdict(CallRejected, "too_long")
NO_SERVICE = Verdict(ServiceRefused, advice=_REACH)
NO_TLS = Verdict(ServiceRefused, advice=_TLS)
NO_TRUST = Verdict(ServiceRefused, advice=_TRUST)
NO_SUCH_SERVICE = Verdict(ServiceRefused, advice=_STRANGER)
NO_MODEL = Verdict(ServiceRefused, advice=_MODEL)
NO_CREDIT = Verdict(ServiceRefused, advice=_CREDIT)
BAD_KEY = Verdict(ServiceRefused, advice=_KEY)
NO_ACCESS = Verdict(ServiceRefused, advice=_ACCESS)

_BY_CODE: dict[str, Verdict] = {
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

# Services that give no code, or one of their own, are known by their wording.
_BY_WORDS: tuple[tuple[re.Pattern[str], Verdict], ...] = tuple(
    (re.compile(words, re.IGNORECASE), verdict)
    for words, verdict in (
        (r"content (management|exists|policy|filter)|\bflagged\b", FILTERED),
        (r"maximum (context|model) length|context (size|window|length)", TOO_LONG),
        (r"prompt (is )?too long|(too large for|than the) model|request too large", TOO_LONG),
        (r"input token count|reduce the length|tokens?\b.{0,40} must be <=", TOO_LONG),
        (r"api key (is )?(not valid|invalid)|(invalid|incorrect) api key", BAD_KEY),
        (r"model not exist|model .{0,80}(not found|does not exist)|valid model", NO_MODEL),
        (r"insufficient (balance|credit|funds)", NO_CREDIT),
    )
)
_WORDED = frozenset({400, 403, 413, 422, 429})  # statuses under which the wording may tell more


def by_code(error: object) -> Verdict | None:
    """Return the verdict of an error body's own code, if it is known."""
    return next((_BY_CODE[code] for code in chat.codes(error) if code in _BY_CODE), None)


def by_words(said: str, status: int) -> Verdict | None:
    """Return the verdict of a message's wording, where the status leaves room for one."""
    if status not in _WORDED:
        return None
    return next((verdict for words, verdict in _BY_WORDS if words.search(said)), None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a service asks to wait, or None where it asks nothing readable."""
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
    """Return the limits that headers announce, or None where they announce none."""
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
    return int(text) if text.isascii() and text.isdigit() else None


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
