"""`evolinstruct check` tells before a run what it can count on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import Result

from tests.command_line import evolinstruct
from tests.loopback import Answer, Ask, Handler, echo, error, hang, http, reply, serve, stream

KEY = "key-loopback-0123456789"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "200")


def check(line: str) -> Result:
    result = evolinstruct(f"check {line}")
    assert KEY not in result.output
    return result


def found(handler: Handler, line: str = "--model loopback-1") -> tuple[int, list[dict[str, Any]]]:
    """Return the exit code and what a script is told of each endpoint, its address left out."""
    with serve(handler) as server:
        result = check(f"--base-url {server.url} {line} --json -q")
    told = json.loads(result.stdout)
    assert told["exit_code"] == result.exit_code
    return result.exit_code, [
        {name: value for name, value in one.items() if name not in {"server", "seconds"}}
        for one in told["endpoints"]
    ]


def problem(handler: Handler, line: str = "--model loopback-1") -> str:
    """Return what is wrong with the one endpoint, without its address."""
    code, (one,) = found(handler, line)
    assert code == 1
    return str(one["problem"])


ALL = ["evolve", "compare", "answer"]
FINE = {
    "purposes": ALL,
    "model": "loopback-1",
    "problem": None,
    "answered_as": "loopback-1",
    "parameters": {"temperature": 1.0, "top_p": 0.9, "max_tokens": 16},
    "left_out": [],
    "reasons": False,
    "limits": None,
    "price": None,
    "notices": [],
}


def test_a_model_that_answers_is_fine_and_costs_one_call() -> None:
    with serve(echo) as server:
        result = check(f"--base-url {server.url} --model loopback-1 --json -q")
        assert server.counts.asked.total() == 1
    assert result.exit_code == 0
    (one,) = json.loads(result.stdout)["endpoints"]
    assert one.pop("seconds") > 0
    assert f"http://{one.pop('server')}/v1" == server.url
    assert one == FINE


def test_each_model_in_use_is_asked_once_for_all_its_purposes() -> None:
    _, told = found(echo, "--model small --model answer=large --param answer:top_k=5")
    assert [(one["model"], one["purposes"], one["parameters"]) for one in told] == [
        ("small", ["evolve", "compare"], FINE["parameters"]),
        ("large", ["answer"], {**FINE["parameters"], "top_k": 5}),  # type: ignore[dict-item]
    ]


def test_what_the_model_takes_is_learned_and_told() -> None:
    def handler(asked: Ask) -> Answer:
        if "top_p" in asked.json:
            return error(400, "Unsupported parameter: 'top_p'")
        usage = {"completion_tokens_details": {"reasoning_tokens": 7}}
        return reply("blue", usage=usage)

    assert found(handler) == (
        0,
        [
            {
                **FINE,
                "parameters": {"temperature": 1.0, "max_tokens": 16},
                "left_out": ["top_p"],
                "reasons": True,
                "notices": ["loopback-1 does not take top_p; it is left out."],
            }
        ],
    )


@pytest.mark.parametrize(
    "answer", [reply("blue", reasoning_content="hm"), reply("<think>hm</think>blue")]
)
def test_reasoning_is_noticed_wherever_it_stands(answer: Answer) -> None:
    assert found(lambda _: answer) == (0, [{**FINE, "reasons": True}])


def test_announced_limits_and_the_users_price_are_told() -> None:
    _, _, body = reply("blue").wire.partition(b"\r\n\r\n")
    headers = {"x-ratelimit-remaining-requests": "499", "x-ratelimit-limit-requests": "500"}
    line = "--model loopback-1 --price-in 0.15 --price-out 0.60"
    _, (one,) = found(lambda _: http(200, body, headers=headers), line)
    assert (one["limits"]["requests"], one["limits"]["remaining_requests"]) == (500, 499)
    assert one["price"] == {"input": "0.15", "output": "0.60", "cached": None}


PROBLEMS: dict[str, tuple[Answer, str]] = {
    "key": (error(401, f"bad key {KEY}"), "the service refuses the key; check that it is complete"),
    "quota": (error(429, code="insufficient_quota"), "credit or quota is used up; top it up"),
    "busy": (error(429), "It asks for fewer calls just now (http_429: trouble); wait a little"),
    "trouble": (error(503), "It has trouble just now (http_503: trouble); wait a little"),
    "page": (http(200, b"<html>Sign in</html>"), "check the base URL and any proxy."),
    "stream": (stream("a"), "a stream of events, though none was asked for"),
    "200 with an error": (http(200, b'{"error": "busy"}'), "Its answer is no reply (unreadable"),
    "filter": (error(400, code="content_filter"), "It refuses even a harmless prompt"),
    "refused": (error(400, "no tools here"), "It does not take the call (http_400: no tools here)"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_each_failure_is_one_sentence_with_the_next_step(case: str) -> None:
    answer, told = PROBLEMS[case]
    assert told in problem(lambda _: answer)


def test_a_server_that_never_answers_is_told_after_the_timeout() -> None:
    told = problem(lambda _: hang(), "--model loopback-1 --timeout 0.2")
    assert told == (
        "It did not answer in time (timeout: no reply within 0.2 s); see whether it is overloaded."
    )


def test_a_model_that_is_not_there_is_told_with_near_names() -> None:
    told = problem(lambda _: error(404, "no such model"), "--model loopback-7")
    assert told.endswith(
        ", model 'loopback-7': the service has no such model or address; check the model's name"
        " and the base URL (no such model). It lists 1 model, among them loopback-1."
    )


def test_a_server_that_is_not_there_is_told() -> None:
    with serve(echo) as server:
        url = server.url
    result = check(f"--base-url {url} --model m")
    assert result.exit_code == 1
    assert "the service cannot be reached; check that it runs" in result.stderr


def test_a_person_reads_it_in_a_few_lines() -> None:
    with serve(echo) as server:
        result = check(f"--base-url {server.url} --model loopback-1")
    first, *lines, empty, last = result.stderr.splitlines()
    assert first == f"loopback-1 at {server.url[7:-3]} (evolve, compare and answer)"
    assert [line.split()[0] for line in lines] == ["answers", "takes", "reasons", "limits", "price"]
    assert (empty, last) == ("", "A run with the same settings can start.")
    assert result.stdout == ""


def test_the_offline_client_can_be_checked_too() -> None:
    assert check("--client offline").exit_code == 0
