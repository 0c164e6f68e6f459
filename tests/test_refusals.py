"""Whole runs against a service that refuses: one text, every text, for today, or by its context."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.command_line import enter, evolinstruct
from tests.loopback import Answer, Ask, Handler, Server, error, http, reply, serve
from tests.runs import check_invariants

PAGE = b"<!DOCTYPE html><html><head><title>Not allowed here</title></head></html>"
DAY = {"retry-after": "18120"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with ten seeds in it."""
    return enter(tmp_path, monkeypatch)


def evolve(server: Server, line: str = "") -> Result:
    return evolinstruct(f"evolve seeds.txt -o run -g 1 --model m --base-url {server.url} {line}")


def obliging(asked: Ask) -> Answer:
    if "Not Equal" in asked.prompt:
        return reply("Not Equal")
    return reply(f"Say in {len(asked.prompt)} words what thing it is and why it is so, with care.")


def unless(test: Callable[[Ask], object], answer: Answer) -> Handler:
    """Oblige, but give this answer where the test holds."""
    return lambda asked: answer if test(asked) else obliging(asked)


def lines(kind: str) -> list[dict[str, object]]:
    path = Path(f"run/generation-1.{kind}.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def outcomes() -> int:
    """Return how many lines the run has beyond its seeds."""
    written = ("run/generation-1.jsonl", "run/generation-1.rejected.jsonl")
    kept = sum(len(Path(name).read_text().splitlines()) for name in written if Path(name).exists())
    return kept + len(lines("failed"))


def about(number: int) -> Callable[[Ask], object]:
    return lambda asked: re.search(rf"thing {number}\b", asked.prompt)


# --- one text alone -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "line"), [(403, ""), (403, "--concurrency 1"), (409, ""), (501, "")]
)
def test_a_firewall_s_page_for_one_text_is_that_call_s_failure_and_the_run_goes_on(
    status: int, line: str
) -> None:
    page = http(status, PAGE, content_type="text/html")
    with serve(unless(about(0), page)) as server:
        result = evolve(server, line)
    assert result.exit_code == 3, result.stderr
    assert [(one["error"], one["attempts"]) for one in lines("failed")] == [(f"http_{status}", 1)]
    check_invariants(Path("run"), 1)


# --- every text from the first on ---------------------------------------------------------------

ADDRESS = "nothing answers calls at this address; check the base URL, most of all its path."
REFUSALS = {
    "403": (error(403, "no entry"), "http_403 (no entry); the service refuses access; check"),
    "405": (error(405, "Not so"), f"http_405 (Not so); {ADDRESS}"),
    "400": (error(400, "no tools"), "http_400 (no tools); change what its words name."),
    "400 in a 200": (
        http(200, b'{"code": 400, "msg": "no tools"}'),
        "http_400 (no tools); change what its words name.",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSALS)
def test_a_service_that_turns_every_call_down_stops_the_run_and_no_line_fails(case: str) -> None:
    answer, told = REFUSALS[case]
    with serve(lambda _: answer) as server:
        result = evolve(server)
        assert server.counts.asked.total() == 10
    assert result.exit_code == 1
    assert f"turned down each of its first 10 calls with {told}" in result.stderr
    assert outcomes() == 0


def test_of_many_seeds_no_more_than_twenty_are_asked_in_vain(folder: Path) -> None:
    (folder / "seeds.txt").write_text("".join(f"Explain thing {n}.\n" for n in range(90)))
    with serve(lambda _: error(405)) as server:
        result = evolve(server, "--concurrency 1")
        assert server.counts.asked.total() == 20
    assert result.exit_code == 1
    assert outcomes() == 0


def test_a_run_that_has_replies_keeps_what_is_refused_to_a_later_command() -> None:
    with serve(unless(lambda asked: "Not Equal" not in asked.prompt, error(400))) as server:
        assert evolve(server, "--limit 2").exit_code == 1
    with serve(unless(about(1), error(400))) as server:
        assert evolve(server, "--limit 2").exit_code == 3
        again = evolve(server, "--limit 2 --retry failed")
    assert again.exit_code == 3
    assert [one["error"] for one in lines("failed")] == ["http_400"]


# --- for today ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_of_hours_that_is_asked_for_again_and_again_stops_the_run(status: int) -> None:
    with serve(unless(lambda asked: "Not Equal" in asked.prompt, error(status, headers=DAY))) as s:
        result = evolve(s)
    assert result.exit_code == 5
    told = r"The model 'm' at \S+ asks to wait 5:02:00, until [\d: -]+ \(trouble\); run the same"
    assert re.search(told + " command again then, or with a higher --max-wait", result.stderr)
    assert lines("failed") == []


@pytest.mark.parametrize("seeds", [1, 10])
@pytest.mark.slow
def test_a_limit_of_a_day_is_told_as_one_however_few_calls_meet_it(seeds: int) -> None:
    with serve(lambda _: error(429, "50 calls per day are allowed")) as server:
        result = evolve(server, f"--limit {seeds}")
    assert result.exit_code == 5
    assert "The model 'm' at " in result.stderr
    assert (
        " has reached its limit for a day (50 calls per day are allowed);"
        " run the same command again when the limit is renewed." in result.stderr
    )
    assert outcomes() == 0


@pytest.mark.slow
def test_one_absurd_wait_among_good_replies_is_not_kept(folder: Path) -> None:
    first = unless(lambda asked: about(3)(asked) and asked.nth == 0, error(429, headers=DAY))
    with serve(first) as server:
        result = evolve(server, "--concurrency 1")
    assert (result.exit_code, lines("failed")) == (0, []), result.stderr


# --- by the context -----------------------------------------------------------------------------


def small_context(asked: Ask) -> Answer:
    """Refuse replies of more than 500 tokens as vLLM does, and cut every answer off."""
    most = int(asked.json["max_tokens"])
    if most > 500:
        return error(
            400,
            f"A maximum context length is 600 tokens, but {most + 100} were requested"
            f" (100 in the messages, {most} in the completion)",
        )
    if "Not Equal" in asked.prompt or "#" in asked.prompt:
        return obliging(asked)
    return reply("The answer beg", finish="length")


def test_an_answer_that_a_small_context_cuts_off_is_truncated_with_advice() -> None:
    with serve(small_context) as server:
        assert evolve(server, "--limit 1 --max-tokens 400").exit_code == 0
    [line] = lines("rejected")
    assert (line["rule"], line["raw"]) == ("truncated", "The answer beg")
    assert str(line["evidence"]).startswith(
        "the answer reply does not end within 400 tokens, and the model's context is too small for"
        " more; use a model or a server with a larger context, or lower --max-tokens ("
    )


def test_a_limit_that_leaves_the_context_no_room_is_told_with_advice() -> None:
    with serve(small_context) as server:
        evolve(server, "--limit 1 --max-tokens 900")
    [line] = lines("rejected")
    assert line["rule"] == "truncated"
    assert "lower --max-tokens, or use a model or a server with a larger context" in str(
        line["evidence"]
    )
