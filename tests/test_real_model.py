"""A real model, tiny and on this machine, is evolved with: whatever it says, promises hold."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.harness import COMMAND, evolve, kill, outcomes, run, start, wait_for
from tests.runs import check_invariants, data_files

EXAMPLE = Path(__file__).parent.parent / "examples" / "local-model"
SERVE = (Path(sys.prefix) / "real-model" / "bin" / "python", EXAMPLE / "serve.py")
"""The example's script, in the environment that `make` gives it."""
NOWHERE = "http://127.0.0.1:1/v1"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SERVE[0].exists(), reason="real-model"),
]


def command(
    out: Path, *options: str, seeds: Path = EXAMPLE / "seeds.txt", limit: int = 2
) -> tuple[str, ...]:
    files = ("--recipe", str(EXAMPLE / "recipe.toml"), "--prompts", str(EXAMPLE / "pack"))
    brief = ("--limit", str(limit), "--max-tokens", "40", "-q")
    return evolve(seeds, out, *files, *brief, *options)


def at(url: str) -> tuple[str, ...]:
    return ("--base-url", url, "--model", "smollm2-135m")


@contextmanager
def served() -> Iterator[str]:
    process = subprocess.Popen(SERVE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        yield process.stderr.readline().split()[-1]
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served() as url:
        yield url


def replies(out: Path) -> set[tuple[object, ...]]:
    db = sqlite3.connect(out / "journal.sqlite")
    try:
        return set(db.execute("SELECT child_id, purpose, attempt, text, word FROM calls"))
    finally:
        db.close()


def lines(out: Path, name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (out / name).read_bytes().splitlines()]


def test_the_example_serves_while_its_command_runs_and_every_instruction_is_accounted_for(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    code, said = run((*map(str, SERVE), *command(out)))
    assert code == 0, said
    check_invariants(out, 2)
    kept = [line for number in (1, 2) for line in lines(out, f"generation-{number}.jsonl")]
    evolved = {line["id"]: line for line in kept if line["generation"]}
    assert {line["model"] for line in evolved.values()} <= {"smollm2-135m"}
    assert {line["id"] for line in lines(out, "dataset.jsonl")} == evolved.keys()


def test_a_run_that_is_capped_killed_and_left_by_its_server_loses_no_reply(
    tmp_path: Path, url: str
) -> None:
    out = tmp_path / "run"
    assert run(command(out, *at(url), "--max-calls", "2", limit=3))[0] == 4
    with served() as other:
        process = start(command(out, *at(other), limit=3))
        wait_for(lambda: outcomes(out) >= 4, process)
        assert process.poll() is None  # it has at least six calls to make
        kill(process)
    held = replies(out)
    assert run(command(out, *at(url), limit=3)) == (0, "")
    assert held <= replies(out)
    check_invariants(out, 2)
    whole = data_files(out)
    for name in whole:
        (out / name).unlink()
    assert run(command(out, *at(NOWHERE), limit=3)) == (0, "")
    assert data_files(out) == whole


THINKING = (
    'root ::= "<think>\\n" [a-z ,]{20,40} "</think>\\n\\n" [A-Z] [a-z ,]{20,60} "?<|im_end|>"'
    ' ("\\n<|im_start|>user\\n" [a-z ]{10})?'
)
"""What a reply of the model looks like where its server knows neither its thoughts nor its end."""


def test_thoughts_and_tokens_of_a_template_are_never_kept(tmp_path: Path, url: str) -> None:
    out = tmp_path / "run"
    grammar = ("--param", f"grammar={THINKING}", "--max-tokens", "200")
    rules = ("--no-compare", "--no-eliminate", "-g", "1")
    assert run(command(out, *at(url), *grammar, *rules)) == (0, "")
    assert all(str(text).startswith("<think>\n") for *_, text, _ in replies(out))
    kept = lines(out, "generation-1.jsonl")
    assert len(kept) == 2
    for line in kept:
        for text in (line["instruction"], line["output"]):
            assert text.endswith("?")
            assert not {"<", "|", "\n"} & set(text)


def test_a_thought_that_does_not_end_is_rejected_as_cut_off(tmp_path: Path, url: str) -> None:
    grammar = ("--param", 'grammar=root ::= "<think>\\n" [a-z ,]{400}', "--max-tokens", "12")
    assert run(command(tmp_path / "run", *at(url), *grammar, "-g", "1")) == (0, "")
    lost = lines(tmp_path / "run", "generation-1.rejected.jsonl")
    assert [line["rule"] for line in lost] == ["truncated"] * 2


def test_a_seed_that_the_server_has_no_room_for_is_rejected_with_its_words(
    tmp_path: Path, url: str
) -> None:
    seeds = tmp_path / "seeds.txt"
    seeds.write_text(f"Why do {'very ' * 4_000}old rivers bend?\n")
    assert run(command(tmp_path / "run", *at(url), "-g", "1", seeds=seeds)) == (0, "")
    (line,) = lines(tmp_path / "run", "generation-1.rejected.jsonl")
    assert line["rule"] == "too_long"
    assert "context size (2048 tokens)" in line["evidence"]


@pytest.mark.parametrize(("running", "code"), [(True, 0), (False, 1)])
def test_check_tells_whether_the_model_answers(url: str, running: bool, code: int) -> None:
    assert run((*COMMAND, "check", *at(url if running else NOWHERE), "-q"))[0] == code
