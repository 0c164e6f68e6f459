"""The client for any OpenAI-compatible service.

The only module that knows the ``openai`` package and the transport beneath it. It sends one
request once and tells how that ended; asking again, pacing and counting are wrappers' work. What
went wrong is told by one table, from the package's exceptions, the status and the service's own
word, to an error of this program.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import aiohttp
import httpx2
import openai

from evolinstruct.errors import (
    CallError,
    CallFailed,
    CallRejected,
    InputError,
    ServiceRefused,
    TryAgain,
    UsageError,
)
from evolinstruct.llm import chat, verdicts
from evolinstruct.llm.base import ClientOptions, Reply, Request

_NO_KEY = "not-needed"  # the package insists on a key, a local server on none
_CONNECT_SECONDS = 20.0
_CONNECTIONS = 65_536  # how many calls are under way is the throttle's business

TABLE: dict[type[BaseException] | int, verdicts.Verdict] = {
    # by status, where the package has no class for it
    402: verdicts.NO_CREDIT,
    408: verdicts.AGAIN,
    413: verdicts.TOO_LONG,
    425: verdicts.AGAIN,
    # by the package's class
    openai.AuthenticationError: verdicts.BAD_KEY,
    openai.OAuthError: verdicts.BAD_KEY,
    openai.PermissionDeniedError: verdicts.NO_ACCESS,
    openai.NotFoundError: verdicts.NO_MODEL,
    openai.ConflictError: verdicts.AGAIN,
    openai.RateLimitError: verdicts.AGAIN,
    openai.InternalServerError: verdicts.AGAIN,
    openai.BadRequestError: verdicts.FAILED,
    openai.UnprocessableEntityError: verdicts.FAILED,
    openai.APIStatusError: verdicts.FAILED,
    openai.APITimeoutError: verdicts.TIMEOUT,
    openai.APIConnectionError: verdicts.CONNECTION,
    openai.APIResponseValidationError: verdicts.UNREADABLE,
    openai.LengthFinishReasonError: verdicts.CLIENT_ERROR,
    openai.ContentFilterFinishReasonError: verdicts.FILTERED,
    openai.InvalidWebhookSignatureError: verdicts.CLIENT_ERROR,
    openai.WebSocketConnectionClosedError: verdicts.CLIENT_ERROR,
    openai.WebSocketQueueFullError: verdicts.CLIENT_ERROR,
    openai.APIError: verdicts.CLIENT_ERROR,
    openai.OpenAIError: verdicts.CLIENT_ERROR,
    # by the transport's class: the package calls a refused connection a timeout, and lets a
    # malformed answer through untranslated
    TimeoutError: verdicts.TIMEOUT,
    httpx2.DecodingError: verdicts.UNREADABLE,
    aiohttp.ClientConnectorError: verdicts.UNREACHABLE,
    aiohttp.ClientPayloadError: verdicts.UNREADABLE,
    aiohttp.ClientResponseError: verdicts.UNREADABLE,
    aiohttp.ServerTimeoutError: verdicts.TIMEOUT,
    aiohttp.ClientError: verdicts.CONNECTION,
}

_TROUBLE = tuple(row for row in TABLE if isinstance(row, type))


class OpenAIClient:
    """Asks one server; connections open with the first call and close with :meth:`aclose`."""

    def __init__(self, options: ClientOptions) -> None:
        """Check the options; connect to nothing yet.

        Raises:
            UsageError: the base URL is not one.
            InputError: the key cannot be one, or is missing where the service needs one.
        """
        self._key = options.api_key or None
        self._url = options.base_url or os.environ.get("OPENAI_BASE_URL") or None
        _check_url(self._url)
        _check_key(self._key, self._url)
        self._timeout = options.timeout
        self._sdk: openai.AsyncOpenAI | None = None
        self._reached = False

    async def complete(self, request: Request) -> Reply:
        """Send the request once and return the reply.

        Raises:
            TryAgain: a passing trouble, or a reply that cannot be read.
            CallRejected: ``refused_by_service`` or ``too_long``.
            CallFailed: the service does not take this call.
            ServiceRefused: it takes none: the key, the model, the account or the address is wrong.
        """
        outcome = await self._outcome(request)
        if isinstance(outcome, Reply):
            return outcome
        raise outcome  # here, where no error of the package, which may quote the key, hangs on

    async def aclose(self) -> None:
        """Close the connections."""
        if self._sdk is not None:
            await self._sdk.close()

    async def _outcome(self, request: Request) -> Reply | CallError | ServiceRefused:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._connected().post(
                    "/chat/completions", body=chat.body(request), cast_to=httpx2.Response
                )
        except _TROUBLE as error:
            return self._translated(error, request)
        self._reached = True
        try:
            found = chat.parse(response.content)
            if said := found.get("error"):
                verdict = verdicts.by_code(said) or verdicts.UNREADABLE
                return self._error(verdict, request, chat.said(said))
            return chat.reply(found)
        except chat.UnreadableError as reason:
            return self._error(verdicts.UNREADABLE, request, str(reason))
        except CallRejected as rejected:
            return rejected

    def _connected(self) -> openai.AsyncOpenAI:
        """Return the package's client, made inside the running loop when first needed."""
        if self._sdk is None:
            # one clock bounds the call, in _outcome: the package's own would bound each read
            timeout = openai.Timeout(None, connect=_CONNECT_SECONDS)
            limits = httpx2.Limits(max_connections=_CONNECTIONS)
            self._sdk = openai.AsyncOpenAI(
                base_url=self._url,
                api_key=self._key or _NO_KEY,
                max_retries=0,
                timeout=timeout,
                http_client=openai.DefaultAioHttpClient(timeout=timeout, limits=limits),
            )
        return self._sdk

    def _translated(self, error: BaseException, request: Request) -> CallError | ServiceRefused:
        """Return what an exception of the package or its transport means here."""
        if isinstance(error, openai.APIStatusError):
            self._reached = True
            wait = verdicts.retry_after(error.response.headers)
            verdict = _by_answer(error)
            said = chat.said(error.body) or f"HTTP status {error.status_code}"
            return self._error(verdict, request, said, error.status_code, wait)
        chain = list(_chain(error))
        verdict = _by_cause(chain)
        if verdict is verdicts.UNREACHABLE and not self._reached:
            verdict = verdicts.NO_SERVICE  # from the first call on: waiting will not help
        self._reached = self._reached or verdict is not verdicts.NO_SERVICE
        texts = [text for link in chain if (text := str(link))]
        said = texts[-1] if texts else f"no reply within {self._timeout:g} s"
        return self._error(verdict, request, said)

    def _error(
        self,
        verdict: verdicts.Verdict,
        request: Request,
        said: str,
        status: int | None = None,
        wait: float | None = None,
    ) -> CallError | ServiceRefused:
        message = chat.harmless(said, self._key)
        name = verdict.name or f"http_{status}"
        if verdict.error is ServiceRefused:
            place = chat.harmless(self._url or "api.openai.com", self._key)
            return ServiceRefused(f"{place}, model {request.model!r}: {verdict.advice} ({message})")
        if verdict.error is TryAgain:
            return TryAgain(name, message, wait)
        if verdict.error is CallFailed:
            return CallFailed(name, message, attempts=1)
        return CallRejected(name, message)


def _by_answer(error: openai.APIStatusError) -> verdicts.Verdict:
    """Return the verdict of an answer that is no reply: by its code, its wording, its status."""
    return (
        verdicts.by_code(error.body)
        or verdicts.by_words(chat.said(error.body), error.status_code)
        or TABLE.get(error.status_code)
        or _row(error)
        or verdicts.FAILED
    )


def _by_cause(chain: list[BaseException]) -> verdicts.Verdict:
    """Return the row of the deepest cause that has one."""
    rows = [row for link in chain if (row := _row(link))]
    return rows[-1] if rows else verdicts.CLIENT_ERROR


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes, the deepest last."""
    while error is not None:
        yield error
        error = error.__cause__


def _row(error: BaseException) -> verdicts.Verdict | None:
    return next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)


def _check_url(url: str | None) -> None:
    try:
        parts = urlsplit(url or "https://api.openai.com")
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise UsageError(
            f"the base URL {chat.harmless(url or '', None)!r} is not one; "
            "write it whole, as in http://localhost:8000/v1"
        )


def _check_key(key: str | None, url: str | None) -> None:
    if key is None and url is None:
        raise InputError(
            "no API key for api.openai.com; set OPENAI_API_KEY, "
            "or name a server that needs none by its base URL"
        )
    if key is not None and not re.fullmatch("[!-~]+", key):
        raise InputError(
            "the API key holds a space, a line break or another character that no key has; "
            "set it again without"
        )
