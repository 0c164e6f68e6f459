"""Reviewed exports: what people accepted or did not reject, in the words that they gave it.

Who they are stays out of exports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from evolinstruct.errors import InputError
from evolinstruct.records import Kept
from evolinstruct.run_dir.reviews import ACCEPTED, EDITED, NONE, REJECTED, Reviews, read_reviews
from evolinstruct.text import command, counted

WISHES = {
    "accepted": "only what they accepted is here",
    "not-rejected": "what they rejected is left out",
}
"""What may be asked for, and what it means."""
_CONFLICT = "conflict"


class Reviewed:
    """What reviewers let pass; counts what it has seen."""

    def __init__(self, wish: str | None, reviews: Reviews) -> None:
        """Bind the parts; without a wish all passes as it is."""
        self._wish = wish
        self._reviews = reviews
        self._seen: Counter[str | None] = Counter()
        self._unanswered = 0

    def taken(self, line: Kept) -> Kept | None:
        """Return a line as it is to be exported; None where it is left out."""
        if self._wish is None:
            return line
        decision = self._reviews.about(line)
        said = decision.decision if decision is not None else None
        self._seen[said or (_CONFLICT if self._reviews.spoken(line) else None)] += 1
        if said == REJECTED or (self._wish == ACCEPTED and said is None):
            return None
        if decision is None or said != EDITED:
            return line
        edited = decision.edited(line)
        self._unanswered += edited.output is None
        return edited

    def notices(self) -> Iterator[str]:
        """Say what reviewers decided about what was seen, and what does not count."""
        if self._wish is None:
            return
        seen = self._seen
        yield (
            f"Of {counted(seen.total(), 'instruction')}, reviewers accepted {seen[ACCEPTED]:,},"
            f" edited {seen[EDITED]:,} and rejected {seen[REJECTED]:,}; nobody decided about"
            f" {seen[None]:,}."
        )
        if seen[_CONFLICT]:
            how = "left out" if self._wish == ACCEPTED else "exported as they are"
            yield f"{counted(seen[_CONFLICT], 'instruction')} on which reviewers differ: {how}."
        if self._unanswered:
            yield (
                f"{counted(self._unanswered, 'edited instruction')} without an answer: the run's"
                " `evolve` command with --reviews --update asks for it."
            )


def read_reviewed(run: Path, wish: str | None) -> Reviewed:
    """Return what the reviewers of a run let pass.

    Raises:
        InputError: their files cannot be read, or there are none of what was accepted.
    """
    reviews = NONE if wish is None else read_reviews(run)
    if wish == ACCEPTED and not reviews:
        raise InputError(
            f"Nobody has reviewed {run} yet, so nothing is accepted; begin with"
            f" `{command('evolinstruct', 'view', run)}`."
        )
    return Reviewed(wish, reviews)
