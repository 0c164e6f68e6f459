"""The calls that a line took: what was asked, and what came back.

The step of the line is taken again, by the same code as in the run but with the journal as the only
client. So prompts are rendered from the run's own pack, every reply is the line's own, and no call
is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from evolinstruct.analysis.families import FamilyStep
from evolinstruct.analysis.runs import Run
from evolinstruct.contamination import NONE
from evolinstruct.errors import CallError
from evolinstruct.evolution import Evolution
from evolinstruct.llm.base import Client, Reply, Request
from evolinstruct.llm.journal import Journal
from evolinstruct.llm.journal.client import JournalledClient, NoClient, NotInJournalError
from evolinstruct.records import Kept, Member
from evolinstruct.run.forecast import at_once
from evolinstruct.run.plan import weights_in_use
from evolinstruct.run.seed_lines import as_read


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        request: what was asked.
        reply: what came back; None where nothing did.
        trouble: the error that came instead of a reply, as a sentence.
    """

    request: Request
    reply: Reply | None
    trouble: str | None


class Replay:
    """Returns the calls of a run, as its journal has them."""

    def __init__(self, run: Run, journal: Journal) -> None:
        """Read from an open journal."""
        self._recipe = run.state.recipe
        self._told = _Listening(JournalledClient(NoClient(), journal, self._recipe.client))
        weights = weights_in_use(self._recipe, run.pack)
        # The test sets may be gone. Without them, a line that they dropped shows all of its calls.
        against = NONE if self._recipe.against else None
        self._evolution = Evolution(
            self._recipe, run.pack, weights, self._told.complete, against, run.applied_reviews
        )

    def step(self, step: FamilyStep) -> list[Call]:
        """Return the calls of a step in their order, as far as the journal has them."""
        return self._played(step.member, step.line.generation)

    def seed(self, seed: Kept) -> list[Call]:
        """Return the calls for the answer to a seed; none if the seed came with an answer."""
        return self._played(Member(as_read(seed)), 0)

    def around(self, line_id: str) -> Callable[[FamilyStep | Kept], list[Call]]:
        """Return a function for the calls of one line alone, or of the whole family of a seed."""

        def calls(what: FamilyStep | Kept) -> list[Call]:
            line = what.line if isinstance(what, FamilyStep) else what
            if line_id not in (line.id, line.seed_id):
                return []
            return self.step(what) if isinstance(what, FamilyStep) else self.seed(what)

        return calls

    def _played(self, member: Member, generation: int) -> list[Call]:
        self._told.calls.clear()
        with suppress(NotInJournalError):
            at_once(self._evolution.step(generation).take(member))
        return list(self._told.calls)


@contextmanager
def replaying(run: Run) -> Iterator[Replay]:
    """Open a run's journal for reading, while a run may be writing it.

    Raises:
        InputError: the journal is missing or cannot be read, or the run's pack is.
    """
    with closing(Journal(run.journal, only_read=True)) as journal:
        yield Replay(run, journal)


class _Listening:
    """A client that remembers the calls that pass through it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.calls: list[Call] = []

    async def complete(self, request: Request) -> Reply:
        try:
            reply = await self._client.complete(request)
        except CallError as error:
            self.calls.append(Call(request, None, str(error)))
            raise
        self.calls.append(Call(request, reply, None))
        return reply
