"""Batches in OpenAI's form: a file of calls goes up, a batch is made of it, files of results come.

A service that strays from the form a little is a row of `SERVICES`; one that has a form of its own,
a class beside (`anthropic_batches`, `mistral_batches`).
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Container, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from evolinstruct.errors import ServiceRefused, TryAgain
from evolinstruct.llm.openai import chat, errors
from evolinstruct.llm.openai.connection import Connection, HttpAnswer, RefusedError
from evolinstruct.llm.openai.errors import ErrorMeaning, NoAnswerError
from evolinstruct.llm.secrets import Secrets

_MILLION = 1_000_000
_PAGE = 100
_MOST_PAGES = 20
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_FULL = ("token_limit_exceeded", "enqueued token limit")
_WINDOW = "24h"
_EXPIRED = re.compile("expired|cancel", re.IGNORECASE)
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Terms:
    """What a service takes as a batch.

    Attributes:
        hosts: how the names of its servers end; none for the row of all others.
        requests: calls in a batch at most.
        size: bytes of its file at most.
        url: where a line says that its call goes, and a batch that its calls go.
        upload: where files go, below the base URL.
        purpose: what such a file is for.
        takes_marks: whether a batch may have a mark.
    """

    hosts: tuple[str, ...] = ()
    requests: int = 50_000
    size: int = 200 * _MILLION
    url: str = f"/v1{chat.PATH}"
    upload: str = "/files"
    purpose: str = "batch"
    takes_marks: bool = True


SERVICES = (
    Terms(("api.openai.com",)),
    Terms(("openai.azure.com", "services.ai.azure.com"), url=chat.PATH),
    Terms(("api.groq.com",)),
    Terms(
        ("api.together.xyz", "api.together.ai"),
        size=100 * _MILLION,
        upload="/files/upload",
        purpose="batch-api",
        takes_marks=False,
    ),
    Terms(),
)
"""The first row that a server's name ends as counts."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, as its service tells of it.

    Attributes:
        id: the service's name for it.
        source: the file that it was made of.
        has_ended: nothing more comes of it.
        is_complete: each of its calls was carried out.
        results: the files that hold what came of its calls.
        done: how many of its calls have ended.
        is_full: it was turned down because too many tokens wait at the service already.
        trouble: why it failed as a whole; empty where it did not.
    """

    id: str
    source: str
    has_ended: bool = False
    is_complete: bool = False
    results: tuple[str, ...] = ()
    done: int = 0
    is_full: bool = False
    trouble: str = ""


class Result(NamedTuple):
    """What came of one call of a batch.

    Attributes:
        status: of HTTP, as the service tells it for this call.
        body: parsed, in OpenAI's form.
    """

    status: int
    body: object


class BatchService:
    """Sends batches to one server, and tells what became of them.

    Each method that asks raises TryAgain for a passing trouble, and ServiceRefused where no call of
    the kind can succeed.

    Attributes:
        path: where batches are, below the base URL.
        keeps_files: a batch is made of a file that stays at the service.
        terms: what it takes.
    """

    path = "/batches"
    keeps_files = True

    def __init__(
        self, connect: Callable[[], Connection], home: str, place: str, secrets: Secrets
    ) -> None:
        """Connect to nothing yet.

        Args:
            connect: makes what carries calls, inside the running loop.
            home: the base URL.
            place: names the server in messages.
            secrets: what is hidden in all that the service sends.
        """
        host = urlsplit(home).hostname or ""
        self.terms = next(row for row in SERVICES if not row.hosts or host.endswith(row.hosts))
        self._connect = connect
        self._place = place
        self._secrets = secrets
        self._made: Connection | None = None

    def line(self, custom_id: str, body: Mapping[str, object]) -> bytes:
        """Return the line of a file that asks for one call."""
        about = {"custom_id": custom_id, "method": "POST", "url": self.terms.url, "body": body}
        return json.dumps(about).encode() + b"\n"

    async def upload(self, lines: Path, name: str, first: str, size: int) -> str:  # noqa: ARG002
        """Bring a file of lines to the service; return by what a batch of it is found again.

        Args:
            lines: the file.
            name: what it is called there.
            first: the id of the first call in it.
            size: how many calls are in it.
        """
        fields = {"purpose": self.terms.purpose, "file_name": name, "file_type": "jsonl"}
        named = fields if self.terms.upload != "/files" else {"purpose": self.terms.purpose}
        sending = self._connected.upload(self.terms.upload, named, name, lines)
        return _text(self._found(await self._answered(sending)), "id")

    async def create(self, source: str, mark: str, lines: Path | None) -> Batch:  # noqa: ARG002
        """Make a batch of a file.

        Args:
            source: as `upload` returned it.
            mark: for whoever looks at the service's list of batches.
            lines: the file, None where the command has ended that had it.
        """
        body = {
            "input_file_id": source,
            "endpoint": self.terms.url,
            "completion_window": _WINDOW,
            **({"metadata": {"evolinstruct": mark}} if self.terms.takes_marks else {}),
        }
        return await self._created(body)

    async def _created(self, body: Mapping[str, object]) -> Batch:
        made = await self._answered(self._connected.send("POST", self.path, body=body))
        return self._batch(self._found(made))

    async def find(self, source: str, known: Container[str]) -> Batch | None:  # noqa: ARG002
        """Return the batch that was made of a file, None where there is none.

        Args:
            source: as `upload` returned it.
            known: names of batches that are known to be others.
        """
        async with aclosing(self._listed("after")) as rows:
            async for row in rows:
                if _text(row, "input_file_id") == source:
                    return self._batch(row)
        return None

    async def _listed(self, after: str) -> AsyncGenerator[Mapping[str, object]]:
        """Yield the service's batches, the newest first."""
        last = ""
        for _ in range(_MOST_PAGES):
            params = {"limit": str(_PAGE), **({after: last} if last else {})}
            rows, has_more = await self._page(params)
            for row in rows:
                yield row
                last = _text(row, "id")
            if not rows or not has_more:
                return

    async def _page(self, params: Mapping[str, str]) -> tuple[list[Mapping[str, object]], bool]:
        """Return rows of the service's list of batches, and whether it says that more follow."""
        answer = await self._answered(self._connected.send("GET", self.path, params=params))
        found = _json(answer.content)
        listed = found.get("data") if isinstance(found, dict) else found
        rows: list[Mapping[str, object]] = []
        if isinstance(listed, list):
            rows = [row for row in listed if isinstance(row, dict)]
        return rows, isinstance(found, dict) and bool(found.get("has_more"))

    async def look(self, name: str) -> Batch | None:
        """Return what became of a batch, None where the service knows none of that name."""
        answer = await self._asked(self._connected.send("GET", f"{self.path}/{name}"))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        return self._batch(self._found(self._checked(answer)))

    async def results(self, name: str) -> AsyncGenerator[tuple[str, Result | None]]:
        """Yield from a file of results the id of each call, and what came of it; None for nothing.

        A line that is none is left out: what its call was, nobody can tell.
        """
        try:
            async for line in self._connected.lines(self._path_of(name)):
                if (result := self._result(line)) is not None:
                    yield result
        except NoAnswerError as error:
            raise self._unanswered(error) from None
        except RefusedError as refused:
            self._checked(refused.answer)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._made is not None:
            await self._made.aclose()

    @property
    def _connected(self) -> Connection:
        if self._made is None:
            self._made = self._connect()
        return self._made

    def _path_of(self, results: str) -> str:
        return f"/files/{results}/content"

    def _result(self, line: bytes) -> tuple[str, Result | None] | None:
        """Return the id of a call and what came of it, from a line; None where that is none."""
        found = _json(self._secrets.hide_in_bytes(line))
        if not isinstance(found, dict) or not (custom_id := _text(found, "custom_id")):
            return None
        return custom_id, self._came(found)

    def _came(self, found: Mapping[str, object]) -> Result | None:
        """Return what a line says that came of a call, None where it was not carried out."""
        response, error = found.get("response"), found.get("error")
        if isinstance(response, dict) and isinstance(status := response.get("status_code"), int):
            return Result(status, response.get("body"))
        if not isinstance(error, dict) or _EXPIRED.search(
            f"{error.get('code')} {chat.said(error)}"
        ):
            return None
        # Of a line that has an error and no status, only its words tell what it means.
        return Result(chat.status(error) or 500, found)

    async def _asked(self, sending: Awaitable[HttpAnswer]) -> HttpAnswer:
        try:
            return await sending
        except NoAnswerError as error:
            raise self._unanswered(error) from None

    async def _answered(self, sending: Awaitable[HttpAnswer]) -> HttpAnswer:
        return self._checked(await self._asked(sending))

    def _unanswered(self, error: NoAnswerError) -> TryAgain | ServiceRefused:
        return self._raised(error.meaning, error.said or "no answer in time")

    def _checked(self, answer: HttpAnswer) -> HttpAnswer:
        """Return an answer of success; raise what any other one means."""
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        error = chat.error(answer.content)
        meaning = errors.by_answer(answer.status, error, answer.headers)
        said = chat.said(error) or f"HTTP status {answer.status}"
        raise self._raised(meaning, said, errors.asked_wait(answer.headers, said))

    def _raised(
        self, meaning: ErrorMeaning, said: str, wait: float | None = None
    ) -> TryAgain | ServiceRefused:
        said = self._clean(said)
        if meaning.error is TryAgain:
            return TryAgain(meaning.name or "batch_refused", said, wait)
        advice = meaning.advice or "the service does not take this batch; ask without --batch"
        return ServiceRefused(f"{self._place}: {advice} ({said}).")

    def _clean(self, said: str) -> str:
        return chat.clean_message(said, self._secrets)

    def _found(self, answer: HttpAnswer) -> Mapping[str, object]:
        found = _json(answer.content)
        inner = found.get("job", found) if isinstance(found, dict) else None  # as Together has it
        if not isinstance(inner, dict) or not _text(inner, "id"):
            shown = self._clean(answer.content[:_LONGEST].decode(errors="replace"))
            raise TryAgain("unreadable_reply", f"no file or batch in the answer {shown}")
        return inner

    def _batch(self, found: Mapping[str, object]) -> Batch:
        state = _text(found, "status").lower()
        told = found.get("errors")
        listed = told.get("data") if isinstance(told, dict) else None
        troubles = [each for each in listed or () if isinstance(each, dict)]
        said = chat.said(troubles or found.get("error") or "")
        is_full = any(word in f"{troubles} {said}".lower() for word in _FULL)
        counts = found.get("request_counts")
        counted = (
            [counts.get(name) for name in ("completed", "failed")]
            if isinstance(counts, dict)
            else []
        )
        files = (_text(found, name) for name in ("output_file_id", "error_file_id"))
        return Batch(
            _text(found, "id"),
            _text(found, "input_file_id"),
            has_ended=state in _ENDED,
            is_complete=state == "completed",
            results=tuple(filter(None, files)),
            done=sum(count for count in counted if isinstance(count, int)),
            is_full=state == "failed" and is_full,
            trouble=self._clean(said or "it gives no reason") if state == "failed" else "",
        )


def _text(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
