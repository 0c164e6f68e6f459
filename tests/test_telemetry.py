"""With --otel each call is a span and counts in the metrics, by the conventions, without texts."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.errors import CallFailed, TryAgain
from evolinstruct.llm.base import CallContext, CallId, Client, Prefetched, Request
from evolinstruct.llm.telemetry import Telemetry
from tests.runs import contents, data_files, evolve, tasks, write_seeds
from tests.scripted import Script, Scripted, obedient, reply

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry")
from opentelemetry import metrics, trace  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402

SPANS = InMemorySpanExporter()
READER = InMemoryMetricReader()
ASK = Request(
    CallId("c" * 16, "evolve"),
    CallContext(2, "deepen", "in-depth", None, "a secret parent"),
    (("user", "a secret prompt"),),
    "m-1",
    temperature=0.7,
    max_tokens=64,
)


@pytest.fixture(scope="module", autouse=True)
def set_up() -> None:
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(SPANS))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([READER]))


@pytest.fixture(autouse=True)
def emptied(set_up: None) -> Iterator[None]:
    SPANS.clear()
    yield
    READER.get_metrics_data()


def wrapped(script: Script) -> Client:
    return Telemetry().wrap(Scripted(script), "mistral", "api.example:8080", in_process=False)


def metered() -> dict[str, list[Any]]:
    """Return the points of each metric so far."""
    found = READER.get_metrics_data()
    return {
        metric.name: list(metric.data.data_points)
        for resource in (found.resource_metrics if found else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def test_a_call_is_a_span_with_the_attributes_of_the_conventions() -> None:
    asyncio.run(wrapped(lambda _: reply("a secret reply")).complete(ASK))
    (span,) = SPANS.get_finished_spans()
    assert (span.name, span.kind) == ("chat m-1", trace.SpanKind.CLIENT)
    assert span.status.is_unset
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "m-1",
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.response.model": "scripted-model",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 5,
        "server.address": "api.example",
        "server.port": 8080,
        "evolinstruct.purpose": "evolve",
        "evolinstruct.generation": 2,
        "evolinstruct.operation": "deepen",
        "evolinstruct.child_id": "c" * 16,
        "evolinstruct.attempt": 0,
    }
    assert "secret" not in span.to_json()


def test_a_call_that_fails_is_a_span_with_its_error_and_no_message() -> None:
    failing = wrapped(lambda _: CallFailed("timeout", "a secret message", 6))
    with pytest.raises(CallFailed):
        asyncio.run(failing.complete(ASK))
    (span,) = SPANS.get_finished_spans()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes["error.type"] == "timeout"
    assert "secret" not in span.to_json()


@pytest.mark.parametrize("error", [TryAgain("http_500", "m"), CallFailed("timeout", "m", 1)])
def test_a_prefetched_call_that_fails_is_no_call(error: Exception) -> None:
    ahead = ASK.ahead(Prefetched(lambda: None))
    with pytest.raises(type(error)):
        asyncio.run(wrapped(lambda _: error).complete(ahead))
    assert SPANS.get_finished_spans() == ()


def test_seconds_and_tokens_have_the_names_that_dashboards_know() -> None:
    client = wrapped(lambda _: reply("fine"))
    before = metered()
    asyncio.run(client.complete(ASK))
    after = metered()

    def added(name: str, **wanted: Any) -> int | float:
        def total(points: list[Any]) -> int | float:
            return sum(
                point.sum if "token" in name else point.count
                for point in points
                if point.attributes["gen_ai.request.model"] == "m-1"
                and wanted.items() <= dict(point.attributes).items()
            )

        return total(after[name]) - total(before.get(name, []))

    assert added("gen_ai.client.operation.duration") == 1
    assert added("gen_ai.client.token.usage", **{"gen_ai.token.type": "input"}) == 3
    assert added("gen_ai.client.token.usage", **{"gen_ai.token.type": "output"}) == 5


def test_the_newest_names_are_used_instead_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http,gen_ai_latest_experimental")
    asyncio.run(wrapped(lambda _: reply("fine")).complete(ASK))
    found = metered()
    values = {
        name: [point.value for point in found[f"gen_ai.client.inference.usage.{name}"]]
        for name in ("input_tokens", "output_tokens")
    }
    assert values == {"input_tokens": [3], "output_tokens": [5]}
    assert [point.count for point in found["gen_ai.client.inference.duration"]] == [1]


class Flaky(Scripted):
    """Has trouble the first time that it is asked."""

    def __init__(self, options: object) -> None:
        super().__init__(self._answer)

    def _answer(self, request: Request) -> Any:
        return TryAgain("http_503", "busy") if len(self.asked) == 1 else obedient(request)


def test_a_run_has_a_span_a_call_also_where_it_was_sent_again_and_none_from_the_journal(
    tmp_path: Path,
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(1))
    how = {"generations": 1, "client": "tests.test_telemetry:Flaky", "otel": True}
    summary = evolve(seeds, tmp_path / "run", **how)
    spans = SPANS.get_finished_spans()
    assert len(spans) == sum(summary.calls.values())
    assert {span.attributes["evolinstruct.purpose"] for span in spans} == set(summary.calls)
    evolve(seeds, tmp_path / "run", **how)
    assert SPANS.get_finished_spans() == spans
    texts = [
        json.loads(line) for line in (tmp_path / "run/dataset.jsonl").read_bytes().splitlines()
    ]
    said = "".join(span.to_json() for span in spans)
    assert not any(line["instruction"] in said or line["output"] in said for line in texts)


def test_a_run_is_the_same_with_and_without(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(6))
    for name, otel in (("with", True), ("without", False)):
        evolve(seeds, tmp_path / name, generations=2, otel=otel)
    assert data_files(tmp_path / "with") == data_files(tmp_path / "without")
    assert contents(tmp_path / "with").keys() == contents(tmp_path / "without").keys()
    assert SPANS.get_finished_spans()[0].kind is trace.SpanKind.INTERNAL  # the offline client


def in_a_process(folder: Path, otel: bool) -> subprocess.CompletedProcess[str]:
    """Carry a run out by itself; print whether OpenTelemetry is loaded."""
    seeds = write_seeds(folder / "seeds.jsonl", tasks(1))
    script = (
        "import sys, evolinstruct\n"
        f"evolinstruct.evolve({str(seeds)!r}, {str(folder / 'run')!r}, client='offline',"
        f" generations=1, otel={otel})\n"
        "print('opentelemetry' in sys.modules)"
    )
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )


def test_nothing_is_imported_where_it_is_off(tmp_path: Path) -> None:
    assert in_a_process(tmp_path, otel=False).stdout == "False\n"


def test_spans_that_nothing_would_receive_are_told(tmp_path: Path) -> None:
    told = in_a_process(tmp_path, otel=True).stderr.splitlines()[-1]
    assert told.endswith(
        "--otel: nothing is set up to receive spans; begin the command with"
        " opentelemetry-instrument, or set a tracer provider in Python."
    )
