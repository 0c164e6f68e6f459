"""The client `openai-sdk`: calls go through the package and end as the client `openai`'s do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import openai
import pytest

from evolinstruct.errors import InputError, ServiceRefused, TryAgain, UsageError
from evolinstruct.llm.base import Limits, Reply, Usage
from evolinstruct.llm.factory import ClientFactory
from evolinstruct.llm.openai_sdk import TABLE, OpenAISdkClient
from tests.loopback import Answer, Ask, echo, error, hang, http, in_turn, reply, serve
from tests.test_openai_client import (
    FAULTS,
    KEY,
    UNREADABLE,
    always,
    ask,
    moved,
    options,
    outcomes,
    shown,
)

if TYPE_CHECKING:
    from evolinstruct.llm.base import ClientOptions
    from tests.loopback import Handler


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_VERSION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("ENDPOINT", "API_KEY", "AD_TOKEN"):
        monkeypatch.delenv(f"AZURE_OPENAI_{name}", raising=False)


def outcome(handler: Handler, *, timeout: float = 30.0, **settings: object) -> object:
    with serve(handler) as server:
        client = OpenAISdkClient(options(server.url, timeout=timeout))
        (found,) = asyncio.run(outcomes(client, [ask(**settings)]))
    return shown(found)


def test_it_is_found_by_its_name() -> None:
    assert isinstance(
        ClientFactory("openai-sdk")(options("http://localhost:1/v1")), OpenAISdkClient
    )


def test_the_request_is_sent_as_asked() -> None:
    asked: list[Ask] = []

    def handler(one: Ask) -> Answer:
        asked.append(one)
        return echo(one)

    sent = {
        "temperature": 1.0,
        "top_p": 0.9,
        "max_tokens": 64,
        "extra": {"reasoning_effort": "low"},
    }
    assert outcome(handler, **sent) == Reply("echo: hello", "stop", Usage(1, 1), "loopback-1")
    assert asked[0].json == {
        "model": "loopback-1",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 1.0,
        "top_p": 0.9,
        "max_tokens": 64,
        "reasoning_effort": "low",
    }
    assert asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert asked[0].headers["user-agent"].startswith("AsyncOpenAI/Python ")


@pytest.mark.slow
def test_every_behaviour_of_a_server_ends_as_with_the_ordinary_client() -> None:
    answers = [reply("no stranger"), *(answer for answer, _ in FAULTS.values())]

    async def ends(client: OpenAISdkClient) -> list[object]:
        calls = [client.complete(ask()) for _ in answers]
        found = [(await asyncio.gather(call, return_exceptions=True))[0] for call in calls]
        await client.aclose()
        return [shown(one) for one in found[1:]]

    with serve(in_turn(*answers)) as server:
        found = asyncio.run(ends(OpenAISdkClient(options(server.url))))
    expected = {case: end for case, (_, end) in FAULTS.items()}
    expected["drop"] = UNREADABLE  # the package tells no dropped connection from half an answer
    assert dict(zip(FAULTS, found, strict=True)) == expected


@pytest.mark.slow
def test_a_redirect_sends_no_prompt_and_no_key_to_another_server() -> None:
    moved(OpenAISdkClient)


def test_a_token_that_only_the_package_knows_is_hidden_too() -> None:
    class Fresh(OpenAISdkClient):
        def package(self, options: ClientOptions) -> openai.AsyncOpenAI:
            async def token() -> str:
                return "fresh-token-0123456789"

            return openai.AsyncOpenAI(base_url=options.base_url, api_key=token, max_retries=0)

    with serve(lambda one: error(401, f"no: {one.headers['authorization']}")) as server:
        (found,) = asyncio.run(outcomes(Fresh(options(server.url, key=None)), [ask()]))
    assert isinstance(found, ServiceRefused)
    assert str(found).endswith("(no: [secret]).")


@pytest.mark.slow
def test_a_call_takes_no_longer_than_its_timeout() -> None:
    assert outcome(always(hang()), timeout=0.3) == (TryAgain, "timeout", None)


def test_a_server_that_is_not_there_stops_the_run_at_the_first_call() -> None:
    with serve(echo) as server:
        url = server.url  # nobody listens there once the block has ended
    (found,) = asyncio.run(outcomes(OpenAISdkClient(options(url)), [ask()]))
    assert isinstance(found, ServiceRefused)
    assert str(found).startswith(f"{url}, model 'loopback-1': the service cannot be reached; ")


def test_no_exception_class_of_the_package_is_missing_from_the_table() -> None:
    things = [getattr(openai, name) for name in openai.__all__]
    kinds = {t for t in things if isinstance(t, type) and issubclass(t, Exception)}
    by_status = {kind for kind in kinds if issubclass(kind, openai.APIStatusError)}
    assert (len(by_status), kinds - by_status - TABLE.keys()) == (10, set())


def test_limits_are_read_beside_a_reply() -> None:
    headers = {"x-ratelimit-remaining-req-minute": "3", "x-ratelimit-limit-req-minute": "60"}
    _, _, body = reply("hi").wire.partition(b"\r\n\r\n")
    found = outcome(always(http(200, body, headers=headers)))
    assert isinstance(found, Reply)
    assert found.limits == Limits(60, 3)


def azure(
    monkeypatch: pytest.MonkeyPatch, named: ClientOptions | None = None, **variables: str
) -> tuple[str, dict[str, str | None]]:
    """Ask an Azure endpoint; return the path asked and the headers that sign in."""
    asked: list[Ask] = []

    def handler(one: Ask) -> Answer:
        asked.append(one)
        return echo(one)

    with serve(handler) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url.removesuffix("/v1"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        asyncio.run(outcomes(OpenAISdkClient(named or options(None)), [ask()]))
    headers = asked[0].headers
    return asked[0].target, {name: headers.get(name) for name in ("api-key", "authorization")}


def test_an_azure_endpoint_is_asked_by_deployment_with_azure_s_own_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {"OPENAI_API_VERSION": "2024-10-21", "OPENAI_API_KEY": KEY}
    target, signed = azure(monkeypatch, **variables, AZURE_OPENAI_API_KEY="azure-key")
    path = "/openai/deployments/loopback-1/chat/completions?api-version=2024-10-21"
    assert (target, signed) == (path, {"api-key": "azure-key", "authorization": None})
    _, signed = azure(monkeypatch, **variables, AZURE_OPENAI_AD_TOKEN="token")
    assert signed == {"api-key": None, "authorization": "Bearer token"}


def test_the_key_that_was_named_for_azure_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    named = replace(options(None), key_variable="MY_KEY")
    variables = {"OPENAI_API_VERSION": "2024-10-21", "AZURE_OPENAI_API_KEY": "azure-key"}
    _, signed = azure(monkeypatch, named, **variables)
    assert signed == {"api-key": KEY, "authorization": None}


def test_an_endpoint_of_azure_without_a_version_is_told_in_the_package_s_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key")
    with pytest.raises(InputError, match=r"^The package openai .*OPENAI_API_VERSION"):
        OpenAISdkClient(options(None))


def test_a_class_of_one_s_own_signs_in_otherwise() -> None:
    sent: list[str] = []

    def handler(one: Ask) -> Answer:
        sent.append(one.headers["authorization"])
        return echo(one)

    class Fresh(OpenAISdkClient):
        def package(self, options: ClientOptions) -> openai.AsyncOpenAI:
            async def token() -> str:
                return f"token-{len(sent)}"

            return openai.AsyncOpenAI(base_url=options.base_url, api_key=token, max_retries=0)

    with serve(handler) as server:
        client = Fresh(options(server.url, key=None))
        asyncio.run(outcomes(client, [ask()]))
    assert sent == ["Bearer token-0"]


def test_a_key_that_is_missing_and_a_model_that_is_missing_are_told() -> None:
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        OpenAISdkClient(options(None, key=None))
    with pytest.raises(UsageError, match="--model"):
        OpenAISdkClient(replace(options(None), model=""))
