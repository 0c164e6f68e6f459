"""Where settings come from beside flags and recipes: `.env`, profiles, the user's settings file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evolinstruct import environment
from evolinstruct.errors import InputError, UsageError
from evolinstruct.llm.providers import Servers, servers_for
from evolinstruct.settings import SETTINGS, Execution, Layer, Settings, gather
from tests.command_line import enter
from tests.command_line import evolinstruct as command_line

FILE = """
model = "file"
rpm = 1
tpm = 1
timeout = 1
max_wait = 1
max_calls = 1
profile = "near"

[profiles.near]
rpm = 2
tpm = 2
timeout = 2
max_wait = 2

[profiles.far]
model = { default = "far", answer = "far away" }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(tmp_path, monkeypatch)
    monkeypatch.setenv("EVOLINSTRUCT_SETTINGS", "settings.toml")
    Path("settings.toml").write_text(FILE)
    return tmp_path


def found(profile: str | None = None, recipe: str | None = None, **given: object) -> Settings:
    return gather(Layer(given), recipe, profile)


# --- which place wins ---------------------------------------------------------------------------


def test_the_nearest_place_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("recipe.toml").write_text("rpm = 3\ntpm = 3\ntimeout = 3\n")
    Path(".env").write_text("EVOLINSTRUCT_RPM=4\nEVOLINSTRUCT_TPM=4\n")
    monkeypatch.setenv("EVOLINSTRUCT_RPM", "5")
    held = found(recipe="recipe.toml").execution
    assert (held.rpm, held.tpm, held.timeout, held.max_wait, held.max_calls) == (5, 4, 3, 2, 1)
    assert found(recipe="recipe.toml", rpm=6).execution.rpm == 6


def test_a_profile_is_named_by_the_flag_the_variable_or_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found().execution.rpm == 2
    monkeypatch.setenv("EVOLINSTRUCT_PROFILE", "far")
    assert found().recipe.model == {"default": "far", "answer": "far away"}
    assert found().execution.rpm == 1
    assert found("near").execution.rpm == 2


def test_without_a_file_nothing_is_read(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.delenv("EVOLINSTRUCT_SETTINGS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    assert found().recipe.model == {}
    (folder / "config" / "evolinstruct").mkdir(parents=True)
    (folder / "config" / "evolinstruct" / "settings.toml").write_text("model = 'mine'\n")
    assert found().recipe.model == {"default": "mine"}


def test_a_server_that_is_named_nearer_gets_no_key_of_the_farther_one() -> None:
    Path("settings.toml").write_text("base_url = 'http://one/v1'\napi_key_env = 'KEY_OF_ONE'\n")
    assert found().execution.api_key_env == {"default": "KEY_OF_ONE"}
    near = found(base_url="http://two/v1").execution
    assert (near.base_url, near.api_key_env) == ({"default": ["http://two/v1"]}, {})
    assert found(provider="groq").execution.api_key_env == {}


# --- .env ---------------------------------------------------------------------------------------

LINES = {
    "NAME=value": "value",
    "NAME = value": "value",
    "  export NAME=value": "value",
    "NAME=two words": "two words",
    "NAME=value # a remark": "value",
    "NAME=a#b": "a#b",
    "NAME='two  words # no remark'": "two  words # no remark",
    'NAME = " a " # a remark': " a ",
    r'NAME="a \"b\" \\ \n"': 'a "b" \\ \n',
    r"NAME='a\nb'": r"a\nb",
    "NAME=": "",
    'NAME=""': "",
    "NAME=one\nNAME=two": "two",
    "NAME=value\r": "value",
    "\ufeffNAME=value": "value",
    "# a remark\n\nNAME=value": "value",
    "NAME": "",
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_sets_a_variable_with_blanks_quotes_and_remarks(line: str) -> None:
    Path(".env").write_text(line, encoding="utf-8", newline="")
    assert environment.variable("NAME") == LINES[line]


BAD_DOTENVS: dict[bytes, str] = {
    b"A=1\nsk-abcdef": "The file .env, line 2: it sets no variable; write it as NAME=VALUE.",
    b"my key=1": "The file .env, line 1: it sets no variable; write it as NAME=VALUE.",
    b'A="1': "The file .env, line 1: the value of A does not end with its quotation mark; close"
    " it.",
    b"A='1' 2": "The file .env, line 1: the value of A does not end with its quotation mark; close"
    " it.",
    b"A=\xff": "The file .env is not UTF-8 text; save it so.",
    b"EVOLINSTRUCT_RPM=abc": ".env: EVOLINSTRUCT_RPM must be a whole number (given: 'abc').",
    b'EVOLINSTRUCT_MODEL="a \'b"': ".env: EVOLINSTRUCT_MODEL: a quotation mark has no end; correct"
    " it.",
}


@pytest.mark.parametrize("content", BAD_DOTENVS)
def test_a_bad_env_file_is_told_by_its_line_and_without_its_value(content: bytes) -> None:
    Path(".env").write_bytes(content)
    with pytest.raises(InputError) as caught:
        found()
    assert str(caught.value) == BAD_DOTENVS[content]


def test_a_folder_named_env_is_somebody_elses() -> None:
    Path(".env").mkdir()
    assert environment.in_file() == {}


def test_the_environment_wins_even_where_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("ONE=file\nTWO=file\nEVOLINSTRUCT_RPM=4\n")
    monkeypatch.setenv("ONE", "")
    monkeypatch.setenv("EVOLINSTRUCT_RPM", "")
    assert (environment.variable("ONE"), environment.variable("TWO")) == ("", "file")
    assert found().execution.rpm == 2  # the profile's


def test_a_key_of_the_file_is_used_and_enters_no_environment() -> None:
    Path(".env").write_text("GROQ_API_KEY=key-in-file\nOPENAI_BASE_URL=http://one/v1\n")
    groq = servers_for(Execution(provider="groq"), "answer")  # type: ignore[arg-type]
    assert groq == Servers(("https://api.groq.com/openai/v1",), "key-in-file", "GROQ_API_KEY")
    assert servers_for(Execution(), "answer").urls == ("http://one/v1",)
    assert "GROQ_API_KEY" not in os.environ


def test_a_run_says_what_it_reads_from_the_file() -> None:
    Path(".env").write_text("EVOLINSTRUCT_CLIENT=offline\nEVOLINSTRUCT_BASEURL=x\nOTHER=x\n")
    done = command_line("evolve seeds.txt -o run -g 1 --rpm 60000 --tpm 60000000")
    assert (
        "Read from .env in this folder: EVOLINSTRUCT_BASEURL and EVOLINSTRUCT_CLIENT.\n"
        "Not read, because no variable has this name: EVOLINSTRUCT_BASEURL (did you mean"
        " 'EVOLINSTRUCT_BASE_URL'?).\n"
    ) in done.stderr, done.stderr


# --- what the settings file may not hold --------------------------------------------------------

_NO_KEY = (
    "a key has no place in a file; put it into a variable, and name that, as in api_key_env ="
    ' "MY_KEY".'
)
_PERSONAL = [name for name, setting in SETTINGS.items() if setting.is_personal]
BAD_SETTINGS: dict[str, str] = {
    'api_key = "sk-abc"': f"api_key: {_NO_KEY}",
    'OPENAI_API_KEY = "sk-abc"': f"OPENAI_API_KEY: {_NO_KEY}",
    'api_key_env = "sk-abc"': f"api_key_env: {_NO_KEY}",
    'api_key_env = ["sk-abc"]': f"api_key_env: {_NO_KEY}",
    'api_key_env = {answer = "sk-abc"}': f"api_key_env: {_NO_KEY}",
    "temperature = 1": "temperature decides what a run makes; give it as a flag or in a recipe.",
    'preset = "paper"': "preset decides what a run makes; give it as a flag or in a recipe.",
    "rmp = 1": f"rmp: unknown setting (did you mean 'rpm'?); there are {', '.join(_PERSONAL)}.",
    "rpm = 'abc'": "rpm must be a whole number (given: 'abc').",
    "profile = 3": "profile must be the name of one (given: 3).",
    "profile = 'home'": "unknown profile 'home' in settings.toml; there are none.",
    "profiles = 3": "profiles must be tables; write each as [profiles.NAME].",
    "[profiles]\nhome = 3": "profiles must be tables; write each as [profiles.NAME].",
}


@pytest.mark.parametrize("content", BAD_SETTINGS)
def test_a_wrong_setting_of_the_file_is_told_and_no_key_repeated(content: str) -> None:
    Path("settings.toml").write_text(content)
    with pytest.raises(InputError) as caught:
        found()
    assert str(caught.value) == f"The settings file settings.toml: {BAD_SETTINGS[content]}"


def test_two_profiles_of_one_name_are_told() -> None:
    Path("settings.toml").write_text("[profiles.a]\nrpm = 1\n[profiles.a]\nrpm = 2\n")
    with pytest.raises(InputError) as caught:
        found()
    assert str(caught.value) == (
        "The settings file settings.toml has two profiles 'a' (at line 3); rename one."
    )


def test_a_wrong_setting_of_a_profile_is_told_with_its_name() -> None:
    Path("settings.toml").write_text("profile = 'a'\n[profiles.a]\nrpm = 0\n")
    with pytest.raises(InputError) as caught:
        found()
    assert str(caught.value) == (
        "The settings file settings.toml, profile 'a': rpm must be 1 or more (given: 0)."
    )


def test_an_unknown_profile_names_the_near_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "unknown profile 'naer' in settings.toml (did you mean 'near'?); there are near, far."
    with pytest.raises(UsageError) as caught:
        found("naer")
    assert str(caught.value) == f"--profile: {told}"
    monkeypatch.setenv("EVOLINSTRUCT_PROFILE", "naer")
    with pytest.raises(InputError) as missing:
        found()
    assert str(missing.value) == f"EVOLINSTRUCT_PROFILE: {told}"


def test_a_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLINSTRUCT_SETTINGS", "gone.toml")
    with pytest.raises(InputError) as caught:
        found()
    assert str(caught.value) == (
        "The settings file gone.toml cannot be read: No such file or directory; allow it, or"
        " correct EVOLINSTRUCT_SETTINGS."
    )


# --- what holds, and who would get texts --------------------------------------------------------


def test_settings_shows_what_holds_by_the_place_that_it_is_from() -> None:
    Path(".env").write_text("EVOLINSTRUCT_MODEL=answer=big\nEVOLINSTRUCT_TPM=4\nMY_KEY=k\n")
    Path("recipe.toml").write_text("base_url = 'http://me:secret@one/v1'\n")
    done = command_line("settings --rpm 7 --recipe recipe.toml")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "Flags\n"
        "    rpm             7\n"
        ".env in this folder\n"
        "    model (answer)  big\n"
        "    tpm             4\n"
        "The recipe recipe.toml\n"
        "    base_url        http://one/v1\n"
        "The settings file settings.toml, profile 'near'\n"
        "    timeout         2.0\n"
        "    max_wait        2.0\n"
        "The settings file settings.toml\n"
        "    model           file\n"
        "    max_calls       1\n"
        "All other settings have their defaults; -v shows them.\n"
        "\n"
        "Your settings file: settings.toml.\n"
        "Profiles: near (in use) and far.\n"
        ".env in this folder sets EVOLINSTRUCT_MODEL, EVOLINSTRUCT_TPM and MY_KEY.\n"
    )


def test_settings_is_one_object_for_a_script() -> None:
    told = json.loads(command_line("settings --profile far --preset released --json").stdout)
    held = {(each["name"], each["key"]): each for each in told.pop("settings")}
    assert told == {
        "settings_file": "settings.toml",
        "profiles": ["near", "far"],
        "profile": "far",
        "dotenv": [],
    }
    assert held["model", "answer"] == {
        "name": "model",
        "key": "answer",
        "value": "far away",
        "place": "The settings file settings.toml, profile 'far'",
    }
    assert held["top_p", "default"]["place"] == "The preset released"
    assert held["temperature", "default"] == {
        "name": "temperature",
        "key": "default",
        "value": 1.0,
        "place": "Defaults",
    }


RECEIVERS = {
    "--client offline": "No text would leave this machine.",
    "--client tests.scripted:Obedient": "Texts would go to wherever the client sends them (evolve,"
    " compare, answer).",
    "--model m --base-url http://one:8000/v1": "Texts would go to one:8000 (evolve, compare,"
    " answer).",
    "--model m --base-url http://me:pw@one/v1 --provider answer=ollama": "Texts would go to one"
    " (evolve, compare) and localhost:11434 (answer).",
    "--model m --api-key-env KEY": "Texts would go to api.openai.com (evolve, compare, answer).",
}


@pytest.mark.parametrize("words", RECEIVERS)
def test_a_dry_run_names_every_server_that_would_get_texts(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "key-for-a-test")
    monkeypatch.setenv("OPENAI_API_KEY", "key-for-a-test")
    monkeypatch.setenv("EVOLINSTRUCT_SETTINGS", os.devnull)
    done = command_line(f"evolve seeds.txt -o run --dry-run {words}")
    assert RECEIVERS[words] in done.stderr.splitlines(), done.stderr
