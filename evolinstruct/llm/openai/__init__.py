"""The client for any OpenAI-compatible service.

Sends a call once and says how that ended. It sends another time only where the service names a
parameter that its model does not take (see `parameters`); asking again, pacing and counting are
the work of the clients around it.
"""

from __future__ import annotations

import json
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
from evolinstruct.llm.openai.connection import Answer, Connection
from evolinstruct.llm.openai.errors import TROUBLE, by_answer, by_trouble, said_by
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
        self._key = options.api_key or None
        self._url = options.base_url or os.environ.get("OPENAI_BASE_URL") or None
        self._alone = options.alone
        _check_url(self._url)
        _check_key(self._key, self._url, options.key_variable)
        self._timeout = options.timeout
        self._connection: Connection | None = None
        self._dialect = ParameterAdapter(
            options.model, urlsplit(self._url or errors.HOME).hostname or ""
        )
        self._reached = False
        self._strangers: int | None = 0  # None: it has given a reply, and is no stranger

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
        except (*TROUBLE, chat.UnreadableError):
            return []

    def parameters(self, request: Request) -> dict[str, object]:
        """Return the parameters that are sent for a request, as far as is known by now."""
        spoken = self._dialect.adapt(chat.body(request))
        return {name: spoken[name] for name in spoken if name not in {"model", "messages"}}

    def take_notices(self) -> list[str]:
        """Return what was learned since the last time, a sentence each."""
        return self._dialect.take_notices()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await self._connection.aclose()

    async def _outcome(self, asked: dict[str, object], request: Request) -> Reply | _Ending | None:
        """Return how one sending ended; None where the next one will be another."""
        body = self._dialect.adapt(asked)
        try:
            answer = await self._connected().post(json.dumps(body).encode())
        except TROUBLE as error:
            return self._unanswered(error, request)
        self._reached = True
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            return self._refused(answer, asked, body, request)
        return self._read(answer, request)

    def _connected(self) -> Connection:
        """Return the connection, made inside the running loop when first needed."""
        if self._connection is None:
            self._connection = Connection(self._url or errors.HOME, self._key, self._timeout)
        return self._connection

    def _read(self, answer: Answer, request: Request) -> Reply | _Ending:
        limits = errors.limits(answer.headers)
        try:
            found = chat.parse(answer.content)
            if said := found.get("error"):
                verdict = errors.by_code(said) or errors.UNREADABLE
                return self._ending(verdict, request, chat.said(said), answer.status, limits=limits)
            reply = chat.reply(found, limits)
        except chat.UnreadableError as reason:
            verdict = self._unreadable(reason)
            return self._ending(verdict, request, str(reason), answer.status, limits=limits)
        except CallRejected as rejected:
            return rejected
        self._strangers = None
        return reply

    def _unreadable(self, reason: chat.UnreadableError) -> errors.ErrorMeaning:
        """Tell a passing trouble from an address where no such service is."""
        if self._strangers is None or not isinstance(reason, chat.StrangerError):
            return errors.UNREADABLE
        self._strangers += 1
        return errors.NO_SUCH_SERVICE if self._strangers >= _STRANGERS else errors.UNREADABLE

    def _refused(
        self,
        answer: Answer,
        asked: dict[str, object],
        sent: dict[str, object],
        request: Request,
    ) -> _Ending | None:
        """Return what an error status means; None where the dialect has learned from it."""
        error = chat.error(answer.content)
        status = answer.status
        verdict = by_answer(status, error)
        if status in _ADAPTABLE and errors.by_code(error) is None:
            try:
                said, param = chat.said(error), chat.param(error)
                if self._dialect.learns(said, param, asked, sent, request.extra):
                    return None
            except ParameterRefusedError as reason:
                words = chat.harmless(said, self._key)
                return ServiceRefused(f"{self._place(request)}: {reason} ({words}).")
        said = chat.said(error) or f"HTTP status {status}"
        wait = errors.retry_after(answer.headers)
        limits = errors.limits(answer.headers)
        return self._ending(verdict, request, said, status, wait=wait, limits=limits)

    def _unanswered(self, error: BaseException, request: Request) -> _Ending:
        """Return what it means that no whole answer came."""
        verdict = by_trouble(error)
        if verdict is errors.UNREACHABLE and not self._reached and self._alone:
            verdict = errors.NO_SERVICE  # from the first call on: waiting will not help
        self._reached = self._reached or verdict not in {errors.NO_SERVICE, errors.UNREACHABLE}
        said = said_by(error) or f"no reply within {self._timeout:g} s"
        return self._ending(verdict, request, said)

    def _ending(
        self,
        verdict: errors.ErrorMeaning,
        request: Request,
        said: str,
        status: int | None = None,
        *,
        wait: float | None = None,
        limits: Limits | None = None,
    ) -> _Ending:
        message = chat.harmless(said, self._key)
        name = verdict.name or f"http_{status}"
        if verdict.error is ServiceRefused:
            return ServiceRefused(f"{self._place(request)}: {verdict.advice} ({message}).")
        if verdict.error is TryAgain:
            return TryAgain(name, message, wait, status=status, limits=limits)
        if verdict.error is CallFailed:
            return CallFailed(name, message, attempts=1)
        return CallRejected(name, message)

    def _place(self, request: Request) -> str:
        return f"{chat.harmless(self._url or errors.HOME, self._key)}, model {request.model!r}"


def _check_model(model: str) -> None:
    if not model:
        raise UsageError(
            "The openai client has no default model; name one with --model NAME, "
            "or one for each purpose, as in --model answer=NAME."
        )


def _check_url(url: str | None) -> None:
    try:
        parts = urlsplit(url or errors.HOME)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise UsageError(
            f"The base URL {chat.harmless(url or '', None)!r} is not one; "
            "write it whole, as in http://localhost:8000/v1."
        )


def _check_key(key: str | None, url: str | None, variable: str | None) -> None:
    if key is None and (url is None or variable is not None):
        raise InputError(
            f"There is no API key for {urlsplit(url or errors.HOME).hostname};"
            f" set {variable or 'OPENAI_API_KEY'}, or name the variable that holds it with"
            " --api-key-env, or name a server that needs none with --base-url."
        )
    if key is not None and not re.fullmatch("[!-~]+", key):
        raise InputError(
            "The API key holds a space, a line break or another character that no key has; "
            "set it again without."
        )
