"""From what goes wrong to what it means: one table, by exception class and by status.

The package's exception classes are the vocabulary, also where its transport is not used: an
answer's status names the class that the package would raise for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import aiohttp
import openai

from evolinstruct.llm import chat, verdicts

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
    # by the transport's class
    TimeoutError: verdicts.TIMEOUT,
    OSError: verdicts.CONNECTION,
    aiohttp.ClientConnectorCertificateError: verdicts.NO_TRUST,
    aiohttp.ClientConnectorSSLError: verdicts.NO_TLS,
    aiohttp.ClientConnectorError: verdicts.UNREACHABLE,
    aiohttp.ClientHttpProxyError: verdicts.UNREACHABLE,
    aiohttp.ConnectionTimeoutError: verdicts.UNREACHABLE,
    aiohttp.ClientPayloadError: verdicts.UNREADABLE,
    aiohttp.ClientResponseError: verdicts.UNREADABLE,
    aiohttp.ServerTimeoutError: verdicts.TIMEOUT,
    aiohttp.ClientError: verdicts.CONNECTION,
}

TROUBLE = (OSError, aiohttp.ClientError)
"""What the transport raises where no answer came."""

_CLASSES: dict[int, type[openai.APIStatusError]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
}


def class_of(status: int) -> type[openai.APIStatusError]:
    """Return the class that the package has for a status of 300 or more."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return openai.InternalServerError
    return _CLASSES.get(status, openai.APIStatusError)


def by_answer(status: int, error: object) -> verdicts.Verdict:
    """Return the verdict of an answer that is no reply: by its code, its wording, its status."""
    return (
        verdicts.by_code(error)
        or verdicts.by_words(chat.said(error), status)
        or TABLE.get(status)
        or TABLE[class_of(status)]
    )


def by_trouble(error: BaseException) -> verdicts.Verdict:
    """Return the verdict of an exception of the transport."""
    return next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), verdicts.CONNECTION)


def said_by(error: BaseException) -> str:
    """Return the words of an exception's deepest cause that has any."""
    return next((text for text in reversed([str(link) for link in _chain(error)]) if text), "")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its causes, the deepest last."""
    while error is not None:
        yield error
        error = error.__cause__
