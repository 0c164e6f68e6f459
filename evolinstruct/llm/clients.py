"""What is wrapped around whatever answers.

From the top down:

    journal      what was asked before is not asked again (see `journal`)
    by purpose   each purpose may have its own model and server
    breaker     a service that stopped answering ends the run; listens below the retry too
    retry        passing troubles are waited out
    spread       where several servers answer the same calls, to one of them
    throttle     so many calls under way, one limit for each server and model
    budget       nothing is sent that a cap leaves no room for
    client       whoever answers

Knows which wrappers there are and in which order. Knows no purpose by name.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from evolinstruct import defaults
from evolinstruct.errors import CallError, EvolinstructError, StopRun, UsageError
from evolinstruct.llm import providers
from evolinstruct.llm.balancer import Balancer
from evolinstruct.llm.base import Client, ClientOptions, Reply, Request
from evolinstruct.llm.budget import Budget, BudgetedClient, Caps
from evolinstruct.llm.circuit_breaker import CircuitBreaker
from evolinstruct.llm.prices import Tariff
from evolinstruct.llm.retry import Retry
from evolinstruct.llm.throttle import Sending, Throttle, descriptors
from evolinstruct.llm.throttle.pace import Pace
from evolinstruct.plugins import Plugins
from evolinstruct.settings import Execution, Recipe

PLUGINS = Plugins("evolinstruct.clients", "client", "package.module:Class")
_AHEAD = 2  # of which one waits for its next attempt, while the other asks


def default_client(execution: Execution) -> str:
    """Return the client where none is named: a service, if a key or a server is.

    Raises:
        UsageError: neither is.
    """
    if providers.is_named(execution):
        return "openai"
    raise UsageError(
        f"No model to ask: set {providers.KEY_VARIABLE}, or name a --provider, and a --model,"
        " or give the --base-url of a local server and a --model,"
        " or try things out with --client offline."
    )


def options_in_use(
    recipe: Recipe, execution: Execution, purposes: Iterable[str]
) -> dict[str, tuple[ClientOptions, ...]]:
    """Return, for each purpose, what the clients of its servers are made with.

    Raises:
        UsageError: there is no such provider.
    """
    in_use = {purpose: _options(recipe, execution, purpose) for purpose in purposes}
    shared = {one.base_url for group in in_use.values() if len(group) > 1 for one in group}
    return {
        purpose: tuple(replace(one, alone=one.base_url not in shared) for one in group)
        for purpose, group in in_use.items()
    }


class Clients:
    """One throttled client for each server and model, chosen by purpose, retried and spread."""

    def __init__(self, recipe: Recipe, execution: Execution, purposes: Iterable[str]) -> None:
        """Make the clients; none of them is connected yet.

        Raises:
            UsageError: there is no such client, or it lacks a setting.
            InputError: a key is not where it is looked for.
        """
        self._make = ClientFactory(recipe.client)
        self._is_local = self._make.FREE  # answers from this process
        self._clients: dict[ClientOptions, Client] = {}
        self._throttles: dict[ClientOptions, Throttle] = {}
        self._spreads: dict[tuple[ClientOptions, ...], Balancer] = {}
        self._breaker: dict[tuple[ClientOptions, ...], CircuitBreaker] = {}
        self._by_purpose: dict[str, Client] = {}
        self.tariff = Tariff(execution.price_in, execution.price_out)
        caps = Caps(execution.max_calls, execution.max_tokens_total, execution.max_cost)
        self.budget = Budget(caps, self.tariff.price)
        self.notices: list[str] = []
        self._most = self._most_calls(execution)
        for purpose, group in options_in_use(recipe, execution, purposes).items():
            for options in group:
                self._connect(options, execution)
            client = self._spread(group)
            breaker = self._breaker.setdefault(group, CircuitBreaker(_place(group)))
            retry = Retry(breaker.attempts(client), sleep=self._throttles[group[0]].pause)
            self._by_purpose[purpose] = breaker.calls(retry)
            if execution.max_cost is not None:
                self._check_price(purpose, group[0].model)

    def _connect(self, options: ClientOptions, execution: Execution) -> None:
        """Make the client of one server and model, if it is not there yet."""
        if options in self._clients:
            return
        client = self._clients[options] = self._make(options)
        budgeted = BudgetedClient(client, self.budget)
        self._throttles[options] = Throttle(budgeted, self._pace(execution))
        self.tariff.free |= getattr(client, "FREE", False)
        self._notice(client)

    def _pace(self, execution: Execution) -> Pace:
        fixed = execution.concurrency is not None or self._is_local
        return Pace(time.monotonic, self._most, fixed=fixed, rpm=execution.rpm, tpm=execution.tpm)

    def _spread(self, group: tuple[ClientOptions, ...]) -> Client:
        """Return the client over a group of servers, which may be one."""
        if len(group) == 1:
            return self._throttles[group[0]]
        if group not in self._spreads:
            throttled = [(host(options), self._throttles[options]) for options in group]
            self._spreads[group] = Balancer(throttled)
        return self._spreads[group]

    def _check_price(self, purpose: str, model: str) -> None:
        if self.tariff.price(purpose, model) is None:
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
        sources = (*self._clients.values(), *self._spreads.values())
        taken = [take() for one in sources if (take := getattr(one, "take_notices", None))]
        return [notice for notices in taken for notice in notices]

    @property
    def ahead(self) -> int:
        """Instructions to start in either step, so that calls wait to be sent at any time."""
        return self._most * len(self._throttles) * _AHEAD

    def _most_calls(self, execution: Execution) -> int:
        """Return how many calls one server may get at once; say so if files set the bound."""
        ceiling = defaults.LOCAL_CONCURRENCY if self._is_local else defaults.MAX_CONCURRENCY
        wanted = execution.concurrency or execution.max_concurrency or ceiling
        most = min(wanted, descriptors.room_for(wanted))
        if most < wanted:
            self.notices.append(
                f"At most {most:,} calls are under way at once, not {wanted:,}: the system lets"
                " a process open no more files (ulimit -n)."
            )
        return most

    def sending(self) -> Sending:
        """Return what all servers together are doing."""
        states = [throttle.state for throttle in self._throttles.values()]
        return Sending(
            in_flight=sum(state.in_flight for state in states),
            limit=sum(state.limit for state in states),
            waiting=sum(state.waiting for state in states),
            paused=min((state.paused for state in states), default=0.0),
        )

    async def complete(self, request: Request) -> Reply:
        """Hand the request to the endpoint of its purpose."""
        try:
            return await self._by_purpose[request.purpose].complete(request)
        except StopRun as error:
            self.stop(error)
            raise

    def stop(self, error: StopRun) -> None:
        """Send nothing more; calls that are waiting to be sent end with the error."""
        for throttle in self._throttles.values():
            throttle.stop(error)
        for breaker in self._breaker.values():
            breaker.stop(error)
        self.budget.stop(error)

    async def aclose(self) -> None:
        """Close every client."""
        for throttle in self._throttles.values():
            await throttle.aclose()


def _place(group: Sequence[ClientOptions]) -> str:
    """Name the servers and their model in a message."""
    model = f"the model {group[0].model!r}" if group[0].model else "the service"
    hosts = " and ".join(name for name in map(host, group) if name)
    return f"{model} at {hosts}" if hosts else model


def host(options: ClientOptions) -> str:
    """Return the server's name and port, empty where the client has but one server."""
    return urlsplit(options.base_url or "").netloc.rpartition("@")[2]


def _options(recipe: Recipe, execution: Execution, purpose: str) -> tuple[ClientOptions, ...]:
    servers = providers.servers_for(execution, purpose)
    model = recipe.setting("model", purpose) or ""
    return tuple(
        ClientOptions(
            base_url=url,
            model=model,
            api_key=servers.key,
            timeout=execution.timeout,
            key_variable=servers.key_variable,
        )
        for url in dict.fromkeys(servers.urls)
    )


class ClientFactory:
    """Makes the client of a name, built in or a user's own.

    Attributes:
        FREE: whether the client answers from this process and costs nothing.
    """

    def __init__(self, name: str) -> None:
        """Find what makes the client: a class, or a function.

        Raises:
            UsageError: it cannot be found, or it makes no client.
        """
        plugin = PLUGINS.load(name)
        if not callable(plugin.value):
            raise UsageError(f"{plugin.title} is {plugin.value!r}, not a class; name a class.")
        self._make, self._title, self._is_built_in = plugin.value, plugin.title, plugin.is_built_in
        self.FREE: bool = getattr(self._make, "FREE", False)
        if isinstance(self._make, type):
            self._check(self._make)

    def __call__(self, options: ClientOptions) -> Client:
        """Make the client.

        Raises:
            UsageError: it cannot be made, or lacks a method.
        """
        try:
            client: Client = self._make(options)
        except EvolinstructError:
            raise
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            raise UsageError(f"{self._title} raised {found} when it was made; mend it.") from error
        self._check(client)
        return client if self._is_built_in else _OwnClient(client, self._title)

    def _check(self, client: object) -> None:
        lacking = [
            method
            for method in ("complete", "aclose")
            if not callable(getattr(client, method, None))
        ]
        if lacking:
            raise UsageError(
                f"{self._title} has no {' and no '.join(lacking)};"
                " a client has the two methods complete and aclose."
            )


class _OwnClient:
    """A user's own client: what it raises, and must not, ends the run in a sentence."""

    def __init__(self, client: Client, title: str) -> None:
        self._client = client
        self._title = title

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def complete(self, request: Request) -> Reply:
        try:
            reply: object = await self._client.complete(request)
        except (CallError, EvolinstructError):
            raise
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            raise StopRun(f"{self._title} raised {found}; mend it, -vv shows where.") from error
        if isinstance(reply, Reply):
            return reply
        raise StopRun(f"{self._title} returned {reply!r}; a client returns a Reply.")

    async def aclose(self) -> None:
        await self._client.aclose()
