"""Factory: makes the client of a name, built in or a user's own, and says what one lacks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeGuard

from evolinstruct import defaults
from evolinstruct.errors import EvolinstructError, UsageError
from evolinstruct.llm.base import Client, ClientOptions
from evolinstruct.llm.intake import harmless_cause
from evolinstruct.plugins import Plugins

PLUGINS = Plugins("evolinstruct.clients", "client", "package.module:Class")


class ClientFactory:
    """Makes the client of a name, built in or a user's own.

    Attributes:
        is_free: whether the client answers from this process and costs nothing.
        concurrency: calls that such a client has under way at once; None for any other.
        owner: what messages call a user's own client; empty for a built-in one.
    """

    def __init__(self, name: str) -> None:
        """Find what makes the client: a class, or a function.

        Raises:
            UsageError: it cannot be found, or it makes no client.
        """
        plugin = PLUGINS.load(name)
        if not _makes_clients(plugin.value):
            raise UsageError(f"{plugin.title} is {plugin.value!r}, not a class; name a class.")
        self._make, self._title, self._name = plugin.value, plugin.title, name
        self.owner = "" if plugin.is_built_in else plugin.title
        self.is_free = getattr(self._make, "FREE", False) is True
        own = getattr(self._make, "CONCURRENCY", defaults.LOCAL_CONCURRENCY)
        self.concurrency = own if self.is_free else None
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
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told as whose mistake it is
            found = options.secrets.hide_all(f"{type(error).__name__}: {error}")
            cause = harmless_cause(error, options.secrets)
            raise UsageError(f"{self._title} raised {found} when it was made; mend it.") from cause
        self._check(client)
        return client

    def check_tiers(self, client: Client) -> None:
        """Refuse service tiers for a client that has none.

        Raises:
            UsageError: it has none.
        """
        if getattr(client, "SERVICE_TIERS", False) is not True:
            raise UsageError(
                f"--service-tier: the client {self._name} has no service tiers; leave the option"
                " out, or ask with --client openai."
            )

    def check_batches(self, client: Client) -> None:
        """Refuse batches for a client that has none.

        Raises:
            UsageError: it has none.
        """
        if getattr(client, "BATCHES", False) is not True:
            raise UsageError(
                f"--batch: the client {self._name} has no batches; leave the option out, or ask"
                " with --client openai."
            )

    def _check(self, client: object) -> None:
        notice = getattr(client, "NOTICE", None)
        if not isinstance(notice, str | None):
            raise UsageError(f"{self._title} has the NOTICE {notice!r}; write it as text.")
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


def _makes_clients(value: object) -> TypeGuard[Callable[[ClientOptions], Client]]:
    """Tell whether a thing may be called with options: a class, or a function of one argument.

    Whatever else can be called, such as ``os:system``, would do something first.
    """
    if isinstance(value, type):
        return True
    if not inspect.isfunction(value):
        return False
    needed = [
        parameter
        for parameter in inspect.signature(value).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return len(needed) == 1 and needed[0].kind is not inspect.Parameter.KEYWORD_ONLY
