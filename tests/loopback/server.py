"""The server: HTTP/1.1 with kept connections, on asyncio alone, so that faults reach the wire.

``POST …/chat/completions`` and ``POST …/embeddings`` ask the handler, ``GET /v1/models`` lists one
model, and ``GET /counts`` tells what was seen, for a benchmark in another process.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from tests.loopback.answers import Answer, Ask, Handler, Routes, error, http


@dataclass(slots=True)
class Counts:
    """What a server has seen.

    Attributes:
        asked: requests for a completion, by prompt.
        in_flight: requests not yet answered.
        most_in_flight: the highest of these so far.
        connections: connections accepted.
    """

    asked: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    connections: int = 0

    def as_json(self) -> bytes:
        """Return them for another process, with the CPU seconds of this one."""
        found = {
            "requests": self.asked.total(),
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "connections": self.connections,
            "cpu_seconds": time.process_time(),
        }
        return json.dumps(found).encode()


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        url: the base URL.
        counts: what it has seen; written by its own thread.
    """

    url: str
    counts: Counts


class Connection(asyncio.Protocol):
    """One connection: requests come one at a time, each is answered before the next is read."""

    def __init__(self, handler: Handler, counts: Counts, open_ones: set[Connection]) -> None:
        self._handler = handler
        self._counts = counts
        self._open_ones = open_ones
        self._unread = bytearray()
        self._pending: asyncio.TimerHandle | None = None
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._counts.connections += 1
        self._open_ones.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        if self._pending is not None:
            self._pending.cancel()
        self._settle()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._unread[:1].isalpha():
            self._read()
        else:  # a TLS greeting, or noise
            self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def _read(self) -> None:
        end = self._unread.find(b"\r\n\r\n")
        if self._busy or end < 0:
            return
        first, *lines = self._unread[:end].decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        whole = end + 4 + int(headers.get("content-length", "0"))
        if len(self._unread) < whole:
            return
        body = bytes(self._unread[end + 4 : whole])
        del self._unread[:whole]
        self._take(first, headers, body)

    def _take(self, first: str, headers: dict[str, str], body: bytes) -> None:
        self._busy = True
        method, target, _ = first.split(" ")
        path = urlsplit(target).path  # a proxy is asked for a whole address
        if method == "POST" and path.endswith(("/chat/completions", "/embeddings")):
            self._counts.in_flight += 1
            self._counts.most_in_flight = max(self._counts.most_in_flight, self._counts.in_flight)
            self._later(self._asked(target, headers, body), asked=True)
        elif (method, path) == ("GET", "/v1/models"):
            models = {"object": "list", "data": [{"id": "loopback-1", "object": "model"}]}
            self._later(http(200, json.dumps(models).encode()), asked=False)
        elif (method, path) == ("GET", "/counts"):
            self._later(http(200, self._counts.as_json()), asked=False)
        elif isinstance(self._handler, Routes):
            routed = self._handler.route(method, target, headers, body)
            self._later(routed, asked=False)
        else:
            self._later(error(404, f"nothing at {method} {path}"), asked=False)

    def _asked(self, target: str, headers: dict[str, str], body: bytes) -> Answer:
        ask = Ask(json.loads(body), headers, 0, target)
        ask = replace(ask, nth=self._counts.asked[ask.prompt])
        self._counts.asked[ask.prompt] += 1
        return self._handler(ask)

    def _later(self, answer: Answer, *, asked: bool) -> None:
        self._asking = asked
        loop = asyncio.get_running_loop()
        if answer.latency == float("inf"):
            return
        if answer.latency > 0:
            self._pending = loop.call_later(answer.latency, self._send, answer, 0)
        else:
            self._send(answer, 0)

    def _send(self, answer: Answer, start: int) -> None:
        if answer.pace and start < len(answer.wire):
            self._transport.write(answer.wire[start : start + 1])
            loop = asyncio.get_running_loop()
            self._pending = loop.call_later(answer.pace, self._send, answer, start + 1)
            return
        if not answer.pace:
            self._transport.write(answer.wire)
        self._settle()
        if answer.close:
            self._transport.close()
        else:
            self._read()

    def _settle(self) -> None:
        if self._busy and self._asking:
            self._counts.in_flight -= 1
        self._busy = False


async def listen(
    handler: Handler,
    counts: Counts,
    port: int,
    open_ones: set[Connection],
    tls: ssl.SSLContext | None = None,
) -> asyncio.Server:
    """Start to serve on the loopback interface; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: Connection(handler, counts, open_ones), "127.0.0.1", port, backlog=4096, ssl=tls
    )


def address(server: asyncio.Server, scheme: str = "http") -> str:
    """Return the base URL of a server."""
    return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@contextmanager
def serve(
    handler: Handler, *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Serve from a thread of its own until the block ends; the handler runs in that thread."""
    counts = Counts()
    ready: Future[tuple[str, Callable[[], object]]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_live(handler, counts, port, tls, ready)))
    thread.start()
    url, end = ready.result()
    try:
        yield Server(url, counts)
    finally:
        end()
        thread.join()


async def _live(
    handler: Handler,
    counts: Counts,
    port: int,
    tls: ssl.SSLContext | None,
    ready: Future[tuple[str, Callable[[], object]]],
) -> None:
    """Serve until told to end, then cut every connection."""
    over = asyncio.Event()
    open_ones: set[Connection] = set()
    listening = await listen(handler, counts, port, open_ones, tls)
    loop = asyncio.get_running_loop()
    scheme = "https" if tls else "http"
    ready.set_result((address(listening, scheme), lambda: loop.call_soon_threadsafe(over.set)))
    await over.wait()
    listening.close()
    for connection in list(open_ones):
        connection.abort()
    await asyncio.sleep(0)  # the turn of the loop in which their sockets close
