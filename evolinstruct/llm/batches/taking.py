"""Taking in: what came of a batch goes into the journal, in any order and each outcome once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace

from evolinstruct.errors import CallFailed, CallRejected, ServiceRefused, TryAgain
from evolinstruct.llm.base import Reply
from evolinstruct.llm.budget import Budget
from evolinstruct.llm.clients import BatchClient
from evolinstruct.llm.journal import FAILED, REJECTED, Journal, Outcome
from evolinstruct.llm.journal.batch_book import Batched, NotedBatch
from evolinstruct.llm.openai.batches import BatchService, Result

ATTEMPTS = 6
"""Answers that were none, after which a call has failed."""
_AT_ONCE = 500  # outcomes in one commit


class Taking:
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
            came: dict[str, Result | None] = {}
            async for name, result in results:
                if name not in self._seen:
                    came.setdefault(name, result)
                if len(came) >= _AT_ONCE:
                    self._see_all(came)
                    came = {}
            self._see_all(came)

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

    def _see_all(self, came: Mapping[str, Result | None]) -> None:
        """Take in what came of calls, by their ids, and store it."""
        calls = self._journal.book.find_all(came)
        for name, result in came.items():
            call = calls.get(name)
            if call is None or call.batch != self._number:
                self.strange += 1
                continue
            self._seen.add(name)
            self._see(call, result)
        self._store()

    def _see(self, call: Batched, result: Result | None) -> None:
        """Take in what came of one call; None says that it was never carried out."""
        if result is None:
            self._again.append(call)
            return
        came = self._to.client.read_batched(result, call.request, call.sent)
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
