"""Events: what a run tells while it goes on, in the order in which things happen.

The pipeline yields them; the console or a script reads them. `LowYield` (see `counts`) is one too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from evolinstruct import text
from evolinstruct.records import Line
from evolinstruct.run.counts import Counts, LowYield

if TYPE_CHECKING:
    from evolinstruct.llm.throttle import Sending


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the user: what was found, what is added, what to know about a client.

    Attributes:
        text: the sentence.
        is_loss: whether it tells that something was lost, which is said even with ``--quiet``.
    """

    text: str
    is_loss: bool = False


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far a run is, all of its commands together.

    Attributes:
        replies: replies that have come, by purpose.
        likely: calls that the run is likely to take in all.
        kept: evolved instructions that are kept.
        tokens: tokens spent.
        cost: the same in dollars, None where a price is unknown.
    """

    replies: Counter[str] = field(default_factory=Counter)
    likely: int = 0
    kept: int = 0
    tokens: int = 0
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class GenerationStarted:
    """A generation begins; the counts grow as its lines are finished.

    Attributes:
        counts: its counts.
        generations: how many there will be.
        sending: tells at any time how calls are being sent.
        so_far: tells at any time how far the run is.
    """

    counts: Counts
    generations: int
    sending: Callable[[], Sending] | None = None
    so_far: Callable[[], SoFar] = SoFar


@dataclass(frozen=True, slots=True)
class LineWritten:
    """An instruction has ended as a line, and the line is written.

    Attributes:
        line: the line.
        calls: how many calls have been made so far.
        replayed: how many were found in the journal instead.
        tokens: how many tokens were ever spent in the run directory.
        cost: the same in dollars, None where a price is unknown.
    """

    line: Line
    calls: int
    replayed: int
    tokens: int = 0
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class GenerationEnded:
    """A generation is complete; `is_new` is False where an earlier run had finished it."""

    counts: Counts
    is_new: bool

    @property
    def anew(self) -> bool:
        """The name that `is_new` had until 0.2; goes with 0.3."""
        return self.is_new

    @property
    def tally(self) -> Counts:
        """The name that `counts` had until 0.2; goes with 0.3."""
        return self.counts


@dataclass(frozen=True, slots=True)
class Finished:
    """All generations are complete; the data set is in place unless answers are off."""

    dataset_lines: int | None


counted = text.counted  # its name until 0.1, which users' scripts import

Event = Notice | GenerationStarted | LineWritten | GenerationEnded | LowYield | Finished

Said, Settled = Notice, LineWritten
"""The names that these two had until 0.2; they go with 0.3."""
