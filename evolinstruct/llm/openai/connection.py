"""Connection to one server: base URL, TLS, proxy; posts a body, returns the answer.

An answer is read up to a bound, counted as it is unpacked, and a redirect is followed only where it
leads to the same server by the same method: prompts and keys go nowhere else.

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
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp import hdrs

from evolinstruct.errors import InputError, UsageError
from evolinstruct.llm import address
from evolinstruct.llm.openai import chat, embeddings
from evolinstruct.llm.openai.errors import TROUBLE, no_answer

_CONNECT_SECONDS = 20.0
_DNS_SECONDS = 300
_FILE_SECONDS = 3600.0  # of a file's way up or down: it may have 200 MB
_MOST_REDIRECTS = 5
_SAME_METHOD = frozenset({HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
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
        content: the body, unpacked, as far as it was read.
        is_cut: the body is longer than the bound.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    is_cut: bool = False


class RefusedError(Exception):
    """A server sends an error instead of a file.

    Attributes:
        answer: what it sends.
    """

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Transport(Protocol):
    """What carries calls to a server: `Connection`, or the `openai` package."""

    async def post(self, path: str, body: dict[str, object]) -> HttpAnswer:
        """Ask for a completion or a vector, at a path below the base URL.

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

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        proxy: str | None,
        timeout: float,
        most_bytes: int,
    ) -> None:
        """Connect to nothing yet.

        Args:
            base_url: of the service; may hold a user name, a password and a query.
            headers: what every call is signed and sent with.
            proxy: what calls go through, None where nothing is.
            timeout: seconds that an answer may take, to its last byte.
            most_bytes: of an answer's body, unpacked; the rest of a longer one is left unread.

        Raises:
            InputError: the certificates that the environment names cannot be used.
        """
        base = self._base = urlsplit(base_url)
        self._calls = {path: _address(base, path) for path in (chat.PATH, embeddings.PATH)}
        self._models = _address(base, "/models")
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # how many calls are under way is the throttle's business
                ssl=tls() if base.scheme == "https" else True,
                ttl_dns_cache=_DNS_SECONDS,
            ),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            proxy=proxy,
        )

    async def post(self, path: str, body: dict[str, object]) -> HttpAnswer:
        """Ask for a completion or a vector; see :class:`Transport`."""
        return await self._answer(hdrs.METH_POST, self._calls[path], json.dumps(body).encode())

    async def list_models(self) -> HttpAnswer:
        """Ask which models there are."""
        return await self._answer(hdrs.METH_GET, self._models)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        params: Mapping[str, str] = {},
    ) -> HttpAnswer:
        """Ask for anything below the base URL; raises as :meth:`post`."""
        base = self._base
        query = "&".join(filter(None, (base.query, urlencode(params))))
        url = _address(base._replace(query=query), path)
        return await self._answer(method, url, None if body is None else json.dumps(body).encode())

    async def upload(
        self, path: str, fields: Mapping[str, str], name: str, file: Path
    ) -> HttpAnswer:
        """Bring a file to the server, with fields beside it; raises as :meth:`post`."""
        form = aiohttp.MultipartWriter("form-data")
        for field, value in fields.items():
            form.append(value).set_content_disposition("form-data", name=field)
        part = form.append(file.open("rb"), {hdrs.CONTENT_TYPE: "application/jsonl"})
        part.set_content_disposition("form-data", name="file", filename=name)
        headers = {hdrs.CONTENT_TYPE: form.headers[hdrs.CONTENT_TYPE]}
        url = _address(self._base, path)
        try:
            async with (
                asyncio.timeout(_FILE_SECONDS),
                self._session.post(
                    url, data=form, headers=headers, allow_redirects=False
                ) as answer,
            ):
                return HttpAnswer(answer.status, answer.headers, await answer.read())
        except TROUBLE as error:
            raise no_answer(error) from None

    async def send_file(self, path: str, file: BinaryIO) -> HttpAnswer:
        """Send a file as the body of a call; raises as :meth:`post`."""
        url = _address(self._base, path)
        try:
            async with (
                asyncio.timeout(_FILE_SECONDS),
                self._session.post(url, data=file, allow_redirects=False) as answer,
            ):
                return HttpAnswer(answer.status, answer.headers, await answer.read())
        except TROUBLE as error:
            raise no_answer(error) from None

    async def lines(self, path: str) -> AsyncIterator[bytes]:
        """Yield the lines of a file of the server; of one beyond the bound, the beginning.

        Raises:
            RefusedError: the server sends no file.
            NoAnswerError: the file does not come, or not whole.
        """
        url = _address(self._base, path)
        try:
            async with (
                asyncio.timeout(_FILE_SECONDS),
                self._session.get(url, allow_redirects=False) as answer,
            ):
                if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                    content = await answer.content.read(self._most_bytes)
                    raise RefusedError(HttpAnswer(answer.status, answer.headers, content))
                begun = bytearray()
                async for piece in answer.content.iter_any():
                    *whole, rest = piece.split(b"\n")
                    for end in whole:
                        yield bytes(begun + end)
                        begun.clear()
                    begun += rest[: self._most_bytes - len(begun)]
                if begun:
                    yield bytes(begun)
        except TROUBLE as error:
            raise no_answer(error) from None

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _answer(self, method: str, url: str, body: bytes | None = None) -> HttpAnswer:
        try:
            # One bound around the whole call, its body included: a bound for each read would let a
            # server that sends a byte now and then hold the call for ever.
            async with asyncio.timeout(self._timeout):
                answer = await self._sent(method, url, body)
                for _ in range(_MOST_REDIRECTS):
                    if (target := same_server(url, answer.status, answer.headers)) is None:
                        break
                    answer = await self._sent(method, target, body)
                return answer
        except TROUBLE as error:
            raise no_answer(error) from None

    async def _sent(self, method: str, url: str, body: bytes | None) -> HttpAnswer:
        async with self._session.request(method, url, data=body, allow_redirects=False) as answer:
            content = bytearray()
            async for piece in answer.content.iter_any():
                content += piece
                if len(content) > self._most_bytes:
                    break
            is_cut = len(content) > self._most_bytes
            return HttpAnswer(answer.status, answer.headers, bytes(content), is_cut)


def same_server(url: str, status: int, headers: Mapping[str, str]) -> str | None:
    """Return where a redirect leads that may be followed: there the same is asked, of the same."""
    if status not in _SAME_METHOD:
        return None
    target = redirect(url, headers)
    return target if target and _origin(target) == _origin(url) else None


def redirect(url: str, headers: Mapping[str, str]) -> str | None:
    """Return the whole address that an answer names to go on to, None where it names none."""
    try:
        target = urljoin(url, headers.get("location", ""))
        is_whole = urlsplit(target).hostname and urlsplit(target).port != 0
    except ValueError:
        return None
    return target if "location" in headers and is_whole else None


def _origin(url: str) -> tuple[str, str | None, int, str | None]:
    parts = urlsplit(url)
    default = 443 if parts.scheme == "https" else 80
    return parts.scheme, parts.hostname, parts.port or default, parts.username


def _address(base: SplitResult, path: str) -> str:
    """Return the address of a path below the base URL, without its user name and password."""
    host = base.netloc.rpartition("@")[2]
    return base._replace(netloc=host, path=f"{base.path.rstrip('/')}{path}", fragment="").geturl()


def tls() -> ssl.SSLContext:
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
        if folder and not file and not any(map(os.path.isdir, folder.split(os.pathsep))):
            raise NotADirectoryError("no such folder")  # of which OpenSSL says nothing
        return ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    except OSError as error:
        variable = "SSL_CERT_FILE" if file else "SSL_CERT_DIR"
        raise InputError(
            f"The certificates of {named}, which {variable} names, cannot be read"
            f" ({error.strerror or error}); name a file of them in SSL_CERT_FILE."
        ) from error


def proxy_for(url: str, schemes: Collection[str]) -> str | None:
    """Return the proxy that the environment names for a server, looked up once, not for each call.

    Raises:
        UsageError: it is no URL, or its scheme is none of these.
    """
    server = urlsplit(url)
    proxies, host = getproxies(), server.hostname or ""
    proxy = proxies.get(server.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    scheme, _, rest = proxy.partition("://")
    if scheme in schemes and address.is_url(f"http://{rest}"):
        return proxy
    what = "is no URL" if scheme in schemes else f"speaks {scheme}, not HTTP"
    raise UsageError(
        f"The proxy for {host} that the environment names {what}; name one as in"
        f" http://localhost:3128, or add {host} to NO_PROXY."
    )
