"""Session: an opened run directory through which one may ask, journalled, budgeted and counted.

Everything that asks a model does it through one. A session holds the lock, the journal, the
account of what was spent and the clients, and leaves them true however it ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from evolinstruct.errors import FilesGone, InputError, Interrupted, StopRun
from evolinstruct.llm.base import Reply, Request
from evolinstruct.llm.batches import Batches
from evolinstruct.llm.budget import Spending
from evolinstruct.llm.clients import Asked, Clients, Endpoint
from evolinstruct.llm.journal import Journal
from evolinstruct.llm.journal.client import JournalledClient, NoClient
from evolinstruct.llm.throttle import Sending
from evolinstruct.llm.usage import Account
from evolinstruct.run_dir.owned import OwnedDir
from evolinstruct.settings import Settings
from evolinstruct.text import counted

INTERRUPTED = "Interrupted; the same command goes on where it stopped."
_LOOK_EVERY = 1.0
"""Seconds between looks at whether the files of the directory are still there."""


class Work(Protocol):
    """What goes on in a session and can be ended."""

    def stop(self, error: StopRun) -> None:
        """Begin nothing more; give what is under way a few seconds."""

    def abandon(self) -> None:
        """End what is under way at once."""


class Session:
    """A run directory that one may ask through while it is open: ``async with``.

    Attributes:
        work: what goes on in it, to be ended when the session is stopped.
        batches: where calls go that are answered in batches, while the session is open; None where
            they are asked one by one.
        tariff: what calls cost.
        notices: what to know about the clients, a sentence each.
    """

    def __init__(
        self,
        settings: Settings,
        purposes: Iterable[str | Asked],
        directory: OwnedDir | None = None,
        state: Mapping[str, Any] | None = None,
        known: Path | None = None,
    ) -> None:
        """Make the clients; nothing is opened, written or connected yet.

        Args:
            settings: who answers, and how calls are carried out.
            purposes: what calls are made for, or whom to ask for it.
            directory: the run directory; without one there is no journal, nothing is written, and
                each server is asked for itself.
            state: what run.json said when the caller looked: if it says something else by the
                time the session opens, another command has changed the run.
            known: a journal whose outcomes are not asked again; nothing is written to it.

        Raises:
            UsageError: the client is unknown, or lacks a setting.
            InputError: a key is missing.
        """
        self._directory = directory
        self._state = state or {}
        self._clients = Clients(
            settings.recipe, settings.execution, purposes, alone=directory is None
        )
        self._client_name = settings.recipe.client
        execution = settings.execution
        self._in_batches = self._clients.batch_clients(execution) if execution.in_batches else None
        self._batch_files = Path(execution.batch_files) if execution.batch_files else None
        self.batches: Batches | None = None
        self._journal: Journal | None = None
        self._known_in = known
        self._known: Journal | None = None
        self._client: JournalledClient | None = None
        self._stopped: StopRun | None = None
        self._watching: asyncio.Task[None] | None = None
        self.work: Work | None = None
        self.tariff = self._clients.tariff
        self.notices = self._clients.notices

    async def __aenter__(self) -> Session:
        """Become the directory's one writer, and open its journal and account.

        Raises:
            InputError: another command writes the directory or has changed it, or the journal
                cannot be used or is that of another run.
            UsageError: money is capped, and a price is unknown.
        """
        if self._directory is not None:
            self._directory.open()
            try:
                self._open(self._directory)
            except BaseException:
                await self._close()
                raise
            self._watching = asyncio.create_task(self._watch(self._directory))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    def _open(self, directory: OwnedDir) -> None:
        # Under the lock, because only now nobody else can change it any more.
        if directory.state() != self._state:
            raise InputError(
                f"Another command has changed {directory.path} while this one looked at the seeds;"
                " run the same command again."
            )
        self._journal = Journal(directory.journal, must_exist=bool(self._state))
        if self._state.get("journal", self._journal.number) != self._journal.number:
            raise InputError(
                f"The journal {directory.journal} is that of another run;"
                " restore the file from a copy, then run the same command again."
            )
        if self._known_in is not None:
            self._known = Journal(self._known_in, only_read=True)
        self._clients.budget.open(directory.journal)
        self._client = JournalledClient(
            self._clients, self._journal, self._client_name, self._known
        )
        if self._in_batches is not None:
            self.batches = Batches(
                self._in_batches,
                self._clients.budget,
                self._journal,
                self._client_name,
                self._batch_files,
            )
            self._client = JournalledClient(NoClient(), self._journal, self._client_name)
        elif batches := self._journal.book.batches():
            calls = counted(sum(batch.size for batch in batches), "call")
            raise InputError(
                f"{calls} of {directory.path} are in batches at the service; add --batch, which"
                " takes them in, so that they are not paid for twice."
            )

    async def _watch(self, directory: OwnedDir) -> None:
        """Stop as soon as the lock or the journal is gone: what is paid for then would be lost."""
        try:
            while True:
                await asyncio.sleep(_LOOK_EVERY)
                directory.check_intact()
        except FilesGone as error:
            self.stop(error)

    async def _close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        try:
            # Clients first: a call that is still on its way back is accounted for.
            if self._client is not None:
                await self._client.aclose()
            if self.batches is not None:
                await self.batches.aclose()
            await self._clients.aclose()
            self._clients.budget.ledger.close()
        finally:  # the account may not be written on a full disk; the lock is let go all the same
            for journal in (self._known, self._journal):
                if journal is not None:
                    journal.close()
            if self._directory is not None:
                self._directory.close()

    # Asking

    async def ask(self, request: Request) -> Reply:
        """Return the reply to a request, from the journal if it is there.

        Raises:
            CallError: this call has no reply.
            StopRun: no further call can have one.
        """
        client = self._client or self._clients.for_request(request)
        return await client.complete(request)

    async def recall(self, request: Request) -> Reply:
        """Return the journal's reply to a request; nothing is asked.

        Raises:
            CallError: this call has no reply.
            NotInJournalError: the journal does not know the call.
        """
        recalling = JournalledClient(NoClient(), self.journal, self._client_name)
        return await recalling.complete(request)

    async def note(self, request: Request) -> Reply:
        """Return the journal's reply to a request, or note it for the next batch.

        Raises:
            CallError: this call has no reply.
            NotInJournalError: it is noted, or under way.
        """
        assert self.batches is not None, "calls are not in batches"  # noqa: S101
        return await JournalledClient(self.batches, self.journal, self._client_name).complete(
            request
        )

    async def prefetch(self, request: Request) -> Reply:
        """Return the reply to a request that the run may need later, marked as prefetched.

        Raises:
            CallError: it has none, which is in the journal.
            NotPrefetchedError: it has none so far.
        """
        assert self._client is not None, "the session is not open"  # noqa: S101
        return await self._client.prefetch(request)

    @property
    def room(self) -> int:
        """How many calls may be prefetched on top of those under way."""
        return self._clients.room

    def on_room(self, look: Callable[[], None]) -> None:
        """Have a function called whenever more calls may be prefetched than before."""
        self._clients.on_room(look)

    def endpoints(self) -> list[Endpoint]:
        """Return each server and model in use by itself: nothing is journalled or asked again."""
        return self._clients.endpoints()

    def receivers(self) -> dict[str, list[str]]:
        """Return what each server would get texts for, by its host; empty for what has no name."""
        return self._clients.receivers()

    def sending(self) -> Sending:
        """Return what all servers together are doing."""
        sending = self._clients.sending()
        return replace(sending, batches=self.batches.words()) if self.batches else sending

    @property
    def ahead(self) -> int:
        """How many items to have under way, so that calls wait to be sent at any time."""
        return self._clients.ahead

    def take_notices(self) -> list[str]:
        """Return what was learned about models since the last time, a sentence each."""
        notices = self._clients.take_notices()
        return notices + self.batches.take_notices() if self.batches else notices

    # What was asked

    @property
    def journal(self) -> Journal:
        """The journal of the directory, while the session is open."""
        assert self._journal is not None, "the session is not open"  # noqa: S101
        return self._journal

    @property
    def calls(self) -> Counter[str]:
        """How many calls were made, by purpose."""
        if self.batches is not None:
            return self.batches.calls
        return self._client.calls if self._client else Counter()

    @property
    def replayed(self) -> Counter[str]:
        """How many calls the journal spared, by purpose."""
        return self._client.replayed if self._client else Counter()

    @property
    def used(self) -> Counter[int]:
        """How many calls the lines of each generation took, wherever they were answered."""
        return self._client.used if self._client else Counter()

    @property
    def in_vain(self) -> int:
        """How many calls were ever prefetched in the directory and are used by no line so far."""
        return self._journal.unused() if self._journal else 0

    @property
    def spent(self) -> Spending:
        """What was ever spent in the directory."""
        return self._clients.budget.spent

    def replies(self) -> Counter[str]:
        """Return how many replies ever came in the directory, by purpose."""
        found = Counter[str]()
        for account in self._clients.budget.ledger.accounts():
            found[account.purpose] += account.replies
        return found

    def account(self) -> list[Account]:
        """Return what was ever spent, by generation, operation, purpose and model; and write it.

        Raises:
            InputError: it cannot be written.
        """
        ledger = self._clients.budget.ledger
        ledger.flush()
        return ledger.accounts()

    # Ending early

    def stop(self, error: StopRun) -> None:
        """Send nothing more; calls under way get a few seconds."""
        if self._stopped is None:
            self._stopped = error
            self._clients.stop(error)
            if self.batches is not None:
                self.batches.stop(error)
            if self.work is not None:
                self.work.stop(error)

    def interrupt(self) -> None:
        """Stop for a person who asked for it; asked twice, at once."""
        if isinstance(self._stopped, Interrupted) and self.work is not None:
            self.work.abandon()
        self.stop(Interrupted(INTERRUPTED))

    def go_on(self) -> None:
        """Raise what the session was stopped with, if it was.

        Raises:
            StopRun: it was.
        """
        if self._stopped is not None:
            raise self._stopped
