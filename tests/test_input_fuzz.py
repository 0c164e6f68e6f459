"""Whatever comes in (flags, environment, recipes, packs, files of a run) is told by what it is.

An error that says "Unexpected" is a fault of ours, and so is an exception that leaves a command.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from evolinstruct import prompts
from evolinstruct.cli import app
from evolinstruct.records import seed_id
from evolinstruct.settings import SETTINGS
from tests import runs
from tests.command_line import evolinstruct

RUN = "RUN"
ID = seed_id("Explain thing number 0 to a child.")
"""The first seed's, of the run that is copied."""
SEEDS = ("evolve", "seeds.txt", "--client", "offline", "-g", "1")
READING: dict[str, tuple[str, ...]] = {
    "show": ("show", RUN),
    "trace": ("trace", RUN, "ID"),
    "stats": ("stats", RUN),
    "refilter": ("refilter", RUN),
    "contamination": ("contamination", RUN, "--against", "items.jsonl"),
    "export": ("export", RUN, "-o", "export", "--format", "chat"),
    "evolve": (*SEEDS, "-o", "new"),
    "preview": ("preview", "seeds.txt", "--client", "offline", "-g", "1", "-n", "1"),
    "check": ("check", "--client", "offline"),
    "rules": ("rules",),
    "seeds": ("seeds", "seeds.txt"),
}
"""A command line for each command, to which words are added."""
WAITING = ("--rpm", "--tpm", "--timeout")
"""Flags that may make a run wait as long as they say."""
BYTES = os.fsdecode(b"na\xefve")
WORDS = st.sampled_from(
    ("", "x", BYTES, "9" * 5_000, "9" * 30, "-1", "0", "1e400", "nan", "=", "a=b", ",", ":", "a:b")
) | st.sampled_from(
    (
        "../x",
        "/",
        "x" * 50_000,
        "💥",
        "²",
        "[" * 20_000,
        "(a",
        "os:system",
        "{}",
        "'",
        "1-" + "9" * 20,
    )
)
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 1, -1, 10**400, 1.5, float("nan"), "", "x", BYTES, [], {}, [1], {"a": 1}, [[]]]
)
thorough = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150
)
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seeds.txt").write_text("Explain rain.\nName a river.\n")
    (tmp_path / "items.jsonl").write_text('{"question": "What is the name of the river?"}\n')
    runs.copied(tmp_path / RUN, 6, generations=1)
    return tmp_path


def end_of(words: list[str], env: dict[str, str] | None = None) -> str:
    """Run a command; return what it said, which is checked to be no fault of ours."""
    words = [ID if word == "ID" else word for word in words]
    shutil.rmtree("new", ignore_errors=True)
    done = CliRunner().invoke(app, words, env=env)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Error: Unexpected" not in done.stderr, done.stderr[-1_000:]
    assert done.exit_code in (0, 1, 2, 3, 4, 5), done.stderr[-1_000:]
    return done.stderr


def options() -> Iterator[tuple[str, str]]:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name in READING:
        for parameter in commands[name].params:
            flag = max(parameter.opts, key=len)
            takes_word = flag.startswith("--") and not getattr(parameter, "is_flag", False)
            if takes_word and flag not in WAITING:
                yield name, flag


@settings(thorough, max_examples=300)
@given(st.sampled_from([*options()]), WORDS)
def test_no_word_of_a_flag_is_unexpected(given_to: tuple[str, str], word: str) -> None:
    command, flag = given_to
    shutil.rmtree("export", ignore_errors=True)
    end_of([*READING[command], f"{flag}={word}"])


@thorough
@given(st.sampled_from([*SETTINGS, "preset"]), WORDS)
def test_no_variable_of_the_environment_is_unexpected(name: str, word: str) -> None:
    end_of([*SEEDS, "-o", "new", "--dry-run"], {f"EVOLINSTRUCT_{name.upper()}": word})


TOML = st.sampled_from(
    ("5", "1e400", "nan", "''", "'x'", "[]", "{}", "[1]", "[[]]", "{a = 1}", "1979-05-27", "true")
) | st.sampled_from(
    ("9" * 5_000, "[" * 20_000, '"\\u0000"', "{answer = []}", "['a=b']", "{default = {a = 1}}")
)


@thorough
@given(st.sampled_from([*SETTINGS, "preset", "unknown"]), TOML | st.text(max_size=20))
def test_no_recipe_is_unexpected(name: str, value: str) -> None:
    Path("recipe.toml").write_text(f"{name} = {value}\n", encoding="utf-8")
    end_of([*SEEDS[:-2], "-o", "new", "--dry-run", "--recipe", "recipe.toml"])


FILES = sorted(prompts.files(prompts.find("general")))


@thorough
@given(
    st.sampled_from(FILES), st.binary(max_size=30) | TOML.map(lambda text: f"a = {text}".encode())
)
def test_no_file_of_a_pack_is_unexpected(name: str, content: bytes) -> None:
    shutil.rmtree("pack", ignore_errors=True)
    shutil.copytree(prompts.find("general"), "pack")
    (Path("pack") / name).write_bytes(content)
    end_of(["prompts", "check", "pack"])
    end_of([*SEEDS, "-o", "new", "--prompts", "pack"])


AGAIN = ("evolve", "seeds.txt", "-o", RUN, "--client", "offline", "-g", "1")
USES = [
    *(words for name, words in READING.items() if RUN in words),
    *(("report", RUN, "-o", "page.html"), ("trace", RUN, "ID", "--calls"), ("stats", RUN, "--csv")),
    *(AGAIN, (*AGAIN, "--update"), (*AGAIN, "--update", "--retry", "failed")),
]


def changed(value: Any, data: st.DataObject) -> Any:
    """Return the value with one part, however deep, replaced or left out."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 4)):
        copy = value.copy()
        key = data.draw(st.sampled_from([*copy] if isinstance(copy, dict) else range(len(copy))))
        if data.draw(st.integers(0, 4)):
            copy[key] = changed(copy[key], data)
        else:
            del copy[key]
        return copy
    return data.draw(JUNK)


@thorough
@given(st.data())
def test_no_run_json_is_unexpected(data: st.DataObject) -> None:
    fresh()
    path = Path(RUN) / "run.json"
    path.write_text(json.dumps(changed(json.loads(path.read_text()), data)))
    end_of([*data.draw(st.sampled_from(USES))])


@thorough
@given(st.data())
def test_no_line_of_a_run_is_unexpected(data: st.DataObject) -> None:
    fresh()
    path = data.draw(st.sampled_from(sorted(Path(RUN).glob("*.jsonl"))))
    lines = path.read_bytes().splitlines() or [b"{}"]
    at = data.draw(st.integers(0, len(lines) - 1))
    whole = json.dumps(changed(json.loads(lines[at]), data)).encode()
    lines[at] = data.draw(st.just(whole) | st.binary(max_size=9) | st.just(b"[" * 20_000))
    path.write_bytes(b"\n".join(lines) + data.draw(st.sampled_from([b"\n", b""])))
    end_of([*data.draw(st.sampled_from(USES))])


def fresh() -> None:
    for name in (RUN, "export"):
        shutil.rmtree(name, ignore_errors=True)
    Path("page.html").unlink(missing_ok=True)
    runs.copied(Path(RUN), 6, generations=1)


NAMES = [f"tests.own_clients:{name}" for name in (
    "Closing", "Noticing", "Numbered", "Exiting", "NoText", "NoUsage", "Ended", "returning",
)]  # fmt: skip
OTHERS = ["os:system", "os:abort", "builtins:exit", "builtins:input", "code:interact", "enum:Enum"]


@pytest.mark.parametrize("name", [*NAMES, *OTHERS, "json:loads", "typing:Any", ".x:y"])
def test_whatever_a_client_of_ones_own_does_is_told_as_its_own(name: str) -> None:
    for words in ([*SEEDS[:2], "-g", "1", "-o", "new"], ["check"]):
        done = evolinstruct(" ".join([*words, "--client", name]))
        assert done.exit_code in (1, 2)
        assert f"our client {name!r}" in done.stderr
        assert "Unexpected" not in done.stderr


@pytest.mark.parametrize("name", ["WordyUsage", "HugeUsage"])
def test_numbers_of_a_client_of_ones_own_that_cannot_be_are_unknown(name: str) -> None:
    client = f"--client tests.own_clients:{name}"
    assert evolinstruct(" ".join([*SEEDS[:2], "-g", "1", "-o", "new", client])).exit_code == 0
    spent = json.loads(Path("new/run.json").read_text(encoding="utf-8"))["spent"]
    assert not spent["prompt_tokens"]


def test_an_error_of_a_client_of_ones_own_without_words_still_ends_in_a_sentence() -> None:
    words = [*SEEDS[:2], "-g", "1", "-o", "new", "--client", "tests.own_clients:Nameless"]
    assert "turned down its first call" in end_of(words)


@pytest.mark.parametrize("name", ["os:system", "builtins:dict", "json:loads", "math:pi"])
def test_what_is_no_rule_is_told_as_one_s_own(name: str) -> None:
    assert f"Your rule {name!r}" in end_of([*SEEDS, "-o", "new", "--rule", name])
