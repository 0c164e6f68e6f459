"""Settings as words: flags, variables of the environment, and the way back to a command line."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

import evolinstruct
from evolinstruct.cli.options import read_settings, takes_settings
from evolinstruct.errors import InputError
from evolinstruct.purposes import of_models
from evolinstruct.settings import SETTINGS, Layer, Settings, gather, resolve, to_command_line
from tests.command_line import enter
from tests.command_line import evolinstruct as command_line

app = typer.Typer()
_read: list[Settings] = []


@app.command()
@takes_settings
def _command(flags: Mapping[str, Any] = {}) -> None:
    _read.append(read_settings(flags))


COMMAND = typer.main.get_command(app)


def read(*words: str) -> Settings:
    """Return the settings that a command line with these flags has."""
    COMMAND.main(list(words), standalone_mode=False)
    return _read.pop()


# --- the way back -------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
name = st.from_regex(r"[a-z]\w{0,9}", fullmatch=True)
count = st.integers(1, 10**9)
share = st.floats(0, 1)
dollars = st.decimals(0, 10**6, allow_nan=False)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
)
parameters = st.tuples(st.sampled_from(["", "answer:", "compare:"]), name).map("".join)
rules = {
    "word_growth": ["most", "least"],
    "cut_off": [],
    "near_duplicate": ["likeness"],
    "tests.own_rules:too_short": ["words", "letters"],
}


def by_purpose(each: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["default", *of_models()]), each)


def rule_settings() -> st.SearchStrategy[dict[str, Any]]:
    finite = st.floats(allow_nan=False, allow_infinity=False)

    def of(names: list[str]) -> st.SearchStrategy[Any]:
        some = [st.dictionaries(st.sampled_from(names), finite, min_size=1)] if names else []
        return st.one_of(st.booleans(), *some)

    return st.fixed_dictionaries({}, optional={rule: of(names) for rule, names in rules.items()})


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "client": text,
    "model": by_purpose(text),
    "temperature": by_purpose(st.floats(0, 2)),
    "top_p": by_purpose(st.floats(0, 1, exclude_min=True)),
    "max_tokens": by_purpose(count),
    "param": st.dictionaries(
        parameters.filter(lambda key: key.rpartition(":")[2] not in ("n", "model", "stream")),
        values,
        max_size=3,
    ),
    "generations": st.integers(1, 1_000),
    "prompts": text,
    "operations": st.dictionaries(name, st.floats(0, 10**6)),
    "seed": st.integers(),
    "answers": st.integers(0, 20),
    "evolve_answers": st.integers(0, 10),
    "equality": st.sampled_from(["exact", "math"]),
    "pick": st.sampled_from(["", "vote", "judge", "verified"]),
    "answer_seeds": st.booleans(),
    "compare": st.booleans(),
    "compare_in_breadth": st.booleans(),
    "plain_draws": st.booleans(),
    "reviews": st.booleans(),
    "sandbox": st.sampled_from(["monty", "docker", "docker:python:3.13-slim"]),
    "eliminate": st.booleans(),
    "rules": rule_settings(),
    "against": st.lists(text),
    "limit": st.none() | count,
    "sample": st.none() | count,
    "map": st.dictionaries(
        st.sampled_from(["instruction", "input", "output"]),
        text.map(str.strip).filter(lambda key: key and "=" not in key),
    ),
    "skip_bad": st.booleans(),
    "provider": by_purpose(text),
    "base_url": by_purpose(st.lists(text, min_size=1)),
    "api_key_env": by_purpose(text),
    "concurrency": st.none() | st.integers(1, 100_000),
    "max_concurrency": st.none() | st.integers(1, 100_000),
    "prefetch": st.booleans(),
    "rpm": st.none() | count,
    "tpm": st.none() | count,
    "timeout": st.floats(0, 10**6, exclude_min=True),
    "max_reply_mb": st.floats(0, 1_000, exclude_min=True),
    "max_wait": st.floats(0, 10**7, exclude_min=True),
    "min_kept": st.none() | share,
    "allow_failures": st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,9}%)?", fullmatch=True),
    "events": st.booleans(),
    "otel": st.booleans(),
    "max_calls": st.none() | count,
    "max_tokens_total": st.none() | count,
    "max_cost": st.none() | dollars.filter(bool),
    "price_in": by_purpose(dollars),
    "price_out": by_purpose(dollars),
    "prices": text,
    "batch": st.booleans(),
    "batch_files": text,
    "submit": st.booleans(),
    "service_tier": by_purpose(st.from_regex(r"[a-z]{1,5}(,[a-z]{1,5})?", fullmatch=True)),
}

given_settings = st.fixed_dictionaries({}, optional=VALUES)


def check_round_trip(values: dict[str, Any]) -> None:
    asked = resolve(Layer(values))
    words = to_command_line(asked)
    assert read(*shlex.split(shlex.join(words))) == asked, words


def test_every_setting_has_a_way_back_that_is_tried() -> None:
    assert set(VALUES) == {name for name, setting in SETTINGS.items() if not setting.hidden}


@pytest.mark.slow
@pytest.mark.parametrize("setting", VALUES)
def test_each_setting_becomes_flags_that_make_it_again(setting: str) -> None:
    @settings(deadline=None, max_examples=5, database=None)
    @given(VALUES[setting])
    def check(value: Any) -> None:
        check_round_trip({setting: value})

    check()


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(given_settings)
def test_settings_become_flags_that_make_them_again(values: dict[str, Any]) -> None:
    check_round_trip(values)


def test_the_flags_of_settings_are_those_that_a_person_would_type() -> None:
    asked = resolve(
        Layer(
            {
                "client": "openai",
                "model": {"default": "a b", "answer": "x=y"},
                "base_url": ["http://one/v1", "http://two/v1"],
                "temperature": {"compare": 0},
                "param": {"answer:stop": ["\n"], "user": "me"},
                "rules": {"word_growth": {"most": 20}, "cut_off": False, "asks_back": True},
                "against": ["tests.txt", "question=other.csv"],
                "map": {"instruction": "q", "output": "a"},
                "sample": 5,
                "compare": False,
                "max_cost": Decimal("0.50"),
            }
        )
    )
    assert shlex.join(to_command_line(asked)) == (
        "--client openai --model 'a b' --model answer=x=y --temperature compare=0"
        " --param 'answer:stop=[\"\\n\"]' --param user=me --no-compare"
        " --rule word_growth.most=20 --no-rule cut_off --rule asks_back"
        " --against tests.txt --against question=other.csv --sample 5"
        " --map instruction=q --map output=a --base-url http://one/v1 --base-url http://two/v1"
        " --max-cost 0.50"
    )


# --- flags that mean the same -------------------------------------------------------------------

SAME = {
    "--field q": "--map instruction=q",
    "--field q --map output=a": "--map instruction=q,output=a",
    "--strict": "--rule word_growth.least=10 --rule word_growth.most=20",
    "--strict --rule word_growth.most=30": "--rule word_growth.least=10 --rule word_growth=30",
    "--no-compare": "--no-rule no_information_gain",
    "--compare": "--rule no_information_gain",
    "-g 2": "--generations 2",
    "--model default=m": "--model m",
    "--concurrency auto": "",
}


@pytest.mark.parametrize("line", SAME)
def test_flags_that_mean_the_same_make_the_same_settings(line: str) -> None:
    assert read(*line.split()) == read(*SAME[line].split())


# --- the environment ----------------------------------------------------------------------------


def test_variables_say_who_answers_and_how_a_run_is_carried_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {
        "CLIENT": "openai",
        "MODEL": "small answer=large",
        "BASE_URL": "http://one/v1 http://two/v1",
        "API_KEY_ENV": "KEY",
        "CONCURRENCY": "7",
        "MAX_COST": "0.5",
        "RPM": "",
        "TPM": " ",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"EVOLINSTRUCT_{name}", value)
    found = read()
    assert found.recipe.client == "openai"
    assert found.recipe.model == {"default": "small", "answer": "large"}
    assert found.execution.base_url == {"default": ["http://one/v1", "http://two/v1"]}
    assert found.execution.api_key_env == {"default": "KEY"}
    assert (found.execution.concurrency, found.execution.max_cost) == (7, Decimal("0.5"))
    assert (found.execution.rpm, found.execution.tpm) == (None, None)


def test_no_variable_decides_what_else_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [name for name, setting in SETTINGS.items() if not setting.is_personal]
    assert {"temperature", "seed", "rules", "limit", "prompts"} < set(others)
    for name in others:
        monkeypatch.setenv(f"EVOLINSTRUCT_{name.upper()}", "7")
    assert read() == resolve(Layer({}))


def test_a_run_says_which_variables_it_does_not_read(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    for name in ("SEED", "TEMPERATURE", "RULE", "PRESET", "MY_OWN_KEY", "CONCURRENCY"):
        monkeypatch.setenv(f"EVOLINSTRUCT_{name}", "7")
    done = command_line("evolve seeds.txt -o run --client offline -g 1")
    (said,) = [line for line in done.stderr.splitlines() if "environment" in line]
    assert said == (
        "Not read from the environment: EVOLINSTRUCT_TEMPERATURE, EVOLINSTRUCT_SEED,"
        " EVOLINSTRUCT_RULE and EVOLINSTRUCT_PRESET, because a variable that nobody sees would"
        " decide the bytes of the run; give it as a flag or in a recipe."
    )


def test_flags_win_over_variables_and_these_over_the_recipe_and_the_preset(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("preset = 'released'\nclient = 'c'\nmodel = 'c'\nrpm = 1\ntpm = 1\n")
    monkeypatch.setenv("EVOLINSTRUCT_MODEL", "b answer=b")
    monkeypatch.setenv("EVOLINSTRUCT_RPM", "2")
    monkeypatch.setenv("EVOLINSTRUCT_TPM", "2")
    found = read("--model", "answer=a", "--rpm", "3", "--recipe", str(recipe))
    assert found.recipe.client == "c"
    assert found.recipe.model == {"default": "b", "answer": "a"}
    assert (found.execution.rpm, found.execution.tpm) == (3, 2)
    assert found.recipe.generations == 1
    assert gather(Layer({"rpm": 4}), recipe).execution.rpm == 4  # from Python, the same


def test_a_service_that_is_named_takes_the_place_of_the_one_below_and_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVOLINSTRUCT_BASE_URL", "http://one/v1")
    monkeypatch.setenv("EVOLINSTRUCT_API_KEY_ENV", "KEY")
    found = read("--provider", "groq").execution
    assert (found.provider, found.base_url, found.api_key_env) == ({"default": "groq"}, {}, {})
    found = read("--provider", "answer=groq").execution
    assert found.provider == {"answer": "groq"}
    assert found.base_url == {"default": ["http://one/v1"]}
    monkeypatch.setenv("EVOLINSTRUCT_PROVIDER", "groq")
    monkeypatch.delenv("EVOLINSTRUCT_BASE_URL")
    found = read("--base-url", "http://two/v1").execution
    assert (found.provider, found.base_url) == ({}, {"default": ["http://two/v1"]})


WRONG = {
    ("CONCURRENCY", "many"): "EVOLINSTRUCT_CONCURRENCY must be a whole number (given: 'many').",
    ("MODEL", "a jury=b"): "EVOLINSTRUCT_MODEL jury=b: unknown purpose 'jury'; there are evolve,"
    " compare, answer, tests, improve, score, solve, judge, analyse, optimize.",
    ("MODEL", "'a"): "EVOLINSTRUCT_MODEL: a quotation mark has no end; correct it.",
    ("MIN_KEPT", "3"): "EVOLINSTRUCT_MIN_KEPT must be 1 or less (given: 3).",
}


@pytest.mark.parametrize("variable", WRONG)
def test_an_error_names_the_variable(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"EVOLINSTRUCT_{variable[0]}", variable[1])
    with pytest.raises(InputError) as caught:
        read()
    assert str(caught.value) == WRONG[variable]


def test_a_run_takes_its_client_from_the_environment(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    monkeypatch.setenv("EVOLINSTRUCT_CLIENT", "offline")
    told = command_line("evolve seeds.txt -o run -g 1 --dry-run --json")
    assert (told.exit_code, json.loads(told.stdout)["at_most"]) == (0, 60), told.output
    assert evolinstruct.prepare("seeds.txt", "run", generations=1).forecast().at_most == 60


# --- help ---------------------------------------------------------------------------------------


def test_help_and_version_load_no_check_of_settings() -> None:
    script = (
        "import sys\nfrom evolinstruct.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "slow = {'pydantic', 'evolinstruct.elimination', 'evolinstruct.settings.fields'}\n"
        "sys.exit(' '.join(sorted(slow & sys.modules.keys())) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
