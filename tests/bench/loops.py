"""Bare client loops, to hold the pipeline against: ``python -m tests.bench.loops KIND URL ...``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

_BODY = {
    "model": "bench",
    "messages": [{"role": "user", "content": "Rewrite this instruction. " * 40}],
    "temperature": 1.0,
    "top_p": 0.9,
    "max_tokens": 2048,
}

Ask = Callable[[], Awaitable[object]]


async def _loop(ask: Ask, calls: int, in_flight: int) -> None:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await ask()

    await asyncio.gather(*(worker() for _ in range(in_flight)))


async def _aiohttp(url: str, calls: int, in_flight: int) -> None:
    import aiohttp  # noqa: PLC0415 - each loop pays for its own imports only

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def ask() -> object:
            async with session.post(f"{url}/chat/completions", json=_BODY) as response:
                return json.loads(await response.read())

        await _loop(ask, calls, in_flight)


async def _openai(url: str, calls: int, in_flight: int, *, aiohttp: bool) -> None:
    import httpx2  # noqa: PLC0415 - as above
    import openai  # noqa: PLC0415 - as above

    limits = httpx2.Limits(max_connections=65_536, max_keepalive_connections=65_536)
    make = openai.DefaultAioHttpClient if aiohttp else openai.DefaultAsyncHttpxClient
    async with openai.AsyncOpenAI(
        base_url=url, api_key="none", max_retries=0, http_client=make(limits=limits, timeout=300)
    ) as client:

        async def ask() -> object:
            return await client.chat.completions.create(**_BODY)  # type: ignore[call-overload]

        await _loop(ask, calls, in_flight)


async def _by_generation(url: str, families: list[list[list[int]]], in_flight: int) -> None:
    """Make the calls of each family one by one, and wait for all families in each generation."""
    import openai  # noqa: PLC0415 - as above

    free = asyncio.Semaphore(in_flight)
    async with openai.AsyncOpenAI(
        base_url=url, api_key="none", max_retries=0, timeout=300
    ) as client:

        async def take(generation: list[int]) -> None:
            for microseconds in generation:
                said = {"role": "user", "content": f"This call takes {microseconds} us."}
                async with free:
                    await client.chat.completions.create(model="bench", messages=[said])  # type: ignore[list-item]

        for generations in zip(*families, strict=True):
            await asyncio.gather(*map(take, generations))


def main() -> None:
    """Run one loop to its end."""
    kind, url, calls, in_flight = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    if kind == "aiohttp":
        asyncio.run(_aiohttp(url, int(calls), in_flight))
    elif kind == "by-generation":
        asyncio.run(_by_generation(url, json.loads(Path(calls).read_text()), in_flight))
    else:
        asyncio.run(_openai(url, int(calls), in_flight, aiohttp=kind == "openai-aiohttp"))


if __name__ == "__main__":
    main()
