"""Embedding by a service: each text is a call through a session, journalled like any other."""

from __future__ import annotations

import asyncio
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from evolinstruct.diversity.store import digest_of
from evolinstruct.diversity.vectors import quantised
from evolinstruct.errors import CallError, InputError
from evolinstruct.llm.base import CallContext, CallId, Reply, Request, decode_vector
from evolinstruct.llm.clients import with_client
from evolinstruct.run.session import Session
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.settings import Settings
from evolinstruct.text import counted

PURPOSE = "embed"
"""What the calls are made for."""

_AT_ONCE = 2_048
_FOUR_BYTES = "<f4"
_TOLD = 3
"""So many kinds of failure are told, the most frequent ones."""


class ServiceEmbedder:
    """Asks a service for the vectors of texts; replies that the folder's journal has are free."""

    def __init__(self, settings: Settings, folder: Path, say: Callable[[str], None]) -> None:
        """Say who answers; nothing is opened yet.

        Args:
            settings: the model, the server, and how calls are carried out.
            folder: where the journal is.
            say: called with sentences on calls that failed, and on the client.

        Raises:
            UsageError: there is neither a client nor a service.
        """
        self._settings = with_client(settings)
        self._folder = folder
        self._say = say
        recipe = self._settings.recipe
        self._model = recipe.setting("model", PURPOSE) or ""
        self._extra = recipe.parameters(PURPOSE)
        named = [self._model, *(f"{name}={value}" for name, value in sorted(self._extra.items()))]
        self.model = f"{recipe.client}: {', '.join(named)}"
        self._length: int | None = None
        self._failures: Counter[str] = Counter()

    def embed(self, texts: Sequence[str]) -> Iterator[Sequence[bytes | None]]:
        """Yield the vectors of texts, in their order, some at a time; None for a call that failed.

        Raises:
            StopRun: the service refuses all calls or a cap is reached; what came so far is kept.
            InputError: a reply is no vector, or another command uses the folder.
        """
        session = Session(self._settings, [PURPOSE], RunDir(self._folder))
        for notice in session.notices:
            self._say(notice)
        with asyncio.Runner() as runner:
            runner.run(session.__aenter__())
            try:
                for start in range(0, len(texts), _AT_ONCE):
                    part = texts[start : start + _AT_ONCE]
                    yield runner.run(self._asked(session, part))
            finally:
                self._tell_failures()
                runner.run(session.__aexit__(None, None, None))

    async def _asked(self, session: Session, texts: Sequence[str]) -> list[bytes | None]:
        calls = [asyncio.ensure_future(self._vector(session, text)) for text in texts]
        try:
            found = await asyncio.gather(*calls)
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        for notice in session.take_notices():
            self._say(notice)
        return found

    async def _vector(self, session: Session, text: str) -> bytes | None:
        context = CallContext(0, None, None, None, text)
        call_id = CallId(digest_of(text).hex(), PURPOSE)
        request = Request(
            call_id, context, (("user", text),), self._model, extra=self._extra, wants="vector"
        )
        try:
            reply = await session.ask(request)
        except CallError as error:
            self._failures[f"{error.error}: {error.message}"] += 1
            return None
        return self._read(reply)

    def _tell_failures(self) -> None:
        for said, count in self._failures.most_common(_TOLD):
            self._say(f"{counted(count, 'text')} got no vector ({said}).")

    def _read(self, reply: Reply) -> bytes:
        try:
            found = np.frombuffer(decode_vector(reply.text), _FOUR_BYTES)
        except (NotBase64, ValueError) as error:
            raise InputError(
                f"{self.model} answers with no vector; name a model that embeds with --embed."
            ) from error
        if self._length not in {None, len(found)}:
            raise InputError(
                f"{self.model} answers with vectors of {self._length} and of {len(found)} numbers,"
                " which cannot be compared; name another model with --embed."
            )
        self._length = len(found)
        vector: bytes = quantised(found[None, :]).tobytes()
        return vector


def with_model(settings: Settings, model: str) -> Settings:
    """Return settings in which a model embeds."""
    recipe = settings.recipe.model_copy(update={"model": {PURPOSE: model}})
    return replace(settings, recipe=recipe)
