"""Calls in batches: the same run as one by one, whatever becomes of batches, and paid for once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from evolinstruct.errors import (
    BudgetReached,
    InputError,
    ServiceRefused,
    UsageError,
    WaitingForBatch,
)
from evolinstruct.llm.openai.anthropic_batches import TERMS
from evolinstruct.llm.openai.batches import SERVICES
from tests.command_line import evolinstruct
from tests.faults.harness import COMMAND, service
from tests.loopback import Answer, Ask, batches, error, reply, serve
from tests.loopback.batches import AnthropicBatches, Batches, MistralBatches
from tests.quick import first_of
from tests.runs import check_invariants, data_files, evolve, tasks, write_seeds

GENERATIONS = 2
FAULTS = (
    batches.shuffled,
    batches.doubled,
    batches.expired,
    batches.cancelled,
    batches.half_failed,
    batches.full,
)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_seeds(tmp_path_factory.mktemp("seeds") / "seeds.jsonl", tasks(40))


@pytest.fixture(scope="module")
def whole(seeds: Path) -> dict[str, bytes]:
    """The files of an ordinary run with the same replies."""
    with serve(service) as server:
        evolve(seeds, seeds.parent / "whole", **settings(server.url, batch=False))
    return data_files(seeds.parent / "whole")


def settings(url: str, **others: Any) -> dict[str, Any]:
    named = {"client": "openai", "model": "loopback-1", "base_url": url, "batch": True}
    return {**named, "generations": GENERATIONS, "answer_seeds": True, **others}


def run(seeds: Path, out: Path, to: Batches, **others: Any) -> dict[str, Any]:
    """Carry a run out in batches; return its run.json."""
    with serve(to) as server:
        evolve(seeds, out, **settings(server.url, **others))
    return state(out)


def state(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "run.json").read_text())
    return found


def repeated(to: Batches) -> list[str]:
    return [name for name, times in to.paid.items() if times > 1]


@pytest.mark.slow
def test_a_run_in_batches_makes_the_files_of_an_ordinary_one(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    to = Batches(service)
    found = run(seeds, tmp_path / "run", to)
    assert data_files(tmp_path / "run") == whole
    assert repeated(to) == []
    assert found["spent"]["calls"] == len(to.asked)
    assert {row["tier"] for row in found["usage"]} == {"batch"}
    check_invariants(tmp_path / "run", GENERATIONS)


@pytest.mark.slow
@pytest.mark.parametrize("fault", first_of(*FAULTS), ids=lambda fault: str(fault.__name__))
def test_whatever_becomes_of_a_batch_the_files_are_the_same_and_no_call_is_paid_for_twice(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes], fault: batches.Fault
) -> None:
    to = Batches(service, *[fault] * 4)
    run(seeds, tmp_path / "run", to)
    assert data_files(tmp_path / "run") == whole
    assert repeated(to) == []


@pytest.mark.slow
def test_what_a_batch_loses_is_asked_again_and_counted_at_most(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    to = Batches(service, batches.lossy)
    found = run(seeds, tmp_path / "run", to)
    assert data_files(tmp_path / "run") == whole
    assert found["spent"]["unanswered"] == to.asked.total() - len(to.asked)
    assert found["spent"]["unanswered"] > 0


@pytest.mark.slow
def test_an_answer_that_gets_lost_makes_no_second_batch(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    to = Batches(service)
    to.lost_answers = 2
    run(seeds, tmp_path / "run", to)
    assert data_files(tmp_path / "run") == whole
    assert len({made.source for made in to.made.values()}) == len(to.made)


@pytest.mark.slow
def test_submit_leaves_with_what_is_sent_and_the_same_command_goes_on(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    to, out, left = Batches(service, *FAULTS, looks=2), tmp_path / "run", 0
    with serve(to) as server:
        while True:
            try:
                evolve(seeds, out, **settings(server.url, submit=True))
                break
            except WaitingForBatch:
                left += 1
                assert state(out)["exit_code"] == 6
    assert left > 3
    assert data_files(out) == whole
    assert repeated(to) == []


def test_a_run_that_waits_for_batches_is_not_carried_on_without_them(
    tmp_path: Path, seeds: Path
) -> None:
    with serve(Batches(service, looks=9)) as server:
        with pytest.raises(WaitingForBatch):
            evolve(seeds, tmp_path / "run", **settings(server.url, submit=True))
        with pytest.raises(InputError, match="add --batch"):
            evolve(seeds, tmp_path / "run", **settings(server.url, batch=False))


@pytest.mark.slow
def test_a_batch_that_the_key_does_not_show_is_given_up_only_when_told(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    to, out = Batches(service, looks=2), tmp_path / "run"
    with serve(to) as server:
        with pytest.raises(WaitingForBatch):
            evolve(seeds, out, **settings(server.url, submit=True))
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another")
        with pytest.raises(ServiceRefused, match=r"knows no batch batch-0.*--forget-batches"):
            evolve(seeds, out, **settings(server.url))
        monkeypatch.setenv("OPENAI_API_KEY", "sk-loopback")
        evolve(seeds, out, **settings(server.url))
    assert data_files(out) == whole
    assert repeated(to) == []


@pytest.mark.slow
def test_a_batch_that_is_turned_down_stops_the_run_with_the_words_of_the_service(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    to = Batches(service, batches.turned_down)
    with pytest.raises(ServiceRefused, match="gpt-0 has no batches"):
        run(seeds, tmp_path / "run", to)
    run(seeds, tmp_path / "run", to)
    assert data_files(tmp_path / "run") == whole


@pytest.mark.slow
def test_calls_that_are_turned_down_one_and_all_stop_the_run_and_fail_none(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    def unfit(ask: Ask) -> Answer:
        return error(422, "top_k is out of range")

    with pytest.raises(ServiceRefused, match="turned every call of a batch down"):
        run(seeds, tmp_path / "run", Batches(unfit))
    run(seeds, tmp_path / "run", Batches(service))
    assert data_files(tmp_path / "run") == whole


@pytest.mark.slow
def test_a_parameter_that_the_model_does_not_take_is_left_out_of_the_next_batch(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    def picky(ask: Ask) -> Answer:
        if "top_p" in ask.json:
            return error(400, "Unsupported parameter: 'top_p' is not supported with this model.")
        return service(ask)

    to = Batches(picky)
    run(seeds, tmp_path / "run", to)
    assert data_files(tmp_path / "run") == whole
    assert repeated(to) == []


@pytest.mark.slow
def test_a_call_that_fails_again_and_again_becomes_a_failed_line(
    tmp_path: Path, seeds: Path
) -> None:
    def unlucky(ask: Ask) -> Answer:
        return error(500) if "number 7" in ask.prompt else reply(f"Say why {len(ask.prompt)}.")

    to = Batches(unlucky)
    found = run(seeds, tmp_path / "run", to, generations=1, answer_seeds=False)
    lines = (tmp_path / "run/generation-1.failed.jsonl").read_text().splitlines()
    failed = [*map(json.loads, lines)]
    assert [(line["error"], line["attempts"]) for line in failed] == [("http_500", 6)]
    assert found["exit_code"] == 3


@pytest.mark.slow
def test_caps_count_batches_at_their_price(tmp_path: Path, seeds: Path) -> None:
    def usual(ask: Ask) -> Answer:
        tokens = {"prompt_tokens": 1_000, "completion_tokens": 100}
        return reply(f"Say in one sentence why {len(ask.prompt)} is odd.", usage=tokens)

    prices = tmp_path / "prices.toml"
    prices.write_text('["loopback-1"]\ninput = 1\noutput = 10\nbatch = {input = 0.5, output = 5}\n')
    found = run(seeds, tmp_path / "run", Batches(usual), prices=str(prices))
    assert found["spent"]["cost"] == pytest.approx(found["spent"]["calls"] * 0.001)
    with pytest.raises(BudgetReached, match="--max-calls 30 is reached"):
        run(seeds, tmp_path / "capped", Batches(usual), max_calls=30)
    assert state(tmp_path / "capped")["spent"]["calls"] == 30


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"client": "offline", "base_url": {}}, "the client offline has no batches"),
        ({"base_url": ["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"]}, "share the calls"),
        ({"service_tier": "flex"}, "leave --service-tier out"),
        ({"prompts": "code"}, "code run by a sandbox, which takes no batches"),
    ],
)
def test_who_has_no_batches_says_so_before_anything_is_sent(
    tmp_path: Path, seeds: Path, others: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        evolve(seeds, tmp_path / "run", **settings("http://127.0.0.1:1/v1", **others))


@pytest.mark.slow
def test_several_models_have_batches_of_their_own(tmp_path: Path, seeds: Path) -> None:
    to = Batches(service)
    run(seeds, tmp_path / "run", to, model={"default": "one", "answer": "two"})
    for made in to.made.values():
        bodies = [json.loads(line)["body"] for line in to.files[made.source].splitlines()]
        assert len({body["model"] for body in bodies}) == 1


Service = TypeVar("Service", bound=Batches)


@contextmanager
def taken_for_others(to: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Have all calls go through a service, whatever host they name."""
    with serve(to) as server:
        monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        yield to


# Anthropic's own form


@pytest.fixture
def anthropic(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnthropicBatches]:
    """A service that is taken for Anthropic's, because all calls go through it."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-loopback")
    with taken_for_others(AnthropicBatches(service), monkeypatch) as to:
        yield to


HTTP = {"api_key_env": "ANTHROPIC_API_KEY", "base_url": "http://api.anthropic.com/v1"}


def as_loopback(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: file.replace(b"claude-loopback", b"loopback-1") for name, file in files.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    first_of(batches.half_failed, batches.shuffled, batches.doubled, batches.expired),
    ids=lambda fault: str(fault.__name__),
)
def test_calls_go_to_anthropic_in_its_own_form_and_come_back_as_any(
    tmp_path: Path,
    seeds: Path,
    whole: dict[str, bytes],
    anthropic: AnthropicBatches,
    fault: batches.Fault,
) -> None:
    anthropic.faults[:] = [fault] * 3
    evolve(seeds, tmp_path / "run", **settings("", **HTTP))
    assert as_loopback(data_files(tmp_path / "run")) == whole
    assert repeated(anthropic) == []


@pytest.mark.slow
def test_a_batch_of_anthropic_is_found_again_without_a_file(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes], anthropic: AnthropicBatches
) -> None:
    anthropic.lost_answers = 3
    evolve(seeds, tmp_path / "run", **settings("", **HTTP))
    assert as_loopback(data_files(tmp_path / "run")) == whole
    assert repeated(anthropic) == []


# Mistral's own form


@pytest.fixture
def mistral(monkeypatch: pytest.MonkeyPatch) -> Iterator[MistralBatches]:
    """A service that is taken for Mistral's, because all calls go through it."""
    monkeypatch.setenv("MISTRAL_API_KEY", "mistral-loopback-key")
    with taken_for_others(MistralBatches(service), monkeypatch) as to:
        yield to


MISTRAL = {"api_key_env": "MISTRAL_API_KEY", "base_url": "http://api.mistral.ai/v1"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    first_of(
        batches.half_failed,
        batches.shuffled,
        batches.doubled,
        batches.expired,
        batches.cancelled,
    ),
    ids=lambda fault: str(fault.__name__),
)
def test_calls_go_to_mistral_as_jobs_and_come_back_as_any(
    tmp_path: Path,
    seeds: Path,
    whole: dict[str, bytes],
    mistral: MistralBatches,
    fault: batches.Fault,
) -> None:
    mistral.faults[:] = [fault] * 3
    evolve(seeds, tmp_path / "run", **settings("", **MISTRAL))
    assert data_files(tmp_path / "run") == whole
    assert repeated(mistral) == []


@pytest.mark.slow
def test_a_job_of_mistral_is_found_again_by_its_file(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes], mistral: MistralBatches
) -> None:
    mistral.lost_answers = 3
    evolve(seeds, tmp_path / "run", **settings("", **MISTRAL))
    assert data_files(tmp_path / "run") == whole
    assert repeated(mistral) == []


def test_a_job_that_mistral_turns_down_says_why(
    tmp_path: Path, seeds: Path, mistral: MistralBatches
) -> None:
    mistral.faults[:] = [batches.turned_down]
    with pytest.raises(ServiceRefused, match="The model gpt-0 has no batches"):
        evolve(seeds, tmp_path / "run", **settings("", **MISTRAL))


@pytest.mark.slow
@pytest.mark.parametrize("host", [row.hosts[0] for row in SERVICES if row.hosts])
def test_each_service_gets_files_and_batches_as_it_wants_them(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with taken_for_others(Batches(service), monkeypatch) as to:
        evolve(seeds, tmp_path / "run", **settings(f"http://{host}/v1", generations=1))
    url, upload = FORMS[host]
    assert (to.urls, to.uploads) == ({url}, {upload})
    name = "generation-1.jsonl"
    assert data_files(tmp_path / "run")[name] == whole[name]


FORMS = {
    "api.openai.com": ("/v1/chat/completions", "/files"),
    "openai.azure.com": ("/chat/completions", "/files"),
    "api.groq.com": ("/v1/chat/completions", "/files"),
    "api.together.xyz": ("/v1/chat/completions", "/files/upload"),
}


# As files


def carry_out(folder: Path) -> None:
    """Answer each file of calls in a folder, as `vllm run-batch` does."""
    for calls in folder.glob("evolinstruct-*[0-9].jsonl"):
        results = calls.with_suffix(".results.jsonl")
        if not results.exists():
            to = Batches(service)
            asked = map(json.loads, calls.read_text().splitlines())
            to.urls.add("/v1/chat/completions")
            results.write_text("".join(json.dumps(to.result(each)) + "\n" for each in asked))


def test_batches_go_out_as_files_and_results_come_in_as_files(
    tmp_path: Path, seeds: Path, whole: dict[str, bytes]
) -> None:
    out, folder, left = tmp_path / "run", tmp_path / "batches", 0
    how = settings("http://127.0.0.1:1/v1", batch=False, batch_files=str(folder), submit=True)
    while True:
        try:
            evolve(seeds, out, **how)
            break
        except WaitingForBatch:
            left += 1
            carry_out(folder)
    assert left > 2
    assert data_files(out) == whole


def test_results_that_are_still_being_written_are_waited_for(tmp_path: Path, seeds: Path) -> None:
    out, folder = tmp_path / "run", tmp_path / "batches"
    how = settings("http://127.0.0.1:1/v1", batch=False, batch_files=str(folder), submit=True)
    with pytest.raises(WaitingForBatch):
        evolve(seeds, out, **how)
    carry_out(folder)
    [results] = folder.glob("*.results.jsonl")
    results.write_bytes(results.read_bytes()[:-9])
    with pytest.raises(WaitingForBatch, match="1 batch, 13 done"):
        evolve(seeds, out, **how)


# The page


PAGE = (Path(__file__).parent.parent / "docs" / "batches.md").read_text()


def test_the_commands_of_the_page_are_taken_as_they_stand(
    tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seeds.jsonl").write_bytes(seeds.read_bytes())
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"evolinstruct (evolve .*)", PAGE)
    assert len(lines) == 5
    for line in lines:
        said = evolinstruct(f"{line.removesuffix('--dry-run')} --dry-run")
        assert said.exit_code == 0, said.output


def test_the_page_has_the_limits_of_each_service() -> None:
    rows = re.findall(r"^\| (\w+)[^|]* \| ([\d,]+) \| (\d+) MB \|$", PAGE, re.MULTILINE)
    told = [(int(calls.replace(",", "")), int(size)) for _, calls, size in rows]
    terms = [*SERVICES[:-1], TERMS, *[SERVICES[-1]] * 2]  # Mistral's are those of all others
    assert told == [(each.requests, each.size // 1_000_000) for each in terms]


WAITING = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_fifty_thousand_calls_wait_in_less_than_300_mb(tmp_path: Path) -> None:
    rows = ({"instruction": f"Explain number {n} of {n % 97} rivers."} for n in range(50_000))
    seeds, folder = write_seeds(tmp_path / "seeds.jsonl", rows), tmp_path / "batches"
    how = ("--client", "openai", "--model", "m", "--base-url", "http://127.0.0.1:1/v1")
    command = [*COMMAND, "evolve", str(seeds), "-o", str(tmp_path / "run"), "-g", "1", "-q", *how]
    command += ["--batch-files", str(folder), "--submit"]
    measured = subprocess.run(
        [sys.executable, "-c", WAITING, *command], check=True, capture_output=True
    )
    [calls] = folder.glob("*.jsonl")
    assert calls.read_bytes().count(b"\n") == 50_000
    assert int(measured.stdout) < 300
