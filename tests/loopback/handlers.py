"""Ready-made handlers: a deterministic service, and others that are slow or faulty."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

from tests.loopback.answers import (
    Answer,
    Ask,
    Handler,
    drop,
    error,
    garbage,
    half,
    http,
    reply,
    vector,
)

_SHARES = 1 << 32


def echo(ask: Ask) -> Answer:
    """Reply with the prompt, and count its words as tokens."""
    tokens = len(ask.prompt.split())
    usage = {"prompt_tokens": tokens, "completion_tokens": tokens, "total_tokens": 2 * tokens}
    return reply(f"echo: {ask.prompt}", usage=usage)


def letters(ask: Ask) -> Answer:
    """Embed a text as how often it has each letter."""
    return vector(*(float(ask.prompt.count(each)) for each in "abcdefghijklmnopqrstuvwxyz"))


def in_turn(*answers: Answer) -> Handler:
    """Give each prompt these answers one after the other, and the last from then on."""
    return lambda ask: answers[min(ask.nth, len(answers) - 1)]


def slowly(handler: Handler, seconds: float) -> Handler:
    """Wait before each answer."""
    return lambda ask: replace(handler(ask), latency=seconds)


def storm(handler: Handler, share: float) -> Handler:
    """Put a fault in the place of a share of the answers, the same ones in every run."""
    faults = (
        error(429, "slow down", headers={"retry-after-ms": "1"}),
        error(500),
        drop(),
        half(reply("lost in the middle")),
        garbage(),
        http(200, b"{not json"),
        http(502, b"<html><title>Bad Gateway</title></html>", content_type="text/html"),
    )

    def stormy(ask: Ask) -> Answer:
        digest = blake2b(f"{ask.nth}/{ask.prompt}".encode(), digest_size=8).digest()
        if int.from_bytes(digest[:4]) < share * _SHARES:
            return faults[digest[4] % len(faults)]
        return handler(ask)

    return stormy
