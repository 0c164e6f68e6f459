"""A lean OpenAI-compatible server in a process of its own: a thousand calls a second and more.

Reads no JSON and builds none: a call is told by a few bytes of its body, a reply is a fixed text
with a running number. Has latencies, a rate as a token bucket, announced limits, a capacity with a
queue, and faults. ``GET /stats`` tells when it replied and refused, and its own CPU seconds.

With ``--tail`` a call's latency and reply are drawn from its body alone, so that the same calls
take as long in every run: the latency is lognormal, and the reply tells its microseconds as the
tokens of the prompt. A body that names its microseconds takes those.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import time
from collections import deque
from hashlib import blake2b

_WORDS = (
    "Plan a small harbour library for readers who arrive by boat, say which shelves stand near the "
    "door and which near the stove, and give one reason for each choice. Count the steps that a "
    "reader takes from the pier to the atlas and back, and show how the count changes when the "
    "stove is moved to the other wall. Then name two rules for lending that a child can follow, "
    "one of which must concern rain, and end with a table of five books, their size and their "
    "place. Keep every sentence short, use no names of real towns, and mark the one choice that "
    "you would change first if the number of readers grew to twice as many within a year."
)
_VERDICT = b"#Verdict#"
_NAMED = re.compile(rb"takes (\d+) us")
_USAGE = b'"prompt_tokens": %d,'


_TOKENS = 200


def _reply(content: str) -> bytes:
    found = {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": "bench",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": content},
            }
        ],
        "usage": {"prompt_tokens": _TOKENS, "completion_tokens": 150},
    }
    return json.dumps(found).encode()


def _head(status: str, length: int, more: bytes = b"") -> bytes:
    start = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n"
    return start.encode() + more + b"\r\n"


_EQUAL = _reply("Not Equal")
_NUMBER = "000000000"
# No two texts are alike: a number of its own stands for each third word of one.
_NUMBERED = re.sub(r"(\S+ \S+) \S+", rf"\1 {_NUMBER}", _WORDS)
_TEXT = _reply(f"Tell colleagues {_NUMBER} at the mill {_NUMBER}: {_NUMBERED}").split(
    _NUMBER.encode()
)
_TROUBLE = b'{"error": {"message": "trouble", "type": "server_error", "code": null}}'
_BUSY = b'{"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}'


class Service:
    """What the server does with a call."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.dice = random.Random(7)
        self.level = float(args.burst or args.rate)
        self.level_at = 0.0
        self.began = 0.0
        self.replied: list[float] = []
        self.refused: list[float] = []
        self.faults = 0
        self.asked = 0
        self.working = 0
        self.line: deque[Connection] = deque()

    def ask(self, connection: Connection, body: bytes) -> None:
        now = time.monotonic()
        self.began = self.began or now
        self.asked += 1
        connection.is_verdict = _VERDICT in body
        if self.args.tail:
            connection.body, connection.dice = body, random.Random(blake2b(body).digest())
        if self.args.rate and not self.take(now):
            self.refuse(connection, now)
        elif self.args.faults and self.dice.random() < self.args.faults:
            self.fault(connection, now)
        elif self.args.capacity and self.working >= self.args.capacity:
            self.line.append(connection)
        else:
            self.work(connection)

    def take(self, now: float) -> bool:
        most = self.args.burst or self.args.rate
        self.level = min(most, self.level + (now - (self.level_at or now)) * self.args.rate)
        self.level_at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True

    def limits(self) -> bytes:
        if not self.args.announce:
            return b""
        most = self.args.burst or self.args.rate
        reset = (most - self.level) / self.args.rate
        return (
            f"x-ratelimit-limit-requests: {int(most)}\r\n"
            f"x-ratelimit-remaining-requests: {int(self.level)}\r\n"
            f"x-ratelimit-reset-requests: {reset:.3f}s\r\n"
        ).encode()

    def refuse(self, connection: Connection, now: float) -> None:
        self.refused.append(now - self.began)
        seconds = int((1 - self.level) / self.args.rate) + 1
        more = f"retry-after: {seconds}\r\n".encode() + self.limits()
        connection.answer(_head("429 Too Many Requests", len(_BUSY), more) + _BUSY)

    def fault(self, connection: Connection, now: float) -> None:
        self.faults += 1
        kind = self.faults % 5
        if kind == 0:
            self.refused.append(now - self.began)
            more = b"retry-after-ms: 50\r\n"
            connection.answer(_head("429 Too Many Requests", len(_BUSY), more) + _BUSY)
        elif kind == 1:
            connection.answer(_head("500 Internal Server Error", len(_TROUBLE)) + _TROUBLE)
        elif kind == 2:
            connection.answer(b"", close=True)
        elif kind == 3:
            connection.answer(_head("200 OK", len(_EQUAL)) + _EQUAL[:60], close=True)
        else:
            connection.answer(b"\x16\x03\x00\xff noise\r\n\r\n", close=True)

    def work(self, connection: Connection) -> None:
        self.working += 1
        seconds = self.args.latency * self.dice.uniform(0.95, 1.05)
        if self.args.tail:
            seconds = self.args.latency * connection.dice.lognormvariate(0, self.args.tail)
            if named := _NAMED.search(connection.body):
                seconds = int(named[1]) / 1e6
            connection.microseconds = int(seconds * 1e6)
        asyncio.get_running_loop().call_later(seconds, self.done, connection)

    def done(self, connection: Connection) -> None:
        self.working -= 1
        if self.line:
            self.work(self.line.popleft())
        self.replied.append(time.monotonic() - self.began)
        number = connection.dice.randrange(10**9) if self.args.tail else len(self.replied)
        body = _EQUAL
        if not connection.is_verdict:
            body = (b"%09d" % number).join(_TEXT)
        if self.args.tail:
            body = body.replace(_USAGE % _TOKENS, _USAGE % connection.microseconds)
        connection.answer(_head("200 OK", len(body), self.limits()) + body)

    def stats(self) -> bytes:
        found = {
            "asked": self.asked,
            "replied": self.replied,
            "refused": self.refused,
            "faults": self.faults,
            "cpu": time.process_time(),
            "now": time.monotonic() - self.began if self.began else 0.0,
        }
        return json.dumps(found).encode()


class Connection(asyncio.Protocol):
    """One connection: one request at a time, as HTTP clients without pipelining send them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.unread = b""
        self.body = b""
        self.is_verdict = False
        self.dice = service.dice
        self.microseconds = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.unread += data
        end = self.unread.find(b"\r\n\r\n")
        if end < 0:
            return
        if self.unread.startswith(b"GET"):
            body = self.service.stats()
            self.unread = b""
            self.answer(_head("200 OK", len(body)) + body)
            return
        head = self.unread[:end].lower()
        at = head.find(b"content-length:") + 15
        stop = head.find(b"\r\n", at)
        length = int(head[at : stop if stop > 0 else end])
        if len(self.unread) >= end + 4 + length:
            body, self.unread = self.unread[end + 4 :], b""
            self.service.ask(self, body)

    def answer(self, wire: bytes, *, close: bool = False) -> None:
        self.transport.write(wire)  # type: ignore[attr-defined]
        if close:
            self.transport.close()


async def _serve(args: argparse.Namespace) -> None:
    service = Service(args)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - who started it reads it
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.server")
    parser.add_argument("--core", type=int, default=1)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of work on a call")
    parser.add_argument("--tail", type=float, default=0.0, help="sigma of a lognormal latency")
    parser.add_argument("--rate", type=float, default=0.0, help="calls a second; 0: unlimited")
    parser.add_argument("--burst", type=float, default=0.0, help="size of the bucket")
    parser.add_argument("--announce", action="store_true", help="send limit headers")
    parser.add_argument("--capacity", type=int, default=0, help="calls worked on at once")
    parser.add_argument("--faults", type=float, default=0.0, help="share of faulty answers")
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})
    try:
        asyncio.run(_serve(args))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
