"""What people's decisions change in a run: told before, counted while it is made, told at the end.

A generation is known by what decides it (`made_from`): the digest of the decisions stands at its
end, so that one which differs by them alone is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evolinstruct.records import Line, child_id, encode
from evolinstruct.run_dir.directory import KINDS, RunDir
from evolinstruct.run_dir.lines import OneGeneration
from evolinstruct.run_dir.reviews import EDITED, FOLDER, REJECTED, Reviews, decided_lines
from evolinstruct.text import command, counted, listed

_BETWEEN = "/"
_NAMED = 3


def with_reviews(made_from: str, reviews: Reviews) -> str:
    """Return what decides a generation, people's decisions included."""
    return f"{made_from}{_BETWEEN}{reviews.digest}" if reviews.digest else made_from


def differs_by_reviews(before: str, now: str) -> bool:
    """Tell whether two generations are made from the same but for people's decisions."""
    return before != now and before.partition(_BETWEEN)[0] == now.partition(_BETWEEN)[0]


class OtherFamilies:
    """Counts lines of families that nobody decided about, where they differ from those before.

    Attributes:
        changed: how many there are so far.
    """

    def __init__(self, run_dir: RunDir, generation: int, reviews: Reviews) -> None:
        """Open the files of a generation, which stay until it is made anew."""
        paths = {kind: run_dir.file(generation, kind) for kind in KINDS}
        self._before = [
            OneGeneration(run_dir.lazy_lines(generation, kind))
            for kind, path in paths.items()
            if path.exists()
        ]
        self._reviews = reviews
        self.changed = 0

    def see(self, line: Line) -> None:
        """Hold a line against the one in its place before."""
        found = [taken for each in self._before if (taken := each.take(line.seed_id))]
        is_other = bool(found) and found[0].raw != encode(line)
        self.changed += is_other and not self._is_decided(line)

    def _is_decided(self, line: Line) -> bool:
        places = (child_id(line.seed_id, number) for number in range(1, line.generation + 1))
        return any(map(self._reviews.mentions, places))

    def told(self, generation: int) -> Iterator[str]:
        """Say how many there are, if any."""
        if self.changed:
            yield (
                f"Generation {generation}: {counted(self.changed, 'line')} of families that nobody"
                " decided about changed too, because the gate looks at the whole pool."
            )


def what_is_decided(reviews: Reviews, run: Path) -> str:
    """Say what will be applied."""
    if not reviews:
        return f"Nobody has decided about a line in {run / FOLDER}, so --reviews changes nothing."
    return (
        f"Applying what {counted(len(reviews.reviewers), 'reviewer')} decided:"
        f" {counted(reviews.changes, 'line')} rejected or edited."
    )


def what_was_applied(reviews: Reviews, run_dir: RunDir, generations: int) -> Iterator[str]:
    """Say what became of people's decisions in a run that is made."""
    survey = reviews.survey(decided_lines(run_dir, generations, reviews))
    how = f"`{command('evolinstruct', 'review', run_dir.path)}` lists them"
    yield (
        f"Reviewers rejected {counted(survey.agreed[REJECTED], 'line')} and edited"
        f" {survey.agreed[EDITED]:,}."
    )
    if survey.conflicts:
        named = [*survey.conflicts][:_NAMED]
        more = len(survey.conflicts) - len(named)
        shown = listed([*named, f"{more:,} more"] if more else named)
        yield (
            f"Reviewers differ about {counted(len(survey.conflicts), 'line')} ({shown}), where"
            f" nothing is applied; {how}."
        )
    if survey.void:
        yield (
            f"{counted(survey.void.total(), 'decision')} about seeds, or about other texts than"
            f" those in their places, not applied; {how}."
        )
