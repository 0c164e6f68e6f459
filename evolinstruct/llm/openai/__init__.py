"""The client for any OpenAI-compatible service.

Sends a call once and says how that ended. It sends another time only where the service names a
parameter that its model does not take (see `parameters`); asking again, pacing and counting are
the work of the clients around it.
"""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from evolinstruct.errors import (
    CallError,
    CallFailed,
    CallRejected,
    InputError,
    ServiceRefused,
    TryAgain,
    UsageError,
)
from evolinstruct.llm.base import ClientOptions, Limits, Reply, Request
from evolinstruct.llm.openai import chat, errors
from evolinstruct.llm.openai.connection import Connection, HttpAnswer, Transport
from evolinstruct.llm.openai.errors import ErrorMeaning, NoAnswerError
from evolinstruct.llm.openai.parameters import ParameterAdapter, ParameterRefusedError

__all__ = ["OpenAIClient"]

_STRANGERS = 3  # answers in a row that no such service gives, from the first on, end the run
_ADAPTABLE = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})

_Ending = CallError | ServiceRefused


class OpenAIClient:
    """Asks one server; connections open with the first call and close with :meth:`aclose`."""

    def __init__(self, options: ClientOptions) -> None:
        """Check the options; connect to nothing yet.

        Raises:
            UsageError: no model is named, or the base URL is not one.
            InputError: the key cannot be one, or is missing where the service needs one.
        """
        _check_model(options.model)
        self._url = options.base_url or os.environ.get("OPENAI_BASE_URL") or None
        _check_url(self._url)
        self._key = options.api_key or None
        self._timeout = options.timeout
        self._alone = options.alone
        self._sign_in(options)
        self._connection: Transport | None = None
        self._parameters = ParameterAdapter(options.model, _host(self._url))
        self._reached = False
        self._strangers: int | None = 0  # None: it has given a reply, and is no stranger

    def _sign_in(self, options: ClientOptions) -> None:
        """Check the key."""
        _check_key(self._key, self._url, options.key_variable)

    def _connect(self) -> Transport:
        """Return what carries the calls; called inside the running loop."""
        return Connection(self._url or errors.HOME, self._key, self._timeout)

    async def complete(self, request: Request) -> Reply:
        """Send the request and return the reply.

        Raises:
            TryAgain: a passing trouble, or a reply that cannot be read.
            CallRejected: ``refused_by_service`` or ``too_long``.
            CallFailed: the service does not take this call.
            ServiceRefused: it takes none: the key, the model, the account or the address is wrong.
        """
        asked = chat.body(request)
        outcome: Reply | _Ending | None = None
        while outcome is None:
            outcome = await self._outcome(asked, request)
        if isinstance(outcome, Reply):
            return outcome
        raise outcome  # here, where no error of the transport, which may hold the key, hangs on

    async def models(self) -> list[str]:
        """Return the names of the models that the service lists; empty where it lists none."""
        try:
            answer = await self._connected().list_models()
            return chat.model_names(chat.parse(answer.content))
        except (NoAnswerError, chat.UnreadableError):
            return []

    def parameters(self, request: Request) -> dict[str, object]:
        """Return the parameters that are sent for a request, as far as is known by now."""
        return self._parameters.adapt(request.parameters())

    def take_notices(self) -> list[str]:
        """Return what was learned since the last time, a sentence each."""
        return self._parameters.take_notices()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await self._connection.aclose()

    async def _outcome(self, asked: dict[str, object], request: Request) -> Reply | _Ending | None:
        """Return how one sending ended; None where the next one will be another."""
        body = self._parameters.adapt(asked)
        try:
            answer = await self._connected().post(body)
        except NoAnswerError as error:
            return self._unanswered(error, request)
        self._reached = True
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            return self._refused(answer, asked, body, request)
        return self._read(answer, request)

    def _connected(self) -> Transport:
        """Return what carries the calls, made when first needed."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _read(self, answer: HttpAnswer, request: Request) -> Reply | _Ending:
        limits = errors.limits(answer.headers)
        try:
            found = chat.parse(answer.content)
            if said := found.get("error"):
                meaning = errors.by_code(said) or errors.UNREADABLE
                return self._ending(meaning, request, chat.said(said), answer.status, limits=limits)
            reply = chat.reply(found, limits)
        except chat.UnreadableError as reason:
            meaning = self._unreadable(reason)
            return self._ending(meaning, request, str(reason), answer.status, limits=limits)
        except CallRejected as rejected:
            return rejected
        self._strangers = None
        return reply

    def _unreadable(self, reason: chat.UnreadableError) -> ErrorMeaning:
        """Tell a passing trouble from an address where no such service is."""
        if self._strangers is None or not isinstance(reason, chat.StrangerError):
            return errors.UNREADABLE
        self._strangers += 1
        return errors.NO_SUCH_SERVICE if self._strangers >= _STRANGERS else errors.UNREADABLE

    def _refused(
        self,
        answer: HttpAnswer,
        asked: dict[str, object],
        sent: dict[str, object],
        request: Request,
    ) -> _Ending | None:
        """Return what an error status means; None where a parameter was learned from it."""
        error = chat.error(answer.content)
        status = answer.status
        meaning = errors.by_answer(status, error)
        if status in _ADAPTABLE and errors.by_code(error) is None:
            try:
                said, param = chat.said(error), chat.param(error)
                if self._parameters.learns(said, param, asked, sent, request.extra):
                    return None
            except ParameterRefusedError as reason:
                words = chat.clean_message(said, self._key)
                return ServiceRefused(f"{self._place(request)}: {reason} ({words}).")
        said = chat.said(error) or f"HTTP status {status}"
        wait = errors.retry_after(answer.headers)
        limits = errors.limits(answer.headers)
        return self._ending(meaning, request, said, status, wait=wait, limits=limits)

    def _unanswered(self, error: NoAnswerError, request: Request) -> _Ending:
        """Return what it means that no whole answer came."""
        meaning = error.meaning
        if meaning is errors.UNREACHABLE and not self._reached and self._alone:
            meaning = errors.NO_SERVICE  # from the first call on: waiting will not help
        self._reached = self._reached or meaning not in {errors.NO_SERVICE, errors.UNREACHABLE}
        return self._ending(meaning, request, error.said or f"no reply within {self._timeout:g} s")

    def _ending(
        self,
        meaning: ErrorMeaning,
        request: Request,
        said: str,
        status: int | None = None,
        *,
        wait: float | None = None,
        limits: Limits | None = None,
    ) -> _Ending:
        message = chat.clean_message(said, self._key)
        name = meaning.name or f"http_{status}"
        if meaning.error is ServiceRefused:
            return ServiceRefused(f"{self._place(request)}: {meaning.advice} ({message}).")
        if meaning.error is TryAgain:
            return TryAgain(name, message, wait, status=status, limits=limits)
        if meaning.error is CallFailed:
            return CallFailed(name, message, attempts=1)
        return CallRejected(name, message)

    def _place(self, request: Request) -> str:
        return f"{chat.clean_message(self._url or errors.HOME, self._key)}, model {request.model!r}"


def _host(url: str | None) -> str:
    return urlsplit(url or errors.HOME).hostname or ""


def _check_model(model: str) -> None:
    if not model:
        raise UsageError(
            "No model is named, and there is no default one; name it with --model NAME,"
            " or one for each purpose, as in --model answer=NAME."
        )


def _check_url(url: str | None) -> None:
    try:
        parts = urlsplit(url or errors.HOME)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise UsageError(
            f"The base URL {chat.clean_message(url or '', None)!r} is not one; "
            "write it whole, as in http://localhost:8000/v1."
        )


def _check_key(key: str | None, url: str | None, variable: str | None) -> None:
    if key is None and (url is None or variable is not None):
        raise InputError(
            f"There is no API key for {_host(url)};"
            f" set {variable or 'OPENAI_API_KEY'}, or name the variable that holds it with"
            " --api-key-env, or name a server that needs none with --base-url."
        )
    if key is not None and not re.fullmatch("[!-~]+", key):
        raise InputError(
            "The API key holds a space, a line break or another character that no key has; "
            "set it again without."
        )
