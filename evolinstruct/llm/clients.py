"""Clients: who is asked for each purpose, and what is wrapped around them.

One call passes, from the top down:

    journal      what was asked before is not asked again (`journal.client`, made by the run)
    telemetry    where it is wanted, each call is recorded when it has ended
    retry        passing troubles are waited out; a silent service ends the run
    balancer     where several servers answer the same calls, one of them is chosen
    throttle     so many calls under way, one limit for each server and model
    tiers        a full service tier gives way to the next one, where the user names tiers
    budget       nothing is sent that a cap leaves no room for
    client       whoever answers; a program is run by a sandbox
"""

from __future__ import annotations

import resource
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from evolinstruct import defaults
from evolinstruct.errors import InputError, StopRun, UsageError
from evolinstruct.llm import address, providers
from evolinstruct.llm.balancer import Balancer
from evolinstruct.llm.base import Client, ClientOptions, Reply, Request
from evolinstruct.llm.budget import Budget, BudgetedClient, Caps
from evolinstruct.llm.circuit_breaker import FIRST_REFUSALS, CircuitBreaker
from evolinstruct.llm.factory import ClientFactory
from evolinstruct.llm.in_process import with_own_model
from evolinstruct.llm.intake import Intake
from evolinstruct.llm.openai import OpenAIClient
from evolinstruct.llm.prices import Tariff
from evolinstruct.llm.retry import TOTAL_SECONDS, Retry
from evolinstruct.llm.secrets import Secrets
from evolinstruct.llm.service_tiers import TieredClient
from evolinstruct.llm.telemetry import Telemetry
from evolinstruct.llm.throttle import Sending, Throttle
from evolinstruct.llm.throttle.pace import Pace
from evolinstruct.purposes import asks_sandbox
from evolinstruct.sandbox import SandboxClient
from evolinstruct.settings import Execution, Recipe, Settings

_AHEAD = 2  # for each call under way: one that asks, and one that waits for its next attempt
_LEAST_AHEAD = FIRST_REFUSALS  # so that a call that is turned down first can wait for others' news
_OTHER_FILES = 64  # open beside the connections: the journal, those of the run, the interpreter's


def default_client(execution: Execution, model: str = "") -> str:
    """Return the client's name where none is given: `openai`, if a key or a server is named.

    Raises:
        InputError: neither is, and a model is: what is missing is the key.
        UsageError: nothing is.
    """
    if providers.is_named(execution):
        return "openai"
    if model:
        raise InputError(
            f"There is no API key to ask {model} with: set {providers.KEY_VARIABLE}, or name the"
            " service with --provider and set its key, or name a server that needs none with"
            " --base-url."
        )
    raise UsageError(
        f"No model to ask: name one with --model, and set {providers.KEY_VARIABLE}, or name its"
        " service with --provider, or its server with --base-url; or try things out with"
        " --client offline."
    )


def with_client(settings: Settings) -> Settings:
    """Return the settings with the client named that answers where none is, and its own model.

    Raises:
        InputError: a model is named, but no key and no service; or the model of a client in this
            process cannot be had.
        UsageError: there is neither a client nor a service.
    """
    if settings.recipe.client:
        return with_own_model(settings)
    model = next(iter(settings.recipe.model.values()), "")
    client = default_client(settings.execution, model)
    return replace(settings, recipe=settings.recipe.model_copy(update={"client": client}))


class Asked(NamedTuple):
    """Who is asked for a purpose; one purpose may have several.

    Attributes:
        purpose: what calls are made for.
        model: the model; empty for a client that has only one.
        server: the base URL or provider that has it; None for those of the settings.
    """

    purpose: str
    model: str
    server: str | None = None


def options_in_use(
    recipe: Recipe, execution: Execution, purposes: Iterable[str | Asked], *, alone: bool = False
) -> dict[Asked, tuple[ClientOptions, ...]]:
    """Return, for each who is asked, the options of the servers' clients.

    Args:
        recipe: names the models.
        execution: names the servers.
        purposes: what calls are made for, or whom to ask for it instead of the settings' model.
        alone: each server is asked for itself, even where several share the calls.

    Raises:
        UsageError: the provider is unknown, or a base URL is none.
    """
    secrets = Secrets()  # of all: one server may know what another one is asked with
    asked = (
        each if isinstance(each, Asked) else Asked(each, recipe.sampling(each)["model"])
        for each in purposes
    )
    in_use = {each: _options(execution, each, secrets) for each in asked}
    shared = {one.base_url for group in in_use.values() if len(group) > 1 for one in group}
    return {
        each: tuple(replace(one, alone=alone or one.base_url not in shared) for one in group)
        for each, group in in_use.items()
    }


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server and model in use.

    Attributes:
        options: what its client is made with.
        purposes: what it is asked for.
        client: who answers.
        ask: asks it once, and names it where it does what no client may.
        take_notices: returns what it has learned, a sentence each.
    """

    options: ClientOptions
    purposes: tuple[str, ...]
    client: Client
    ask: Callable[[Request], Awaitable[Reply]]
    take_notices: Callable[[], list[str]]

    @property
    def server(self) -> str:
        """Its host and port; empty where the client does not say."""
        return getattr(self.client, "server", "") or host(self.options)


@dataclass(frozen=True, slots=True)
class BatchClient:
    """One server and model that calls go to in batches.

    Attributes:
        place: names the server and the model.
        client: makes and reads the calls of a batch, and knows its service.
        intake: looks at all that it brings.
    """

    place: str
    client: OpenAIClient
    intake: Intake


class Clients:
    """One throttled client for each server and model, balanced, retried, and found by request.

    Attributes:
        tariff: what tokens cost.
        budget: what may be spent and is.
        notices: what is said of the clients before the first call, a sentence each.
    """

    def __init__(
        self,
        recipe: Recipe,
        execution: Execution,
        purposes: Iterable[str | Asked],
        *,
        alone: bool = False,
    ) -> None:
        """Make the clients; none of them is connected yet.

        With `alone`, each server is asked for itself, even where several share the calls.

        Raises:
            UsageError: the client is unknown, or lacks a setting.
            InputError: a key is missing.
        """
        self._make = ClientFactory(recipe.client)
        self._name = recipe.client
        self._is_local = self._make.is_free  # answers from this process
        self._clients: dict[ClientOptions, tuple[Client, BudgetedClient, Client]] = {}
        self._throttles: dict[ClientOptions, Throttle] = {}
        self._balancers: list[Balancer] = []
        self._retries: dict[tuple[ClientOptions, ...], Retry] = {}
        self._by_asked: dict[Asked, Client] = {}
        self._telemetry = Telemetry() if execution.otel else None
        self._groups = options_in_use(recipe, execution, purposes, alone=alone)
        self.tariff = Tariff(execution, *_servers(self._groups))
        caps = Caps(execution.max_calls, execution.max_tokens_total, execution.max_cost)
        self.budget = Budget(caps, self.tariff.apply)
        self.notices: list[str] = []
        self._most = self._most_calls(execution)
        for asked, group in self._groups.items():
            if group not in self._retries:
                self._retries[group] = self._wrap(group, execution)
            self._by_asked[asked] = self._recorded(asked, group, execution)
            if execution.max_cost is not None:
                self._check_price(asked.purpose, asked.model)

    def for_request(self, request: Request) -> Client:
        """Return the client that a request goes to."""
        return self._by_asked[Asked(request.purpose, request.model, request.server)]

    def _wrap(self, group: tuple[ClientOptions, ...], execution: Execution) -> Retry:
        """Return the client over a group of servers, which may be one."""
        throttles = [self._throttle(options, execution) for options in group]
        client: Client = throttles[0]
        if len(group) > 1:
            client = Balancer(list(zip(map(host, group), throttles, strict=True)))
            self._balancers.append(client)
        breaker = CircuitBreaker(
            _place(group),
            is_new=lambda: not self._has_replied(group),
            is_first=lambda: not any(map(self._has_replied, self._retries)),
        )
        # A call that timed out once is sent again, however long that took.
        seconds = max(TOTAL_SECONDS, 2 * execution.timeout)
        return Retry(
            client, breaker, total_seconds=seconds, sleep=throttles[0].pause, on_stop=self.stop
        )

    def _recorded(
        self, asked: Asked, group: tuple[ClientOptions, ...], execution: Execution
    ) -> Client:
        """Return the client over a group, its calls recorded where that is wanted."""
        client = self._retries[group]
        if self._telemetry is None or group[0].sandbox:  # a program is no call of a model
            return client
        named = _at(execution, asked.purpose, asked.server) if asked.server else execution
        provider = providers.name_for(named, asked.purpose) or self._name
        server = host(group[0]) if len(group) == 1 else ""
        return self._telemetry.wrap(client, provider, server, in_process=self._is_local)

    def _has_replied(self, group: tuple[ClientOptions, ...]) -> bool:
        """Tell whether a group of servers has replied in this run, also to an earlier command."""
        purposes = {asked.purpose for asked, own in self._groups.items() if own == group}
        model = group[0].model
        return any(
            account.replies > 0 and account.purpose in purposes and account.model == model
            for account in self.budget.ledger.accounts()
        )

    def _throttle(self, options: ClientOptions, execution: Execution) -> Throttle:
        """Return the throttled client of one server and model, made if it is not there yet."""
        if options.sandbox and options not in self._throttles:
            self._throttles[options] = self._sandboxed(options)
        if options not in self._throttles:
            client = self._make(options)
            intake = Intake(options.secrets, self._make.owner)
            budgeted = BudgetedClient(client, self.budget, intake)
            asked: Client = budgeted
            if execution.service_tier:
                self._make.check_tiers(client)
                asked = TieredClient(budgeted, execution.tiers)
            self._clients[options] = client, budgeted, asked
            self._throttles[options] = Throttle(asked, self._pace(execution), execution.max_wait)
            self.tariff.free |= getattr(client, "FREE", False) is True
            self._notice(client)
        return self._throttles[options]

    def _sandboxed(self, options: ClientOptions) -> Throttle:
        """Return the throttled sandbox: what the settings allow a service is no matter of it."""
        client = SandboxClient(options)
        budgeted = BudgetedClient(client, self.budget, Intake(options.secrets))
        self._clients[options] = client, budgeted, budgeted
        pace = Pace(time.monotonic, defaults.LOCAL_CONCURRENCY, fixed=True)
        return Throttle(budgeted, pace)

    def _pace(self, execution: Execution) -> Pace:
        fixed = execution.concurrency is not None or self._is_local
        return Pace(
            time.monotonic,
            self._most,
            fixed=fixed,
            timeout=execution.timeout,
            rpm=execution.rpm,
            tpm=execution.tpm,
        )

    def _check_price(self, purpose: str, model: str) -> None:
        if self.tariff.price(purpose, model, None) is None:
            raise UsageError(
                f"--max-cost: the price of the model {model!r} ({purpose}) is unknown;"
                " name it with --price-in and --price-out, in dollars per million tokens."
            )

    def _notice(self, client: Client) -> None:
        notice = getattr(client, "NOTICE", None)
        if notice and notice not in self.notices:
            self.notices.append(notice)

    def take_notices(self) -> list[str]:
        """Return what clients have learned since the last time, a sentence each."""
        taken = [budgeted.take_notices() for _, budgeted, _ in self._clients.values()]
        taken += [balancer.take_notices() for balancer in self._balancers]
        return [notice for notices in taken for notice in notices]

    def endpoints(self) -> list[Endpoint]:
        """Return each server and model in use, once."""
        return [
            Endpoint(
                options,
                tuple(asked.purpose for asked, group in self._groups.items() if options in group),
                client,
                asked.complete,
                budgeted.take_notices,
            )
            for options, (client, budgeted, asked) in self._clients.items()
        ]

    def receivers(self) -> dict[str, list[str]]:
        """Return what each server would get texts for, by its host.

        It is empty where all texts stay in this process; a client may not say where it sends them.
        """
        found: dict[str, list[str]] = {}
        for endpoint in () if self._is_local else self.endpoints():
            purposes = found.setdefault(endpoint.server, [])
            purposes += [each for each in endpoint.purposes if each not in purposes]
        return found

    @property
    def ahead(self) -> int:
        """Instructions to start in each step, so that there is always a call to be sent."""
        return max(self._most * len(self._throttles) * _AHEAD, _LEAST_AHEAD)

    def _most_calls(self, execution: Execution) -> int:
        """Return how many calls one server may get at once, and note it if files set the bound."""
        ceiling = self._make.concurrency or defaults.MAX_CONCURRENCY
        wanted = execution.concurrency or execution.max_concurrency or ceiling
        most = min(wanted, _room_for(wanted))
        if most < wanted:
            self.notices.append(
                f"At most {most:,} calls are under way at once, not {wanted:,}: the system lets"
                " a process open no more files (ulimit -n)."
            )
        return most

    def batch_clients(self, execution: Execution) -> dict[Asked, BatchClient]:
        """Return who is asked in batches for each purpose.

        Raises:
            UsageError: the client has no batches, code is to be run, several servers share its
                calls, or a service tier is asked for beside.
        """
        if execution.service_tier:
            raise UsageError(
                "--batch: calls in batches have a tier and a price of their own; leave"
                " --service-tier out."
            )
        found = {}
        for asked, group in self._groups.items():
            if asks_sandbox(asked.purpose):
                raise UsageError(
                    "--batch: the pack has code run by a sandbox, which takes no batches; leave the"
                    " option out, or name another pack with --prompts."
                )
            client, budgeted, _ = self._clients[group[0]]
            if len(group) > 1:
                raise UsageError(
                    f"--batch: {' and '.join(map(host, group))} share the calls for"
                    f" {asked.purpose}; name one of them with --base-url."
                )
            self._make.check_batches(client)
            assert isinstance(client, OpenAIClient)  # noqa: S101 - no other one has batches
            found[asked] = BatchClient(_place(group), client, budgeted.intake)
        return found

    def sending(self) -> Sending:
        """Return what all servers together are doing."""
        states = {options: throttle.state for options, throttle in self._throttles.items()}
        all_states = states.values()
        # Servers that share calls wait only where all of them do; one model's wait is told.
        pauses = [min(states[options].paused for options in group) for group in self._retries]
        rests = [state.resting for state in all_states if state.resting]
        return Sending(
            in_flight=sum(state.in_flight for state in all_states),
            limit=sum(state.limit for state in all_states),
            waiting=sum(state.waiting for state in all_states),
            paused=max(pauses, default=0.0),
            resting=min(rests, default=0.0),
            replies=sum(state.replies for state in all_states),
        )

    @property
    def room(self) -> int:
        """How many calls may be prefetched on top of those under way."""
        return sum(throttle.room for throttle in self._throttles.values())

    def on_room(self, look: Callable[[], None]) -> None:
        """Have a function called whenever more calls may be prefetched than before."""
        for throttle in self._throttles.values():
            throttle.on_room = look

    def stop(self, error: StopRun) -> None:
        """Send nothing more; calls that are waiting to be sent end with the error."""
        for throttle in self._throttles.values():
            throttle.stop(error)
        for retry in self._retries.values():
            retry.stop(error)
        self.budget.stop(error)

    async def aclose(self) -> None:
        """Close every client."""
        for throttle in self._throttles.values():
            await throttle.aclose()


def _room_for(connections: int) -> int:
    """Return how many connections may be open at once, after raising the system's limit on files.

    A process begins with a soft limit, often 1,024, that it may raise to the hard one by itself.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    room = connections if soft == resource.RLIM_INFINITY else soft - _OTHER_FILES
    return max(1, min(connections, room))


def _place(group: Sequence[ClientOptions]) -> str:
    """Name the servers and their model in a message."""
    model = f"the model {group[0].model!r}" if group[0].model else "the service"
    hosts = " and ".join(name for name in map(host, group) if name)
    return f"{model} at {hosts}" if hosts else model


def host(options: ClientOptions) -> str:
    """Return the server's name and port, empty where the client has but one server."""
    return address.server(options.base_url or "")


def _servers(
    groups: Mapping[Asked, Sequence[ClientOptions]],
) -> tuple[dict[str, list[str | None]], dict[tuple[str, str], list[str | None]]]:
    """Return the base URLs of each purpose, and those of each of its models apart."""
    by_purpose: dict[str, list[str | None]] = {}
    by_model: dict[tuple[str, str], list[str | None]] = {}
    for asked, group in groups.items():
        urls = [options.base_url for options in group]
        by_purpose.setdefault(asked.purpose, []).extend(urls)
        by_model.setdefault((asked.purpose, asked.model), []).extend(urls)
    return by_purpose, by_model


def _options(execution: Execution, asked: Asked, secrets: Secrets) -> tuple[ClientOptions, ...]:
    if asks_sandbox(asked.purpose):
        return (ClientOptions(None, asked.model, None, execution.timeout, sandbox=True),)
    if asked.server is not None:
        execution = _at(execution, asked.purpose, asked.server)
    servers = providers.servers_for(execution, asked.purpose)
    secrets.add(servers.key, *(each for url in servers.urls for each in address.secrets(url or "")))
    return tuple(
        ClientOptions(
            base_url=url,
            model=asked.model,
            api_key=servers.key,
            timeout=execution.timeout,
            key_variable=servers.key_variable,
            max_reply_mb=execution.max_reply_mb,
            secrets=secrets,
            key_header=servers.key_header,
            concurrency=execution.concurrency,
        )
        for url in dict.fromkeys(providers.with_model(servers.urls, asked.model))
    )


def _at(execution: Execution, purpose: str, server: str) -> Execution:
    """Return the settings with one server for a purpose: a provider's name, or a base URL."""
    is_named = server in providers.PROVIDERS
    own = {
        "provider": {purpose: server} if is_named else {},
        "base_url": {} if is_named else {purpose: [server]},
    }
    return execution.model_copy(update=own)
