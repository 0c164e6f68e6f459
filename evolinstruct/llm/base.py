"""The client seam: a client turns a request into a reply, by two methods.

Journal, retry, balancer, throttle and budget are clients that wrap a client.
"""

from __future__ import annotations

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from evolinstruct import defaults
from evolinstruct.llm.secrets import Secrets

SERVICE_TIER = "service_tier"
"""The parameter of a call, and the field of a reply, that name a service's tier."""
BATCH = "batch"
"""What the tier of a call is called that is sent in a batch: it has prices of its own."""
LOGPROBS = ("logprobs", "top_logprobs")
"""The parameters of a call that wants to know what else might have stood in its reply."""
_ALTERNATIVES = 5  # to each token: what every service gives that gives any

_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class CallId:
    """Names a call by its place, purpose and attempt; part of the journal's key, never sent.

    Two calls with the same messages and other call ids are two draws from the model.

    Attributes:
        child_id: the place in the data set that the call works for.
        purpose: evolve, compare, answer, tests, run, score, solve, judge, analyse, optimize.
        attempt: 0 for the first ask, 1 for the second of the same purpose, and so on.
    """

    child_id: str
    purpose: str
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class CallContext:
    """What a call is about, beside its messages; never sent, and no part of the journal's key.

    Counts by generation and operation are made from it, and the offline client, which reads no
    prompt, goes by it.

    Attributes:
        generation: the generation that the call works for.
        operation: the operation's name; None where a seed is answered.
        kind: ``in-depth``, ``in-breadth`` or ``transform``; None where a seed is answered.
        format: the data format drawn, or None.
        instruction: evolve: the parent; compare: the child; analyse: the cases; optimize: the
            feedback; otherwise the instruction, or all of several.
        parent: compare: the parent; otherwise None.
        marks: evolve, optimize: the lines between which the prompt asks for what it wants, if it
            does.
        items: score, judge: the texts that are to be put in order, each behind its label.
        range: score: the least and the most that a number may be, if one is asked for.
        checks: evolve: the constraints that the rewrite is to state; answer: those that the
            instruction states; as the field ``checks`` of a line has them.
        checked_by: the names of the checks that the pack makes of answers.
        method: in tuning, the method that is tried, analysed or rewritten; otherwise None.
    """

    generation: int
    operation: str | None
    kind: str | None
    format: str | None
    instruction: str
    parent: str | None = None
    marks: tuple[str, str] | None = None
    items: tuple[tuple[str, str], ...] = ()
    range: tuple[float, float] | None = None
    checks: str | None = None
    checked_by: tuple[str, ...] = ()
    method: str | None = None


@dataclass(slots=True, eq=False)
class Prefetched:
    """Marks a call that is made before the run needs it: it gives way to others, and is tried once.

    Attributes:
        on_sent: is called when it is sent, or need not be.
        is_sent: whether that has happened.
    """

    on_sent: Callable[[], None]
    is_sent: bool = False

    def sent(self) -> None:
        """Note that it is sent, or need not be; only the first time counts."""
        if not self.is_sent:
            self.is_sent = True
            self.on_sent()


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        call_id: which call this is; never sent.
        context: what it is about; never sent.
        messages: (role, content) pairs.
        model: the model's name; empty for a client that has only one.
        temperature: sampling temperature, None to leave it to the service.
        top_p: nucleus sampling, None to leave it to the service.
        max_tokens: upper bound of the reply's length in tokens, None for none.
        extra: further parameters of the request's body.
        wants: ``text``; or ``logprobs``, which is the same with what else might have stood in the
            place of its numbers, where a service tells; or the ``vector`` of the last message,
            which is the reply's text as `encode_vector` writes it. No part of the journal's key.
        service_tier: the service's tier to be answered in, None to leave it to the service; no part
            of the journal's key.
        server: the base URL or provider to be asked, where one purpose has several models; None for
            those of the settings. No part of the journal's key either.
        prefetched: marks a call that is made before the run needs it; never sent.
    """

    call_id: CallId
    context: CallContext
    messages: tuple[tuple[str, str], ...]
    model: str
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    service_tier: str | None = None
    server: str | None = None
    prefetched: Prefetched | None = field(default=None, compare=False, repr=False)
    wants: Literal["text", "logprobs", "vector"] = "text"

    @property
    def purpose(self) -> str:
        """Why it is asked: evolve, compare, answer."""
        return self.call_id.purpose

    def ahead(self, mark: Prefetched) -> Request:
        """Return the request marked as prefetched."""
        return replace(self, prefetched=mark)

    def parameters(self) -> dict[str, object]:
        """Return the parameters of the call; one that is None is left to the service."""
        sampling = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
        given = {name: value for name, value in sampling.items() if value is not None}
        told = (True, _ALTERNATIVES) if self.wants == "logprobs" else ()
        tier = {} if self.service_tier is None else {SERVICE_TIER: self.service_tier}
        return {**given, **dict(zip(LOGPROBS, told, strict=False)), **self.extra, **tier}

    @property
    def draw(self) -> CallId:
        """The name that `call_id` had until 0.2; goes with 0.3."""
        return self.call_id

    @property
    def subject(self) -> CallContext:
        """The name that `context` had until 0.2; goes with 0.3."""
        return self.context


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call took, as the service reported it; None where it said nothing.

    Attributes:
        prompt_tokens: tokens in.
        completion_tokens: tokens out.
        cached_tokens: of the prompt's, those that the service had in its cache.
        reasoning_tokens: of the reply's, those of its reasoning.
        written_tokens: of the prompt's, those that the service put into its cache; never stored.
        tier: the service tier that it is billed in, empty where none is named; never stored.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    written_tokens: int | None = None
    tier: str = ""

    def within(self, prompt: int, completion: int) -> tuple[int, int]:
        """Return tokens in and out; a bound stands for what was not reported."""
        reported = self.prompt_tokens, self.completion_tokens
        bounds = zip(reported, (prompt, completion), strict=True)
        into, out = (most if count is None else count for count, most in bounds)
        return into, out


Alternatives = tuple[tuple[str, float], ...]
"""A token of a reply, and then what might have stood in its place, each with the natural logarithm
of its probability."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service announced about its limits beside an answer; None where it said nothing.

    Attributes:
        requests: calls that a window allows.
        remaining_requests: calls left in it.
        reset_requests: seconds until it is whole again.
        tokens: tokens that a window allows.
        remaining_tokens: tokens left in it.
        reset_tokens: seconds until it is whole again.
    """

    requests: int | None = None
    remaining_requests: int | None = None
    reset_requests: float | None = None
    tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        text: the content, reasoning left out; may be empty.
        finish_reason: ``stop``, ``length`` or another word of the service.
        usage: tokens.
        model: the model that the service says it used.
        limits: what the service announced beside it; true for this moment only, never stored.
        reasoned: the service told reasoning apart from the content; never stored.
        logprobs: of each token with a digit in it, where they were asked for and the service tells.
    """

    text: str
    finish_reason: str
    usage: Usage
    model: str
    limits: Limits | None = field(default=None, compare=False)
    reasoned: bool = field(default=False, compare=False)
    logprobs: tuple[Alternatives, ...] = ()


class Client(Protocol):
    """Anything that answers requests, or wraps something that does."""

    async def complete(self, request: Request) -> Reply:
        """Return the reply.

        Raises:
            CallError: this call has no reply.
            StopRun: no further call can have one.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections. Called once, last."""
        ...


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What a client is made with, once for each server and model in use.

    Attributes:
        base_url: the server, None for the client's own default.
        model: the model's name, empty if none was given.
        api_key: the key, None if none was found. Never write it anywhere.
        timeout: seconds that one call may take.
        alone: no other server answers the same calls, so the run ends if it cannot be reached.
        key_variable: the environment variable that must hold the key; None where none must.
        max_reply_mb: an answer's size at most, unpacked, in millions of bytes.
        secrets: what is hidden wherever the client brings it in; a client that signs in with more
            than the key and the base URL adds that.
        sandbox: it is to run programs, and the model is the name of a sandbox.
        key_header: the header that the key goes in, in lower case.
        concurrency: calls that the user wants to be under way at once, None where nobody says.
    """

    base_url: str | None
    model: str
    api_key: str | None
    timeout: float
    alone: bool = True
    key_variable: str | None = None
    max_reply_mb: float = defaults.MAX_REPLY_MB
    secrets: Secrets = field(default_factory=Secrets, compare=False)
    sandbox: bool = False
    key_header: str = "authorization"
    concurrency: int | None = None

    def __repr__(self) -> str:
        return f"ClientOptions(model={self.model!r})"  # a base URL may hold a password


def encodable(text: str) -> str:
    """Return the text with U+FFFD for each lone surrogate, which UTF-8 cannot hold."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


Draw, Subject = CallId, CallContext
"""The names that these two had until 0.2; they go with 0.3."""


def encode_vector(numbers: Sequence[float]) -> str:
    """Return a vector as the text of a reply: numbers of 32 bits, little end first, in base64."""
    return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def decode_vector(text: str) -> bytes:
    """Return the bytes of the numbers in a vector that is a reply's text.

    Raises:
        ValueError: the text is no vector.
    """
    return b64decode(text, validate=True)
