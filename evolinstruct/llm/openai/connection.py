"""Bytes to one server and back, as lean as the transport allows.

The package is asked once what it would send: address, key, organisation, project, agent, whatever
its variables say. The calls then go through aiohttp itself. CPU of one core for a call, at 256 and
at 1,000 in flight, with retry and throttle around it: 1.1 to 1.3 ms through the package's aiohttp
transport (3 to 10 ms through its default one), 0.35 to 0.45 ms this way, where bare aiohttp takes
0.3 to 0.4 ms. Knows no request, no reply and no verdict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import openai

from evolinstruct.errors import InputError

_NO_KEY = "not-needed"  # the package insists on a key, a local server on none
_CONNECT_SECONDS = 20.0
_DNS_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server sent.

    Attributes:
        status: of HTTP.
        headers: by name, in any case.
        content: the body, unpacked.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes


class Connection:
    """One server; must be made inside the running loop."""

    def __init__(self, base_url: str | None, key: str | None, timeout: float) -> None:
        """Connect to nothing yet.

        Args:
            base_url: None for the package's own default.
            key: None where the server needs none.
            timeout: seconds that an answer may take, to its last byte.

        Raises:
            InputError: the proxy that the environment names cannot be used.
        """
        # the package's client sends nothing: it is made to be read, and needs no transport
        silent = httpx2.AsyncClient(transport=httpx2.AsyncBaseTransport())
        package = openai.AsyncOpenAI(base_url=base_url, api_key=key or _NO_KEY, http_client=silent)
        headers = {**package.default_headers, **package.auth_headers}
        base = package.base_url
        if base.userinfo:
            headers["Authorization"] = aiohttp.encode_basic_auth(base.username, base.password)
            base = base.copy_with(userinfo=b"")
        self._calls = str(base.copy_with(path=f"{base.path}chat/completions"))
        self._models = str(base.copy_with(path=f"{base.path}models"))
        self._timeout = timeout
        # every setting that can be made once is made here: what is left is paid for by each call
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # how many calls are under way is the throttle's business
                ssl=httpx2.create_ssl_context() if base.scheme == "https" else True,
                ttl_dns_cache=_DNS_SECONDS,
            ),
            headers={name: value for name, value in headers.items() if isinstance(value, str)},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            proxy=_proxy(base.scheme, base.host),
        )

    async def post(self, content: bytes) -> Answer:
        """Ask for a completion.

        Raises:
            TimeoutError: the answer was not whole in time.
            aiohttp.ClientError: there was none.
            OSError: as above.
        """
        async with asyncio.timeout(self._timeout):
            async with self._session.post(self._calls, data=content) as answer:
                return Answer(answer.status, answer.headers, await answer.read())

    async def list_models(self) -> Answer:
        """Ask which models there are; raises as :meth:`post`."""
        async with asyncio.timeout(self._timeout):
            async with self._session.get(self._models) as answer:
                return Answer(answer.status, answer.headers, await answer.read())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


def _proxy(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment names for a host, looked up once, not for each call.

    Raises:
        InputError: it speaks another protocol than HTTP.
    """
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in {"http", "https"}:
        raise InputError(
            f"The proxy for {host} that the environment names speaks"
            f" {urlsplit(proxy).scheme}, not HTTP; name an http:// one,"
            f" or add {host} to NO_PROXY."
        )
    return proxy
