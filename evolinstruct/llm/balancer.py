"""Balancer: shares calls among several servers that answer the same ones.

A call goes to the server with the fewest under way, so that a faster one gets more; among equals
they take turns. A server that only fails is set aside, and tried again a little later with one
call; the others go on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from evolinstruct.errors import CallFailed, CallRejected, ServiceRefused, TryAgain
from evolinstruct.llm.base import Client, Reply, Request

FAILURES = 5
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 120.0


@dataclass(slots=True, eq=False)
class _Server:
    """One of the servers.

    Attributes:
        client: asks it.
        name: what a message calls it.
        under_way: calls that it has not answered yet.
        failures: in a row.
        pause: seconds that it is left alone for; 0 while it is in use.
        back_at: when it is tried again.
        reached: whether it has ever answered.
    """

    client: Client
    name: str
    under_way: int = 0
    failures: int = 0
    pause: float = 0.0
    back_at: float = 0.0
    reached: bool = False


class Balancer:
    """A client over several."""

    def __init__(
        self,
        clients: Sequence[tuple[str, Client]],
        *,
        failures: int = FAILURES,
        first_pause: float = FIRST_PAUSE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap clients.

        Args:
            clients: each with the name that a message calls its server.
            failures: so many in a row set a server aside.
            first_pause: seconds that it is left alone; each further time twice as long.
            now: gives the present in seconds.
        """
        self._servers = [_Server(client, name) for name, client in clients]
        self._failures = failures
        self._first_pause = first_pause
        self._now = now
        self._turn = 0
        self._notices: list[str] = []

    async def complete(self, request: Request) -> Reply:
        """Ask one of the servers.

        Raises:
            TryAgain: it failed; another may answer the next attempt.
            CallError: as the client within.
            StopRun: as the client within; or no server can be reached from the first call on.
        """
        server = self._choose()
        was_aside = server.pause > 0
        server.under_way += 1
        try:
            reply = await server.client.complete(request)
        except TryAgain as error:
            if request.prefetched is not None:
                raise  # it was to see whether there is capacity, not whether the server is there
            # Any other status is an answer: a server that limits its rate (429) is in good health,
            # unless that is for so long that nobody waits for it.
            if error.not_waited is not None:
                server.reached = True
                self._set_aside(server, LONGEST_PAUSE, "because it asks for a long wait", error)
            elif error.status is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self._failed(server, error, again=was_aside)
            raise
        except (CallRejected, CallFailed):
            self._answered(server)
            raise
        finally:
            server.under_way -= 1
        self._answered(server)
        return reply

    def take_notices(self) -> list[str]:
        """Return what became of servers since the last time, a sentence each."""
        notices, self._notices = self._notices, []
        return notices

    async def aclose(self) -> None:
        """Close every client."""
        for server in self._servers:
            await server.client.aclose()

    def _choose(self) -> _Server:
        """Return the server to ask: one in use, or one whose pause is over, or the next to be."""
        now = self._now()
        back = [server for server in self._servers if server.pause and server.back_at <= now]
        if back:
            back[0].back_at = now + back[0].pause  # until its one call ends, it gets no other
            return back[0]
        in_use = [server for server in self._servers if not server.pause]
        if not in_use:
            return min(self._servers, key=lambda server: server.back_at)
        self._turn += 1
        first = self._turn % len(in_use)
        return min(in_use[first:] + in_use[:first], key=lambda server: server.under_way)

    def _answered(self, server: _Server) -> None:
        if server.pause:
            self._notices.append(f"{server.name} answers again and is back in use.")
        server.failures, server.pause, server.reached = 0, 0.0, True

    def _failed(self, server: _Server, error: TryAgain, *, again: bool) -> None:
        server.failures += 1
        if server.pause and again:
            server.pause = min(2 * server.pause, LONGEST_PAUSE)
            server.back_at = self._now() + server.pause
        elif not server.pause and server.failures >= self._failures:
            self._set_aside(
                server, self._first_pause, f"after {server.failures} failures in a row", error
            )
        if all(one.pause and not one.reached for one in self._servers):
            names = ", ".join(one.name for one in self._servers)
            raise ServiceRefused(
                f"None of the servers {names} can be reached ({error.message});"
                " check that they run and that their base URLs are right."
            )

    def _set_aside(self, server: _Server, pause: float, why: str, error: TryAgain) -> None:
        """Leave a server alone for a while, and tell it once."""
        if not server.pause:
            self._notices.append(
                f"{server.name} is set aside {why} ({error.error}: {error.message});"
                " it is tried again from time to time."
            )
        server.pause = pause
        server.back_at = self._now() + pause
