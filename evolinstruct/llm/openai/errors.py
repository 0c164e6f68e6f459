"""What a service's answer to a call means: try again, skip, or stop.

An answer is judged by its code, else by its wording, else by its status; a call without an answer
by the exception that the transport raised. What headers announce is read here too: how long to
wait, and the limits.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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
_CREDIT = (
    "the account's credit or quota is used up; top it up, or wait until it is renewed,"
    " and run the same command again"
)
_ADDRESS = "nothing answers calls at this address; check the base URL, most of all its path"
_PROXY = "the proxy lets no call through; name its user and password in the proxy's variable"
_ROOM = (
    "the model's context has no room for the prompt and a reply of that length; lower --max-tokens,"
    " or use a model or a server with a larger context"
)
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
        advice: what is wrong, and what to do, where the run stops or every call ends so.
    """

    error: type[CallError | ServiceRefused]
    name: str | None = None
    advice: str = ""


AGAIN = ErrorMeaning(TryAgain)
TIMEOUT = ErrorMeaning(TryAgain, errors.TIMEOUT)
CONNECTION = ErrorMeaning(TryAgain, errors.CONNECTION_ERROR)
UNREACHABLE = ErrorMeaning(TryAgain, errors.UNREACHABLE)
UNREADABLE = ErrorMeaning(TryAgain, "unreadable_reply")
FAILED = ErrorMeaning(CallFailed)
CLIENT_ERROR = ErrorMeaning(CallFailed, "client_error")
FILTERED = ErrorMeaning(CallRejected, "refused_by_service")
TOO_LONG = ErrorMeaning(CallRejected, "too_long")
NO_ROOM = ErrorMeaning(CallRejected, "truncated", advice=_ROOM)
TIER_FULL = ErrorMeaning(TryAgain, errors.TIER_FULL)
DAILY = ErrorMeaning(TryAgain, errors.DAILY_LIMIT)
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
NO_PROXY = ErrorMeaning(ServiceRefused, advice=_PROXY)
# A firewall in front of a service answers like this too, to a single text that it will not have.
NO_ENTRY = ErrorMeaning(CallFailed, advice=_ACCESS)
NO_ADDRESS = ErrorMeaning(CallFailed, advice=_ADDRESS)

_BY_CODE: dict[str, ErrorMeaning] = {
    "content_filter": FILTERED,
    "content_policy_violation": FILTERED,
    "data_inspection_failed": FILTERED,
    "context_length_exceeded": TOO_LONG,
    "exceed_context_size_error": TOO_LONG,
    "resource_unavailable": TIER_FULL,
    "capacity_exceeded": TIER_FULL,
    "service_tier_capacity_exceeded": TIER_FULL,
    "insufficient_quota": NO_CREDIT,
    "exceeded_current_quota_error": NO_CREDIT,
    "billing_hard_limit_reached": NO_CREDIT,
    "invalid_api_key": BAD_KEY,
    "permission_error": NO_ACCESS,
    "permission_denied": NO_ACCESS,
    "account_deactivated": NO_ACCESS,
    "unsupported_country_region_territory": NO_ACCESS,
    "model_not_found": NO_MODEL,
    "model_not_available": NO_MODEL,
}

# For services that give no code, or one of their own.
_BY_WORDS: tuple[tuple[re.Pattern[str], ErrorMeaning], ...] = tuple(
    (re.compile(words, re.IGNORECASE), meaning)
    for words, meaning in (
        (r"content (management|exists|policy|filter)|\bflagged\b", FILTERED),
        (r"sensitive (content|information|words?)", FILTERED),
        (r"maximum (context|model) length|context (size|window|length|limit)", TOO_LONG),
        (r"prompt (is )?too long|(too large for|than the) model|request too large", TOO_LONG),
        (r"input token count|reduce the length|tokens?\b.{0,40} must be <=", TOO_LONG),
        (r"api key (is )?(not valid|invalid)|(invalid|incorrect) api key", BAD_KEY),
        (r"model not exist|model .{0,80}(not found|does not exist)|valid model", NO_MODEL),
        (r"\bunauthori[sz]ed\b|not authenticated|authentication (failed|error)", BAD_KEY),
        (r"insufficient (balance|credit|funds)", NO_CREDIT),
        (r"resource unavailable", TIER_FULL),
    )
)
_WORDED = frozenset({200, 400, 403, 413, 422, 429})  # the wording may say more than the status
_OF_A_DAY = re.compile(
    r"\bdaily\b|(per|a|this|each)[ _-]?day\b|PerDay|\b[RT]PD\b|(limit|quota).{0,40}\b24 ?h",
    re.IGNORECASE,
)
_OF_A_MINUTE = re.compile(r"per[ _-]?(minute|second)|\b[RT]P[MS]\b", re.IGNORECASE)
_LIMITED = frozenset({200, 403, 429})


def by_code(error: object) -> ErrorMeaning | None:
    """Return what an error's own code means, None where the code is unknown."""
    return next((_BY_CODE[code] for code in chat.codes(error) if code in _BY_CODE), None)


def by_words(said: str, status: int) -> ErrorMeaning | None:
    """Return what a message's wording means, None where it tells nothing under this status."""
    if status not in _WORDED:
        return None
    return next((meaning for words, meaning in _BY_WORDS if words.search(said)), None)


def says_daily(error: object, status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether an answer means that all is used up that the account may use in a day.

    Words that name limits of a minute too may mean those, and are no sign.
    """
    if status not in _LIMITED or chat.is_page(error):
        return False
    words = chat.whole(error)
    told = _OF_A_DAY.search(words) and not _OF_A_MINUTE.search(words)
    return bool(told) or bool(list(_spent_for_long(headers)))


def asked_wait(headers: Mapping[str, str], said: str = "") -> float | None:
    """Return the seconds that a service asks to wait, None where it names none that is one.

    By its headers, else by what it says, else by the end of a day's limit that is used up.
    """
    waits = (
        _scaled(headers.get("retry-after-ms", ""), 0.001),
        _seconds(headers.get("retry-after", "").strip()),
        _until_date(headers.get("retry-after", "")),
        _spoken(said),
        *_spent_for_long(headers),
    )
    return next((min(wait, _YEAR) for wait in waits if wait is not None), None)


def _scaled(text: str, unit: float) -> float | None:
    seconds = _seconds(text)
    return None if seconds is None else seconds * unit


def _until_date(text: str) -> float | None:
    """Return the seconds until a date of HTTP or of ISO 8601."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return max(0.0, read(text.strip()).timestamp() - time.time())
        except (ValueError, OverflowError, OSError):
            continue
    return None


def _spoken(said: str) -> float | None:
    """Return the wait that a message names, as in ``try again in 7m12s``."""
    found = _SPOKEN.search(said)
    if found is None:
        return None
    number, unit, spelled = found.groups()
    return _spelled(spelled) if spelled else float(number) * _UNITS[unit[0].lower()]


def _spent_for_long(headers: Mapping[str, str]) -> Iterator[float | None]:
    """Yield, for each limit of a day or a month that is used up, the seconds until its end."""
    named = {name.lower(): value.strip() for name, value in headers.items()}
    for name, value in named.items():
        if _LONG_WINDOW.fullmatch(name) and value == "0":
            yield _seconds(named.get(name.replace("remaining", "reset"), ""))


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
    if not math.isfinite(number) or number < 0:
        return None
    if number > _EPOCH_MILLISECONDS:
        number /= 1000
    return max(0.0, number - time.time()) if number > _EPOCH else number


def _spelled(text: str) -> float | None:
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPOKEN = re.compile(
    r"(?:try|retry|wait)\b.{0,20}?\b(?:in|after|for)? ?"
    rf"(?:(\d+(?:\.\d+)?) ?(seconds?|minutes?|hours?|days?)\b|({_DURATION.pattern})\b)",
    re.IGNORECASE,
)
_LONG_WINDOW = re.compile(r"x-ratelimit-remaining-.*(?:day|daily|month).*")
_YEAR = 366 * 86400.0
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
    "2xx": UNREADABLE,
    304: FAILED,
    "3xx": MOVED,
    401: BAD_KEY,
    402: NO_CREDIT,
    403: NO_ENTRY,
    404: NO_MODEL,
    405: NO_ADDRESS,
    407: NO_PROXY,
    408: AGAIN,
    409: AGAIN,
    410: NO_MODEL,
    413: TOO_LONG,
    **dict.fromkeys((420, 421, 423, 424, 425, 429, 430, 444, 449, 460), AGAIN),
    498: TIER_FULL,
    499: AGAIN,
    501: NO_ADDRESS,
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


def by_answer(status: int, error: object, headers: Mapping[str, str]) -> ErrorMeaning:
    """Return what an answer that is no reply means: by its code, its wording, its status."""
    if says_daily(error, status, headers):
        return DAILY
    told = by_code(error) or by_words(chat.said(error), status)
    if told is TOO_LONG and fits(chat.said(error)):
        return NO_ROOM
    if status == HTTPStatus.CONFLICT and chat.is_page(error):
        return FAILED  # a firewall's: asking again brings the same page
    by_hundred = BY_STATUS.get(f"{status // 100}xx", BY_STATUS["any other"])
    return told or BY_STATUS.get(status, by_hundred)


def fits(said: str) -> bool:
    """Tell whether a message about a full context says that the prompt alone would fit."""
    context, prompt = _number(_CONTEXT, said), _number(_PROMPT, said)
    if context is None or prompt is None or not _REPLY.search(said):
        return False
    return prompt < context


def _number(pattern: re.Pattern[str], said: str) -> int | None:
    found = pattern.search(said)
    return int(next(filter(None, found.groups())).replace(",", "")) if found else None


_CONTEXT = re.compile(
    r"(?:context|model) length (?:is|of|limit:?) ?(\d[\d,]{0,14})|must be <= ?(\d[\d,]{0,14})"
    r"|\+ [\d,]+ > (\d[\d,]{0,14})",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"(\d[\d,]{0,14}) (?:tokens )?(?:in|from) the (?:input )?(?:messages|prompt)"
    r"|(?:has|contains)(?: at least)? (\d[\d,]{0,14}) (?:input|prompt) tokens"
    r"|(\d[\d,]{0,14}) .?inputs?.? tokens|(\d[\d,]{0,14}) \+ [\d,]+ >",
    re.IGNORECASE,
)
_REPLY = re.compile(r"completion|output tokens|max_(?:completion_|new_)?tokens", re.IGNORECASE)


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
