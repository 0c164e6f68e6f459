"""The OpenAI client against a server on the loopback interface: every behaviour has one outcome."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import ssl
import subprocess
import traceback
import zlib
from base64 import b64encode
from dataclasses import dataclass, replace
from email.utils import formatdate
from importlib import metadata
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.errors import (
    CallFailed,
    CallRejected,
    EvolinstructError,
    InputError,
    ServiceRefused,
    TryAgain,
    UsageError,
)
from evolinstruct.llm.base import CallContext, CallId, ClientOptions, Limits, Reply, Request, Usage
from evolinstruct.llm.circuit_breaker import CircuitBreaker
from evolinstruct.llm.openai import OpenAIClient, chat, errors
from evolinstruct.llm.retry import Retry
from evolinstruct.llm.secrets import Secrets
from tests.loopback import (
    Answer,
    Ask,
    Handler,
    Server,
    drop,
    echo,
    error,
    garbage,
    half,
    hang,
    http,
    in_turn,
    reply,
    serve,
    slowly,
    storm,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY = "sk-loopback-0123456789"
USAGE = Usage(prompt_tokens=10, completion_tokens=5)


def ask(prompt: str = "hello", **settings: object) -> Request:
    subject = CallContext(1, "deepen", "in-depth", None, prompt)
    request = Request(CallId("c" * 16, "evolve"), subject, (("user", prompt),), "loopback-1")
    return replace(request, **settings)  # type: ignore[arg-type]


def options(url: str | None, *, key: str | None = KEY, timeout: float = 30.0) -> ClientOptions:
    """Return a client's options; an answer may have 10,000 bytes."""
    return ClientOptions(url, "loopback-1", key, timeout, max_reply_mb=0.01)


async def outcomes(client: OpenAIClient | Retry, requests: Sequence[Request]) -> list[object]:
    """Ask all at once; return each one's reply or error."""
    try:
        calls = (client.complete(request) for request in requests)
        return list(await asyncio.gather(*calls, return_exceptions=True))
    finally:
        await client.aclose()


def outcome(handler: Handler, *, timeout: float = 30.0, **settings: object) -> object:
    """Return how one call ends, an error as what a reader of it sees."""
    with serve(handler) as server:
        client = OpenAIClient(options(server.url, timeout=timeout))
        (found,) = asyncio.run(outcomes(client, [ask(**settings)]))  # type: ignore[arg-type]
    return shown(found)


def shown(found: object) -> object:
    match found:
        case TryAgain():
            return (TryAgain, found.error, found.retry_after)
        case CallFailed():
            return (CallFailed, found.error, found.attempts)
        case CallRejected():
            return (CallRejected, found.error)
        case ServiceRefused():
            return ServiceRefused
    return found


def always(answer: Answer) -> Handler:
    return lambda _: answer


# --- what is sent -------------------------------------------------------------------------------


def test_the_request_is_sent_as_asked_and_what_is_none_is_left_to_the_service() -> None:
    bodies: list[object] = []

    def handler(asked: Ask) -> Answer:
        bodies.append(asked.json)
        return echo(asked)

    messages = (("system", "be brief"), ("user", "hello"))
    outcome(handler, messages=messages)
    outcome(handler, temperature=1.0, top_p=0.9, max_tokens=64, extra={"reasoning_effort": "low"})
    assert bodies == [
        {
            "model": "loopback-1",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "hello"},
            ],
        },
        {
            "model": "loopback-1",
            "messages": [{"role": "user", "content": "hello"}],
            "temperature": 1.0,
            "top_p": 0.9,
            "max_tokens": 64,
            "reasoning_effort": "low",
        },
    ]


@pytest.mark.parametrize("key", [KEY, None])
def test_a_server_gets_the_key_and_one_without_gets_a_placeholder(key: str | None) -> None:
    sent: list[str] = []

    def handler(asked: Ask) -> Answer:
        sent.append(asked.headers["authorization"])
        return echo(asked)

    with serve(handler) as server:
        asyncio.run(outcomes(OpenAIClient(options(server.url, key=key)), [ask()]))
    assert sent == [f"Bearer {key or 'not-needed'}"]


@pytest.mark.slow
def test_a_thousand_calls_are_under_way_at_once() -> None:
    async def until_all_are_there(server: Server) -> None:
        client = OpenAIClient(options(server.url, timeout=60))
        calls = [asyncio.create_task(client.complete(ask(f"p{i}"))) for i in range(1000)]
        async with asyncio.timeout(60):
            while server.counts.in_flight < 1000:  # noqa: ASYNC110 - counted in another thread
                await asyncio.sleep(0.01)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        await client.aclose()

    with serve(always(hang())) as server:
        asyncio.run(until_all_are_there(server))
        assert server.counts.most_in_flight == 1000


# --- what comes back ----------------------------------------------------------------------------

REPLIES = {
    "a string": (reply("hi"), "hi"),
    "nothing": (reply(""), ""),
    "null": (reply(None), ""),
    "null beside reasoning": (reply(None, reasoning_content="hm"), ""),
    "reasoning beside content": (reply("hi", reasoning_content="hm"), "hi"),
    "a think block": (reply("<think>hm</think>hi"), "<think>hm</think>hi"),
    "parts": (reply([{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]), "hi"),
    "a thinking part": (
        reply([{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "hi"}]),
        "hi",
    ),
    "a refusal": (reply(None, refusal="I will not."), "I will not."),
    "half a pair of surrogates": (reply("a\ud83dz"), "a\ufffdz"),
    "a whole pair": (reply("😀"), "😀"),
}


@pytest.mark.parametrize("case", REPLIES)
def test_content_of_every_shape_becomes_text(case: str) -> None:
    answer, text = REPLIES[case]
    assert outcome(always(answer)) == Reply(text, "stop", USAGE, "loopback-1")


ENDS: dict[str, tuple[list[object], object]] = {
    "whole": (["stop", "STOP", "end_turn", "eos", "EOS_TOKEN", "Complete", "tool_calls", 1], "hi"),
    "not told": ([None, "", 0, False, "FINISH_REASON_UNSPECIFIED"], "hi"),
    "cut off": (
        [
            "length",
            "model_length",
            "MAX_TOKENS",
            "FinishReason.MAX_TOKENS",
            "maxTokens",
            2,
            "model_context_window_exceeded",
            {"type": "length", "length": 7},
            "repetition",
        ],
        "length",
    ),
    "withheld": (
        [
            "content_filter",
            "content-filter",
            "SAFETY",
            "recitation",
            "BLOCKLIST",
            "SPII",
            3,
            8,
            "guardrail_intervened",
            "sensitive",
            "refusal",
            "ERROR_TOXIC",
            "ContentFiltered",
        ],
        "refused_by_service",
    ),
    "broken off": (
        [
            "error",
            "abort",
            "FINISH_ABORT",
            "network_error",
            "time_limit",
            "TIMEOUT",
            "cancelled",
            "insufficient_system_resource",
            "OTHER",
            "MALFORMED_FUNCTION_CALL",
            5,
        ],
        "unreadable_reply",
    ),
    "cut off, as an unknown word suggests": (["token_quota_spent", "OUTPUT_LENGTH_CAP"], "length"),
    "withheld, as one suggests": (["policy_violation", "safety_system_v2"], "refused_by_service"),
    "broken off, as one suggests": (["worker_failed", "gpu_error"], "unreadable_reply"),
    "whole, as nothing suggests otherwise": (["ripe", "natural"], "hi"),
}


def answers_to_each(answers: Sequence[Answer]) -> tuple[list[object], list[str]]:
    """Ask for one answer after the other; return how each call ends, and the notices."""

    async def asked(client: OpenAIClient) -> list[object]:
        calls = [client.complete(ask()) for _ in answers]
        found = [(await asyncio.gather(call, return_exceptions=True))[0] for call in calls]
        await client.aclose()
        return found

    with serve(in_turn(*answers)) as server:
        client = OpenAIClient(options(server.url))
        return asyncio.run(asked(client)), client.take_notices()


def end(found: object) -> str:
    """Return what a reply is taken for: its text if whole, ``length``, or the error's name."""
    if isinstance(found, Reply):
        return "length" if found.finish_reason == "length" else found.text
    assert isinstance(found, TryAgain | CallRejected)
    return found.error


@pytest.mark.parametrize("case", ENDS)
def test_a_finish_reason_of_any_service_says_whether_a_reply_is_whole(case: str) -> None:
    words, expected = ENDS[case]
    found, notices = answers_to_each([reply("hi", finish=word) for word in words])
    assert dict(zip(map(str, words), map(end, found), strict=True)) == dict.fromkeys(
        map(str, words), expected
    )
    assert len(notices) == (len(words) if "suggest" in case else 0)


def test_an_unknown_finish_reason_is_told_once_and_a_few_of_them_at_most() -> None:
    words = ["ripe", "ripe", *(f"w{n}" for n in range(9))]
    _, notices = answers_to_each([reply("hi", finish=word) for word in words])
    assert len(notices) == 5
    assert notices[0] == (
        "loopback-1 ends a reply with the unknown finish_reason 'ripe';"
        " such a reply is taken for whole."
    )


def test_an_error_field_that_says_nothing_is_none() -> None:
    head, _, body = reply("hi").wire.partition(b"\r\n\r\n")
    assert head
    for nothing in (None, {}, "", {"code": 0, "message": ""}):
        filled = http(200, json.dumps({**json.loads(body), "error": nothing}).encode())
        assert outcome(always(filled)) == Reply("hi", "stop", USAGE, "loopback-1")


TOLD = [("Score", {"Score": 1.0}), (": ", {": ": 1.0}), ("7", {"7": 0.5, "8": 0.25, "7 ": 0.25})]
PIECES = [(piece, {piece: 1.0}) for piece in (KEY[:5], KEY[5:])]


def telling(logprobs: object) -> Answer:
    """Reply with a 7, and whatever a service may tell of its tokens."""
    found = json.loads(reply("7").wire.partition(b"\r\n\r\n")[2])
    found["choices"][0]["logprobs"] = logprobs
    return http(200, json.dumps(found).encode())


UNTOLD: dict[str, Answer] = {
    "null": reply("Score: 7"),
    "of other tokens": reply("Score: 8", tokens=TOLD),
    "of a text with a secret": reply(f"Score: 7{KEY}", tokens=[*TOLD, *PIECES]),
    "no object": telling(7),
    "no list": telling({"content": 7}),
    "no tokens": telling({"content": [7, None]}),
    "no numbers": telling({"content": [{"token": "7", "logprob": None, "top_logprobs": 7}]}),
}


def test_what_else_might_have_stood_for_a_number_is_told() -> None:
    found = outcome(always(reply("Score: 7\n", tokens=TOLD)))
    assert isinstance(found, Reply)
    assert found.logprobs == ((("7", log(0.5)), ("8", log(0.25)), ("7 ", log(0.25))),)


@pytest.mark.parametrize("case", UNTOLD)
def test_logprobs_that_are_not_of_the_text_are_none(case: str) -> None:
    found = outcome(always(UNTOLD[case]))
    assert isinstance(found, Reply)
    assert found.logprobs == ()


def test_usage_tells_cached_and_reasoning_tokens_apart() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 32},
    }
    found = outcome(always(reply("hi", usage=usage)))
    assert found == Reply("hi", "stop", Usage(100, 50, 64, 32), "loopback-1")


CACHES = {
    "OpenAI and most": (
        {"prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 9}},
        (64, 9),
    ),
    "DeepSeek": ({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}, (64, None)),
    "Anthropic": ({"cache_read_input_tokens": 64, "cache_creation_input_tokens": 9}, (64, 9)),
    "Moonshot and Together": ({"cached_tokens": 64}, (64, None)),
    "none of it": ({"prompt_tokens_details": {"cached_tokens": None}}, (None, None)),
}


@pytest.mark.parametrize("service", CACHES)
def test_the_tokens_of_a_cache_are_read_by_the_names_of_every_service(service: str) -> None:
    named, (cached, written) = CACHES[service]
    found = outcome(always(reply("hi", usage={"prompt_tokens": 100, **named})))
    assert isinstance(found, Reply)
    assert (found.usage.cached_tokens, found.usage.written_tokens) == (cached, written)


@pytest.mark.parametrize("place", ["beside the usage", "in it"])
def test_a_reply_says_in_which_service_tier_it_is_billed(place: str) -> None:
    _, _, body = reply("hi").wire.partition(b"\r\n\r\n")
    answer = json.loads(body)
    (answer if place == "beside the usage" else answer["usage"])["service_tier"] = "flex"
    found = outcome(always(http(200, json.dumps(answer).encode())), service_tier="flex")
    assert found == Reply("hi", "stop", replace(USAGE, tier="flex"), "loopback-1")


NO_COUNTS = [2**64, 10**10, -1, 1.5, 10.0, float("nan"), float("inf"), "10", True, None, [10], {}]


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], "much", *({"prompt_tokens": n, "completion_tokens": n} for n in NO_COUNTS)],
)
def test_usage_that_is_not_reported_is_unknown(usage: object) -> None:
    assert outcome(always(reply("hi", usage=usage))) == Reply("hi", "stop", Usage(), "loopback-1")


def test_a_compressed_body_is_read() -> None:
    head, _, body = reply("hi").wire.partition(b"\r\n\r\n")
    assert head
    packed = http(200, gzip.compress(body), headers={"content-encoding": "gzip"})
    assert outcome(always(packed)) == Reply("hi", "stop", USAGE, "loopback-1")


# --- how a call ends otherwise ------------------------------------------------------------------

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>proxy</body></html>"
UNREADABLE = (TryAgain, "unreadable_reply", None)
DAILY = (TryAgain, "daily_limit", None)
FILTERED = (CallRejected, "refused_by_service")
TOO_LONG = (CallRejected, "too_long")
TOO_LARGE = (CallFailed, "reply_too_large", 1)
TIER_FULL = (TryAgain, "tier_full", None)

BOMB = gzip.compress(b" " * 10_000_000)
DEFLATED = zlib.compress(b" " * 10_000_000)
NO_ROOM = (CallRejected, "truncated")

NO_ROOM_WORDS = (
    "The maximum context length is 600 tokens, but 700 were requested (100 in the messages, 600 in"
    " the completion)",
    "max_tokens is too large: 600. The maximum context length is 600 tokens and your request has"
    " 100 input tokens",
    "Over the model's maximum context length of 600 tokens: 100 tokens from the input messages and"
    " 600 tokens for the completion",
    "`inputs` tokens + `max_new_tokens` must be <= 600. Given: 100 `inputs` tokens and 600 more",
    "prompt and `max_tokens` exceed context limit: 100 + 600 > 600",
)
TOO_LONG_WORDS = (
    "A maximum context length is 600 tokens, but 1,300 were requested (700 in the messages, 600 in"
    " the completion)",
    "Our maximum context length is 600 tokens, but the prompt contains 700 input tokens",
)


def again(status: int) -> object:
    return (TryAgain, f"http_{status}", None)


def failed(status: int) -> object:
    return (CallFailed, f"http_{status}", 1)


STATUS_AGAIN = (420, 421, 423, 424, 430, 444, 449, 460, 499, 520, 527, 529, 598)


def said(**body: object) -> Answer:
    """An answer of status 200 with any body."""
    return http(200, json.dumps(body).encode())


def error_in_choice(error: object) -> Answer:
    """A reply whose one choice holds an error."""
    message = {"role": "assistant", "content": "Half of"}
    return said(choices=[{"error": error, "finish_reason": "error", "message": message}])


FAULTS: dict[str, tuple[Answer, object]] = {
    # a service tier without room
    "a full tier, by its status": (error(498, "try later"), TIER_FULL),
    "a full tier, by its code": (error(429, "later", code="resource_unavailable"), TIER_FULL),
    "a full tier, in words": (error(429, "Resource Unavailable"), TIER_FULL),
    "a full tier, by its type": (error(429, "later", kind="capacity_exceeded"), TIER_FULL),
    # the wire
    "drop": (drop(), (TryAgain, "connection_error", None)),
    "garbage instead of HTTP": (garbage(), UNREADABLE),
    "half a body": (half(reply("hello there")), UNREADABLE),
    "a broken gzip body": (http(200, b"x", headers={"content-encoding": "gzip"}), UNREADABLE),
    # 200, and yet no reply
    "empty body": (http(200, b""), UNREADABLE),
    "HTML": (http(200, HTML, content_type="text/html"), UNREADABLE),
    "HTML called JSON": (http(200, HTML), UNREADABLE),
    "half the JSON": (http(200, b'{"choices": [{"mess'), UNREADABLE),
    "nesting without end": (http(200, b"[" * 9_000), UNREADABLE),
    "nesting that can just be read": (http(200, b'{"a":' * 900 + b"1" + b"}" * 900), UNREADABLE),
    "a number without end": (http(200, b'{"choices": ' + b"9" * 9_000 + b"}"), UNREADABLE),
    "bad UTF-8": (http(200, b'{"choices": "\xff"}'), UNREADABLE),
    "null": (http(200, b"null"), UNREADABLE),
    "no choices": (http(200, b"{}"), UNREADABLE),
    "empty choices": (http(200, b'{"choices": []}'), UNREADABLE),
    "a choice without message": (http(200, b'{"choices": [{}]}'), UNREADABLE),
    "content that is a number": (reply(7), UNREADABLE),
    "a stream": (stream("h", "i"), UNREADABLE),
    "200 with an error in words": (http(200, b'{"error": "busy"}'), UNREADABLE),
    "200 with a finish of error": (reply("", finish="error"), UNREADABLE),
    "a long error": (error(500, "x" * 20_000), (TryAgain, "http_500", None)),
    "a long refusal": (error(401, "x" * 20_000), ServiceRefused),
    # more than may be
    "a long reply": (reply("x" * 20_000), TOO_LARGE),
    "a gzip bomb": (http(200, BOMB, headers={"content-encoding": "gzip"}), TOO_LARGE),
    "a deflate bomb": (http(200, DEFLATED, headers={"content-encoding": "deflate"}), TOO_LARGE),
    "too many headers": (
        http(200, b"{}", headers={f"x-{n}": "y" for n in range(2_000)}),
        UNREADABLE,
    ),
    "a header too long": (http(200, b"{}", headers={"x-long": "y" * 200_000}), UNREADABLE),
    # elsewhere
    "300": (http(300, b""), ServiceRefused),
    "301 without an address": (http(301, b""), ServiceRefused),
    # 200, and an error of whatever shape: as its code says, else as its words say
    "code 502 in an error": (said(error={"message": "busy", "code": 502}), again(502)),
    "code 429 in a choice": (error_in_choice({"code": 429, "message": "slow"}), again(429)),
    "code 503 as a word": (said(code="503", msg="too busy"), again(503)),
    "status 500 beside an error": (said(status=500, error="Internal Server Error"), again(500)),
    "code 401": (said(code=401, msg="token is wrong"), ServiceRefused),
    "code 404 of an error object": (said(object="error", message="gone", code=404), ServiceRefused),
    "code 400": (said(success=False, errors=[{"code": 400, "message": "no"}]), failed(400)),
    "code 402 in a list": (http(200, b'[{"error": {"code": 402}}]'), ServiceRefused),
    "a key's words in an error": (said(error="Invalid API key"), ServiceRefused),
    "a key's words in a detail": (said(detail="Not authenticated"), ServiceRefused),
    "a filter's words": (said(base_resp={"status_msg": "input has sensitive words"}), FILTERED),
    "a context's words": (said(detail="prompt is too long"), TOO_LONG),
    "no success": (said(success=False), UNREADABLE),
    "a detail": (said(detail="try later"), UNREADABLE),
    "an error of its own code": (said(error={"code": "E17"}), UNREADABLE),
    # passing
    "408": (error(408), (TryAgain, "http_408", None)),
    **{str(status): (error(status), again(status)) for status in STATUS_AGAIN},
    "409": (error(409), (TryAgain, "http_409", None)),
    "425": (error(425), (TryAgain, "http_425", None)),
    "429": (error(429), (TryAgain, "http_429", None)),
    "500": (error(500), (TryAgain, "http_500", None)),
    "502 as HTML": (http(502, HTML, content_type="text/html"), (TryAgain, "http_502", None)),
    "503 with nothing": (http(503, b""), (TryAgain, "http_503", None)),
    "retry-after-ms": (
        error(429, headers={"retry-after-ms": "250", "retry-after": "9"}),
        (TryAgain, "http_429", 0.25),
    ),
    "retry-after": (error(503, headers={"retry-after": "9"}), (TryAgain, "http_503", 9.0)),
    "retry-after of so many minutes": (
        error(429, headers={"retry-after": "1m30s"}),
        (TryAgain, "http_429", 90.0),
    ),
    "a wait in words": (error(429, "Please try again in 2m5s."), (TryAgain, "http_429", 125.0)),
    "a wait in other words": (error(429, "retry after 26 seconds"), (TryAgain, "http_429", 26.0)),
    "retry-after below nothing": (error(429, headers={"retry-after": "-3"}), again(429)),
    "retry-after of ages": (
        error(429, headers={"retry-after": "1e300"}),
        (TryAgain, "http_429", 366 * 86400.0),
    ),
    "a day's limit in words": (error(429, "Limit of 50 requests per day"), DAILY),
    "a day's limit in a detail": (
        http(429, b'{"error": {"message": "Quota", "details": [{"id": "CallsPerDay"}]}}'),
        DAILY,
    ),
    "a day's limit in headers": (
        error(
            429,
            headers={
                "x-ratelimit-remaining-tokens-day": "0",
                "x-ratelimit-reset-tokens-day": "7200",
            },
        ),
        (TryAgain, "daily_limit", 7200.0),
    ),
    "a minute's limit beside a day's": (
        error(429, "60 requests per minute and 9000 per day are allowed"),
        again(429),
    ),
    "retry-after of nonsense": (
        error(429, headers={"retry-after": "soon"}),
        (TryAgain, "http_429", None),
    ),
    "retry-after without end": (
        error(429, headers={"retry-after": "inf"}),
        (TryAgain, "http_429", None),
    ),
    # the run stops
    "401": (error(401), ServiceRefused),
    "402": (error(402, "Insufficient Balance"), ServiceRefused),
    "404": (error(404), ServiceRefused),
    "407": (error(407), ServiceRefused),
    "410": (error(410), ServiceRefused),
    "403 of a key's region": (
        error(403, code="unsupported_country_region_territory"),
        ServiceRefused,
    ),
    "unknown model as 400": (error(400, code="model_not_found"), ServiceRefused),
    "unknown model in words": (error(400, "Model Not Exist"), ServiceRefused),
    "no quota": (error(429, code="insufficient_quota"), ServiceRefused),
    "no quota as type": (error(429, kind="insufficient_quota"), ServiceRefused),
    "200 with no quota": (
        http(200, b'{"error": {"code": "insufficient_quota", "message": "pay"}}'),
        ServiceRefused,
    ),
    "a wrong key as 400, in a list": (
        http(400, b'[{"error": {"code": 400, "message": "API key not valid."}}]'),
        ServiceRefused,
    ),
    # a rejection
    "filtered reply": (reply("I", finish="content_filter"), FILTERED),
    "filtered prompt": (error(400, code="content_filter"), FILTERED),
    "policy": (error(400, code="content_policy_violation"), FILTERED),
    "filter in words": (error(403, "Your input was flagged"), FILTERED),
    "too long": (error(400, code="context_length_exceeded"), TOO_LONG),
    "too long at vLLM": (
        error(400, "This model's maximum context length is 64 tokens", code=400),
        TOO_LONG,
    ),
    **{f"no room: {words[:30]}": (error(400, words), NO_ROOM) for words in NO_ROOM_WORDS},
    **{f"too long: {words[:30]}": (error(400, words), TOO_LONG) for words in TOO_LONG_WORDS},
    "too long at llama.cpp": (
        error(400, "the request exceeds", code=400, kind="exceed_context_size_error"),
        TOO_LONG,
    ),
    "too long at Ollama": (
        http(400, b'{"error": "the input length exceeds the context length"}'),
        TOO_LONG,
    ),
    "413": (http(413, HTML, content_type="text/html"), TOO_LONG),
    # this call alone
    "400": (error(400), (CallFailed, "http_400", 1)),
    "400 in another shape": (http(400, b'{"detail": "no"}'), (CallFailed, "http_400", 1)),
    "400 of a firewall": (http(400, HTML, content_type="text/html"), failed(400)),
    "403": (error(403), failed(403)),
    "403 of a firewall": (http(403, HTML, content_type="text/html"), failed(403)),
    "405": (error(405), failed(405)),
    "406 of a firewall": (http(406, HTML, content_type="text/html"), failed(406)),
    "409 of a firewall": (http(409, HTML, content_type="text/html"), failed(409)),
    "501": (http(501, HTML, content_type="text/html"), failed(501)),
    "422": (error(422), (CallFailed, "http_422", 1)),
    "304": (http(304, b""), (CallFailed, "http_304", 1)),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FAULTS)
def test_every_behaviour_of_a_server_has_its_outcome(case: str) -> None:
    answer, expected = FAULTS[case]
    assert outcome(always(answer)) == expected


def test_a_retry_after_date_is_the_seconds_until_then() -> None:
    soon = {"retry-after": formatdate(usegmt=True, timeval=2**32)}
    past = {"retry-after": formatdate(usegmt=True, timeval=0)}
    assert (errors.asked_wait(soon) or 0) > 3600
    assert errors.asked_wait(past) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer", [hang(), replace(reply("hi"), pace=0.05)], ids=["silent", "dripping"]
)
def test_a_call_takes_no_longer_than_its_timeout_even_where_bytes_keep_coming(
    answer: Answer,
) -> None:
    assert outcome(always(answer), timeout=0.3) == (TryAgain, "timeout", None)


def test_a_server_that_is_not_there_stops_the_run_at_the_first_call() -> None:
    with serve(echo) as server:
        url = server.url  # nobody listens there once the block has ended
    (found,) = asyncio.run(outcomes(OpenAIClient(options(url)), [ask()]))
    assert str(found).startswith(
        f"{url}, model 'loopback-1': the service cannot be reached; "
        "check that it runs and that the base URL is right ("
    )
    assert isinstance(found, ServiceRefused)


def test_a_server_that_was_there_and_is_gone_is_a_passing_trouble() -> None:
    _, _, body = reply("hi").wire.partition(b"\r\n\r\n")
    last = http(200, body, headers={"connection": "close"})

    async def before_and_after() -> list[object]:
        with serve(always(last)) as server:
            client = OpenAIClient(options(server.url))
            before = await client.complete(ask())
        return [before.text, *map(shown, await outcomes(client, [ask()]))]

    assert asyncio.run(before_and_after()) == ["hi", (TryAgain, "unreachable", None)]


def test_a_server_that_does_not_speak_tls_is_told_in_one_sentence() -> None:
    with serve(echo) as server:
        url = server.url.replace("http:", "https:")
        (found,) = asyncio.run(outcomes(OpenAIClient(options(url)), [ask()]))
    assert isinstance(found, ServiceRefused)
    assert str(found).startswith(f"{url}, model 'loopback-1': the service cannot be reached; ")
    assert str(found).isprintable()


def test_one_failed_call_never_loses_another_s_work() -> None:
    def handler(asked: Ask) -> Answer:
        return error(400) if asked.prompt.endswith("7") else slowly(echo, 0.05)(asked)

    with serve(handler) as server:
        client = OpenAIClient(options(server.url))
        found = asyncio.run(outcomes(client, [ask(f"p{i}") for i in range(50)]))
    expected = [(CallFailed, "http_400", 1) if i % 10 == 7 else f"echo: p{i}" for i in range(50)]
    assert [r.text if isinstance(r, Reply) else shown(r) for r in found] == expected


def test_in_a_storm_of_faults_every_call_ends_with_its_own_reply() -> None:
    async def pause(_: float) -> None:
        await asyncio.sleep(0)

    with serve(storm(echo, 0.3)) as server:
        inner = OpenAIClient(options(server.url))
        client = Retry(inner, CircuitBreaker("m"), attempts=30, sleep=pause)
        found = asyncio.run(outcomes(client, [ask(f"p{i}") for i in range(200)]))
        assert server.counts.asked.total() > 250
    assert [r.text if isinstance(r, Reply) else r for r in found] == [
        f"echo: p{i}" for i in range(200)
    ]


def test_a_reply_that_is_too_long_names_the_bound_and_its_option() -> None:
    with serve(always(reply("x" * 20_000))) as server:
        (found,) = asyncio.run(outcomes(OpenAIClient(options(server.url)), [ask()]))
    assert isinstance(found, CallFailed)
    assert found.message == "the answer is longer than 0.01 MB (--max-reply-mb)"


# --- redirects ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Redirected:
    """What came of a redirect: how the call ended, and what each server was asked."""

    end: object
    asked: list[tuple[str, str]]
    elsewhere: list[str]


def redirected(
    client: type[OpenAIClient], status: int, location: str, *, times: int = 1
) -> Redirected:
    """Answer the first calls with a redirect; {here} and {there} in it are the two servers."""
    asked: list[tuple[str, str]] = []
    elsewhere: list[str] = []
    urls: dict[str, str] = {}

    def here(one: Ask) -> Answer:
        asked.append((one.target, one.headers["authorization"]))
        if len(asked) > times:
            return echo(one)
        return http(status, b"{}", headers={"location": location.format(**urls)})

    def there(one: Ask) -> Answer:
        elsewhere.append(one.target)
        return echo(one)

    with serve(here) as server, serve(there) as other:
        urls |= {"here": server.url, "there": other.url}
        (found,) = asyncio.run(outcomes(client(options(server.url)), [ask()]))
    told = found.text if isinstance(found, Reply) else str(found)
    for name, url in urls.items():
        told = told.replace(url, name)
    return Redirected(told, asked, elsewhere)


CALL, SIGNED = "/v1/chat/completions", f"Bearer {KEY}"
ADVICE = (
    "here, model 'loopback-1': the address is wrong, because the service names another one;"
    " correct the base URL"
)


def moved(client: type[OpenAIClient]) -> None:
    """Check that a redirect sends neither a prompt nor a key anywhere else."""
    for status in (301, 302, 303, 307, 308):
        found = redirected(client, status, "{there}/chat/completions")
        end = f"{ADVICE} (HTTP status {status} names there)."
        assert found == Redirected(end, [(CALL, SIGNED)], [])
    for status in (301, 302, 303):  # followed, each would ask by GET
        found = redirected(client, status, "/v2/chat/completions")
        assert isinstance(found.end, str)
        assert f"HTTP status {status} names http://127.0.0.1:" in found.end
        assert (found.end.endswith("/v2)."), found.asked) == (True, [(CALL, SIGNED)])
    for status in (307, 308):
        found = redirected(client, status, "/v2/chat/completions?a=b")
        asked = [(CALL, SIGNED), ("/v2/chat/completions?a=b", SIGNED)]
        assert found == Redirected("echo: hello", asked, [])


def test_a_redirect_sends_no_prompt_and_no_key_to_another_server() -> None:
    moved(OpenAIClient)


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("http://ada:hunter2@elsewhere/v1?key=hunter2#hunter2", "http://elsewhere/v1"),
        (f"http://elsewhere/{KEY}/v1", "http://elsewhere/[secret]/v1"),
        ("http://[::1", "no address"),
        ("mailto:ada@elsewhere", "no address"),
        ("http://127.0.0.1:99999/v1", "no address"),
    ],
)
def test_the_address_that_a_redirect_names_is_told_without_secrets(
    location: str, named: str
) -> None:
    found = redirected(OpenAIClient, 308, location)
    assert found.end == f"{ADVICE} (HTTP status 308 names {named})."


def test_redirects_in_a_circle_end() -> None:
    found = redirected(OpenAIClient, 307, CALL, times=100)
    assert found.end == f"{ADVICE} (HTTP status 307 names here)."


# --- what a wrong address gives -----------------------------------------------------------------

STRANGERS = {
    "a welcome": (http(200, b'{"message": "welcome"}'), 'no choices: {"message": "welcome"}'),
    "another interface's reply": (http(200, b'{"response": "hi"}'), "the reply has no choices"),
    "a web page": (
        http(200, HTML, content_type="text/html"),
        "a web page, as a proxy or a wrong address sends: Sign in",
    ),
    "a stream": (stream("h"), "a stream of events, though none was asked for: data: "),
}


@pytest.mark.parametrize("case", STRANGERS)
def test_an_address_that_never_gave_a_reply_and_sends_no_json_stops_the_run(case: str) -> None:
    answer, told = STRANGERS[case]
    first, second, third = answers_in_turn(always(answer), 3)
    assert [shown(first), shown(second)] == [UNREADABLE, UNREADABLE]
    assert isinstance(third, ServiceRefused)
    assert ": what answers there is no OpenAI-compatible service; check the base URL" in str(third)
    assert told in str(third)


def test_a_service_that_has_replied_may_send_a_web_page_now_and_then() -> None:
    page = http(200, HTML, content_type="text/html")
    found = answers_in_turn(in_turn(reply("hi"), page), 6)
    assert list(map(shown, found[1:])) == [UNREADABLE] * 5


def answers_in_turn(handler: Handler, number: int) -> list[object]:
    """Ask one call after the other."""

    async def asked(client: OpenAIClient) -> list[object]:
        calls = [client.complete(ask()) for _ in range(number)]
        found = [(await asyncio.gather(call, return_exceptions=True))[0] for call in calls]
        await client.aclose()
        return found

    with serve(handler) as server:
        return asyncio.run(asked(OpenAIClient(options(server.url))))


# --- the way to the server ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody signed but itself, and its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout {path} -out -"
    name = ["-addext", "subjectAltName=IP:127.0.0.1"]
    done = subprocess.run([openssl, *made.split(), *name], check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(done.stdout)
    return path


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.slow
def test_a_certificate_that_nobody_trusts_stops_the_run_in_one_sentence(certificate: Path) -> None:
    with serve(echo, tls=tls(certificate)) as server:
        (found,) = asyncio.run(outcomes(OpenAIClient(options(server.url)), [ask()]))
        url = server.url
    assert isinstance(found, ServiceRefused)
    assert str(found).startswith(
        f"{url}, model 'loopback-1': the server's certificate is not trusted;"
        " name its authority's file in SSL_CERT_FILE ("
    )


def test_a_certificate_named_in_the_environment_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serve(echo, tls=tls(certificate)) as server:
        (found,) = asyncio.run(outcomes(OpenAIClient(options(server.url)), [ask()]))
    assert isinstance(found, Reply)


@pytest.mark.parametrize(
    ("variable", "why"),
    [("SSL_CERT_FILE", "No such file or directory"), ("SSL_CERT_DIR", "no such folder")],
)
def test_certificates_that_cannot_be_read_are_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, why: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / "none.pem"))
    (found,) = asyncio.run(outcomes(OpenAIClient(options("https://127.0.0.1:1/v1")), [ask()]))
    assert isinstance(found, InputError)
    assert str(found) == (
        f"The certificates of {tmp_path / 'none.pem'}, which {variable} names, cannot be read"
        f" ({why}); name a file of them in SSL_CERT_FILE."
    )


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("no_proxy")
def test_a_proxy_of_the_environment_is_gone_through(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(echo) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        client = OpenAIClient(options("http://model.invalid/v1"))
        (found,) = asyncio.run(outcomes(client, [ask()]))
    assert isinstance(found, Reply)


@pytest.mark.usefixtures("no_proxy")
def test_a_host_that_is_to_go_past_the_proxy_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert isinstance(outcome(echo), Reply)


@pytest.mark.usefixtures("no_proxy")
def test_a_proxy_that_speaks_no_http_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(UsageError) as caught:
        OpenAIClient(options("http://127.0.0.1:2/v1"))
    assert str(caught.value) == (
        "The proxy for 127.0.0.1 that the environment names speaks socks5, not HTTP;"
        " name one as in http://localhost:3128, or add 127.0.0.1 to NO_PROXY."
    )


def test_the_headers_that_openai_s_variables_name_are_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Tenant: blue\nopenai-project: proj-2\nnonsense")
    sent: list[dict[str, str]] = []

    def handler(asked: Ask) -> Answer:
        sent.append(dict(asked.headers))
        return echo(asked)

    outcome(handler)
    names = ("openai-organization", "openai-project", "x-tenant", "content-type", "authorization")
    assert [[headers[name] for name in names] for headers in sent] == [
        ["org-1", "proj-2", "blue", "application/json", f"Bearer {KEY}"]
    ]
    assert sent[0]["user-agent"] == f"evolinstruct/{metadata.version('evolinstruct')}"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("OPENAI_CUSTOM_HEADERS", "X-A: b\rX-Evil: c", "the header x-a"),
        ("OPENAI_CUSTOM_HEADERS", f"X A {KEY}: b", "a header's name"),
        ("OPENAI_CUSTOM_HEADERS", "X-A: \x1b[2J", "the header x-a"),
        ("OPENAI_ORG_ID", "org\nX-Evil: c", "the header openai-organization"),
    ],
)
def test_a_header_that_cannot_be_sent_is_told_before_the_first_call(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        OpenAIClient(options("http://host/v1"))
    assert str(caught.value) == (
        f"{variable}: {told} holds a line break or another character that no header has;"
        " set it again without."
    )


def test_a_user_and_a_query_in_the_base_url_are_sent_and_not_told() -> None:
    sent: list[tuple[str, str]] = []

    def handler(asked: Ask) -> Answer:
        sent.append((asked.headers["authorization"], asked.target))
        return error(401)

    with serve(handler) as server:
        url = server.url.replace("http://", "http://ada:hunter%402@") + "/?version=1"
        (found,) = asyncio.run(outcomes(OpenAIClient(options(url)), [ask()]))
    basic = "Basic " + b64encode(b"ada:hunter@2").decode()
    assert sent == [(basic, "/v1/chat/completions?version=1")]
    assert "hunter" not in str(found)


# --- limits -------------------------------------------------------------------------------------

ANNOUNCED: dict[str, tuple[dict[str, str], Limits | None]] = {
    "nothing": ({}, None),
    "as OpenAI": (
        {
            "x-ratelimit-limit-requests": "500",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-reset-requests": "120ms",
            "x-ratelimit-limit-tokens": "30000",
            "x-ratelimit-remaining-tokens": "29000",
            "x-ratelimit-reset-tokens": "6m0.5s",
        },
        Limits(500, 499, 0.12, 30000, 29000, 360.5),
    ),
    "as Mistral": (
        {"x-ratelimit-remaining-req-minute": "3", "x-ratelimit-limit-req-minute": "60"},
        Limits(60, 3),
    ),
    "as Together": (
        {
            "x-ratelimit-limit": "10",
            "x-ratelimit-remaining": "9",
            "x-ratelimit-reset": "1",
            "x-tokenlimit-limit": "3000",
            "x-tokenlimit-remaining": "2000",
        },
        Limits(10, 9, 1.0, 3000, 2000),
    ),
    "a moment long past": (
        {"x-ratelimit-remaining": "9", "x-ratelimit-reset": "1700000000000"},
        Limits(None, 9, 0.0),
    ),
    "numbers without end": (
        dict.fromkeys(
            ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"), "9" * 5_000
        ),
        Limits(),
    ),
    "nonsense": (
        {"x-ratelimit-remaining": "-1", "x-ratelimit-limit": "1.5", "x-ratelimit-reset": "soon"},
        Limits(),
    ),
}


@pytest.mark.parametrize("case", ANNOUNCED)
def test_limits_are_read_beside_replies_and_errors(case: str) -> None:
    headers, limits = ANNOUNCED[case]
    _, _, body = reply("hi").wire.partition(b"\r\n\r\n")
    with serve(in_turn(http(200, body, headers=headers), error(429, headers=headers))) as server:
        client = OpenAIClient(options(server.url))

        async def both() -> list[object]:
            found = await asyncio.gather(client.complete(ask()), return_exceptions=True)
            return [*found, *await outcomes(client, [ask()])]

        replied, refused = asyncio.run(both())
    assert isinstance(replied, Reply)
    assert isinstance(refused, TryAgain)
    assert (replied.limits, refused.limits, refused.status) == (limits, limits, 429)


@given(st.text(max_size=20))
def test_a_reset_of_any_wording_is_seconds_or_unknown(text: str) -> None:
    found = errors.limits({"x-ratelimit-remaining": "1", "x-ratelimit-reset": text})
    assert found is not None
    assert found.reset_requests is None or 0 <= found.reset_requests < float("inf")


# --- secrets ------------------------------------------------------------------------------------

LEAKS = {
    "the key": f"Incorrect API key provided: {KEY}.",
    "masked": "Incorrect API key provided: sk-loopb**********6789.",
    "bearer": "bad header 'Authorization: Bearer abcdef0123'",
    "in a page": f"<html><body>{KEY}</body></html>",
}


@pytest.mark.parametrize("status", [200, 400, 401, 429])
@pytest.mark.parametrize("case", LEAKS)
def test_no_part_of_a_key_is_in_an_error_or_its_traceback(case: str, status: int) -> None:
    with serve(always(http(status, json.dumps({"error": LEAKS[case]}).encode()))) as server:
        (found,) = asyncio.run(outcomes(OpenAIClient(options(server.url)), [ask()]))
    assert isinstance(found, Exception)
    told = traceback.TracebackException.from_exception(found, capture_locals=True)
    text = "".join(told.format()) + repr(found)
    assert not [secret for secret in (KEY, "sk-loopb", "abcdef0123") if secret in text]
    assert (found.__cause__, found.__context__) == (None, None)


@given(
    key=st.text("abcxyz019._-", min_size=8, max_size=40),
    before=st.text(max_size=40),
    after=st.text(max_size=40).map(lambda text: text * 20),
)
def test_a_message_is_one_short_clean_line_without_the_key(
    key: str, before: str, after: str
) -> None:
    message = chat.clean_message(f"{before}{key}{after}", Secrets(key))
    assert key not in message
    assert len(message) <= 300
    assert message.isprintable()


def test_an_escape_sequence_does_not_reach_the_terminal() -> None:
    assert chat.clean_message("a\x1b[31mred\r\nb\u202ec", Secrets()) == "a [31mred b c"


# --- bad options --------------------------------------------------------------------------------


NO_URLS = {
    "localhost:8000/v1": "'localhost:8000/v1' is not one",
    "ftp://host/v1": "'ftp://host/v1' is not one",
    "http://": "'http://' is not one",
    "http://[::1/v1": "'http://…' is not one",
    "http://::1:8000/v1": "'http://…' is not one",
    "http://host:99999/v1": "'http://host:99999/v1' is not one",
    "http://host:x/v1": "'http://…' is not one",
    "http://host/v1\n": r"'http://host/v1\n' is not one (it holds a blank or a control character)",
    " http://host/v1": "' http://host/v1' is not one (it holds a blank or a control character)",
    "http://host/\u200bv1": r"'http://host/\u200bv1' is not one (it holds a blank or a control"
    " character)",
    "http://a..b/v1": "'http://a..b/v1' is not one (no host can have this name)",
    f"http://{'a' * 64}.b/v1": f"'http://{'a' * 64}.b/v1' is not one (no host can have this name)",
    "http://-a.b/v1": "'http://-a.b/v1' is not one (no host can have this name)",
    "http://a%20b/v1": "'http://a%20b/v1' is not one (no host can have this name)",
    "http://host\\evil/v1": "'http://host\\\\evil/v1' is not one",
    "http://ada:hunter 2@host/v1": "'http://…' is not one (it holds a blank or a control"
    " character)",
    "http://ada:hunter/2@host/v1": "'http://…' is not one",
    "http://ada:12/hunter@host/v1": "'http://…' is not one (an @ stands behind the host; in a"
    " password, write / ? # and @ as %2F %3F %23 %40)",
    "http://ada:hunter?2@host/v1": "'http://…' is not one",
    "http://a..b/v1?key=hunter": "'http://…' is not one (no host can have this name)",
}


@pytest.mark.parametrize("url", NO_URLS)
def test_a_base_url_that_is_none_is_a_usage_error_that_shows_no_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        OpenAIClient(options(url))
    assert str(caught.value) == (
        f"The base URL {NO_URLS[url]}; write it whole, as in http://localhost:8000/v1."
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://my_service:8000/v1",
        "https://bücher.example/v1",
        "http://[::1]:8000/v1",
        "http://host.",
        "http://host:/v1",
        "http://ada:p%40ss@host/v1?version=1",
    ],
)
def test_a_base_url_of_any_common_form_is_taken(url: str) -> None:
    OpenAIClient(options(url))


@pytest.mark.parametrize("key", [KEY + "\n", "two words", "schlüssel"])
def test_a_key_that_cannot_be_one_is_told_without_showing_it(key: str) -> None:
    with pytest.raises(InputError) as caught:
        OpenAIClient(options("http://localhost:1/v1", key=key))
    assert str(caught.value) == (
        "The API key holds a space, a line break or another character that no key has; "
        "set it again without."
    )


def test_a_missing_key_for_the_default_service_is_told_before_the_first_call() -> None:
    with pytest.raises(EvolinstructError, match=r"^There is no API key for api\.openai\.com; set"):
        OpenAIClient(options(None, key=None))


def test_no_model_is_the_command_lines_fault_and_told_before_the_key() -> None:
    with pytest.raises(UsageError) as caught:
        OpenAIClient(replace(options(None, key=None), model=""))
    assert str(caught.value) == (
        "No model is named, and there is no default one; name it with --model NAME, "
        "or one for each purpose, as in --model answer=NAME."
    )
