"""One tiny call to each server and model in use, and what it told.

Looks at everything that a run would trip over: whether the server is there, takes the key, has the
model and takes the parameters; and at what a run will go by: limits, reasoning, price. Writes
nothing and starts no run.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any

from evolinstruct.errors import CallError, CallFailed, CallRejected, EvolinstructError, TryAgain
from evolinstruct.llm.base import CallContext, CallId, Client, ClientOptions, Limits, Reply, Request
from evolinstruct.llm.clients import ClientFactory, default_client, host, options_in_use
from evolinstruct.llm.prices import Price, Tariff
from evolinstruct.run.events import counted
from evolinstruct.settings import Execution, Recipe, Settings

_LONGEST_WAIT = 60.0  # seconds; a person waits
_MOST_TOKENS = 16
_NAMES = 5
_SUBJECT = CallContext(1, "deepen", "in-depth", None, "Name a colour.", "Name a colour.")
_MESSAGES = (("user", "Name a colour. Answer with one word."),)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one server and model now.

    Attributes:
        purposes: what they are asked for.
        server: the host, empty where the client has but one.
        model: as it is asked for.
        problem: what is wrong and what to do, a sentence; None where the call was answered.
        seconds: until the answer.
        answered_as: the model's name as the service says it.
        parameters: those that are sent.
        left_out: those that were asked for and are not taken.
        reasons: whether the model reasons before it answers.
        limits: as the service announces them.
        price: dollars per million tokens, None where it is unknown.
        notices: what was learned about the model.
    """

    purposes: tuple[str, ...]
    server: str
    model: str
    problem: str | None = None
    seconds: float | None = None
    answered_as: str | None = None
    parameters: Mapping[str, object] | None = None
    left_out: tuple[str, ...] = ()
    reasons: bool | None = None
    limits: Limits | None = None
    price: Price | None = None
    notices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it for a script; prices as decimals in strings."""
        price = self.price and {
            name: value if value is None else str(value)
            for name, value in asdict(self.price).items()
        }
        return {**asdict(self), "price": price}


def check(settings: Settings) -> list[Finding]:
    """Make the calls, all at once, and say what each told.

    Raises:
        UsageError: a setting is wrong.
        InputError: a key is missing, or cannot be one.
    """
    recipe, execution = settings.recipe, settings.execution
    recipe = recipe.model_copy(update={"client": recipe.client or default_client(execution)})
    return asyncio.run(_checked(recipe, execution))


async def _checked(recipe: Recipe, execution: Execution) -> list[Finding]:
    make = ClientFactory(recipe.client)
    probes = [
        _Probe(recipe, execution, options, purposes, make(options))
        for options, purposes in _in_use(recipe, execution).items()
    ]
    return list(await asyncio.gather(*(probe.finding() for probe in probes)))


def _in_use(recipe: Recipe, execution: Execution) -> dict[ClientOptions, list[str]]:
    """Return what is asked by its purposes: each server and model once."""
    in_use: dict[ClientOptions, list[str]] = {}
    for purpose, group in options_in_use(recipe, execution, recipe.purposes()).items():
        for options in group:
            patient = min(options.timeout, _LONGEST_WAIT)
            in_use.setdefault(replace(options, timeout=patient, alone=True), []).append(purpose)
    return in_use


class _Probe:
    """One server and model, about to be asked."""

    def __init__(
        self,
        recipe: Recipe,
        execution: Execution,
        options: ClientOptions,
        purposes: Sequence[str],
        client: Client,
    ) -> None:
        self._client = client
        self._model = options.model
        self._requests = _requests(recipe, purposes)
        tariff = Tariff(execution.price_in, execution.price_out)
        tariff.free = getattr(client, "FREE", False)
        self._blank = Finding(
            tuple(purposes),
            host(options),
            options.model,
            price=tariff.price(purposes[0], options.model),
        )

    async def finding(self) -> Finding:
        """Ask, and say what was found; the client is closed."""
        started = time.monotonic()
        try:
            replies = [await self._client.complete(request) for request in self._requests]
            seconds = (time.monotonic() - started) / len(replies)
            return self._answered(replies[0], seconds)
        except EvolinstructError as error:
            return replace(self._blank, problem=await self._with_names(str(error)))
        except CallError as error:
            return replace(self._blank, problem=_problem(error))
        finally:
            await self._client.aclose()

    def _answered(self, reply: Reply, seconds: float) -> Finding:
        asked = self._requests[0]
        parameters = getattr(self._client, "parameters", _as_asked)(asked)
        left_out = sorted(_as_asked(asked).keys() - parameters.keys() - {"max_tokens"})
        notices: list[str] = getattr(self._client, "take_notices", list)()
        return replace(
            self._blank,
            seconds=round(seconds, 3),
            answered_as=reply.model,
            parameters=parameters,
            left_out=tuple(left_out),
            reasons=reply.reasoned or bool(reply.usage.reasoning_tokens) or "<think>" in reply.text,
            limits=reply.limits,
            notices=tuple(notices),
        )

    async def _with_names(self, problem: str) -> str:
        """Add the names of models near the one that is not there."""
        list_models = getattr(self._client, "models", None)
        names = await list_models() if list_models and self._model else []
        if not names or self._model in names:
            return problem
        near = get_close_matches(self._model, names, _NAMES, 0.5) or sorted(names)[:_NAMES]
        return f"{problem} It lists {counted(len(names), 'model')}, among them {', '.join(near)}."


def _requests(recipe: Recipe, purposes: Sequence[str]) -> list[Request]:
    """Return a tiny request for each set of parameters that the purposes have."""
    requests: dict[str, Request] = {}
    for purpose in purposes:
        request = Request(
            CallId("check", purpose),
            _SUBJECT,
            _MESSAGES,
            recipe.setting("model", purpose) or "",
            recipe.setting("temperature", purpose),
            recipe.setting("top_p", purpose),
            _MOST_TOKENS,
            recipe.parameters(purpose),
        )
        requests.setdefault(json.dumps(_as_asked(request), sort_keys=True), request)
    return list(requests.values())


def _as_asked(request: Request) -> dict[str, object]:
    settings = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
    }
    return {name: value for name, value in settings.items() if value is not None} | {
        **request.extra
    }


def _problem(error: CallError) -> str:
    """Say what a call that got no reply means, and what to do."""
    match error:
        case TryAgain(status=HTTPStatus.TOO_MANY_REQUESTS):
            what, then = "It asks for fewer calls just now", "wait a little and check again"
        case TryAgain(error="timeout"):
            what, then = "It did not answer in time", "see whether it is overloaded"
        case TryAgain(error="unreadable_reply"):
            what, then = "Its answer is no reply", "check the base URL and any proxy"
        case CallRejected():
            what, then = "It refuses even a harmless prompt", "try another model"
        case CallFailed():
            what, then = "It does not take the call", "change what it names"
        case _:
            what, then = "It has trouble just now", "wait a little and check again"
    return f"{what} ({error.error}: {error.message}); {then}."
