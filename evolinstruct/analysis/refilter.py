"""Applies another set of rules to a run, without a call.

Tells which kept lines the rules would drop and which rejected lines they would let through, and
writes the data set without the dropped lines. What follows from a line that is let through (its
comparison, its answer, its descendants) takes calls; `evolve --update` makes them. Families are
streamed; the ids of dropped lines are held on disk.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeGuard

from evolinstruct.analysis.families import Family
from evolinstruct.analysis.runs import Run
from evolinstruct.atomic_write import replaced
from evolinstruct.elimination import (
    COMPARISON,
    POOL_RULES,
    RULES,
    Answer,
    Objection,
    Rewrite,
    RuleSet,
)
from evolinstruct.errors import InputError, RuleFailed
from evolinstruct.gate import open_gate
from evolinstruct.records import Kept, Line, Rejected
from evolinstruct.run.retries import purpose

CASCADE = "descends_from_dropped"
_EXAMPLES = 3
_ID = re.compile(rb'\{"id":\s*"([^"]*)"')
RefilterOutcome = Literal["dropped", "let_through", "unjudged"]


@dataclass(frozen=True, slots=True)
class RefilterChange:
    """A line that the rules would treat differently.

    Attributes:
        outcome: a kept line is dropped, a rejected one is let through, or a rule raised an error.
        line: the line.
        rule: the rule that drops it, had dropped it, or raised the error.
        evidence: what that rule sees, or saw.
    """

    outcome: RefilterOutcome
    line: Kept | Rejected
    rule: str
    evidence: str

    @property
    def has_answer(self) -> bool:
        """Whether the line holds an answer already."""
        return self.line.output is not None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "id": self.line.id,
            "generation": self.line.generation,
            "operation": self.line.operation,
            "change": self.outcome,
            "rule": self.rule,
            "evidence": self.evidence,
            "has_answer": self.has_answer,
        }


@dataclass(slots=True)
class RefilterResult:
    """What the rules would change in a run.

    Attributes:
        kept: how many kept lines were looked at, without the seeds.
        rejected: how many rejected lines were looked at.
        dropped: how many kept lines each rule would drop.
        let_through: how many rejected lines would be let through, by the rule that dropped them.
        unanswered: how many of those have no answer.
        unjudged: how many lines each rule raised an error for.
        examples: some changes of each outcome and rule.
        written: how many lines the new data set has; None where none was asked for.
    """

    kept: int = 0
    rejected: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    let_through: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    unjudged: Counter[str] = field(default_factory=Counter)
    examples: dict[tuple[RefilterOutcome, str], list[RefilterChange]] = field(default_factory=dict)
    written: int | None = None

    def see(self, change: RefilterChange) -> None:
        """Count a change."""
        counts = {
            "dropped": self.dropped,
            "let_through": self.let_through,
            "unjudged": self.unjudged,
        }
        counts[change.outcome][change.rule] += 1
        if change.outcome == "let_through" and not change.has_answer:
            self.unanswered += 1
        found = self.examples.setdefault((change.outcome, change.rule), [])
        if len(found) < _EXAMPLES:
            found.append(change)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain data, in a fixed order."""
        return {
            "kept": self.kept,
            "rejected": self.rejected,
            "dropped": dict(sorted(self.dropped.items())),
            "let_through": dict(sorted(self.let_through.items())),
            "let_through_without_answer": self.unanswered,
            "unjudged": dict(sorted(self.unjudged.items())),
            "written": self.written,
        }


class Refilter:
    """A run, and the rules to apply to it."""

    def __init__(self, run: Run, rules: RuleSet, *, compare: bool, cascade: bool = False) -> None:
        """Bind the parts.

        Args:
            run: a run; it may still be going on.
            rules: the rules to judge by.
            compare: whether the rule that takes a call is on; no call is made for it here.
            cascade: drop the descendants of a dropped line too.
        """
        self._run = run
        self._rules = rules
        self._compare = compare
        self._cascade = cascade
        self._pack = run.pack
        self._kinds = {operation.name: operation.kind for operation in self._pack.operations}
        self._reviews = run.applied_reviews
        self._at_gate: dict[str, Objection] = {}

    def changes(self, found: RefilterResult) -> Iterator[RefilterChange]:
        """Yield what would change, family by family, and count it.

        Raises:
            InputError: a file or a line of the run cannot be read.
        """
        self._at_gate = dict(self._dropped_at_gate())
        for family in self._run.families():
            for change in self._in_family(family, found):
                found.see(change)
                yield change

    def _dropped_at_gate(self) -> Iterator[tuple[str, Objection]]:
        """Yield each line that the rules for the whole pool drop, with the objection.

        They see every line that the run's other rules let through.
        """
        gate = open_gate(None, self._rules.described(), self._pack.skips)
        if gate is None:
            return
        with closing(gate):
            for number in self._run.generations:
                gate.begin(number, made_from="")
                for family in self._run.families(number):
                    if number == 0:
                        gate.look(family.seed)
                    for line in (step.line for step in family.steps):
                        if _reached_gate(line) and (objection := gate.find_objection(line)):
                            yield line.id, objection
                gate.end()

    def _in_family(self, family: Family, found: RefilterResult) -> Iterator[RefilterChange]:
        gone: set[str] = set()
        for step in family.steps:
            line = step.line
            if isinstance(line, Kept):
                found.kept += 1
                change = self._dropped(step.parent, line)
                if change is None and self._cascade and line.parent_id in gone:
                    change = RefilterChange("dropped", line, CASCADE, f"from {line.parent_id}")
                if change is not None and change.outcome == "dropped":
                    gone.add(line.id)
            elif isinstance(line, Rejected):
                found.rejected += 1
                change = self._let_through(step.parent, line)
            else:
                continue
            if change is not None:
                yield change

    def _dropped(self, parent: Kept, line: Kept) -> RefilterChange | None:
        try:
            objection = self._objection(parent, line)
        except RuleFailed as failure:
            return RefilterChange("unjudged", line, failure.rule, str(failure))
        if objection is None:
            return None
        return RefilterChange("dropped", line, objection.rule, objection.evidence)

    def _let_through(self, parent: Kept, line: Rejected) -> RefilterChange | None:
        """Return the change if no rule that looks at its texts objects to a rejected line."""
        stage = RULES[line.rule].stage if line.rule in RULES else None
        if stage in {"service", "review"} or (line.rule == COMPARISON and self._compare):
            return None
        try:
            objection = self._objection(parent, line)
        except RuleFailed as failure:
            return RefilterChange("unjudged", line, failure.rule, str(failure))
        return None if objection else RefilterChange("let_through", line, line.rule, line.evidence)

    def _objection(self, parent: Kept, line: Kept | Rejected) -> Objection | None:
        kind = self._kinds.get(line.operation or "")
        skips = self._pack.skips(line.operation)
        edit = self._reviews.edit(line)  # rules judge what models write, not people
        objection = None
        if edit is None:
            rewrite = Rewrite.of(parent, line, kind, self._pack.markers, self._pack.texts)
            objection = self._rules.find_objection(rewrite, skips)
        objection = objection or self._at_gate.get(line.id)
        answer_is_edited = edit is not None and edit.output is not None
        if objection is None and line.output is not None and not answer_is_edited:
            objection = self._rules.find_objection(Answer.of(line), skips)
        return objection


def _reached_gate(line: Line) -> TypeGuard[Kept | Rejected]:
    """Tell whether a line had reached the rules that look at the whole pool."""
    if isinstance(line, Rejected):
        return line.rule in POOL_RULES or purpose(line) == "answer"
    return isinstance(line, Kept)


def refilter(
    refiltering: Refilter,
    on_change: Callable[[RefilterChange], None] = lambda _: None,
    thin: tuple[Path, Path] | None = None,
) -> RefilterResult:
    """Apply rules to a run.

    Args:
        refiltering: the run and the rules.
        on_change: called with each change.
        thin: the data set of the run, and the file to write it to without the dropped lines.

    Raises:
        InputError: a file of the run cannot be read, or the new one cannot be written.
    """
    found = RefilterResult()
    # A database without a name goes to disk as soon as it outgrows its small cache.
    with closing(sqlite3.connect("", isolation_level=None)) as dropped:
        dropped.execute("CREATE TABLE dropped (id TEXT PRIMARY KEY) WITHOUT ROWID")
        dropped.execute("BEGIN")
        for change in refiltering.changes(found):
            on_change(change)
            if change.outcome == "dropped":
                dropped.execute("INSERT OR IGNORE INTO dropped VALUES (?)", (change.line.id,))
        if thin is not None:
            found.written = _thinned(*thin, dropped)
    return found


def _thinned(dataset: Path, out: Path, dropped: sqlite3.Connection) -> int:
    """Write the data set without the dropped lines, in its own order, whole or not at all."""
    if not dataset.is_file():
        raise InputError(
            f"There is no {dataset} to leave lines out of; finish the run with `evolve`."
        )
    count = 0
    with dataset.open("rb") as lines, replaced(out) as file:
        for line in lines:
            if not _is_dropped(line, dropped):
                file.write(line)
                count += 1
    return count


def _is_dropped(line: bytes, dropped: sqlite3.Connection) -> bool:
    found = _ID.match(line)
    if found is None:
        return False
    query = "SELECT 1 FROM dropped WHERE id = ?"
    return dropped.execute(query, (found[1].decode(),)).fetchone() is not None
