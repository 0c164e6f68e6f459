"""What a model takes is learned from refusals, once for all calls, and told once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.errors import CallFailed, ServiceRefused
from evolinstruct.llm.base import CallContext, CallId, ClientOptions, Reply, Request
from evolinstruct.llm.openai import OpenAIClient
from evolinstruct.llm.openai.parameters import ParameterAdapter, ParameterRefusedError
from tests.loopback import Answer, Ask, Handler, echo, error, http, serve, slowly

SETTINGS = {"temperature": 1.0, "top_p": 0.9, "max_tokens": 64}
BODY: dict[str, object] = {"model": "m", "messages": [], **SETTINGS}
NEW_NAME = "m takes max_completion_tokens instead of max_tokens; it is asked so."


def ask(prompt: str = "hello", **extra: object) -> Request:
    subject = CallContext(1, "deepen", "in-depth", None, prompt)
    draw = CallId("c" * 16, "evolve")
    return Request(draw, subject, (("user", prompt),), "m", 1.0, 0.9, 64, extra)


def asked(handler: Handler, *requests: Request) -> tuple[list[object], list[str]]:
    """Ask all at once; return replies' texts or errors, and the notices."""

    async def outcomes(client: OpenAIClient) -> list[object]:
        calls = (client.complete(request) for request in requests)
        found = await asyncio.gather(*calls, return_exceptions=True)
        await client.aclose()
        return [one.text if isinstance(one, Reply) else one for one in found]

    with serve(handler) as server:
        client = OpenAIClient(ClientOptions(server.url, "m", "key-loopback", 30.0))
        return asyncio.run(outcomes(client)), client.take_notices()


def parameters(asked: Ask) -> dict[str, Any]:
    return {name: asked.json[name] for name in asked.json if name not in {"model", "messages"}}


def unsupported(name: str, instead: str = "") -> Answer:
    message = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
    found = {"message": message, "param": name, "code": "unsupported_parameter"}
    return http(400, json.dumps({"error": found}).encode())


def strict(asked: Ask) -> Answer:
    """A reasoning model: it refuses what it does not take, one parameter at a time."""
    if "max_tokens" in asked.json:
        return unsupported("max_tokens", " Use 'max_completion_tokens' instead.")
    if "top_p" in asked.json:
        return unsupported("top_p")
    if asked.json.get("temperature", 1) != 1:
        message = "Unsupported value: 'temperature' does not support 0.5. Only the default is."
        found = {"message": message, "param": "temperature", "code": "unsupported_value"}
        return http(400, json.dumps({"error": found}).encode())
    return echo(asked)


# --- the words of services ----------------------------------------------------------------------

MISTRAL = {"detail": [{"type": "extra_forbidden", "loc": ["body", "top_p"], "input": 0.9}]}
WORDINGS: dict[str, tuple[Answer, str]] = {
    "by its name": (unsupported("top_p"), "top_p"),
    "a value": (
        error(400, "Unsupported value: 'temperature' does not support 0 with this model."),
        "temperature",
    ),
    "unknown argument": (error(400, "Unrecognized request argument supplied: top_p"), "top_p"),
    "vLLM": (
        error(400, "[{'type': 'extra_forbidden', 'loc': ('body', 'top_p'), 'input': 1}]"),
        "top_p",
    ),
    "Mistral": (http(422, json.dumps({"object": "error", "message": MISTRAL}).encode()), "top_p"),
    "Gemini": (
        http(400, b'[{"error": {"code": 400, "message": "Unknown name \\"top_p\\": no field."}}]'),
        "top_p",
    ),
    "Groq": (error(400, "property 'top_p' is unsupported"), "top_p"),
    "deprecated": (error(400, "`temperature` is deprecated for this model."), "temperature"),
    "one of two": (
        error(400, "`temperature` and `top_p` cannot both be specified for this model."),
        "top_p",
    ),
}


@pytest.mark.parametrize("case", WORDINGS)
def test_a_parameter_that_is_refused_is_left_out_whatever_the_wording(case: str) -> None:
    refusal, name = WORDINGS[case]
    taken: list[dict[str, Any]] = []

    def handler(asked: Ask) -> Answer:
        if name in asked.json:
            return refusal
        taken.append(parameters(asked))
        return echo(asked)

    replies, notices = asked(handler, ask())
    rest = {key: value for key, value in SETTINGS.items() if key != name}
    assert (replies, taken) == (["echo: hello"], [rest])
    assert notices == [f"m does not take {name}; it is left out."]


LOGPROBS = {"logprobs", "top_logprobs"}
WITHOUT_LOGPROBS = {
    "one name": unsupported("logprobs"),
    "the other name": unsupported("top_logprobs"),
    "not enabled": error(400, "Logprobs is not enabled for this model."),
    "not allowed": error(403, "This model is not one to be asked for logprobs."),
    "both": error(422, "Requests with 'logprobs'/'top_logprobs' cannot be answered here."),
    "too many": error(400, "top_logprobs: 5 is more than 1."),
    "a list": http(422, json.dumps({"detail": [{"loc": ["body", "logprobs"]}]}).encode()),
}


@pytest.mark.parametrize("case", WITHOUT_LOGPROBS)
def test_logprobs_are_gone_without_where_they_are_refused_in_any_words(case: str) -> None:
    taken: list[dict[str, Any]] = []

    def handler(asked: Ask) -> Answer:
        if LOGPROBS & asked.json.keys():
            return WITHOUT_LOGPROBS[case]
        taken.append(parameters(asked))
        return echo(asked)

    replies, notices = asked(handler, replace(ask(), wants="logprobs"))
    assert (replies, taken) == (["echo: hello"], [SETTINGS])
    assert notices == ["m gives no logprobs; it is asked without."]


def test_logprobs_that_the_user_asks_for_are_not_left_out() -> None:
    wanted = replace(ask(logprobs=True), wants="logprobs")
    ((stopped,), _) = asked(lambda _: unsupported("logprobs"), wanted)
    assert isinstance(stopped, ServiceRefused)
    assert "the model does not take the parameter 'logprobs' of --param" in str(stopped)


def test_the_length_goes_by_its_new_name_where_the_old_is_refused() -> None:
    taken: list[dict[str, Any]] = []

    def handler(asked: Ask) -> Answer:
        taken.append(parameters(asked))
        return strict(asked)

    replies, notices = asked(handler, ask())
    assert replies == ["echo: hello"]
    assert taken[-1] == {"max_completion_tokens": 64, "temperature": 1.0}
    assert notices == [NEW_NAME, "m does not take top_p; it is left out."]


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens is too large: 64. This model supports at most 40 completion tokens.",
        "`max_tokens` must be less than or equal to `40`, the maximum for this model",
        "Invalid max_tokens value, the valid range of max_tokens is [1, 40]",
    ],
)
def test_no_more_tokens_are_asked_for_than_the_model_writes(words: str) -> None:
    def handler(asked: Ask) -> Answer:
        return error(400, words) if asked.json["max_tokens"] > 40 else echo(asked)

    replies, notices = asked(handler, ask())
    assert (replies, notices) == (
        ["echo: hello"],
        ["m writes at most 40 tokens; no more are asked for."],
    )


def test_an_effort_that_is_needed_is_sent() -> None:
    def handler(asked: Ask) -> Answer:
        if asked.json.get("reasoning_effort") != "low":
            return error(400, "reasoning_effort is required; supported: 'low', 'high'.")
        return echo(asked)

    replies, notices = asked(handler, ask())
    assert replies == ["echo: hello"]
    assert notices == [
        "m needs a reasoning_effort; it gets 'low', and another with --param reasoning_effort=..."
    ]


# --- once for all -------------------------------------------------------------------------------


@pytest.mark.slow
def test_of_five_hundred_calls_under_way_none_fails_and_each_lesson_is_told_once() -> None:
    requests = [ask(f"p{i}") for i in range(500)]
    replies, notices = asked(slowly_strict, *requests)
    assert replies == [f"echo: p{i}" for i in range(500)]
    assert notices == [NEW_NAME, "m does not take top_p; it is left out."]


def slowly_strict(asked: Ask) -> Answer:
    return slowly(strict, 0.02)(asked)


def test_what_was_learned_holds_for_every_later_call() -> None:
    seen: list[str] = []

    def handler(asked: Ask) -> Answer:
        seen.append(asked.prompt)
        return strict(asked)

    async def one_after_the_other(client: OpenAIClient) -> None:
        for prompt in ("a", "b", "c"):
            await client.complete(ask(prompt))
        await client.aclose()

    with serve(handler) as server:
        client = OpenAIClient(ClientOptions(server.url, "m", "key-loopback", 30.0))
        asyncio.run(one_after_the_other(client))
    assert seen == ["a", "a", "a", "b", "c"]


def test_the_request_itself_stays_as_it_was_asked() -> None:
    request = ask()
    before = replace(request)
    asked(strict, request)
    assert request == before


# --- bounds -------------------------------------------------------------------------------------


def test_a_parameter_of_the_users_own_is_not_left_out_the_run_stops() -> None:
    def handler(asked: Ask) -> Answer:
        return unsupported("top_k") if "top_k" in asked.json else echo(asked)

    ((stopped,), notices) = asked(handler, ask(top_k=5))
    assert isinstance(stopped, ServiceRefused)
    assert str(stopped).endswith(
        ", model 'm': the model does not take the parameter 'top_k' of --param"
        " (Unsupported parameter: 'top_k' is not supported with this model.)."
    )
    assert notices == []


def test_a_refusal_that_names_nothing_sent_fails_the_call() -> None:
    ((failed,), notices) = asked(lambda _: error(400, "logprobs is not supported"), ask())
    assert isinstance(failed, CallFailed)
    assert notices == []


def test_a_prompt_that_speaks_of_a_parameter_teaches_nothing() -> None:
    words = f"Unsupported file. The prompt was: {'Tell of the sea. ' * 6} What is its temperature?"
    ((failed,), notices) = asked(lambda _: error(400, words), ask())
    assert isinstance(failed, CallFailed)
    assert notices == []


def test_a_length_that_is_refused_under_both_names_fails_the_call() -> None:
    def handler(asked: Ask) -> Answer:
        (name,) = {"max_tokens", "max_completion_tokens"} & asked.json.keys()
        return unsupported(name)

    ((failed,), notices) = asked(handler, ask())
    assert isinstance(failed, CallFailed)
    assert notices == [NEW_NAME]


REFUSALS = [
    "Unsupported parameter: 'max_tokens'",
    "Unsupported parameter: 'max_completion_tokens'",
    "top_p is not supported",
    "temperature and top_p cannot both be",
    "reasoning_effort is required",
    "unsupported reasoning_effort",
    "max_tokens must be less than or equal to 9",
    "supports at most 7 completion tokens",
    "Unknown parameter: temperature",
    "no",
]


@given(st.lists(st.sampled_from(REFUSALS), max_size=60))
def test_however_it_is_refused_a_call_is_sent_a_bounded_number_of_times_and_with_a_length(
    refusals: list[str],
) -> None:
    dialect = ParameterAdapter("m", "host")
    changes = 0
    for said in refusals:
        sent = dialect.adapt(BODY)
        changes += dialect.learns(said, None, BODY, sent, {})
    adapted = dialect.adapt(BODY)
    assert changes <= 12
    assert len({"max_tokens", "max_completion_tokens"} & adapted.keys()) == 1
    assert (adapted["model"], adapted["messages"]) == ("m", [])


# --- what a name tells --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("gpt-4o-mini", SETTINGS),
        ("o3-mini", {"max_completion_tokens": 64}),
        ("gpt-5-mini", {"max_completion_tokens": 64}),
        ("gpt-5-chat-latest", {"max_completion_tokens": 64, "temperature": 1.0, "top_p": 0.9}),
    ],
)
def test_openai_s_own_models_are_known_by_name(model: str, sent: dict[str, object]) -> None:
    adapted = ParameterAdapter(model, "api.openai.com").adapt({**SETTINGS})
    assert adapted == sent


def test_a_name_tells_nothing_at_another_service() -> None:
    assert ParameterAdapter("o3-mini", "localhost").adapt(BODY) is BODY


def test_what_a_name_tells_is_said_once() -> None:
    dialect = ParameterAdapter("o3-mini", "api.openai.com")
    assert [dialect.take_notices(), dialect.take_notices()] == [
        [
            "o3-mini takes max_completion_tokens instead of max_tokens and neither temperature"
            " nor top_p; it is asked so."
        ],
        [],
    ]


def test_a_users_parameter_stays_when_another_is_left_out() -> None:
    dialect = ParameterAdapter("m", "host")
    body = {**BODY, "top_k": 5}
    dialect.learns("top_p is not supported", "top_p", body, body, {"top_k": 5})
    assert dialect.adapt(body) == {
        "model": "m",
        "messages": [],
        "temperature": 1.0,
        "max_tokens": 64,
        "top_k": 5,
    }
    with pytest.raises(ParameterRefusedError):
        dialect.learns("top_k: unknown field", None, body, dialect.adapt(body), {"top_k": 5})
