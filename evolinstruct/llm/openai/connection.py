"""Connection to one server: base URL, headers, TLS, proxy; posts a body, returns the answer.

aiohttp is used bare, and every setting is made once, because what is left is paid for by each
call. CPU of one core for a call, at 256 and at 1,000 in flight, with retry and throttle around it:
0.35 to 0.45 ms. Bare aiohttp takes 0.3 to 0.4 ms, the aiohttp transport of the `openai` package
1.1 to 1.3 ms, its default transport 3 to 10 ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from evolinstruct.errors import InputError
from evolinstruct.llm.openai.errors import TROUBLE, no_answer
from evolinstruct.llm.openai.headers import headers_of

_CONNECT_SECONDS = 20.0
_DNS_SECONDS = 300
_AUTHORITIES = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""Where systems keep the certificates of authorities, for a Python built for another system."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server sent.

    Attributes:
        status: of HTTP.
        headers: by name, in any case.
        content: the body, unpacked.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes


class Transport(Protocol):
    """What carries calls to a server: `Connection`, or the `openai` package."""

    async def post(self, body: dict[str, object]) -> HttpAnswer:
        """Ask for a completion.

        Raises:
            NoAnswerError: none came that is whole, in time.
        """
        ...

    async def list_models(self) -> HttpAnswer:
        """Ask which models there are; raises as :meth:`post`."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class Connection:
    """One server over aiohttp; must be made inside the running loop."""

    def __init__(self, base_url: str, key: str | None, timeout: float) -> None:
        """Connect to nothing yet.

        Args:
            base_url: of the service; may hold a user name, a password and a query.
            key: None where the server needs none.
            timeout: seconds that an answer may take, to its last byte.

        Raises:
            InputError: the proxy or the certificates that the environment names cannot be used.
        """
        base = urlsplit(base_url)
        self._calls = _address(base, "chat/completions")
        self._models = _address(base, "models")
        self._timeout = timeout
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # how many calls are under way is the throttle's business
                ssl=_tls() if base.scheme == "https" else True,
                ttl_dns_cache=_DNS_SECONDS,
            ),
            headers=headers_of(base, key),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            proxy=_proxy(base.scheme, base.hostname or ""),
        )

    async def post(self, body: dict[str, object]) -> HttpAnswer:
        """Ask for a completion; see :class:`Transport`."""
        return await self._answer(self._session.post(self._calls, data=json.dumps(body).encode()))

    async def list_models(self) -> HttpAnswer:
        """Ask which models there are."""
        return await self._answer(self._session.get(self._models))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _answer(
        self, sending: AbstractAsyncContextManager[aiohttp.ClientResponse]
    ) -> HttpAnswer:
        try:
            # One bound around the whole call, its body included: a bound for each read would let a
            # server that sends a byte now and then hold the call for ever.
            async with asyncio.timeout(self._timeout), sending as answer:
                return HttpAnswer(answer.status, answer.headers, await answer.read())
        except TROUBLE as error:
            raise no_answer(error) from None


def _address(base: SplitResult, path: str) -> str:
    """Return the address of a path below the base URL, without its user name and password."""
    host = base.netloc.rpartition("@")[2]
    return base._replace(netloc=host, path=f"{base.path.rstrip('/')}/{path}", fragment="").geturl()


def _tls() -> ssl.SSLContext:
    """Return the settings of TLS: certificates of the environment, else those of the system.

    Raises:
        InputError: the environment names a file or folder that holds no certificates.
    """
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    named = file or folder
    if not named:
        paths = ssl.get_default_verify_paths()
        if not paths.cafile and not paths.capath:
            file = next(filter(os.path.isfile, _AUTHORITIES), None)
    try:
        return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    except OSError as error:
        raise InputError(
            f"The certificates of {named} cannot be read ({error});"
            " name a file of them in SSL_CERT_FILE."
        ) from error


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
