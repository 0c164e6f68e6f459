"""The client `openai-sdk`: calls go out through the `openai` package itself.

For its ways of signing in, its proxies and its Azure class. It is slower than the client `openai`:
a second of CPU more at the start, and 3 to 10 ms instead of 0.4 for each call. How replies and
errors are read is shared with that client; the package's own retries are off.

    export AZURE_OPENAI_ENDPOINT=https://NAME.openai.azure.com OPENAI_API_VERSION=2024-10-21
    export AZURE_OPENAI_API_KEY=…           # or AZURE_OPENAI_AD_TOKEN
    evolinstruct evolve seeds.jsonl -o run --client openai-sdk --model DEPLOYMENT

Another way of signing in is a class of your own, named by ``--client module:Class``, that overrides
:meth:`OpenAISdkClient.package`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai

from evolinstruct.errors import InputError, ServiceRefused
from evolinstruct.llm.base import ClientOptions
from evolinstruct.llm.openai import OpenAIClient, embeddings, errors, headers
from evolinstruct.llm.openai.connection import HttpAnswer, same_server, tls
from evolinstruct.llm.openai.errors import ErrorMeaning, NoAnswerError
from evolinstruct.llm.openai.headers import NO_KEY
from evolinstruct.llm.secrets import Secrets

_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")

NO_SIGN_IN = ErrorMeaning(
    ServiceRefused, advice="the package openai cannot send it; change what its words name"
)

TABLE: dict[type[BaseException], ErrorMeaning] = {
    # of the transport, where the package gives them as causes
    ssl.SSLCertVerificationError: errors.NO_TRUST,
    ssl.SSLError: errors.NO_TLS,
    httpx2.ConnectError: errors.UNREACHABLE,
    httpx2.ConnectTimeout: errors.UNREACHABLE,
    httpx2.ProxyError: errors.UNREACHABLE,
    httpx2.DecodingError: errors.UNREADABLE,
    httpx2.RemoteProtocolError: errors.UNREADABLE,
    TimeoutError: errors.TIMEOUT,
    # of the package; an error with a status is judged as any answer of that status
    openai.APITimeoutError: errors.TIMEOUT,
    openai.APIConnectionError: errors.CONNECTION,
    openai.APIResponseValidationError: errors.UNREADABLE,
    openai.ContentFilterFinishReasonError: errors.FILTERED,
    openai.LengthFinishReasonError: errors.CLIENT_ERROR,
    openai.InvalidWebhookSignatureError: errors.CLIENT_ERROR,
    openai.WebSocketConnectionClosedError: errors.CLIENT_ERROR,
    openai.WebSocketQueueFullError: errors.CLIENT_ERROR,
    openai.APIError: errors.CLIENT_ERROR,
    openai.OpenAIError: NO_SIGN_IN,
}
"""What it means that no answer came; the deepest of an error's causes that is here counts."""

_LOCATION, _CUT = "evolinstruct.location", "evolinstruct.cut"
_TROUBLE = (openai.OpenAIError, httpx2.HTTPError, TimeoutError)


class OpenAISdkClient(OpenAIClient):
    """Asks one server through the package `openai`."""

    BATCHES = False  # its ways of signing in are not those of a connection of our own
    PROXIES = (*OpenAIClient.PROXIES, "socks5", "socks5h")

    def __init__(self, options: ClientOptions) -> None:
        """Check the options, and make the package's client; connect to nothing yet.

        Raises:
            UsageError: no model is named, or the base URL is not one.
            InputError: the package lacks something to sign in with, or the environment names a
                file or folder that holds no certificates.
        """
        url = options.base_url or os.environ.get("AZURE_OPENAI_ENDPOINT")
        super().__init__(replace(options, base_url=url))

    def package(self, options: ClientOptions) -> openai.AsyncOpenAI:
        """Return the package's client that calls go through; override it to sign in otherwise.

        The Azure class is used for the endpoint in AZURE_OPENAI_ENDPOINT, and for an Azure host
        without a path where OPENAI_API_VERSION is set. Its key is that of ``--api-key-env``, else
        what the package finds in its variables for Azure, because the key in OPENAI_API_KEY is
        meant for another service.
        """
        url = options.base_url
        settings: dict[str, Any] = {"timeout": options.timeout, "max_retries": 0}
        if url and _is_azure(url):
            named = options.api_key if options.key_variable else None
            return openai.AsyncAzureOpenAI(azure_endpoint=url, api_key=named, **settings)
        super()._sign_in(options)
        return openai.AsyncOpenAI(base_url=url, api_key=options.api_key or NO_KEY, **settings)

    def _sign_in(self, options: ClientOptions) -> None:
        tls()  # the package says of a variable that is wrong only that there is no such file
        try:
            self._package = self.package(options)
        except (openai.OpenAIError, httpx2.InvalidURL, ValueError, ImportError) as error:
            raise InputError(
                f"The package openai cannot be used as it is set up ({self._clean(str(error))});"
                " set what it names."
            ) from None
        self._secrets.add(self._package.api_key)

    def _connect(self) -> _Package:
        return _Package(self._package, self._secrets, self._timeout, self._most_bytes)


class _Package:
    """The package's client as a transport: a body out, status, headers and content back."""

    def __init__(
        self, package: openai.AsyncOpenAI, secrets: Secrets, timeout: float, most_bytes: int
    ) -> None:
        self._package = package
        self._secrets = secrets
        self._timeout = timeout
        self._most_bytes = most_bytes
        # The one place where a client that somebody else has made can be told what to do with an
        # answer before it reads the body or follows a redirect.
        package._client.event_hooks["response"].append(self._receive)

    async def post(self, path: str, body: dict[str, object]) -> HttpAnswer:
        named: dict[str, Any] = {
            name: body[name] for name in ("model", "messages", "input") if name in body
        }
        others = {name: value for name, value in body.items() if name not in named}
        if path == embeddings.PATH:
            asking = self._package.embeddings.with_raw_response
            named["encoding_format"] = "float"  # else the package asks for another one
            return await self._answer(asking.create(**named, extra_body=others))
        completions = self._package.chat.completions.with_raw_response
        return await self._answer(completions.create(**named, extra_body=others))

    async def list_models(self) -> HttpAnswer:
        return await self._answer(self._package.models.with_raw_response.list())

    async def aclose(self) -> None:
        await self._package.close()

    async def _answer(self, sending: Awaitable[Any]) -> HttpAnswer:
        try:
            async with asyncio.timeout(self._timeout):
                response = (await sending).http_response
        except openai.APIStatusError as error:
            response = error.response
        except _TROUBLE as error:
            raise NoAnswerError(_meaning(error), errors.words_of(error)) from None
        found = response.extensions.get(_LOCATION)
        named = {**response.headers, "location": found} if found else response.headers
        is_cut = bool(response.extensions.get(_CUT))
        return HttpAnswer(response.status_code, named, response.content, is_cut)

    async def _receive(self, response: httpx2.Response) -> None:
        """Read a body up to the bound, and follow no redirect to another server."""
        request = response.request
        self._secrets.add(*headers.secrets(request.headers))  # a token may be new with each call
        if not same_server(str(request.url), response.status_code, response.headers):
            response.extensions[_LOCATION] = response.headers.pop("location", None)
        content, is_cut = await self._unpacked(response)
        response.extensions[_CUT] = is_cut
        response.headers.pop("content-encoding", None)
        response.stream = type(response)(response.status_code, content=content).stream

    async def _unpacked(self, response: httpx2.Response) -> tuple[bytes, bool]:
        """Return a body as far as the bound, and whether it goes on."""
        # Read by another response, because this one is read by the package, and can be only once.
        reader = type(response)(
            response.status_code, headers=response.headers, stream=response.stream
        )
        content = bytearray()
        try:
            async for piece in reader.aiter_bytes():
                content += piece
                if len(content) > self._most_bytes:
                    break
        finally:
            await reader.aclose()
        return bytes(content), len(content) > self._most_bytes


def _is_azure(url: str) -> bool:
    if url == os.environ.get("AZURE_OPENAI_ENDPOINT"):
        return True
    parts = urlsplit(url)
    is_bare = parts.path in {"", "/"}  # under /openai/v1 Azure takes what any such service takes
    is_host = (parts.hostname or "").endswith(_AZURE_HOSTS)
    return is_bare and is_host and "OPENAI_API_VERSION" in os.environ


def _meaning(error: BaseException) -> ErrorMeaning:
    kinds = [kind for link in errors.causes(error) for kind in type(link).__mro__ if kind in TABLE]
    return TABLE[kinds[0]] if kinds else errors.CONNECTION
