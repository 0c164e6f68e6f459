"""The client for any OpenAI-compatible service.

Sends a call once and says how that ended. It sends another time only where the service names a
parameter that its model does not take (see `parameters`); asking again, pacing and counting are
the work of the clients around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from evolinstruct import environment
from evolinstruct.errors import (
    CallError,
    CallFailed,
    CallRejected,
    InputError,
    ServiceRefused,
    TryAgain,
    UsageError,
)
from evolinstruct.llm import address
from evolinstruct.llm.base import ClientOptions, Limits, Reply, Request
from evolinstruct.llm.openai import (
    anthropic_batches,
    chat,
    embeddings,
    errors,
    finish_reasons,
    headers,
    mistral_batches,
)
from evolinstruct.llm.openai.anthropic_batches import AnthropicBatchService
from evolinstruct.llm.openai.batch_files import BatchFiles
from evolinstruct.llm.openai.batches import BatchService, Result
from evolinstruct.llm.openai.connection import (
    Connection,
    HttpAnswer,
    Transport,
    proxy_for,
    redirect,
)
from evolinstruct.llm.openai.errors import ErrorMeaning, NoAnswerError
from evolinstruct.llm.openai.mistral_batches import MistralBatchService
from evolinstruct.llm.openai.parameters import ParameterAdapter, ParameterRefusedError
from evolinstruct.text import shorten

__all__ = ["OpenAIClient"]

_MILLION = 1_000_000
_LONGEST_NAME = 100  # characters of a model's name in a list
_STRANGERS = 3  # answers in a row that no such service gives, from the first on, end the run
_MOST_WORDS = 5  # unknown finish reasons that are told
_ADAPTABLE = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY}
)

_Ending = CallError | ServiceRefused


class OpenAIClient:
    """Asks one server; connections open with the first call and close with :meth:`aclose`.

    Attributes:
        PROXIES: the protocols that a proxy may speak.
        BATCHES: it can have calls answered in batches.
        SERVICE_TIERS: it sends the tier of a request, and says in which one a reply is billed.
        server: the host and port that gets what is asked.
    """

    PROXIES: tuple[str, ...] = ("http", "https")
    SERVICE_TIERS = True
    BATCHES = True

    def __init__(self, options: ClientOptions) -> None:
        """Check the options; connect to nothing yet.

        Raises:
            UsageError: no model is named, or the base URL, a header or the proxy is not one.
            InputError: the key cannot be one, or is missing where the service needs one.
        """
        _check_model(options.model)
        self._url = options.base_url or environment.variable("OPENAI_BASE_URL") or None
        self._home = self._url or errors.HOME
        address.check(self._home)
        self.server = address.server(self._home)
        self._key = options.api_key or None
        self._headers = headers.headers_of(urlsplit(self._home), self._key, options.key_header)
        self._secrets = options.secrets
        self._proxy = proxy_for(self._home, self.PROXIES)
        for url in (self._home, self._proxy or ""):
            self._secrets.add(*address.secrets(url))
        self._secrets.add(self._key, *headers.secrets(self._headers))
        self._timeout = options.timeout
        self._most_bytes = int(options.max_reply_mb * _MILLION)
        self._alone = options.alone
        self._sign_in(options)
        self._connection: Transport | None = None
        self._model = options.model
        self._parameters = ParameterAdapter(options.model, _host(self._url))
        self._unknown_words: set[str] = set()
        self._notices: list[str] = []
        self._reached = False
        self._strangers: int | None = 0  # None: it has given a reply, and is no stranger

    def _sign_in(self, options: ClientOptions) -> None:
        """Check the key."""
        _check_key(self._key, self._url, options.key_variable)

    def _connect(self) -> Transport:
        """Return what carries the calls; called inside the running loop."""
        return self._own_connection(self._headers)

    def _own_connection(self, signed: Mapping[str, str]) -> Connection:
        return Connection(self._home, signed, self._proxy, self._timeout, self._most_bytes)

    async def complete(self, request: Request) -> Reply:
        """Send the request and return the reply.

        Raises:
            TryAgain: a passing trouble, or a reply that cannot be read.
            CallRejected: ``refused_by_service`` or ``too_long``.
            CallFailed: the service does not take this call.
            ServiceRefused: it takes none: the key, the model, the account or the address is wrong.
        """
        asked = _format(request).body(request)
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
            names = chat.model_names(chat.parse(answer.content))
            return [shorten(self._clean(name), _LONGEST_NAME) for name in names]
        except (NoAnswerError, chat.UnreadableError):
            return []

    # In batches

    def batches(self, folder: Path | None) -> BatchService:
        """Return what sends batches to the server, or puts them into a folder."""
        if folder is not None:
            return BatchFiles(folder, self._secrets)
        place = f"{address.bare(self._home)}, model {self._model!r}"
        if _host(self._home).endswith(anthropic_batches.HOST):
            signed = anthropic_batches.headers_of(self._headers, self._key)
            return AnthropicBatchService(
                lambda: self._own_connection(signed), self._home, place, self._secrets
            )
        how = (lambda: self._own_connection(self._headers), self._home, place, self._secrets)
        if _host(self._home).endswith(mistral_batches.HOST):
            return MistralBatchService(*how, model=self._model)
        return BatchService(*how)

    def body(self, request: Request) -> dict[str, object]:
        """Return what is sent for a request, as far as is known by now."""
        return self._parameters.adapt(_format(request).body(request))

    def read_batched(
        self, came: Result, request: Request, sent: dict[str, object]
    ) -> Reply | CallError | ServiceRefused | None:
        """Return how a call in a batch ended; None where the next one will be another.

        Args:
            came: what came of it.
            request: what was asked, without its messages.
            sent: the parameters that were sent.
        """
        answer, asked = HttpAnswer(came.status, {}, b""), request.parameters()
        if came.status >= HTTPStatus.MULTIPLE_CHOICES:
            return self._refused(answer, chat.error_in(came.body), asked, sent, request)
        return self._read(lambda: chat.fields_of(came.body), answer, asked, sent, request)

    def parameters(self, request: Request) -> dict[str, object]:
        """Return the parameters that are sent for a request, as far as is known by now."""
        return self._parameters.adapt(request.parameters())

    def take_notices(self) -> list[str]:
        """Return what was learned since the last time, a sentence each."""
        notices, self._notices = self._notices, []
        return [*self._parameters.take_notices(), *notices]

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connection is not None:
            await self._connection.aclose()

    async def _outcome(self, asked: dict[str, object], request: Request) -> Reply | _Ending | None:
        """Return how one sending ended; None where the next one will be another."""
        body = self._parameters.adapt(asked)
        try:
            answer = await self._connected().post(_format(request).PATH, body)
        except NoAnswerError as error:
            return self._unanswered(error, request)
        self._reached = True
        return self._meant(answer, asked, body, request)

    def _meant(
        self,
        answer: HttpAnswer,
        asked: dict[str, object],
        body: dict[str, object],
        request: Request,
    ) -> Reply | _Ending | None:
        """Return what an answer means; None where a parameter was learned from it."""
        content = self._secrets.hide_in_bytes(answer.content)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            return self._refused(answer, chat.error(content), asked, body, request)
        if answer.is_cut:
            long = f"the answer is longer than {self._most_bytes / _MILLION:g} MB (--max-reply-mb)"
            return self._ending(errors.TOO_LARGE, request, long)
        return self._read(lambda: chat.parse(content), answer, asked, body, request)

    def _read(
        self,
        parse: Callable[[], Mapping[str, object]],
        answer: HttpAnswer,
        asked: dict[str, object],
        sent: dict[str, object],
        request: Request,
    ) -> Reply | _Ending | None:
        """Return what an answer of success holds: a reply, or an error in its place."""
        try:
            found = parse()
            if (trouble := _format(request).trouble(found)) is not None:
                status = chat.status(trouble) or answer.status
                inner = replace(answer, status=status)
                return self._refused(inner, trouble, asked, sent, request)
            return self._reply(found, answer, request)
        except chat.UnreadableError as reason:
            limits = errors.limits(answer.headers)
            meaning = self._unreadable(reason)
            return self._ending(meaning, request, str(reason), answer.status, limits=limits)
        except CallRejected as rejected:
            return rejected

    def _connected(self) -> Transport:
        """Return what carries the calls, made when first needed."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _reply(self, found: Mapping[str, object], answer: HttpAnswer, request: Request) -> Reply:
        """Return the reply in a body; raises as :func:`chat.reply`."""
        self._note_finish(chat.finish_word(found))
        reply = _format(request).reply(found, errors.limits(answer.headers))
        self._strangers = None
        return reply

    def _note_finish(self, word: str) -> None:
        """Tell once how a reply is taken that ends with a word that nobody has heard of."""
        if finish_reasons.is_known(word) or word in self._unknown_words:
            return
        if len(self._unknown_words) < _MOST_WORDS:
            self._unknown_words.add(word)
            self._notices.append(
                f"{self._model} ends a reply with the unknown finish_reason"
                f" {self._clean(word)!r}; such a reply is"
                f" {finish_reasons.finish_of(word).value}."
            )

    def _unreadable(self, reason: chat.UnreadableError) -> ErrorMeaning:
        """Tell a passing trouble from an address where no such service is."""
        if self._strangers is None or not isinstance(reason, chat.StrangerError):
            return errors.UNREADABLE
        self._strangers += 1
        return errors.NO_SUCH_SERVICE if self._strangers >= _STRANGERS else errors.UNREADABLE

    def _refused(
        self,
        answer: HttpAnswer,
        error: object,
        asked: dict[str, object],
        sent: dict[str, object],
        request: Request,
    ) -> _Ending | None:
        """Return what an error in an answer means; None where a parameter was learned from it."""
        status, said = answer.status, chat.said(error)
        if status in _ADAPTABLE and errors.by_code(error) is None:
            try:
                param = chat.param(error)
                if self._parameters.learns(said, param, asked, sent, request.extra):
                    return None
            except ParameterRefusedError as reason:
                return ServiceRefused(f"{self._place(request)}: {reason} ({self._clean(said)}).")
        meaning = errors.by_answer(status, error, answer.headers)
        wait = errors.asked_wait(answer.headers, said)
        limits = errors.limits(answer.headers)
        said = said or f"HTTP status {status}"
        if meaning is errors.MOVED:
            said = f"HTTP status {status} names {self._moved_to(answer, _format(request).PATH)}"
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
        message = self._clean(said)
        name = meaning.name or f"http_{status}"
        if meaning.error is ServiceRefused:
            return ServiceRefused(f"{self._place(request)}: {meaning.advice} ({message}).")
        if meaning.error is TryAgain:
            return TryAgain(name, message, wait, status=status, limits=limits)
        if meaning.error is CallFailed:
            return CallFailed(name, message, 1, meaning.advice)
        return CallRejected(name, f"{meaning.advice} ({message})" if meaning.advice else message)

    def _moved_to(self, answer: HttpAnswer, path: str) -> str:
        """Say which base URL a redirect names, or which address if it is no base URL's."""
        asked = f"{self._home.partition('?')[0].rstrip('/')}{path}"
        target = redirect(asked, answer.headers)
        return address.bare(target).removesuffix(path) if target else "no address"

    def _clean(self, said: str) -> str:
        return chat.clean_message(said, self._secrets)

    def _place(self, request: Request) -> str:
        return f"{address.bare(self._home)}, model {request.model!r}"


class _Format(Protocol):
    """What is said to a service in one kind of call: `chat`, or `embeddings`."""

    PATH: str

    def body(self, request: Request) -> dict[str, object]: ...

    def trouble(self, found: Mapping[str, object]) -> object: ...

    def reply(self, found: Mapping[str, object], limits: Limits | None = None) -> Reply: ...


def _format(request: Request) -> _Format:
    return embeddings if request.wants == "vector" else chat


def _host(url: str | None) -> str:
    return urlsplit(url or errors.HOME).hostname or ""


def _check_model(model: str) -> None:
    if not model:
        raise UsageError(
            "No model is named, and there is no default one; name it with --model NAME,"
            " or one for each purpose, as in --model answer=NAME."
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
