"""What came of a generation so far: counts, shares, and whether something is wrong with them.

Counts lines as they are written and says when a run yields next to nothing. Knows no file and
prints nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from evolinstruct import defaults
from evolinstruct.records import Failed, Line, Rejected


@dataclass(slots=True)
class Counts:
    """The counts of one generation.

    Attributes:
        generation: which one.
        pool: how many instructions it evolves.
        kept: how many evolutions were kept.
        rejected: how many each rule eliminated.
        failed: how many each error ended.
        operations: how often each operation was drawn, failed ones included.
        unclear: how many kept or later rejected lines have an unclear comparison.
        calls: how many calls its lines took, those that the journal spared included.
    """

    generation: int
    pool: int
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
    def kept_share(self) -> float:
        """The share of settled instructions that were kept, 1.0 while there are none."""
        return self.kept / self.finished if self.finished else 1.0

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
        for name in ("rejected", "failed", "operations"):
            values[name] = Counter(values[name])  # type: ignore[call-overload]
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class LowYield:
    """A generation keeps little, or one rule takes a large part of it.

    Attributes:
        generation: which one.
        kept_share: the share kept, of `settled` instructions.
        settled: how many instructions that share is of.
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


class YieldMonitor:
    """Looks at a counts once enough is settled, and once more at the generation's end."""

    def __init__(self, counts: Counts) -> None:
        """Watch one generation."""
        self._tally = counts
        self._said: set[str | None] = set()
        self._examples: dict[str, str] = {}

    def see(self, line: Line) -> LowYield | None:
        """Look at a line that was just counted; say what is wrong, each thing once."""
        if isinstance(line, Rejected):
            self._examples.setdefault(line.rule, _example(line))
        return self._verdict() if self.is_due else None

    @property
    def is_due(self) -> bool:
        """Whether enough is settled to judge by, or all is."""
        return self._tally.finished in (defaults.NOTICE_AFTER, self._tally.pool)

    def _verdict(self) -> LowYield | None:
        counts = self._tally
        rule, count = max(counts.rejected.items(), key=lambda item: item[1], default=(None, 0))
        if counts.failed.total() > count:
            rule, count = None, counts.failed.total()
        share = count / counts.finished
        low = counts.kept_share < defaults.KEPT_NOTICE or (rule and share > defaults.RULE_NOTICE)
        if not low or rule in self._said:
            return None
        self._said.add(rule)
        from evolinstruct.elimination import cause_of  # noqa: PLC0415 - slow for who only reads runs

        return LowYield(
            counts.generation,
            counts.kept_share,
            counts.finished,
            rule,
            share,
            self._examples.get(rule or "", ""),
            cause_of(rule) if rule else "the service fails; see the failed lines",
        )


def _example(line: Rejected) -> str:
    return f"{line.instruction or line.raw or ''} ({line.evidence})"
