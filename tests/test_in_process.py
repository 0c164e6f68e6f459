"""Models in this process: known by what they hold, and a run with one is as any other run."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import struct
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.command_line import enter, evolinstruct
from tests.faults.harness import COMMAND, evolve, kill, outcomes, run, start, wait_for
from tests.runs import check_invariants, contents, data_files

EXAMPLE = Path(__file__).parent.parent / "examples" / "local-model"
MODEL = next(Path(sys.prefix).rglob("SmolLM2-135M-Instruct.Q4_1.gguf"), None)
"""The real model, in the environment that `make` gives to its server."""

real = [
    pytest.mark.slow,
    pytest.mark.skipif(not MODEL or not find_spec("xllamacpp"), reason="llamacpp"),
]


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()


def gguf(*keys: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + b"".join(keys)


NAME = text("general.name") + struct.pack("<I", 8) + text("Small Model")
WORDS = (
    text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b"),
    text("tokenizer.ggml.scores") + struct.pack("<IIQ", 9, 6, 2) + struct.pack("<ff", 0, 1),
    text("general.alignment") + struct.pack("<II", 4, 32),
)

FILES = {
    "missing.gguf": (None, "missing.gguf cannot be read (No such file or directory); name a GGUF"),
    "page.gguf": (b"<!doctype html>", "page.gguf is no GGUF file, or not a whole one; fetch it"),
    "empty.gguf": (b"", "empty.gguf is no GGUF file, or not a whole one; fetch it anew."),
    "cut.gguf": (gguf(NAME, *WORDS)[:-3], "cut.gguf is no GGUF file, or not a whole one; fetch"),
    "base.gguf": (gguf(NAME, *WORDS), "the model in base.gguf has no chat template, so it does"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_holds_no_model_to_chat_with_is_named_before_anything_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    content, said = FILES[name]
    if content is not None:
        Path(name).write_bytes(content)
    result = evolinstruct(f"evolve seeds.txt -o run --client llamacpp:{name}")
    assert result.exit_code == 1
    assert f"--client llamacpp: {said}" in " ".join(result.stderr.split())
    assert not Path("run").exists()


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vllm")
def test_what_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    Path("model").mkdir()
    Path("model/config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    result = evolinstruct("evolve seeds.txt -o run --client vllm:model")
    assert result.exit_code == 1
    assert "--client vllm needs the package vllm, which is not installed" in result.stderr
    assert "evolinstruct[vllm]" in result.stderr


@pytest.mark.parametrize("config", [None, "no JSON", "{}", "[]"])
def test_a_folder_that_holds_no_model_is_named(
    config: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    Path("model").mkdir()
    if config is not None:
        Path("model/config.json").write_text(config)
    result = evolinstruct("evolve seeds.txt -o run --client vllm:model")
    assert result.exit_code == 1
    assert "--client vllm: model/config.json" in result.stderr
    assert "name a folder with a model." in " ".join(result.stderr.split())


@pytest.mark.parametrize("client", ["llamacpp", "llamacpp:"])
def test_a_client_in_this_process_needs_a_model(
    client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    result = evolinstruct(f"evolve seeds.txt -o run --client {client}")
    assert result.exit_code == 2
    assert "--client llamacpp: no model is named; name it as llamacpp:FILE.gguf." in result.stderr


def command(out: Path, *options: str, model: Path | None = MODEL) -> tuple[str, ...]:
    files = ("--recipe", str(EXAMPLE / "recipe.toml"), "--prompts", str(EXAMPLE / "pack"))
    brief = ("--client", f"llamacpp:{model}", "--limit", "2", "--max-tokens", "40", "-q")
    return evolve(EXAMPLE / "seeds.txt", out, *files, *brief, *options)


def read(file: Path) -> list[str]:
    return file.read_text().splitlines()


class TestARealModel:
    """Every run here is made by llama.cpp itself."""

    pytestmark = real

    def test_a_run_that_is_killed_says_what_it_would_have_said(self, tmp_path: Path) -> None:
        whole, killed = tmp_path / "whole", tmp_path / "killed"
        assert run(command(whole)) == (0, "")
        check_invariants(whole, 2)
        process = start(command(killed))
        wait_for(lambda: outcomes(killed) >= 3, process)
        assert process.poll() is None
        kill(process)
        assert run(command(killed)) == (0, "")
        assert data_files(killed) == data_files(whole)

    def test_lines_name_the_model_by_its_digest_wherever_it_lies(self, tmp_path: Path) -> None:
        assert MODEL
        out, elsewhere = tmp_path / "run", tmp_path / "moved.gguf"
        shutil.copy(MODEL, elsewhere)
        assert run(command(out, "--no-eliminate", "-g", "1")) == (0, "")
        digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
        lines = [line for file in out.glob("generation-1.*") for line in read(file)]
        assert len(lines) == 2
        assert {json.loads(line)["model"].partition("@")[2] for line in lines} == {digest[:16]}
        assert not [name for name, held in contents(out).items() if b".gguf" in held]
        made = outcomes(out)
        assert run(command(out, "--no-eliminate", "-g", "1", model=elsewhere)) == (0, "")
        assert outcomes(out) == made

    def test_several_calls_at_once_lose_none(self, tmp_path: Path) -> None:
        assert run(command(tmp_path / "run", "--concurrency", "2")) == (0, "")
        check_invariants(tmp_path / "run", 2)

    def test_a_seed_without_room_is_rejected_and_a_reply_that_is_cut_is_truncated(
        self, tmp_path: Path
    ) -> None:
        seeds = tmp_path / "seeds.txt"
        seeds.write_text(f"Why do {'very ' * 9_000}old rivers bend?\nWhy is the sea salty?\n")
        given = command(tmp_path / "run", "-g", "1", "--max-tokens", "3")
        assert run((*given[:4], str(seeds), *given[5:])) == (0, "")
        lost = read(tmp_path / "run" / "generation-1.rejected.jsonl")
        assert [json.loads(line)["rule"] for line in lost] == ["too_long", "truncated"]

    def test_a_parameter_that_it_does_not_take_ends_the_run_with_its_words(
        self, tmp_path: Path
    ) -> None:
        code, said = run(command(tmp_path / "run", "--param", "grammar=root ::= (((", "-g", "1"))
        assert code == 1
        assert "failed to parse grammar" in said

    def test_check_asks_it(self) -> None:
        assert run((*COMMAND, "check", "--client", f"llamacpp:{MODEL}", "-q")) == (0, "")

    def test_a_file_that_cannot_be_loaded_ends_the_run(self, tmp_path: Path) -> None:
        assert MODEL
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(MODEL.read_bytes()[: 50 << 20])
        code, said = run(command(tmp_path / "run", model=cut))
        assert code == 1
        assert f"llama.cpp cannot load {cut}" in " ".join(said.split())

    def test_ctrl_c_does_not_wait_for_the_end_of_a_long_reply(self, tmp_path: Path) -> None:
        endless = ("--max-tokens", "8000", "--param", "ignore_eos=true")
        process = start(command(tmp_path / "run", *endless))
        wait_for((tmp_path / "run" / "journal.sqlite").exists, process)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert time.monotonic() - started < 30
