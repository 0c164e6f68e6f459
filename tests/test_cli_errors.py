"""Bad command lines and bad input: one clear sentence, the right exit code, and nothing lost."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import typer

from evolinstruct.cli.reporting import reported
from evolinstruct.llm.base import ClientOptions
from evolinstruct.settings import NAMES
from tests.command_line import enter, evolinstruct
from tests.loopback import error, serve
from tests.scripted import Scripted

OPERATIONS = "add_constraints, complicate_input, concretize, deepen, in_breadth, increase_reasoning"
SETTINGS = ", ".join([*sorted(NAMES), "preset"])
BAD_ROW = "correct it, or leave bad rows out with --skip-bad."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the ten seeds, to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        folder = enter(tmp_path_factory.mktemp("ten"), patch)
        assert evolinstruct("evolve seeds.txt -o run --client offline -g 1").exit_code == 0
    return folder / "run"


COMMAND_LINES = {
    "-g 0": "--generations must be 1 or more (given: 0).",
    "-g -3": "--generations must be 1 or more (given: -3).",
    "-g many": "--generations must be a whole number (given: 'many').",
    "-g 1001": "--generations must be 1,000 or less (given: 1001).",
    "-g 2.5": "--generations must be a whole number (given: 2.5).",
    "--limit 0": "--limit must be 1 or more (given: 0).",
    "--seed x": "--seed must be a whole number (given: 'x').",
    "--concurrency 0": "--concurrency must be 1 or more (given: 0).",
    "--concurrency 100001": "--concurrency must be 100,000 or less (given: 100001).",
    "--timeout 1e7": "--timeout must be 1,000,000 or less (given: 1e7).",
    "--timeout 0": "--timeout must be more than 0 (given: 0).",
    "--temperature 7": "--temperature must be 2 or less (given: 7).",
    "--temperature hot": "--temperature must be a number (given: 'hot').",
    "--temperature answer=hot": "--temperature (answer) must be a number (given: 'hot').",
    "--temperature answr=1": "--temperature answr=1: unknown purpose 'answr' (did you mean"
    " 'answer'?); there are evolve, compare, answer, tests, improve, score, solve, judge, analyse,"
    " optimize.",
    "--top-p 0": "--top-p must be more than 0 (given: 0).",
    "--max-tokens 1e3": "--max-tokens must be a whole number (given: 1e3).",
    "--max-tokens 2000000000": "--max-tokens must be 1,000,000,000 or less (given: 2000000000).",
    "--max-reply-mb 0": "--max-reply-mb must be more than 0 (given: 0).",
    "--max-reply-mb inf": "--max-reply-mb must be a finite number (given: inf).",
    "--max-cost 1e99": "--max-cost must be 1,000,000,000 or less (given: 1e99).",
    "--price-in 1e9": "--price-in must be 1,000,000 or less (given: 1e9).",
    "--param k=1e999": "--param: 'k' cannot be passed on: its value cannot be written as JSON.",
    "--max-tokens 0": "--max-tokens must be 1 or more (given: 0).",
    "--min-kept 30": "--min-kept must be 1 or less (given: 30).",
    "--min-kept nan": "--min-kept must be a finite number (given: nan).",
    "--service-tier flex": "--service-tier: the client offline has no service tiers;"
    " leave the option out, or ask with --client openai.",
    "--service-tier Flex": "--service-tier: 'Flex' names no tiers; write them as flex or"
    " flex,default.",
    "--allow-failures many": "--allow-failures must be a count or a percentage, such as 3 or 0.5%"
    " (given: 'many').",
    "--operations deepn": "There is no operation 'deepn' in the pack general (did you mean"
    f" 'deepen'?); there are {OPERATIONS}.",
    "--operations deepen=-1": "--operations (deepen) must be 0 or more (given: -1).",
    "--operations deepen=1e308": "--operations (deepen) must be 1,000,000 or less (given: 1e308).",
    "--operations deepen=x": "--operations (deepen) must be a number (given: 'x').",
    "--sandbox jail": "--sandbox: there is no sandbox 'jail'; there are monty, docker and"
    " docker:IMAGE.",
    "--operations deepen,": "--operations: a name is missing.",
    "--operations deepen=0": "Every operation has the weight 0; give at least one a weight.",
    "--preset relesed": "--preset: unknown preset 'relesed' (did you mean 'released'?);"
    " there are paper, released.",
    "--prompts generl": "Unknown prompt pack 'generl' (did you mean 'general'?): it is not a"
    " folder, and the built-in packs are code, general, math, paper, spanish, verifiable.",
    "--client ofline": "Unknown client 'ofline' (did you mean 'offline'?); known are llamacpp,"
    " offline, openai, openai-sdk, vllm, and one of your own is named as package.module:Class.",
    "--client nowhere:Client": "Your client 'nowhere:Client': the module 'nowhere' is not"
    " installed; install it, or correct the name.",
    "--client openai": "No model is named, and there is no default one; name it with --model NAME,"
    " or one for each purpose, as in --model answer=NAME.",
    "--base-url host": "The base URL 'host' is not one; write it whole, as in"
    " http://localhost:8000/v1.",
    "--base-url ''": "The base URL '' is not one; write it whole, as in http://localhost:8000/v1.",
    "--base-url http://a..b": "The base URL 'http://a..b' is not one (no host can have this name);"
    " write it whole, as in http://localhost:8000/v1.",
    "-o ''": "--out: the name is empty; name a directory for the run.",
}


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMAND_LINES)
def test_a_bad_command_line_gets_one_sentence_and_exit_code_2(folder: Path, words: str) -> None:
    result = evolinstruct(f"evolve seeds.txt -o run --client offline {words}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {COMMAND_LINES[words]}\n"
    assert [path.name for path in folder.iterdir()] == ["seeds.txt"]


def test_a_number_of_thousands_of_digits_is_told_shortened(folder: Path) -> None:
    digits = "9" * 5_000
    result = evolinstruct(f"evolve seeds.txt -o run --client offline --max-tokens {digits}")
    assert (result.exit_code, result.stderr) == (
        2,
        f"Error: --max-tokens must be a whole number (given: {digits[:199]}…).\n",
    )
    (folder / "big.toml").write_text(f"seed = {digits}")
    result = evolinstruct("evolve seeds.txt -o run --client offline --recipe big.toml")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The recipe big.toml is not TOML: ")


def test_without_a_client_the_three_ways_on_are_named(folder: Path) -> None:
    result = evolinstruct("evolve seeds.txt -o run")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: No model to ask: name one with --model, and set OPENAI_API_KEY, or name its"
        " service with --provider, or its server with --base-url; or try things out with"
        " --client offline.\n"
    )


@pytest.mark.parametrize("line", ["evolve", "evolve seeds.txt", "evolve -o run", "evolv", "--nope"])
def test_what_is_no_command_line_at_all_exits_with_2(line: str) -> None:
    result = evolinstruct(line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ")


RECIPES = {
    "generations = 0": "The recipe bad.toml: generations must be 1 or more (given: 0).",
    "generations = 'x'": "The recipe bad.toml: generations must be a whole number (given: 'x').",
    "generations = true": "The recipe bad.toml: generations: a number is needed, not true.",
    "compare = 'maybe'": "The recipe bad.toml: compare must be true or false (given: 'maybe').",
    "model = 3": "The recipe bad.toml: model must be text (given: 3).",
    "operations = [1]": "The recipe bad.toml: operations: names are needed, or a table of names"
    " and weights.",
    "[temperature]\nansw = 1": "The recipe bad.toml: temperature: unknown purpose 'answ'"
    " (did you mean 'answer'?); there are evolve, compare, answer, tests, improve, score, solve,"
    " judge, analyse, optimize.",
    "[temperature]\nanswer = 3": "The recipe bad.toml: temperature (answer) must be 2 or less"
    " (given: 3).",
    "preset = 'papre'": "The recipe bad.toml: preset: unknown preset 'papre'"
    " (did you mean 'paper'?); there are paper, released.",
    "generatons = 1": "The recipe bad.toml: generatons: unknown setting"
    f" (did you mean 'generations'?); there are {SETTINGS}.",
    "param = {k = nan}": "The recipe bad.toml: param: 'k' cannot be passed on: its value cannot be"
    " written as JSON.",
    "param = {k = 2026-01-01}": "The recipe bad.toml: param: 'k' cannot be passed on: its value"
    " cannot be written as JSON.",
    "generations =": "The recipe bad.toml is not TOML: Invalid value (at end of document).",
    "# \udcff": "The recipe bad.toml is not UTF-8 text; save it so.",
}


@pytest.mark.parametrize("text", RECIPES)
def test_a_bad_recipe_is_named_with_its_key_and_exits_with_1(folder: Path, text: str) -> None:
    (folder / "bad.toml").write_text(text, errors="surrogateescape")
    result = evolinstruct("evolve seeds.txt -o run --client offline --recipe bad.toml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {RECIPES[text]}\n"


def test_a_recipe_that_is_not_there_is_named(folder: Path) -> None:
    result = evolinstruct("evolve seeds.txt -o run --client offline --recipe none.toml")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: The recipe none.toml cannot be read: No such file or directory;"
        " correct --recipe.\n",
    )


SEEDS: dict[str, tuple[bytes | None, str]] = {
    "missing.jsonl": (
        None,
        "missing.jsonl: no such file, and not one of the seeds that come with evolinstruct"
        " ('code', 'math', 'starter'); check the path.",
    ),
    "empty.jsonl": (b"", "empty.jsonl is empty; a seed file holds at least one instruction."),
    "binary.jsonl": (
        b"a\0b",
        "binary.jsonl is binary, not text: byte 2 is NUL;"
        " seeds are JSON lines, a JSON array, CSV or plain text, in UTF-8.",
    ),
    "latin.jsonl": (
        b'{"instruction": "x"}\n\xff\n',
        f"latin.jsonl, line 2: byte 1 of the line (0xff) is not UTF-8; {BAD_ROW}",
    ),
    "broken.jsonl": (
        b'{"instruction": "x"}\n{"instruction": \n',
        "broken.jsonl, line 2: broken JSON at column 17: expecting value, found its end;"
        f" {BAD_ROW}",
    ),
    "none.jsonl": (
        b'{"topic": "x"}\n',
        "none.jsonl, line 1: no instruction among the fields 'topic'"
        f" (--map instruction=KEY names the one that holds it); {BAD_ROW}",
    ),
    "blank.jsonl": (
        b'{"instruction": ""}\n',
        f"blank.jsonl, line 1: `instruction` is empty; {BAD_ROW}",
    ),
    "number.jsonl": (
        b'{"instruction": 7}\n',
        f"number.jsonl, line 1: `instruction` is the number 7 instead of text; {BAD_ROW}",
    ),
    "long.jsonl": (
        b'{"instruction": "' + b"x" * 1_000_000 + b'"}\n',
        "long.jsonl, line 1: the instruction has 1,000,000 characters, more than the 100,000"
        f" allowed; {BAD_ROW}",
    ),
}


@pytest.mark.parametrize("name", SEEDS)
def test_bad_seeds_get_one_sentence_and_exit_code_1_before_anything_is_made(
    folder: Path, name: str
) -> None:
    content, sentence = SEEDS[name]
    if content is not None:
        (folder / name).write_bytes(content)
    result = evolinstruct(f"evolve {name} -o run --client offline")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {sentence}\n"
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("seeds.txt", "seeds.txt is a file; name a directory for the run with -o."),
        ("seeds.txt/run", "{here}/seeds.txt is a file, so seeds.txt/run cannot be made;"
         " correct -o."),
        ("thesis", "thesis holds files but no run (there is no run.json);"
         " choose an empty or a new directory with -o."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("extra", ["", "--dry-run"])
def test_a_place_where_no_run_can_lie_is_refused(
    folder: Path, out: str, sentence: str, extra: str
) -> None:
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.tex").write_text("All my work.")
    result = evolinstruct(f"evolve seeds.txt -o {out} --client offline {extra}")
    assert (result.exit_code, result.stderr) == (1, f"Error: {sentence.format(here=folder)}\n")
    assert [path.name for path in (folder / "thesis").iterdir()] == ["chapter.tex"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_that_cannot_be_written_is_refused(folder: Path) -> None:
    (folder / "locked").mkdir(mode=0o500)
    result = evolinstruct("evolve seeds.txt -o locked/run --client offline")
    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: {folder}/locked cannot be written, so locked/run cannot be made; correct -o.\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "difference"),
    [
        ("-g 1 --temperature 0.5", "temperature was 1.0, now 0.5"),
        ("-g 1 --temperature answer=0.5", "temperature was 1.0, now 1.0, answer=0.5"),
        ("-g 1 --no-compare", "compare was on, now off"),
        ("-g 1 --seed 1 --model m", "model was not set, now m; seed was 0, now 1"),
        ("-g 1 --limit 4", "the seeds were 10, now 4"),
    ],
)
@pytest.mark.parametrize("extra", ["", "--dry-run"])
def test_another_run_in_the_directory_is_refused_and_says_what_differs(
    folder: Path, ten: Path, words: str, difference: str, extra: str
) -> None:
    shutil.copytree(ten, folder / "run")
    result = evolinstruct(f"evolve seeds.txt -o run --client offline {words} {extra}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"Error: run holds a run that differs: {difference}. Add --update to carry that run over"
        " to the new settings, or choose another directory with -o.\n"
    )


def test_a_wrong_key_is_told_without_showing_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")
    answer = error(401, "Incorrect API key provided: sk-very-secret-key", code="invalid_api_key")
    with serve(lambda _: answer) as server:
        result = evolinstruct(f"evolve seeds.txt -o run --model m --base-url {server.url}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == (
        f"Error: {server.url}, model 'm': the service refuses the key; check that it is complete"
        " and belongs to this service (Incorrect API key provided: [secret])."
    )
    for path in folder.rglob("*"):
        assert path.is_dir() or b"very-secret" not in path.read_bytes()


class Broken(Scripted):
    """Has a bug."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(lambda request: RuntimeError("a bug"))


BROKEN = "evolve seeds.txt -o run --client tests.test_cli_errors:Broken"


def test_a_bug_in_a_client_of_ones_own_is_told_in_a_sentence_without_a_traceback() -> None:
    result = evolinstruct(BROKEN)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(
        "Evolving 10 seeds over 4 generations into run: at most 240 calls.\n"
    )
    assert (
        "Your client 'tests.test_cli_errors:Broken' raised RuntimeError: a bug;"
        " mend it, -vv shows where." in result.stderr
    )
    assert "Traceback" not in result.stderr


def test_a_bug_of_the_program_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, reported():
        raise RuntimeError("a bug")
    assert (ended.value.exit_code, capsys.readouterr().err) == (
        1,
        "Error: Unexpected RuntimeError: a bug;"
        " -vv shows where, which belongs in a report of this.\n",
    )


def test_two_v_show_the_traceback_of_any_error() -> None:
    assert re.search(
        r"\nTraceback .*RuntimeError: a bug\n.*raised RuntimeError: a bug; mend it",
        evolinstruct(f"{BROKEN} -vv").stderr,
        re.DOTALL,
    )
    result = evolinstruct("evolve seeds.txt -o other --client offline -g 0 -vv")
    assert result.stderr.startswith("Traceback ")
    assert result.stderr.endswith("Error: --generations must be 1 or more (given: 0).\n")


PROMPTS = {
    "prompts show generl": (2, COMMAND_LINES["--prompts generl"]),
    "prompts check seeds.txt": (
        2,
        "Unknown prompt pack 'seeds.txt': it is not a folder, and the built-in packs are "
        "code, general, math, paper, spanish, verifiable.",
    ),
    "prompts check .": (1, ".: this is not a prompt pack, because it has no file pack.toml."),
    "prompts copy general .": (1, ".: the folder is not empty; name a new one for the copy."),
}


@pytest.mark.parametrize("line", PROMPTS)
def test_a_pack_that_there_is_not_or_cannot_be_copied_is_named(line: str) -> None:
    code, sentence = PROMPTS[line]
    result = evolinstruct(line)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"Error: {sentence}\n")
