"""Embedding by a service: each text is a call through a session, a stage like scoring.

embed.sqlite keeps the outcome of every call, beside the vectors that were read out of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from evolinstruct.diversity import store
from evolinstruct.diversity.embedding import read_vector
from evolinstruct.errors import CallError, InputError, Interrupted, told
from evolinstruct.llm.base import CallContext, CallId, Request
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.clients import with_client
from evolinstruct.run.session import INTERRUPTED, Session
from evolinstruct.run.stage import Stage
from evolinstruct.run.summary import now
from evolinstruct.run_dir.stage_files import StageDir
from evolinstruct.settings import Settings
from evolinstruct.text import counted

PURPOSE = "embed"
"""What the calls are made for."""

_CHARACTERS_PER_TOKEN = 4
_TOLD = 3
"""So many kinds of failure are told, the most frequent ones."""


class ServiceEmbedder:
    """Asks a service for the vectors of texts; replies that the journal has are free."""

    def __init__(self, settings: Settings, folder: Path, say: Callable[[str], None]) -> None:
        """Say who answers, and check the folder; nothing is written yet.

        Args:
            settings: the model, the server, and how calls are carried out.
            folder: where the journal is.
            say: called with sentences on calls that failed, and on the client.

        Raises:
            UsageError: there is neither a client nor a service, or a setting is wrong.
            InputError: the folder cannot be used.
        """
        settings = with_client(settings)
        self._recipe = settings.recipe
        self.allows = settings.execution.allows
        self._say = say
        self._model = self._recipe.setting("model", PURPOSE) or ""
        self._extra = self._recipe.parameters(PURPOSE)
        named = [self._model, *(f"{name}={value}" for name, value in sorted(self._extra.items()))]
        self.model = f"{self._recipe.client}: {', '.join(named)}"
        self._dir = StageDir(folder, PURPOSE, store.NAME)
        self._dir.check_place()
        self._session = Session(settings, [PURPOSE], self._dir, self._dir.state())
        self._started = now()
        self._length: int | None = None
        self._failures: Counter[str] = Counter()

    @property
    def spent(self) -> Spending:
        """What was ever spent in the folder."""
        return self._session.spent

    def receivers(self) -> dict[str, list[str]]:
        """Return what the servers would get texts for, by their hosts."""
        return self._session.receivers()

    def takes(self, texts: Mapping[bytes, str]) -> tuple[int, int, Decimal | None]:
        """Return the calls, the tokens and the dollars that texts are likely to take."""
        tokens = sum(map(len, texts.values())) // _CHARACTERS_PER_TOKEN
        price = self._session.tariff.price(PURPOSE, self._model)
        return len(texts), tokens, None if price is None else price.cost(tokens, 0)

    def interrupt(self) -> None:
        """Stop for a person who asked for it; asked twice, at once."""
        self._session.interrupt()

    async def vectors(
        self, texts: Mapping[bytes, str]
    ) -> AsyncGenerator[tuple[bytes, bytes | None]]:
        """Yield the digest and the vector of each text, in their order; None for a failed call.

        Raises:
            StopRun: the service refuses all calls or a cap is reached; what came so far is kept.
            InputError: a reply is no vector, or another command uses the folder.
        """
        for notice in self._session.notices:
            self._say(notice)
        status, exit_code = "done", 0
        async with self._session as session:
            try:
                stage = Stage(self._asked, session.ahead)
                session.work = stage
                session.go_on()  # a stop that came before the stage was known to the session
                async with aclosing(stage.results(iter(texts.items()))) as results:
                    async for found in results:
                        yield found
            except BaseException as error:
                ending = told(error if isinstance(error, Exception) else Interrupted(INTERRUPTED))
                status, exit_code = str(ending), ending.exit_code
                raise
            finally:
                self._tell()
                self._save(status, exit_code)

    async def _asked(self, item: tuple[bytes, str]) -> tuple[bytes, bytes | None]:
        digest, text = item
        request = Request(
            CallId(digest.hex(), PURPOSE),
            CallContext(0, None, None, None, text),
            (("user", text),),
            self._model,
            extra=self._extra,
            wants="vector",
        )
        try:
            reply = await self._session.ask(request)
        except CallError as error:
            self._failures[f"{error.error}: {error.message}"] += 1
            return digest, None
        return digest, self._read(reply.text)

    def _read(self, reply: str) -> bytes:
        try:
            vector = read_vector(reply)
        except ValueError as error:
            raise InputError(
                f"{self.model} answers with no vector; name a model that embeds with --embed."
            ) from error
        if self._length not in {None, len(vector)}:
            raise InputError(
                f"{self.model} answers with vectors of {self._length} and of {len(vector)} numbers,"
                " which cannot be compared; name another model with --embed."
            )
        self._length = len(vector)
        return vector

    def _tell(self) -> None:
        for notice in self._session.take_notices():
            self._say(notice)
        for said, count in self._failures.most_common(_TOLD):
            self._say(f"{counted(count, 'text')} got no vector ({said}).")

    def _save(self, status: str, exit_code: int) -> None:
        """Write what was asked, and how it went."""
        session = self._session
        usage = session.account()
        self._dir.save_state(
            {
                "status": status,
                "exit_code": exit_code,
                "started": self._started,
                "ended": now(),
                "model": self.model,
                "failed": dict(self._failures),
                "replayed": session.replayed.total(),
                "spent": session.spent.to_json(),
                "recipe": self._recipe.model_dump(),
                "journal": session.journal.number,
                "usage": [account.to_json() for account in usage],
            }
        )


def with_model(settings: Settings, model: str) -> Settings:
    """Return settings in which a model embeds."""
    recipe = settings.recipe.model_copy(update={"model": {PURPOSE: model}})
    return replace(settings, recipe=recipe)
