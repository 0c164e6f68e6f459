"""Balance: so many instructions of each band of difficulty, or as many of each skill as may be.

difficulty                              a third from 1 to 4, from 5 to 7, and from 8 to 10
difficulty=1-4:40,5-7:35,8-10:25        by these shares
skill                                   the tags of an instruction, in rounds: each round takes
                                        the best that brings a tag which the round has not yet
                                        (InsTag, 2023, with our order)
skill=code:60,history:40                by these shares of tags
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop
from typing import Literal

from evolinstruct.analysis.scores import DIFFICULTY, MeasureName, ScoreBook
from evolinstruct.errors import UsageError
from evolinstruct.filters import Value
from evolinstruct.prompts.measures import TAGS
from evolinstruct.records import Line
from evolinstruct.text import shorten

SKILL = "skill"
REST = "rest"
_BANDS = {"1-4": 1.0, "5-7": 1.0, "8-10": 1.0}
"""As the paper's test set is divided; each alike."""
_SHARE = re.compile(r"([^:,]+):(\d{1,9}(?:\.\d{1,9})?)")
_SPAN = re.compile(r"(\d{1,2})-(\d{1,2})")
_LEAST, _MOST = 1, 10
_SHOWN = 60

BandsOf = Callable[[Line], tuple[str, ...] | None]
"""Returns the bands that an instruction counts for; None where it was not scored."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What a selection is balanced by.

    Attributes:
        measure: whose scores decide.
        by: ``band``, or ``skill`` where an instruction counts for several.
        shares: how much of the selection each band gets; None for rounds over all skills.
        bands_of: returns the bands of an instruction.
    """

    measure: str
    by: Literal["band", "skill"]
    shares: Mapping[str, float] | None
    bands_of: BandsOf

    def choose(self, bands: Sequence[tuple[str, ...]], count: int) -> dict[int, tuple[str, str]]:
        """Choose so many places, in the order of their numbers.

        Args:
            bands: those of each place, the best place first.
            count: how many to choose.

        Returns:
            Why each place is taken, ``band``, ``skill`` or ``rest``, and its band.
        """
        if self.shares is None:
            return dict(sorted(in_rounds(bands, count)))
        return dict(sorted(by_shares(bands, quotas(self.shares, count), count)))


def read_balance(words: str, scores: ScoreBook) -> Balance:
    """Read what a selection is to be balanced by.

    Raises:
        UsageError: it is not difficulty or skill, or the bands are wrong.
        InputError: nothing was scored by it.
    """
    name, _, given = words.partition("=")
    shares = dict(_shares(words, given)) if "=" in words else None
    if name == SKILL:
        return Balance(TAGS, "skill", shares, _skills(scores, shares))
    if MeasureName.of(name).measure != DIFFICULTY:
        raise _refused(words, "it balances by difficulty or skill")
    bands = shares or _BANDS
    spans = {band: _span(words, band) for band in bands}
    return Balance(name, "band", bands, _bands(scores.value_of(name), spans))


def _shares(words: str, given: str) -> Iterator[tuple[str, float]]:
    for part in given.split(","):
        found = _SHARE.fullmatch(part.strip())
        if not found or not float(found[2]):
            raise _refused(words, f"{shorten(part, _SHOWN)!r} is no band with its share")
        yield found[1].strip(), float(found[2])


def _span(words: str, band: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(band)
    if not found or not _LEAST <= int(found[1]) <= int(found[2]) <= _MOST:
        raise _refused(words, f"{band!r} is no band from {_LEAST} to {_MOST}")
    return int(found[1]), int(found[2])


def _refused(words: str, why: str) -> UsageError:
    return UsageError(
        f"--balance {shorten(words, _SHOWN)}: {why}; write difficulty, skill, or shares such as"
        " difficulty=1-4:40,5-7:35,8-10:25 or skill=code:60,history:40."
    )


def _bands(value_of: Value, spans: Mapping[str, tuple[int, int]]) -> BandsOf:
    """Return what tells the bands by difficulty, rounded; beyond the anchors is at their ends."""

    def bands_of(line: Line) -> tuple[str, ...] | None:
        value = value_of(line)
        if value is None:
            return None
        place = min(_MOST, max(_LEAST, int(value + 0.5)))
        return tuple(band for band, (first, last) in spans.items() if first <= place <= last)

    return bands_of


def _skills(scores: ScoreBook, shares: Mapping[str, float] | None) -> BandsOf:
    scores.value_of(TAGS)  # so that the command which scores is named, if it was not
    way = scores.way(MeasureName(TAGS))

    def skills_of(line: Line) -> tuple[str, ...] | None:
        score = None if way is None else scores.score(way, line)
        if score is None or score.tags is None:
            return None
        tags = json.loads(score.tags)
        return tuple(tag for tag in tags if shares is None or tag in shares)

    return skills_of


# Choosing


def quotas(shares: Mapping[str, float], count: int) -> dict[str, int]:
    """Return how many each band gets: whole numbers, the largest fractions rounded up."""
    whole = sum(shares.values())
    exact = {band: count * share / whole for band, share in shares.items()}
    found = {band: int(number) for band, number in exact.items()}
    by_fraction = sorted(shares, key=lambda band: found[band] - exact[band])
    for band in by_fraction[: count - sum(found.values())]:
        found[band] += 1
    return found


def by_shares(
    bands: Sequence[tuple[str, ...]], left: dict[str, int], count: int
) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield the best of each band up to its quota, then the best of what is left."""
    over = []
    for place, its in enumerate(bands):
        band = next((band for band in its if left[band]), None)
        if band is None:
            over.append(place)
        else:
            left[band] -= 1
            count -= 1
            yield place, ("band", band)
    for place in over[:count]:
        yield place, (REST, bands[place][0])


def in_rounds(
    bands: Sequence[tuple[str, ...]], count: int
) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield, round by round, the best that brings a skill which the round does not have yet."""
    queues: dict[str, deque[int]] = {}
    for place, skills in enumerate(bands):
        for skill in skills:
            queues.setdefault(skill, deque()).append(place)
    taken: set[int] = set()
    while queues:
        covered: set[str] = set()
        heads = [(queue[0], skill) for skill, queue in queues.items()]
        heapify(heads)
        while heads:
            place, skill = heappop(heads)
            if skill not in covered:
                if len(taken) == count:
                    return
                taken.add(place)
                covered.update(bands[place])
                yield place, ("skill", skill)
        queues = _without(queues, taken)


def _without(queues: dict[str, deque[int]], taken: set[int]) -> dict[str, deque[int]]:
    """Drop what is taken from the heads of queues, and those that are empty then."""
    for queue in queues.values():
        while queue and queue[0] in taken:
            queue.popleft()
    return {skill: queue for skill, queue in queues.items() if queue}
