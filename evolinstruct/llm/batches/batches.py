"""Batches: notes calls that the journal lacks, sends them in batches, takes in what came of them.

It stands behind the journal where an ordinary run has its clients, and answers nothing: a call is
noted, and whoever asks plays on when the journal has its outcome. The batch book says before
anything is sent which calls go into which batch, so that no kill loses one or has it paid for
twice.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

from evolinstruct.errors import (
    BudgetReached,
    ServiceRefused,
    ServiceSilent,
    StopRun,
    TryAgain,
)
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.batches.spool import Cut, Spool
from evolinstruct.llm.batches.taking import ATTEMPTS, Taking
from evolinstruct.llm.budget import Budget, Spending, most
from evolinstruct.llm.clients import Asked, BatchClient
from evolinstruct.llm.journal import Journal
from evolinstruct.llm.journal.batch_book import Batched, NotedBatch, custom_id, row
from evolinstruct.llm.journal.client import NotInJournalError, request_key
from evolinstruct.llm.openai.batches import Batch, BatchService
from evolinstruct.llm.prices import cost_of
from evolinstruct.text import counted, listed

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
            place: each.client.batches(folder) for place, each in self._by_place.items()
        }
        self._budget = budget
        self._journal = journal
        self._book = journal.book
        self._name = name
        self._waiting: dict[str, Spool] = {}
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
            self._waiting[to.place] = Spool()
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
                    cut = Cut(self._budget, spool, file, self._services[place].terms.size)
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
        taking = Taking(self._by_place[batch.place], self._budget, self._journal, batch)
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

    def _tell(self, batch: NotedBatch, found: Batch, taking: Taking, lost: int) -> None:
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
