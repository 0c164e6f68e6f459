"""The families that a report embeds: whole families, drawn by a seed, as plain data.

Only the sample is held in memory, however large the run is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evolinstruct.analysis.families import Family, FamilyStep
from evolinstruct.analysis.measurement import RunStatistics
from evolinstruct.analysis.runs import Run
from evolinstruct.filters import draw_sample
from evolinstruct.records import Failed, Kept, Line, Rejected
from evolinstruct.report.passages import fixed_lines
from evolinstruct.text import counted
from evolinstruct.words import DiffPart, compare_words, count_words, is_new_text

_LONGEST = 6_000
"""At most so many characters of a text are embedded."""
_SIGNS = {"same": 0, "added": 1, "removed": -1}


@dataclass(frozen=True, slots=True)
class Sample:
    """The drawn families of a run.

    Attributes:
        families: in the order of their seeds.
        rows: how many lines they have.
        all_families: how many families the run has.
        all_rows: how many lines it has.
    """

    families: tuple[Family, ...]
    rows: int
    all_families: int
    all_rows: int

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole run."""
        return len(self.families) == self.all_families

    def to_json(self) -> list[list[dict[str, Any]]]:
        """Return the families as plain data, each a list of its lines."""
        return [list(_lines(family)) for family in self.families]


def draw_families(run: Run, measured: RunStatistics, rows: int, seed: int) -> Sample:
    """Draw whole families that have about so many rows together; at least one family.

    Raises:
        InputError: a file or a line of the run cannot be read.
    """
    seeds = measured.seeds.counts.pool
    every = seeds + measured.total.counts.finished
    size = seeds if every <= rows else max(1, seeds * rows // every)
    families = tuple(draw_sample(run.families(), size, seed, lambda family: family.seed.id))
    drawn = sum(1 + len(family.steps) for family in families)
    return Sample(families, drawn, seeds, every)


def difference(step: FamilyStep) -> list[DiffPart] | None:
    """Return which words a rewrite changed; None if it is a new text, or has no text."""
    if isinstance(step.line, Failed) or not step.line.instruction:
        return None
    before = step.parent.instruction
    parts = compare_words(_cut(before), _cut(step.line.instruction))
    return None if is_new_text(before, parts) else parts


def _lines(family: Family) -> Iterator[dict[str, Any]]:
    place = {family.seed.id: 0}
    seed = _said(family.seed)
    if family.unanswered is not None:
        seed["why"] = _why(family.unanswered)
    yield seed
    for number, step in enumerate(family.steps, 1):
        row = {**_said(step.line), "parent": place[step.parent.id]}
        parts = difference(step)
        if parts is not None:
            row["diff"] = [[_SIGNS[part.kind], part.text] for part in parts]
            row["text_fixed"] = fixed_lines(parts)
            del row["text"]
        if isinstance(step.line, Kept):
            place[step.line.id] = number
        yield row


def _said(line: Line) -> dict[str, Any]:
    """Return what the page says of a line; what is unknown is left out."""
    said: dict[str, Any] = {"id": line.id, "generation": line.generation}
    said |= {"operation": line.operation, "outcome": _outcome(line)}
    if isinstance(line, Failed):
        said["text"] = ""
    else:
        said |= {"format": line.format, "words": count_words(line.instruction)}
        said |= text_fields("text", _cut(line.instruction))
        if line.output is not None:
            said |= text_fields("answer", _cut(line.output))
    if not isinstance(line, Kept):
        said["why"] = _why(line)
    return {name: value for name, value in said.items() if value is not None}


def text_fields(name: str, content: str) -> dict[str, Any]:
    """Return a text as plain data, with which of its lines are code or data."""
    return {name: content, f"{name}_fixed": fixed_lines([DiffPart("same", content)])}


def _outcome(line: Line) -> str:
    match line:
        case Rejected():
            return line.rule
        case Failed():
            return "failed"
        case Kept():
            return "kept" if line.generation else "seed"


def _why(line: Rejected | Failed) -> str:
    if isinstance(line, Rejected):
        return _cut(f"{line.rule}: {line.evidence}" if line.evidence else line.rule)
    return _cut(f"{line.error} after {counted(line.attempts, 'attempt')}: {line.message}")


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]} … [{len(text) - _LONGEST:,} more characters]"
