"""Connection check: makes one tiny call to each server and model in use, before a run needs them.

It finds out whether the server answers, accepts the key, has the model and takes the parameters,
and which limits and price apply and whether the model reasons. It writes nothing.
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

from evolinstruct import prompts
from evolinstruct.errors import CallError, CallFailed, CallRejected, EvolinstructError, TryAgain
from evolinstruct.llm.base import CallContext, CallId, Limits, Reply, Request
from evolinstruct.llm.clients import Endpoint, with_client
from evolinstruct.llm.prices import Price, Tariff
from evolinstruct.purposes import asked_by, asks_sandbox
from evolinstruct.run.session import Session
from evolinstruct.sandbox import messages
from evolinstruct.settings import Settings
from evolinstruct.text import clock, counted, until

_LONGEST_WAIT = 60.0  # seconds; someone waits for the result
_LONG = 60.0  # seconds of a wait that is told
_MOST_TOKENS = 16
_NAMES = 5  # model names that a message lists
_CONTEXT = CallContext(1, "deepen", "in-depth", None, "Name a colour.", "Name a colour.")
_MESSAGES = (("user", "Name a colour. Answer with one word."),)


@dataclass(frozen=True, slots=True)
class ConnectionResult:
    """What the check found out about one server and model.

    Attributes:
        purposes: the purposes of its calls.
        server: the host; empty for a client without servers.
        model: the model's name in the settings.
        problem: a sentence on what is wrong and what to do; None if the call was answered.
        seconds: the time until the answer.
        answered_as: the model's name in the reply.
        parameters: the parameters that were sent.
        left_out: parameters in the settings that the model does not take.
        reasons: whether the model reasons before it answers.
        limits: the limits that the service announced.
        price: dollars per million tokens; None if unknown.
        notices: sentences on what the client learned about the model.
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
        """Return it as plain data, for a script; prices are decimals in strings."""
        return {**asdict(self), "price": self.price and self.price.to_json()}


def check_connections(settings: Settings) -> list[ConnectionResult]:
    """Call every server and model in use at once, and return what each call told.

    Raises:
        UsageError: a setting is wrong.
        InputError: a key is missing or malformed.
    """
    settings = with_client(settings)
    execution = settings.execution.model_copy(
        update={
            "timeout": min(settings.execution.timeout, _LONGEST_WAIT),
            **dict.fromkeys(("max_calls", "max_tokens_total", "max_cost")),
        }
    )
    return asyncio.run(_check(replace(settings, execution=execution)))


async def _check(settings: Settings) -> list[ConnectionResult]:
    pack = prompts.read(prompts.find(settings.recipe.prompts))
    async with Session(settings, asked_by(settings.recipe, pack.checks)) as session:
        probes = [_Probe(settings, session.tariff, endpoint) for endpoint in session.endpoints()]
        return list(await asyncio.gather(*(probe.result() for probe in probes)))


class _Probe:
    """One server and model to be checked."""

    def __init__(self, settings: Settings, tariff: Tariff, endpoint: Endpoint) -> None:
        self._client, self._ask = endpoint.client, endpoint.ask
        self._take_notices = endpoint.take_notices
        self._model = endpoint.options.model
        self._requests = _requests(settings, endpoint.purposes)
        tier = self._requests[0].service_tier or ""
        self._blank = ConnectionResult(
            endpoint.purposes,
            endpoint.server,
            self._model,
            price=tariff.price(endpoint.purposes[0], self._model, tier),
        )

    async def result(self) -> ConnectionResult:
        """Make the calls, and return what was found out."""
        started = time.monotonic()
        try:
            replies = [await self._ask(request) for request in self._requests]
            seconds = (time.monotonic() - started) / len(replies)
            return self._answered(replies[0], seconds)
        except EvolinstructError as error:
            return replace(self._blank, problem=await self._with_names(str(error)))
        except CallError as error:
            return replace(self._blank, problem=_problem(error))

    def _answered(self, reply: Reply, seconds: float) -> ConnectionResult:
        asked = self._requests[0]
        parameters = getattr(self._client, "parameters", Request.parameters)(asked)
        left_out = sorted(asked.parameters().keys() - parameters.keys() - {"max_tokens"})
        return replace(
            self._blank,
            seconds=round(seconds, 3),
            answered_as=reply.model,
            parameters=parameters,
            left_out=tuple(left_out),
            reasons=reply.reasoned or bool(reply.usage.reasoning_tokens) or "<think>" in reply.text,
            limits=reply.limits,
            notices=tuple(self._take_notices()),
        )

    async def _with_names(self, problem: str) -> str:
        """Add the names of similar models to a problem, if the server does not list this one."""
        list_models = getattr(self._client, "models", None)
        names = await list_models() if list_models and self._model else []
        if not names or self._model in names:
            return problem
        near = get_close_matches(self._model, names, _NAMES, 0.5) or sorted(names)[:_NAMES]
        return f"{problem} It lists {counted(len(names), 'model')}, among them {', '.join(near)}."


def _requests(settings: Settings, purposes: Sequence[str]) -> list[Request]:
    """Return a tiny request for each different set of parameters of the purposes."""
    requests: dict[str, Request] = {}
    for purpose in purposes:
        request = Request(
            CallId("check", purpose),
            _CONTEXT,
            messages("works = True", "assert works") if asks_sandbox(purpose) else _MESSAGES,
            **{**settings.recipe.sampling(purpose), "max_tokens": _MOST_TOKENS},
            service_tier=next(iter(settings.execution.tiers(purpose)), None),
        )
        requests.setdefault(json.dumps(request.parameters(), sort_keys=True), request)
    return list(requests.values())


def _problem(error: CallError) -> str:
    """Say why a call got no reply, and what to do."""
    match error:
        case TryAgain(error="daily_limit"):
            what, then = "Its limit for a day is used up", "check again when it is renewed"
        case TryAgain(retry_after=float(wait)) if wait >= _LONG:
            what, then = f"It asks to wait {clock(wait)}, until {until(wait)}", "check again then"
        case TryAgain(error="tier_full"):
            what, then = (
                "The service tier has no room just now",
                "wait, or name one to fall back to",
            )
        case TryAgain(status=HTTPStatus.TOO_MANY_REQUESTS):
            what, then = "It asks for fewer calls just now", "wait a little and check again"
        case TryAgain(error="timeout"):
            what, then = "It did not answer in time", "see whether it is overloaded"
        case TryAgain(error="unreadable_reply"):
            what, then = "Its answer is no reply", "check the base URL and any proxy"
        case CallRejected():
            what, then = "It refuses even a harmless prompt", "try another model"
        case CallFailed(advice=advice):
            what, then = "It does not take the call", advice or "change what it names"
        case _:
            what, then = "It has trouble just now", "wait a little and check again"
    return f"{what} ({error.error}: {error.message}); {then}."
