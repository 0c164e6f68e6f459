"""The rules for duplicates: each proposal is held against all that passed before it.

Likeness within a family is the method itself, so texts of other families count only: the seeds, and
every proposal that passed, whatever becomes of its answer. One that is dropped stands for nothing:
what it was too alike is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evolinstruct.elimination import DUPLICATE, NEAR_DUPLICATE, Verdict
from evolinstruct.evolution import Proposal, rejected
from evolinstruct.gate.passed import Passed, Text
from evolinstruct.likeness import Likeness, Sketch, equal_key, jaccard, tokens
from evolinstruct.records import Kept, Line, Rejected


class Gate:
    """Looks at one text after the other, in pool order, generation after generation."""

    def __init__(
        self, path: Path | None, near: Mapping[str, float] | None, *, equal: bool = True
    ) -> None:
        """Open what passed in earlier generations.

        Args:
            path: where it is kept; None for a gate that is of no use later.
            near: the settings of the rule for near-duplicates; None where it is off.
            equal: whether the rule for equal texts is on.

        Raises:
            InputError: the file cannot be opened.
        """
        self._near = near
        self._equal = equal
        self._likeness = Likeness(near["likeness"]) if near else None
        self._passed = Passed(path)

    def holds(self, generation: int, made_from: str) -> bool:
        """Tell whether all that passed in a generation is known, made from the same."""
        return self._passed.holds(generation, made_from)

    def begin(self, generation: int, made_from: str) -> None:
        """Begin a generation; what is known of it and of later ones is forgotten.

        Raises:
            InputError: the file cannot be written.
        """
        self._passed.begin(generation, made_from)

    def end(self) -> None:
        """Keep what passed in the generation that was begun.

        Raises:
            InputError: the file cannot be written.
        """
        self._passed.end()

    def close(self) -> None:
        """Let go of the file."""
        self._passed.close()

    def look(self, passing: Proposal | Line) -> Proposal | Line:
        """Return what a proposal is after the gate: itself, or a rejected line.

        Seeds are the user's own: they pass, and count. What is a line already passes and does not.

        Raises:
            InputError: the file cannot be used.
        """
        line = passing.line if isinstance(passing, Proposal) else passing
        if line.generation == 0 and isinstance(line, Kept):
            self._add(line, self._sketch(line.instruction))
        elif isinstance(passing, Proposal):
            verdict = self.judge(passing.line)
            if verdict is not None:
                return rejected(passing.line, verdict, passing.raw)
        return passing

    def judge(self, line: Kept | Rejected) -> Verdict | None:
        """Return why a line is dropped; one that is not counts from now on.

        Raises:
            InputError: the file cannot be used.
        """
        sketch = self._sketch(line.instruction)
        # What is that much longer or shorter differs by as many shingles.
        found = self._passed.find(sketch, within=int(self._near["differing"]) if self._near else 0)
        others = [text for text in found if text.family != line.seed_id]
        verdict = self._verdict(sketch, others)
        if verdict is None:
            self._add(line, sketch)
        return verdict

    def _sketch(self, text: str) -> Sketch:
        if self._likeness is not None:
            return self._likeness.sketch(text)
        words = " ".join(tokens(text))
        return Sketch(words, (equal_key(words),))

    def _add(self, line: Kept | Rejected, sketch: Sketch) -> None:
        self._passed.add(line.id, line.seed_id, sketch)

    def _verdict(self, sketch: Sketch, others: list[Text]) -> Verdict | None:
        if self._equal:
            for other in others:
                if other.sketch.words == sketch.words:
                    return Verdict(DUPLICATE, f"the same words as {other.id}")
        likeness, name = max(self._near_ones(sketch, others), default=(0.0, ""))
        return Verdict(NEAR_DUPLICATE, f"{likeness:.2f} like {name}") if name else None

    def _near_ones(self, sketch: Sketch, others: list[Text]) -> Iterator[tuple[float, str]]:
        """Yield how alike each of the texts is that is too alike, with its id."""
        if self._near is None or not others:
            return
        shingles = sketch.shingles
        for other in others:
            others_own = other.sketch.shingles
            likeness = jaccard(shingles, others_own)
            differing = len(shingles ^ others_own)
            if likeness >= self._near["likeness"] and differing <= self._near["differing"]:
                yield likeness, other.id


def open_gate(path: Path | None, rules: Mapping[str, Mapping[str, Any]]) -> Gate | None:
    """Return the gate for the rules that are on, or None where none of them looks at the pool.

    Args:
        path: where what passes it is kept; None for a gate that is of no use later.
        rules: the settings of each rule that is on, by name.

    Raises:
        InputError: its file cannot be opened.
    """
    near, equal = rules.get(NEAR_DUPLICATE), DUPLICATE in rules
    return Gate(path, near, equal=equal) if equal or near is not None else None
