"""Service tiers: asks for a call in the tiers that the user names for its purpose, in order.

A tier that is full says so at once. The next one is asked then, where the user names one; else the
call waits as after any refusal. Each is a call of its own to the budget beneath.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evolinstruct.errors import TIER_FULL, TryAgain
from evolinstruct.llm.base import Client, Reply, Request


class TieredClient:
    """A client that sends calls in service tiers."""

    def __init__(self, client: Client, tiers: Callable[[str], Sequence[str]]) -> None:
        """Wrap a client; `tiers` returns those of a purpose, none to leave it to the service."""
        self._client = client
        self._tiers = tiers

    async def complete(self, request: Request) -> Reply:
        """Return the reply of the first tier that has room.

        Raises:
            CallError: as the client within; `TryAgain` where every tier is full.
            StopRun: as the client within.
        """
        named = self._tiers(request.purpose)
        if not named:
            return await self._client.complete(request)
        *others, last = named
        for tier in others:
            try:
                return await self._client.complete(replace(request, service_tier=tier))
            except TryAgain as error:
                if error.error != TIER_FULL:
                    raise
        return await self._client.complete(replace(request, service_tier=last))

    async def aclose(self) -> None:
        """Close the client within."""
        await self._client.aclose()
