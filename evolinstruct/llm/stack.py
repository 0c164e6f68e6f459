"""What is wrapped around whatever answers.

From the top down:

    journal      what was asked before is not asked again (see `journal`)
    by purpose   each purpose may have its own model and server
    retry        passing troubles are waited out
    throttle     so many calls under way, one limit for each server and model
    client       whoever answers

Knows which wrappers there are and in which order. Knows no purpose by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from evolinstruct.errors import StopRun, UsageError
from evolinstruct.llm import registry
from evolinstruct.llm.base import Client, ClientOptions, Reply, Request
from evolinstruct.llm.retry import Retry
from evolinstruct.llm.throttle import Throttle
from evolinstruct.recipe import DEFAULT, Conduct, Recipe

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"


def default_client(conduct: Conduct) -> str:
    """Return the client where none is named: a service, if a key or a server is.

    Raises:
        UsageError: neither is.
    """
    if conduct.base_url or os.environ.get(KEY_VARIABLE) or os.environ.get(URL_VARIABLE):
        return "openai"
    raise UsageError(
        f"No model to ask: set {KEY_VARIABLE} and name a --model,"
        " or give the --base-url of a local server and a --model,"
        " or try things out with --client offline."
    )


class Endpoints:
    """One throttled, retried client for each server and model, chosen by purpose."""

    def __init__(self, recipe: Recipe, conduct: Conduct, purposes: Iterable[str]) -> None:
        """Make the clients; none of them is connected yet.

        Raises:
            UsageError: there is no such client, or it lacks a setting.
        """
        make = registry.load(recipe.client)
        self._throttles: dict[tuple[str | None, str], Throttle] = {}
        self._by_purpose: dict[str, Client] = {}
        self.notices: list[str] = []
        for purpose in purposes:
            options = _options(recipe, conduct, purpose)
            endpoint = (options.base_url, options.model)
            if endpoint not in self._throttles:
                client = make(options)
                self._throttles[endpoint] = Throttle(client, conduct.concurrency)
                self._notice(client)
            self._by_purpose[purpose] = Retry(self._throttles[endpoint])

    def _notice(self, client: Client) -> None:
        notice = getattr(client, "NOTICE", None)
        if notice and notice not in self.notices:
            self.notices.append(notice)

    async def complete(self, request: Request) -> Reply:
        """Hand the request to the endpoint of its purpose."""
        return await self._by_purpose[request.purpose].complete(request)

    def stop(self, error: StopRun) -> None:
        """Send nothing more; calls that are waiting to be sent end with the error."""
        for throttle in self._throttles.values():
            throttle.stop(error)

    async def aclose(self) -> None:
        """Close every client."""
        for throttle in self._throttles.values():
            await throttle.aclose()


def _options(recipe: Recipe, conduct: Conduct, purpose: str) -> ClientOptions:
    urls = conduct.base_url
    return ClientOptions(
        base_url=urls.get(purpose, urls.get(DEFAULT)) or os.environ.get(URL_VARIABLE) or None,
        model=recipe.setting("model", purpose) or "",
        api_key=os.environ.get(KEY_VARIABLE) or None,
        timeout=conduct.timeout,
    )
