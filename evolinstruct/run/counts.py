"""Counts: how many instructions were kept, rejected by each rule, or failed; warns of low yield."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from evolinstruct import defaults
from evolinstruct.records import Failed, Line, Rejected
from evolinstruct.text import counted, one_line, shorten

_EXAMPLE = 200  # characters of a rejected instruction that are shown
_COUNTERS = ("rejected", "failed", "operations")


@dataclass(slots=True)
class Counts:
    """How the instructions of a generation, an operation or a whole run have ended.

    Attributes:
        generation: which one; 0 for the seeds, and for several generations together.
        pool: how many instructions were to be evolved; of the seeds, how many there are.
        kept: how many evolutions were kept.
        rejected: how many each rule eliminated.
        failed: how many each error ended.
        operations: how often each operation was drawn, failed ones included.
        unclear: how many of the kept and rejected have an unclear comparison.
        calls: how many calls the lines of a run took, including those that the journal spared.
    """

    generation: int = 0
    pool: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    unclear: int = 0
    calls: int = 0

    @property
    def finished(self) -> int:
        """How many instructions have ended as a line."""
        return self.kept + self.rejected.total() + self.failed.total()

    @property
    def kept_share(self) -> float | None:
        """The share of the finished that was kept; None while nothing is finished."""
        return self.share(self.kept)

    def share(self, count: int) -> float | None:
        """Return which share of the finished so many are; None while nothing is finished."""
        return count / self.finished if self.finished else None

    def add(self, line: Line) -> None:
        """Count a line."""
        if line.operation:
            self.operations[line.operation] += 1
        if isinstance(line, Failed):
            self.failed[line.error] += 1
            return
        if line.compared == "unclear":
            self.unclear += 1
        if isinstance(line, Rejected):
            self.rejected[line.rule] += 1
        else:
            self.kept += 1

    def include(self, other: Counts) -> None:
        """Add other counts to these."""
        for name in ("pool", "kept", "unclear", "calls"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))

    def to_json(self) -> dict[str, object]:
        """Return the counts as plain data, in a fixed order."""
        return {
            "generation": self.generation,
            "pool": self.pool,
            "kept": self.kept,
            "rejected": dict(sorted(self.rejected.items())),
            "failed": dict(sorted(self.failed.items())),
            "operations": dict(sorted(self.operations.items())),
            "unclear": self.unclear,
            "calls": self.calls,
        }

    @classmethod
    def from_json(cls, counts: dict[str, object]) -> Counts:
        """Read back what `to_json` gave."""
        values: dict[str, object] = dict(counts)
        for name in _COUNTERS:
            values[name] = Counter(values[name])  # type: ignore[call-overload]
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LowYield:
    """A generation keeps little, or one rule eliminates a large part of it.

    Attributes:
        generation: which one.
        kept_share: the share that was kept.
        finished: how many instructions had ended by then.
        rule: the rule that eliminates most; None where failures outweigh every rule.
        rule_share: its share.
        example: an instruction that it eliminated, with the evidence.
        cause: the usual cause, and what to look at.
    """

    generation: int
    kept_share: float
    finished: int
    rule: str | None
    rule_share: float
    example: str
    cause: str

    def sentences(self) -> list[str]:
        """Return it in sentences: how little is kept, what takes most, the usual cause."""
        lost = (
            f"{self.rule_share:.0%} were rejected by {self.rule}, such as:"
            f" {shorten(one_line(self.example), _EXAMPLE)}"
            if self.rule
            else f"{self.rule_share:.0%} got no answer from the service."
        )
        return [
            f"{self.kept_share:.0%} of the first {counted(self.finished, 'instruction')}"
            f" of generation {self.generation} were kept.",
            lost,
            f"Usual cause: {self.cause}.",
        ]


class YieldMonitor:
    """Warns of low yield once enough instructions have ended, and again at the generation's end.

    Each cause is told once in a run; of fewer than 20 instructions, nothing is said.
    """

    def __init__(self, counts: Counts, said: set[str | None]) -> None:
        """Watch the counts of one generation; `said` has the causes that were told before it."""
        self._counts = counts
        self._said = said
        self._examples: dict[str, str] = {}

    def see(self, line: Line) -> LowYield | None:
        """Look at a line that was just counted; return a warning, each one once."""
        if isinstance(line, Rejected):
            self._examples.setdefault(line.rule, _example(line))
        is_told = self.is_due and self._counts.finished >= defaults.NOTICE_LEAST
        return self._warning() if is_told else None

    @property
    def is_due(self) -> bool:
        """Whether enough instructions have ended to judge by, or all have."""
        return self._counts.finished in (defaults.NOTICE_AFTER, self._counts.pool)

    def _warning(self) -> LowYield | None:
        counts = self._counts
        rule, count = max(counts.rejected.items(), key=lambda item: item[1], default=(None, 0))
        if counts.failed.total() > count:
            rule, count = None, counts.failed.total()
        kept, lost = counts.kept / counts.finished, count / counts.finished
        low = kept < defaults.KEPT_NOTICE or (rule and lost > defaults.RULE_NOTICE)
        if not low or rule in self._said:
            return None
        self._said.add(rule)
        from evolinstruct.elimination import cause_of  # noqa: PLC0415 - slow for who only reads runs

        return LowYield(
            counts.generation,
            kept,
            counts.finished,
            rule,
            lost,
            self._examples.get(rule or "", ""),
            cause_of(rule) if rule else "the service fails; see the failed lines",
        )


def _example(line: Rejected) -> str:
    return f"{line.instruction or line.raw or ''} ({line.evidence})"
