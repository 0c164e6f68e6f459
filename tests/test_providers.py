"""Services by name: their servers, and a key that goes to no other."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from evolinstruct.errors import InputError, UsageError
from evolinstruct.llm.clients import Asked, default_client, options_in_use, with_client
from evolinstruct.llm.openai import OpenAIClient
from evolinstruct.llm.providers import PROVIDERS, Servers, servers_for
from evolinstruct.settings import Execution, Layer, Recipe, resolve

LOCAL = "http://localhost:9/v1"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two keys in the environment, and no base URL."""
    for provider in PROVIDERS.values():
        monkeypatch.delenv(provider.key_variable or "-", raising=False)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "key-openai")
    monkeypatch.setenv("GROQ_API_KEY", "key-groq")


GROQ = "https://api.groq.com/openai/v1"
OPENAI = "https://api.openai.com/v1"

CASES: dict[str, tuple[dict[str, object], Servers]] = {
    "nothing": ({}, Servers((None,), "key-openai", None)),
    "a provider": ({"provider": "groq"}, Servers((GROQ,), "key-groq", "GROQ_API_KEY")),
    "a local one gets no key": (
        {"provider": "ollama"},
        Servers(("http://localhost:11434/v1",), None, None),
    ),
    "a base URL": ({"base_url": LOCAL}, Servers((LOCAL,), "key-openai", None)),
    "a variable": (
        {"base_url": LOCAL, "api_key_env": "GROQ_API_KEY"},
        Servers((LOCAL,), "key-groq", "GROQ_API_KEY"),
    ),
    "a variable for a local one": (
        {"provider": "vllm", "api_key_env": "GROQ_API_KEY"},
        Servers(("http://localhost:8000/v1",), "key-groq", "GROQ_API_KEY"),
    ),
    "a base URL in place of the provider's": (
        {"provider": "groq", "base_url": LOCAL},
        Servers((LOCAL,), "key-groq", "GROQ_API_KEY"),
    ),
    "several": (
        {"base_url": [LOCAL, "http://localhost:10/v1"]},
        Servers((LOCAL, "http://localhost:10/v1"), "key-openai", None),
    ),
    "a provider for one purpose": (
        {"provider": {"default": "openai", "answer": "groq"}},
        Servers((GROQ,), "key-groq", "GROQ_API_KEY"),
    ),
    "a provider for one purpose over a base URL for all": (
        {"provider": {"answer": "groq"}, "base_url": LOCAL},
        Servers((GROQ,), "key-groq", "GROQ_API_KEY"),
    ),
    "a base URL for one purpose gets no key of the provider for all": (
        {"provider": "groq", "base_url": {"answer": LOCAL}},
        Servers((LOCAL,), "key-openai", None),
    ),
    "a key that is not there": (
        {"provider": "mistral"},
        Servers(("https://api.mistral.ai/v1",), None, "MISTRAL_API_KEY"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_settings_and_variables_come_to_servers_and_a_key(case: str) -> None:
    settings, servers = CASES[case]
    assert servers_for(Execution(**settings), "answer") == servers  # type: ignore[arg-type]


def test_the_variable_for_the_server_holds_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert servers_for(Execution(), "answer").urls == (LOCAL,)
    assert servers_for(Execution(provider="openai"), "answer").urls == (OPENAI,)  # type: ignore[arg-type]


def test_an_unknown_provider_names_the_near_one_and_all() -> None:
    with pytest.raises(UsageError) as caught:
        servers_for(Execution(provider="grok"), "answer")  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"There is no provider 'grok' (did you mean 'groq'?); known are {', '.join(PROVIDERS)}."
        " Name any other by --base-url and --api-key-env."
    )


def test_a_missing_key_is_told_with_its_variable() -> None:
    (options,) = options_in_use(
        Recipe(model="m"),  # type: ignore[arg-type]
        Execution(provider="mistral"),  # type: ignore[arg-type]
        ["answer"],
    )[Asked("answer", "m")]
    with pytest.raises(InputError) as caught:
        OpenAIClient(options)
    assert str(caught.value) == (
        "There is no API key for api.mistral.ai; set MISTRAL_API_KEY, or name the variable that"
        " holds it with --api-key-env, or name a server that needs none with --base-url."
    )


def test_a_key_is_in_no_representation() -> None:
    in_use = options_in_use(Recipe(), Execution(provider="groq"), ["answer"])  # type: ignore[arg-type]
    servers = servers_for(Execution(provider="groq"), "answer")  # type: ignore[arg-type]
    assert "key-groq" not in f"{in_use!r} {servers!r}"


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_is_a_whole_address_and_local_ones_alone_need_no_key(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", RESOURCE)
    url, variable = PROVIDERS[name].url(), PROVIDERS[name].key_variable
    parts = urlsplit(url)
    local = parts.hostname == "localhost"
    assert (parts.scheme, variable is None) == ("http" if local else "https", local)
    assert not url.endswith("/")


RESOURCE = "https://mine.openai.azure.com"


@pytest.mark.parametrize(
    ("version", "url"),
    [
        ("", f"{RESOURCE}/openai/v1"),
        ("preview", f"{RESOURCE}/openai/v1?api-version=preview"),
        ("2024-10-21", f"{RESOURCE}/openai/deployments/my%2Fmodel?api-version=2024-10-21"),
    ],
)
def test_azure_is_asked_at_the_users_resource_in_the_version_that_is_set(
    version: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{RESOURCE}/")
    monkeypatch.setenv("OPENAI_API_VERSION", version)
    recipe = Recipe(model="my/model")  # type: ignore[arg-type]
    azure = Execution(provider="azure")  # type: ignore[arg-type]
    (options,) = options_in_use(recipe, azure, ["answer"])[Asked("answer", "my/model")]
    assert (options.base_url, options.key_header) == (url, "api-key")


def test_azure_without_a_resource_says_which_variable_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT", raising=False)
    with pytest.raises(InputError, match="set AZURE_OPENAI_ENDPOINT, as in https://NAME"):
        servers_for(Execution(provider="azure"), "answer")  # type: ignore[arg-type]


def test_a_server_that_shares_calls_with_others_is_alone_for_no_purpose() -> None:
    execution = Execution(base_url={"default": [LOCAL], "answer": [LOCAL, OPENAI]})
    in_use = options_in_use(Recipe(), execution, ["evolve", "answer"])
    assert {one.alone for group in in_use.values() for one in group} == {False}
    assert in_use[Asked("evolve", "")][0] == in_use[Asked("answer", "")][0]


def test_a_provider_is_enough_to_choose_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert default_client(Execution(provider="ollama")) == "openai"  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^No model to ask: name one with --model"):
        default_client(Execution())


def test_a_missing_key_is_told_as_a_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    settings = resolve(Layer({"model": "some-model"}))
    with pytest.raises(InputError) as caught:
        with_client(settings)
    assert str(caught.value) == (
        "There is no API key to ask some-model with: set OPENAI_API_KEY, or name the service with"
        " --provider and set its key, or name a server that needs none with --base-url."
    )
