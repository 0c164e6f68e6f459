"""Telemetry: a span and metrics of each call, for OpenTelemetry, by its conventions for GenAI.

A span is of a logical call: with all its attempts, and the waits for a turn. What the journal
answers has none. No text, key or address with a password is in it. Whoever starts the process says
where spans and metrics go; here only OpenTelemetry's API is called.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from evolinstruct import environment
from evolinstruct.errors import CallError, CallFailed, CallRejected, UsageError
from evolinstruct.installation import import_extra
from evolinstruct.llm.base import Client, Reply, Request, Usage

_EXTRA, _FLAG = "opentelemetry", "--otel"
_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
_LATEST = "gen_ai_latest_experimental"
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "openai-sdk": "openai",
    "xai": "x_ai",
}
"""What the conventions call a provider or client, where they have another name for it."""
_SECONDS = tuple(0.01 * 2**power for power in range(14))
_TOKENS = tuple(4.0**power for power in range(14))
"""The bounds of the histograms, as the conventions have them."""
_USAGE = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "cache_read.input_tokens": "cached_tokens",
    "reasoning.output_tokens": "reasoning_tokens",
}
"""The names of the conventions for counts of tokens, and ours."""


class Telemetry:
    """Records calls where the process has OpenTelemetry set up."""

    def __init__(self) -> None:
        """Take the tracer and the meter of the process.

        Raises:
            InputError: OpenTelemetry is not installed.
            UsageError: nothing is set up to receive spans.
        """
        self._trace = import_extra("opentelemetry.trace", _EXTRA, _FLAG)
        metrics = import_extra("opentelemetry.metrics", _EXTRA, _FLAG)
        if isinstance(self._trace.get_tracer_provider(), self._trace.ProxyTracerProvider):
            raise UsageError(
                f"{_FLAG}: nothing is set up to receive spans; begin the command with"
                " opentelemetry-instrument, or set a tracer provider in Python."
            )
        self._tracer = self._trace.get_tracer("evolinstruct")
        meter = metrics.get_meter("evolinstruct")
        is_latest = _LATEST in environment.variable(_OPT_IN).split(",")
        self._metrics: _Metrics = _LatestMetrics(meter) if is_latest else _Metrics(meter)

    def wrap(self, client: Client, provider: str, server: str, *, in_process: bool) -> Client:
        """Return a client whose calls are recorded.

        Args:
            client: who is asked, and asks again.
            provider: the name of the service or of the client.
            server: host and port; empty where there are several or none.
            in_process: whether it answers from this process.
        """
        common: dict[str, Any] = {"gen_ai.provider.name": _PROVIDERS.get(provider, provider)}
        place = urlsplit(f"//{server}")
        given = {"server.address": place.hostname, "server.port": place.port}
        common |= {name: value for name, value in given.items() if value is not None}
        kinds = self._trace.SpanKind
        return _TracedClient(client, self, common, kinds.INTERNAL if in_process else kinds.CLIENT)

    def record(
        self, request: Request, outcome: Reply | CallError, began: int, kind: Any, common: Any
    ) -> None:
        """Record a call that has ended; `began` is in nanoseconds since 1970."""
        ended = time.time_ns()
        operation = "embeddings" if request.wants == "vector" else "chat"
        shared = {
            "gen_ai.operation.name": operation,
            "gen_ai.request.model": request.model,
            **common,
            **_ending(outcome),
        }
        span = self._tracer.start_span(
            f"{operation} {request.model}".rstrip(),
            kind=kind,
            attributes={**shared, **_asked(request), **_got(outcome)},
            start_time=began,
        )
        if isinstance(outcome, CallError):
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(ended)
        usage = outcome.usage if isinstance(outcome, Reply) else Usage()
        self._metrics.record(shared, (ended - began) / 1e9, usage)


class _TracedClient:
    """A client whose calls are recorded when they have ended."""

    def __init__(
        self, client: Client, telemetry: Telemetry, common: dict[str, Any], kind: Any
    ) -> None:
        self._client = client
        self._telemetry = telemetry
        self._common = common
        self._kind = kind

    async def complete(self, request: Request) -> Reply:
        """Return the reply of the client within."""
        began = time.time_ns()
        try:
            reply = await self._client.complete(request)
        except (CallRejected, CallFailed) as error:
            # A prefetched call that has failed is none: the run asks it anew where it needs it.
            if request.prefetched is None or isinstance(error, CallRejected):
                self._record(request, error, began)
            raise
        self._record(request, reply, began)
        return reply

    async def aclose(self) -> None:
        """Close the client within."""
        await self._client.aclose()

    def _record(self, request: Request, outcome: Reply | CallError, began: int) -> None:
        self._telemetry.record(request, outcome, began, self._kind, self._common)


class _Metrics:
    """Seconds and tokens of calls, by the names that most dashboards know."""

    duration = "gen_ai.client.operation.duration"

    def __init__(self, meter: Any) -> None:
        self._seconds = meter.create_histogram(
            self.duration,
            unit="s",
            description="How long a call took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._make(meter)

    def _make(self, meter: Any) -> None:
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="How many tokens a call took, in and out.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def record(self, attributes: dict[str, Any], seconds: float, usage: Usage) -> None:
        """Record a call."""
        self._seconds.record(seconds, attributes)
        self._count(attributes, usage)

    def _count(self, attributes: dict[str, Any], usage: Usage) -> None:
        counts = {"input": usage.prompt_tokens, "output": usage.completion_tokens}
        for kind, count in counts.items():
            if count is not None:
                self._tokens.record(count, {**attributes, "gen_ai.token.type": kind})


class _LatestMetrics(_Metrics):
    """The same by the newest names, where ``OTEL_SEMCONV_STABILITY_OPT_IN`` asks for them."""

    duration = "gen_ai.client.inference.duration"

    def _make(self, meter: Any) -> None:
        self._counters = {
            ours: meter.create_counter(f"gen_ai.client.inference.usage.{name}", unit="{token}")
            for name, ours in _USAGE.items()
        }

    def _count(self, attributes: dict[str, Any], usage: Usage) -> None:
        for name, counter in self._counters.items():
            if (count := getattr(usage, name)) is not None:
                counter.add(count, attributes)


def _asked(request: Request) -> dict[str, Any]:
    """Return the attributes of what is asked for; those of our own are the line's place."""
    context = request.context
    values = {
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.top_p": request.top_p,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.seed": request.extra.get("seed"),
        "evolinstruct.purpose": request.purpose,
        "evolinstruct.generation": context.generation,
        "evolinstruct.operation": context.operation,
        "evolinstruct.child_id": request.call_id.child_id,
        "evolinstruct.attempt": request.call_id.attempt,
    }
    return {name: value for name, value in values.items() if value is not None}


def _ending(outcome: Reply | CallError) -> dict[str, str]:
    """Return the model that answered, or the error that a call ended with."""
    if isinstance(outcome, Reply):
        return {"gen_ai.response.model": outcome.model}
    return {"error.type": outcome.error}


def _got(outcome: Reply | CallError) -> dict[str, Any]:
    if not isinstance(outcome, Reply):
        return {}
    counts = {f"gen_ai.usage.{name}": getattr(outcome.usage, ours) for name, ours in _USAGE.items()}
    told = {name: count for name, count in counts.items() if count is not None}
    return {"gen_ai.response.finish_reasons": (outcome.finish_reason,), **told}
