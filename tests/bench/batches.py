"""``python -m tests.bench.batches [COUNT]``: what a call in a batch takes beside an ordinary one.

Calls are noted, sent as files and taken in with answers that a model may give, and the same calls
are carried out one by one with the same answers: made, counted, read and stored, but not sent.
What batches add is the difference; what their books take alone is measured, too.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evolinstruct.llm.base import CallContext, CallId, ClientOptions, Reply, Request
from evolinstruct.llm.batches import Batches
from evolinstruct.llm.batches.spool import Spool
from evolinstruct.llm.budget import Budget, BudgetedClient, Caps, most
from evolinstruct.llm.clients import Asked, BatchClient
from evolinstruct.llm.intake import Intake
from evolinstruct.llm.journal import Journal, Outcome
from evolinstruct.llm.journal.batch_book import BatchBook, Batched, custom_id, row
from evolinstruct.llm.journal.client import NotInJournalError, request_key
from evolinstruct.llm.journal.database import open_to_write, transaction
from evolinstruct.llm.openai import OpenAIClient
from evolinstruct.llm.openai.batches import Result
from evolinstruct.llm.secrets import Secrets

CALLS = 20_000
BOUND = 50  # microseconds of CPU
_AT_ONCE = 500
_MODEL = "gpt-4.1-mini"
_KEY = "sk-0123456789abcdefghij"
_TEXT = "The answer has a number of sentences, and each of them says something of its own. " * 12
_SECONDS = 60.0


def requests(count: int) -> list[Request]:
    """Return calls with a prompt of some hundred words."""
    return [
        Request(
            CallId(f"{number:016x}", "answer", 0),
            CallContext(1, "deepen", None, None, ""),
            (("user", f"Question {number}: " + "what is it about this and that? " * 20),),
            _MODEL,
            1.0,
            0.9,
            2048,
            {},
        )
        for number in range(count)
    ]


def completion() -> dict[str, object]:
    """Return what a service answers."""
    message = {"role": "assistant", "content": _TEXT, "refusal": None, "annotations": []}
    usage = {"prompt_tokens": 150, "completion_tokens": 200, "total_tokens": 350}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    about = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": _MODEL}
    return {**about, "choices": [choice], "usage": usage, "service_tier": "default"}


class Parts:
    """A journal, a budget and a client, of a run that never reaches a service."""

    def __init__(self, folder: Path) -> None:
        """Make them in a folder."""
        secrets = Secrets(_KEY)
        options = ClientOptions("http://127.0.0.1:9/v1", _MODEL, _KEY, _SECONDS, secrets=secrets)
        self.client, self.intake = OpenAIClient(options), Intake(secrets)
        self.budget = Budget(Caps(), lambda *_: None)
        self.journal = Journal(folder / "journal.sqlite")
        self.budget.open(folder / "journal.sqlite")


class Clock:
    """Microseconds of CPU for one of many calls, by what is done."""

    def __init__(self, count: int) -> None:
        """Begin with nothing."""
        self._count = count
        self.taken: dict[str, float] = {}

    @contextmanager
    def measuring(self, what: str) -> Iterator[None]:
        """Measure a block."""
        begin = time.process_time()
        yield
        self.taken[what] = (time.process_time() - begin) / self._count * 1e6


async def in_batches(folder: Path, calls: list[Request], clock: Clock) -> None:
    """Have calls answered in batches, as files."""
    parts = Parts(folder)
    to = {Asked("answer", _MODEL): BatchClient("here", parts.client, parts.intake)}
    batches = Batches(to, parts.budget, parts.journal, "openai", folder / "files")
    with clock.measuring("note"):
        for call in calls:
            with suppress(NotInJournalError):
                await batches.complete(call)
    with clock.measuring("send"):
        await batches.send()
    for file in [*(folder / "files").glob("*.jsonl")]:
        answer_all(file)
    with clock.measuring("take in"):
        await batches.look()
    await batches.aclose()
    parts.journal.close()


def answer_all(file: Path) -> None:
    """Write the results of a file of calls beside it."""
    response = {"status_code": 200, "request_id": "1", "body": completion()}
    with file.open("rb") as asked, file.with_suffix(".results.jsonl").open("w") as told:
        for line in asked:
            name = json.loads(line)["custom_id"]
            told.write(json.dumps({"custom_id": name, "response": response, "error": None}) + "\n")


async def one_by_one(folder: Path, calls: list[Request], clock: Clock) -> None:
    """Carry calls out as an ordinary run does, but for sending them."""
    parts = Parts(folder)

    class Within:
        async def complete(self, request: Request) -> Reply:
            body = parts.client.body(request)
            json.dumps(body).encode()
            came = Result(200, json.loads(answer))
            reply = parts.client.read_batched(came, request, body)
            assert isinstance(reply, Reply)
            return reply

        async def aclose(self) -> None: ...

    answer = json.dumps(completion()).encode()
    budgeted = BudgetedClient(Within(), parts.budget, parts.intake)

    async def carry_out(request: Request) -> None:
        key = request_key("openai", request)
        reply = await budgeted.complete(request)
        await parts.journal.store(key, request, Outcome.of_reply(reply, request))

    with clock.measuring("one by one"):
        for begin in range(0, len(calls), _AT_ONCE):
            await asyncio.gather(*map(carry_out, calls[begin : begin + _AT_ONCE]))
    parts.journal.close()


def books(folder: Path, calls: list[Request], clock: Clock) -> None:
    """Keep the books of calls in a batch, and do nothing else."""
    db = open_to_write(folder / "journal.sqlite", must_exist=False)
    book, spool = BatchBook(db, folder / "journal.sqlite"), Spool()
    keys = [request_key("openai", call) for call in calls]
    sent = [call.parameters() for call in calls]
    names: list[str] = []

    def note() -> None:
        for key, call, parameters in zip(keys, calls, sent, strict=True):
            name = custom_id(key, call.max_tokens)
            names.append(name)
            spool.put(row(Batched(name, key, call, parameters, *most(call))), b"")

    def rows() -> Iterator[tuple[object, ...]]:
        while (first := spool.peek()) is not None:
            spool.pop()
            yield first[0]

    def take_in() -> None:
        for begin in range(0, len(names), _AT_ONCE):
            found = book.find_all(names[begin : begin + _AT_ONCE])
            with transaction(db):
                book.apply([*found.values()], [])

    with clock.measuring("books"):
        note()
        book.note("here", rows())
        take_in()
    db.close()


def main() -> None:
    """Measure, and print it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CALLS
    calls, clock = requests(count), Clock(count)
    with tempfile.TemporaryDirectory() as name:
        for part in ("batches", "calls", "books"):
            (Path(name) / part).mkdir()
        asyncio.run(in_batches(Path(name) / "batches", calls, clock))
        asyncio.run(one_by_one(Path(name) / "calls", calls, clock))
        books(Path(name) / "books", calls, clock)
    taken = clock.taken
    whole = taken["note"] + taken["send"] + taken["take in"]
    print(f"{count:,} calls, microseconds of CPU each")  # noqa: T201 - whoever measures reads it
    for what, each in {**taken, "in batches, all": whole}.items():
        print(f"  {what:16} {each:6.1f}")  # noqa: T201
    print(f"  bound of the books: {BOUND}")  # noqa: T201


if __name__ == "__main__":
    main()
