"""Batches: notes calls that the journal lacks, sends them in batches, takes in what came of them.

It stands behind the journal where an ordinary run has its clients, and answers nothing: a call is
noted, and whoever asks plays on when the journal has its outcome. The batch book says before
anything is sent which calls go into which batch, so that no kill loses one or has it paid for
twice.
"""

from __future__ import annotations

import asyncio
import marshal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, TypeVar

from evolinstruct.errors import (
    BudgetReached,
    CallFailed,
    CallRejected,
    ServiceRefused,
    ServiceSilent,
    StopRun,
    TryAgain,
)
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.budget import Budget, Spending, most
from evolinstruct.llm.clients import Asked, BatchClient
from evolinstruct.llm.journal import FAILED, REJECTED, Journal, Outcome
from evolinstruct.llm.journal.batch_book import Batched, NotedBatch, Row, custom_id, row
from evolinstruct.llm.journal.client import NotInJournalError, request_key
from evolinstruct.llm.openai.batch_files import BatchFiles
from evolinstruct.llm.openai.batches import Batch, BatchService
from evolinstruct.llm.openai.connection import HttpAnswer
from evolinstruct.llm.prices import cost_of
from evolinstruct.text import counted, listed

ATTEMPTS = 6
"""Answers that were none, after which a call has failed; and how often the service is asked."""
_AT_ONCE = 500  # outcomes in one commit
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds before the service is asked once more

_T = TypeVar("_T")


class Batches:
    """The calls of a run that are answered in batches.

    Attributes:
        missing: calls that the journal lacked since `begin`.
        calls: calls that batches have brought to an end, by purpose.
        forgets: give up batches that their service does not know any more.
    """

    def __init__(
        self,
        clients: dict[Asked, BatchClient],
        budget: Budget,
        journal: Journal,
        name: str,
        folder: Path | None = None,
    ) -> None:
        """Bind the parts.

        Args:
            clients: who is asked for what.
            budget: what may be spent.
            journal: where outcomes go.
            name: that of the client in the journal's keys.
            folder: where batches go as files instead of to their service.
        """
        self._by_asked = clients
        self._by_place = {each.place: each for each in clients.values()}
        self._services = {
            place: each.client.batches() if folder is None else BatchFiles(folder)
            for place, each in self._by_place.items()
        }
        self._budget = budget
        self._journal = journal
        self._book = journal.book
        self._name = name
        self._waiting: dict[str, _Spool] = {}
        self._most = {place: each.terms.requests for place, each in self._services.items()}
        self._full: set[str] = set()
        self._done: dict[int, int] = {}
        self._notices: list[str] = []
        self._error: StopRun | None = None
        self._ended = asyncio.Event()
        self.missing = 0
        self.calls: Counter[str] = Counter()
        self.forgets = False

    # What the journal lacks

    def for_request(self, request: Request) -> Client:  # noqa: ARG002 - it notes all alike
        """Return itself, whatever is asked."""
        return self

    async def complete(self, request: Request) -> Reply:
        """Note a call, unless it is in a batch already.

        Raises:
            NotInJournalError: always.
        """
        self.missing += 1
        key = request_key(self._name, request)
        name = custom_id(key, request.max_tokens)
        known = self._book.find(name)
        if known is None or known.batch is None:
            self._note(name, key, request, known.attempts if known else 0)
        raise NotInJournalError(request.purpose)

    def _note(self, name: str, key: bytes, request: Request, attempts: int) -> None:
        to = self._by_asked[Asked(request.purpose, request.model, request.server)]
        body, sent = to.client.body(request), to.client.parameters(request)
        call = Batched(name, key, request, sent, *most(request), attempts)
        if to.place not in self._waiting:
            self._waiting[to.place] = _Spool()
        self._waiting[to.place].put(row(call), self._services[to.place].line(name, body))

    def begin(self) -> None:
        """Forget what was noted and not sent; whoever still wants it asks again."""
        for spool in self._waiting.values():
            spool.close()
        self._waiting.clear()
        self.missing = 0

    # What is sent

    async def send(self) -> None:
        """Send what is noted, as far as caps and the service have room for it now.

        Raises:
            BudgetReached: a cap leaves no room, and nothing is under way that could leave some.
            StopRun: the service takes no batch, or somebody stopped the run.
        """
        cap, sent = None, Counter[str]()
        for place, spool in self._waiting.items():
            while spool and place not in self._full and cap is None:
                with NamedTemporaryFile(prefix="evolinstruct-", suffix=".jsonl") as file:
                    cut = _Cut(self._budget, spool, file, self._services[place].terms.size)
                    batch = self._book.note(place, cut.rows(self._most[place]))
                    cap = cut.cap
                    if batch is not None:
                        file.flush()
                        await self._bring(batch, Path(file.name))
                        sent += cut.calls
        if sent:
            what = listed([f"{count:,} {purpose}" for purpose, count in sent.items()])
            self._notices.append(f"Sent {counted(sent.total(), 'call')} in batches ({what}).")
        elif cap is not None and not self.under_way:
            raise BudgetReached(cap)

    async def _bring(self, batch: NotedBatch, file: Path) -> None:
        service = self._services[batch.place]
        name = f"evolinstruct-{self._journal.number}-{batch.number}.jsonl"
        try:
            first = next(self._book.calls(batch.number)).custom_id
            source = await self._patiently(lambda: service.upload(file, name, first, batch.size))
        except BaseException:
            self._drop(batch)  # a file that no batch was made of
            raise
        batch = replace(batch, source=source)
        self._book.change(batch)
        await self._make(batch, source, file)

    async def _make(self, batch: NotedBatch, source: str, file: Path | None = None) -> None:
        """Have a batch made of a file, unless that was done and the answer to it was lost.

        Without the file the command has ended that had it, and its answer may have been lost, too.
        """
        service, mark = self._services[batch.place], f"{self._journal.number}-{batch.number}"
        known = {other.id for other in self._book.batches() if other.id}
        is_lost = file is None

        async def made() -> Batch | None:
            nonlocal is_lost
            found = await service.find(source, known) if is_lost else None
            is_lost = True
            if found is None and (file or service.keeps_files):
                found = await service.create(source, mark, file)
            return found

        try:
            found = await self._patiently(made)
        except ServiceRefused:
            self._drop(batch)
            raise
        if found is None:
            self._drop(batch)
        else:
            self._book.change(replace(batch, id=found.id))

    # What has come

    async def open(self) -> None:
        """Find again what an earlier command has sent, and take in what came of it.

        Raises:
            StopRun: as `look`.
        """
        for batch in self._book.batches():
            self._service(batch)
            if batch.source is None:
                self._drop(batch)
            elif batch.id is None:
                await self._make(batch, batch.source)
        self._hold()
        await self.look()

    async def look(self) -> bool:
        """Ask what became of each batch, and take in those that have ended; tell whether any has.

        Raises:
            ServiceRefused: a batch is unknown, was turned down, or none of its calls is taken.
            StopRun: the service stopped answering, or somebody stopped the run.
        """
        ended = False
        for batch in self._book.batches():
            service, name = self._service(batch), batch.id or ""
            found = await self._patiently(lambda s=service, n=name: s.look(n))  # type: ignore[misc]
            if found is None:
                self._give_up(batch)
            elif found.has_ended:
                await self._take_in(batch, found)
            else:
                self._done[batch.number] = found.done
                continue
            ended = True
        return ended

    def _service(self, batch: NotedBatch) -> BatchService:
        if batch.place not in self._services:
            raise ServiceRefused(
                f"{counted(batch.size, 'call')} of this run are in a batch at {batch.place}, which"
                " these settings do not ask; run the command with those of then, or give the"
                " batch up with --forget-batches."
            )
        return self._services[batch.place]

    def _give_up(self, batch: NotedBatch) -> None:
        if not self.forgets:
            raise ServiceRefused(
                f"{batch.place} knows no batch {batch.id}, in which"
                f" {counted(batch.size, 'call')} of this run are: it was sent with another key, or"
                " is gone; sign in as then, or give it up with --forget-batches, which asks and"
                " pays for its calls again."
            )
        self._count_lost(batch)
        self._drop(batch)

    async def _take_in(self, batch: NotedBatch, found: Batch) -> None:
        service = self._services[batch.place]
        taking = _Taking(self._by_place[batch.place], self._budget, self._journal, batch)
        for file in found.results:
            await self._patiently(lambda f=file: taking.read(service, f))  # type: ignore[misc]
        refusal = taking.end()
        self.calls += taking.ended
        lost = self._count_lost(batch) if found.is_complete else 0
        self._drop(batch)
        self._tell(batch, found, taking, lost)
        if found.is_full:
            self._wait_for_room(batch.place, found)
        elif found.trouble and not taking.ended:
            refusal = refusal or ServiceRefused(
                f"{batch.place}: the service turned a batch down ({found.trouble}); correct what"
                " it names, then run the same command again."
            )
        else:
            self._full.discard(batch.place)
        if refusal is not None:
            raise refusal

    def _wait_for_room(self, place: str, found: Batch) -> None:
        """Wait for other batches of the place to end; where there is none, send smaller ones."""
        if any(other.place == place for other in self._book.batches()):
            self._full.add(place)
            return
        self._full.discard(place)
        self._most[place] //= 2
        if not self._most[place]:
            raise ServiceRefused(
                f"{place}: not even one call fits into what may wait there ({found.trouble});"
                " run the same command again when the service has room."
            )

    def _count_lost(self, batch: NotedBatch) -> int:
        """Count calls that may have been billed though nobody has their replies."""
        calls = 0
        for call in self._book.calls(batch.number):
            self._budget.count_unanswered(call.request, call.bound)
            calls += 1
        self._budget.ledger.flush()
        return calls

    def _tell(self, batch: NotedBatch, found: Batch, taking: _Taking, lost: int) -> None:
        if taking.strange:
            self._notices.append(
                f"The batch {found.id} brought {counted(taking.strange, 'line')} of no call that"
                " waits for one; they are left out."
            )
        if lost:
            self._notices.append(
                f"The batch {found.id} ended without a word about {counted(lost, 'call')};"
                " they are asked again."
            )
        if found.has_ended and not found.is_complete and not found.is_full:
            self._notices.append(
                f"The batch {found.id} ended early, with {taking.ended.total():,} of"
                f" {counted(batch.size, 'call')}; the others are asked again."
            )

    def _drop(self, batch: NotedBatch) -> None:
        self._book.end(batch)
        self._done.pop(batch.number, None)
        self._hold()

    def _hold(self) -> None:
        """Set aside the most that calls in batches can take."""
        held = Spending()
        for purpose, model, calls, prompt, completion in self._book.held():
            price = self._budget.batch_price(purpose, model)
            if price is not None:
                price = price.for_prompt(prompt // calls)
            held.add(prompt + completion, cost_of(price, prompt, completion), calls)
        self._budget.hold(held)

    # How it stands

    @property
    def under_way(self) -> int:
        """How many calls are in batches."""
        return sum(calls for _, _, calls, _, _ in self._book.held())

    def words(self) -> str:
        """Say what is under way; empty where nothing is."""
        batches = self._book.batches()
        if not batches:
            return ""
        size, done = sum(batch.size for batch in batches), sum(self._done.values())
        return (
            f"{counted(size, 'call')} in {counted(len(batches), 'batch', 'batches')}, {done:,} done"
        )

    def take_notices(self) -> list[str]:
        """Return what there is to be told since the last time, a sentence each."""
        notices, self._notices = self._notices, []
        return notices

    # The service

    async def _patiently(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Ask once more, a little later, where the service has a passing trouble."""
        seconds = _FIRST_PAUSE
        for attempt in range(1, ATTEMPTS + 1):
            self._check()
            try:
                return await ask()
            except TryAgain as error:
                if attempt == ATTEMPTS:
                    raise ServiceSilent(
                        f"The service takes and brings no batches ({error.message}); what is in"
                        " batches stays there, and the same command goes on."
                    ) from None
                wait = max(seconds, error.retry_after or 0.0)
            await self.pause(min(wait, _LONGEST_PAUSE))
            seconds *= 2
        raise AssertionError

    async def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            StopRun: the run was stopped meanwhile.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return
        self._check()

    def stop(self, error: StopRun) -> None:
        """Ask nothing more."""
        self._error = self._error or error
        self._ended.set()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Let go of files and connections; what is in batches stays there."""
        self.begin()
        for service in self._services.values():
            await service.aclose()


class _Spool:
    """Calls that wait to be sent, on disk: a row of the book and a line of an upload each."""

    def __init__(self) -> None:
        self._file: BinaryIO = TemporaryFile()  # noqa: SIM115 - closed with the spool
        self._end = 0
        self._next: tuple[Row, bytes] | None = None

    def put(self, row: Row, line: bytes) -> None:
        marshal.dump((row, line), self._file)
        self._end = -1

    def __bool__(self) -> bool:
        return self.peek() is not None

    def peek(self) -> tuple[Row, bytes] | None:
        """Return the first that waits; it stays."""
        if self._end < 0:
            self._end = self._file.tell()
            self._file.seek(0)
        if self._next is None and self._file.tell() < self._end:
            self._next = marshal.load(self._file)  # noqa: S302 - our own, of this process
        return self._next

    def pop(self) -> None:
        self._next = None

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class _Cut:
    """The part of a spool that goes into one batch.

    Attributes:
        budget: what may be spent.
        spool: what waits.
        file: where the lines go.
        size: bytes at most.
        calls: what is in it, by purpose.
        cap: what a user is told of the cap that left no room for more, if one did.
    """

    budget: Budget
    spool: _Spool
    file: IO[bytes]
    size: int
    calls: Counter[str] = field(default_factory=Counter)
    cap: str | None = None

    def rows(self, requests: int) -> Iterator[Row]:
        """Yield the rows of so many calls at most, and write their lines."""
        size = 0
        while self.calls.total() < requests and (first := self.spool.peek()) is not None:
            row, line = first
            size += len(line)
            if size > self.size and self.calls:
                return
            purpose, model, prompt, completion = _priced(row)
            cost = cost_of(self.budget.batch_price(purpose, model), prompt, completion)
            self.cap = self.budget.set_aside(prompt + completion, cost)
            if self.cap is not None:
                return
            self.spool.pop()
            self.file.write(line)
            self.calls[purpose] += 1
            yield row


def _priced(row: Row) -> tuple[str, str, int, int]:
    _, _, purpose, model, _, prompt, completion, *_ = row
    return purpose, model, prompt, completion


class _Taking:
    """Takes in what came of the calls of one batch.

    Attributes:
        ended: calls that have an outcome, by purpose.
        strange: lines of no call that waits for one.
    """

    def __init__(
        self, to: BatchClient, budget: Budget, journal: Journal, batch: NotedBatch
    ) -> None:
        self._to = to
        self._budget = budget
        self._journal = journal
        self._number = batch.number
        self._seen: set[str] = set()
        self._outcomes: list[tuple[Batched, Outcome]] = []
        self._again: list[Batched] = []
        self._turned_down: list[tuple[Batched, CallFailed]] = []
        self._refusal: ServiceRefused | None = None
        self.ended: Counter[str] = Counter()
        self.strange = 0

    async def read(self, service: BatchService, file: str) -> None:
        """Take in a file of results; what was taken in before is left out."""
        async with aclosing(service.results(file)) as results:
            async for name, answer in results:
                call = None if name in self._seen else self._journal.book.find(name)
                if call is None or call.batch != self._number:
                    self.strange += name not in self._seen
                    continue
                self._seen.add(name)
                self._see(call, answer)
                if len(self._outcomes) + len(self._again) >= _AT_ONCE:
                    self._store()

    def end(self) -> ServiceRefused | None:
        """Take in the rest; return why no call can succeed, where that is so."""
        names = {failure.error for _, failure in self._turned_down}
        if self._turned_down and not self.ended and len(names) == 1:
            # No call of it was taken: the fault is hardly theirs.
            _, failure = self._turned_down[0]
            what = failure.advice or "correct what it names, then run the same command again"
            self._refusal = self._refusal or ServiceRefused(
                f"{self._to.place}: the service turned every call of a batch down"
                f" ({failure.message}); {what}."
            )
            self._again += [call for call, _ in self._turned_down]
        else:
            for call, failure in self._turned_down:
                self._take(call, Outcome.of_error(FAILED, failure, call.request, call.attempts + 1))
        self._store()
        return self._refusal

    def _see(self, call: Batched, answer: HttpAnswer | None) -> None:
        """Take in one answer; None says that the call was never carried out."""
        if answer is None:
            self._again.append(call)
            return
        came = self._to.client.read_batched(answer, call.request, call.sent)
        if isinstance(came, Reply):
            reply = self._to.intake.reply(came)
            self._budget.count_answered(call.request, reply.usage, call.bound)
            self._take(call, Outcome.of_reply(reply, call.request))
            return
        self._budget.count_unanswered(call.request, None)
        if came is not None:
            self._to.intake.error(came)
        match came:
            case CallRejected():
                self._take(call, Outcome.of_error(REJECTED, came, call.request, 1))
            case CallFailed():
                self._turned_down.append((call, came))
            case TryAgain() if call.attempts + 1 >= ATTEMPTS:
                self._take(call, Outcome.of_error(FAILED, came, call.request, call.attempts + 1))
            case TryAgain():
                self._again.append(replace(call, attempts=call.attempts + 1))
            case ServiceRefused():
                self._refusal = self._refusal or came
                self._again.append(call)
            case _:  # it will be asked otherwise
                self._again.append(call)

    def _take(self, call: Batched, outcome: Outcome) -> None:
        self.ended[call.request.purpose] += 1
        self._outcomes.append((call, outcome))

    def _store(self) -> None:
        # What was spent first: a kill in between counts too much, never too little.
        self._budget.ledger.flush()
        self._journal.take_in(self._outcomes, self._again)
        self._outcomes, self._again = [], []
