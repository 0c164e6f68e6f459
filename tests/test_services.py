"""Whole runs against a service: what it does not take, who it is, and what must not leak."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import Result

from evolinstruct.llm.base import ClientOptions, Reply, Request
from tests.command_line import evolinstruct
from tests.loopback import Answer, Ask, Handler, error, reply, serve
from tests.runs import check_invariants, data_files
from tests.scripted import Scripted, obedient

KEY = "sk-loopback-0123456789"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with seeds in it, and a key in a variable of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MY_KEY", KEY)
    (tmp_path / "seeds.txt").write_text("".join(f"Explain thing {n}.\n" for n in range(12)))
    return tmp_path


def evolve(line: str) -> Result:
    return evolinstruct(f"evolve seeds.txt -g 2 {line}")


def obliging(asked: Ask) -> Answer:
    """Rewrite, tell apart and answer, deterministically."""
    if "Not Equal" in asked.prompt:
        return reply("Not Equal")
    return reply(f"Say in {len(asked.prompt)} words what thing it is and why it is so, with care.")


def picky(asked: Ask) -> Answer:
    if "max_tokens" in asked.json:
        return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.")
    return obliging(asked)


def keyed(handler: Handler, keys: set[str]) -> Handler:
    """Note which keys come."""

    def handle(asked: Ask) -> Answer:
        keys.add(asked.headers["authorization"])
        return handler(asked)

    return handle


@pytest.mark.slow
def test_a_model_that_takes_other_parameters_gives_the_same_run_and_it_is_said_once(
    tmp_path: Path,
) -> None:
    with serve(obliging) as plain, serve(picky) as other:
        evolve(f"-o plain --model m --base-url {plain.url}")
        result = evolve(f"-o picky --model m --base-url {other.url}")
    assert result.exit_code == 0, result.output
    assert data_files(tmp_path / "picky") == data_files(tmp_path / "plain")
    notice = "m takes max_completion_tokens instead of max_tokens; it is asked so."
    assert result.stderr.count(notice) == 1
    check_invariants(tmp_path / "picky", 2)


@pytest.mark.slow
def test_what_was_paid_for_at_one_server_is_not_asked_of_another(tmp_path: Path) -> None:
    with serve(obliging) as first:
        assert evolve(f"-o run --model m --base-url {first.url}").exit_code == 0
    with serve(obliging) as second:
        assert evolve(f"-o run --model m --base-url {second.url}").exit_code == 0
        assert second.counts.asked.total() == 0


def test_several_servers_share_the_calls_of_a_run(tmp_path: Path) -> None:
    with serve(obliging) as one, serve(obliging) as other:
        result = evolve(f"-o run --model m --base-url {one.url} --base-url {other.url}")
        shares = sorted([one.counts.asked.total(), other.counts.asked.total()])
    assert result.exit_code == 0
    assert shares[0] > 0.2 * sum(shares)
    state = json.loads((tmp_path / "run" / "run.json").read_text())
    assert state["conduct"]["base_url"] == {"default": [one.url, other.url]}


class Deep(Scripted):
    """Notes through which objects its calls come."""

    path: ClassVar[list[str]] = []

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(obedient)

    async def complete(self, request: Request) -> Reply:
        frame, names = sys._getframe(), []
        while frame := frame.f_back:
            if frame.f_code.co_name == "complete":
                names.append(type(frame.f_locals["self"]).__name__)
        Deep.path = [*reversed(names), "Deep"]
        return await super().complete(request)


def test_a_call_passes_six_objects_at_most() -> None:
    urls = "--base-url http://a/v1 --base-url http://b/v1"
    assert evolve(f"-o run --client {__name__}:Deep --model m {urls}").exit_code == 0
    expected = ["JournalledClient", "Retry", "Balancer", "Throttle", "BudgetedClient", "Deep"]
    assert Deep.path == expected


def test_a_parameter_goes_to_its_purpose_and_another_one_makes_another_run(tmp_path: Path) -> None:
    seen: list[tuple[bool, object, object]] = []

    def handler(asked: Ask) -> Answer:
        comparing = "Not Equal" in asked.prompt
        seen.append((comparing, asked.json.get("top_k"), asked.json.get("stop")))
        return obliging(asked)

    with serve(handler) as server:
        line = f"-o run --model m --base-url {server.url} --param compare:top_k=1 --param stop=[]"
        assert evolve(line).exit_code == 0
        again = evolve(f"{line} --param stop=END")
    assert {(comparing, top_k) for comparing, top_k, _ in seen} == {(True, 1), (False, None)}
    assert {str(stop) for _, _, stop in seen} == {"[]"}
    assert again.exit_code == 1
    assert "param was" in again.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--param stream=true", "--param: 'stream' cannot be passed on: a reply comes whole."),
        ("--param jury:k=1", "--param: unknown purpose 'jury'"),
        ("--param k", "--param k: a value is missing; write it as NAME=VALUE."),
        ("--param temperature=1", "'temperature' cannot be passed on: use --temperature."),
        ("--provider nowhere", "There is no provider 'nowhere'; known are openai,"),
        ("--base-url localhost:8000/v1", "The base URL 'localhost:8000/v1' is not one; write it"),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_exit_code_2(words: str, told: str) -> None:
    result = evolve(f"-o run --client openai --model m {words}")
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


def test_a_key_with_a_line_break_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    result = evolve("-o run --model m --provider groq --api-key-env MY_KEY")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: The API key holds a space, a line break or another character that no key has;"
        " set it again without.\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("status", [200, 400, 401])
def test_the_key_is_sent_and_is_in_no_file_and_no_word(tmp_path: Path, status: int) -> None:
    keys: set[str] = set()

    def leaky(asked: Ask) -> Answer:
        if "Not Equal" in asked.prompt and status != 200:
            return error(status, f"Incorrect API key provided: {KEY}", headers={"x-key": KEY})
        return obliging(asked)

    with serve(keyed(leaky, keys)) as server:
        result = evolve(
            f"-o run --model m --base-url {server.url} --api-key-env MY_KEY -vv --limit 1"
        )
    assert keys == {f"Bearer {KEY}"}
    assert KEY not in result.output
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
