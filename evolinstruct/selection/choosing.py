"""Choosing: the best by an expression, unlike each other, spread or balanced.

As Deita's code does it (2023), which walks from the best down and keeps what is at most so like
anything kept before; the paper's text says distance where its code has likeness.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from evolinstruct import defaults
from evolinstruct.analysis.contamination import lines_of
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.scores import ScoreBook
from evolinstruct.atomic_write import replaced
from evolinstruct.diversity.store import digest_of
from evolinstruct.errors import InputError, UsageError
from evolinstruct.filters import select as select_lines
from evolinstruct.records import Kept
from evolinstruct.run_dir.directory import outside
from evolinstruct.selection import expression
from evolinstruct.selection.balance import Balance, quotas, read_balance
from evolinstruct.selection.candidates import Candidate, Worth, ranked, sampled
from evolinstruct.selection.holding import find_held
from evolinstruct.selection.likeness import Likeness, find_likeness
from evolinstruct.text import shorten

K_CENTRE, FACILITY = "k-centre", "facility"
NOT_EMBEDDED, TOO_ALIKE = "not_embedded", "too_alike"
BAND_FULL, LESS_SPREAD, WORTH_LESS = "band_full", "less_spread", "worth_less"
NOT_DRAWN = "not_drawn"
_to_json = json.JSONEncoder(ensure_ascii=False).encode
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be selected.

    Attributes:
        target: a run directory, or a file of instructions.
        count: how many.
        by: the expression that tells which is better.
        filters: which instructions may be taken, as `filters.select` takes them.
        scores: the file of scores, or its directory; None beside the target.
        apart: how alike two that are taken may be; None not to look at it.
        diverse: how to spread over the others rather than to take the best: ``k-centre``, so that
            each has one nearby, or ``facility`` location, so that they stand for all; None not to.
        balance: what to balance by; None for nothing.
        hold_out: runs, files or exports of whose families nothing may be taken.
        embeddings: the folder that keeps the embeddings; None for that of the run.
        seed: what decides between equals.
    """

    target: Path
    count: int
    by: str = defaults.SELECTED_BY
    filters: Mapping[str, object] = field(default_factory=dict)
    scores: Path | None = None
    apart: float | None = None
    diverse: str | None = None
    balance: str | None = None
    hold_out: tuple[Path, ...] = ()
    embeddings: Path | None = None
    seed: int = defaults.SEED

    def validate(self) -> None:
        """Refuse what is out of range or does not go together.

        Raises:
            UsageError: names the options.
        """
        if self.apart is not None and not -1 <= self.apart <= 1:
            raise UsageError(f"--apart must be from -1 to 1, such as 0.9 (given: {self.apart:g}).")
        if self.diverse not in (None, K_CENTRE, FACILITY):
            raise UsageError(
                f"--diverse must be {K_CENTRE} or {FACILITY} (given: {shorten(self.diverse, 60)})."
            )
        if self.diverse == FACILITY and self.count > defaults.COVERED:
            raise UsageError(
                f"--diverse {FACILITY} takes at most {defaults.COVERED:,} (given: -n"
                f" {self.count:,}); ask for fewer, or use --diverse {K_CENTRE}."
            )
        if self.diverse and self.balance is not None:
            raise UsageError("--diverse and --balance choose in two ways; leave one of them out.")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Why an instruction was taken.

    Attributes:
        rank: its place in the selection, from 1.
        value: what it is worth.
        band: the band or the skill that it was taken for, where the selection is balanced.
        taken_for: ``value``, ``spread``, ``band``, ``skill``, or ``rest`` where the others of a
            balanced selection did not suffice.
    """

    rank: int
    value: float
    band: str | None
    taken_for: str


@dataclass(slots=True)
class Selection:
    """What was selected, and what was not.

    Attributes:
        wish: what was to be selected.
        considered: how many instructions passed the filters.
        chosen: why each was taken, by its id and the digest of its text, in the file's order.
        passed: how many were passed over, by reason.
        bands: how many each band was to have and has, where the selection is balanced by shares.
    """

    wish: Wish
    considered: int = 0
    chosen: dict[tuple[str, bytes], Chosen] = field(default_factory=dict)
    passed: Counter[str] = field(default_factory=Counter)
    bands: dict[str, tuple[int, int]] = field(default_factory=dict)

    def has(self, line: Kept) -> bool:
        """Tell whether an instruction was taken."""
        return (line.id, digest_of(line.instruction)) in self.chosen

    def write(self, file: BinaryIO) -> None:
        """Write a line for each instruction that was taken: its fields, and why it was.

        Raises:
            InputError: the target cannot be read, or has changed meanwhile.
        """
        lines = {
            key: line
            for line in lines_of(self.wish.target, _silent)
            if (key := (line.id, digest_of(line.instruction))) in self.chosen
        }
        if len(lines) < len(self.chosen):
            raise InputError(
                f"{self.wish.target} changed while it was read; run the same command again."
            )
        for key, why in self.chosen.items():
            row = _to_json({**asdict(lines[key]), **asdict(why)})
            file.write(row.encode(errors="replace") + b"\n")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        values = [each.value for each in self.chosen.values()]
        return {
            "by": self.wish.by,
            "wanted": self.wish.count,
            "taken": len(self.chosen),
            "considered": self.considered,
            "passed_over": dict(self.passed.most_common()),
            "highest": max(values, default=None),
            "lowest": min(values, default=None),
            "bands": {
                band: {"wanted": wanted, "taken": taken}
                for band, (wanted, taken) in self.bands.items()
            },
        }


def select(wish: Wish, say: Say, out: Path | None = None) -> Selection:
    """Choose instructions.

    Args:
        wish: what is to be selected.
        say: called with sentences on whatever was left out while reading.
        out: the file to write; None to write nothing.

    Raises:
        UsageError: an option is wrong.
        InputError: the target cannot be read, or scores or embeddings of it are missing; or the
            file may not or cannot be written.
    """
    wish.validate()
    place = None if out is None else outside(out, [wish.target, *wish.hold_out])
    selection = consider(wish, say)
    if not selection.chosen:
        raise _nothing(selection)
    if place is not None:
        with replaced(place) as file:
            selection.write(file)
    return selection


def consider(wish: Wish, say: Say) -> Selection:
    """Choose as `select` does; write nothing, and let nothing be chosen where nothing can be.

    Raises:
        InputError: the target cannot be read, or scores or embeddings of it are missing.
    """
    scores = ScoreBook.open(wish.target, wish.scores)
    takes = select_lines(wish.filters, _known(wish.target), scores.value_of).takes
    worth = _worth(wish, scores, takes)
    likeness = _likeness(wish)
    held = find_held(wish.hold_out, lines_of(wish.target, _silent), say)
    selection = Selection(wish)
    lines = _counted(filter(takes, lines_of(wish.target, say)), selection)
    pool = ranked(lines, held.held, worth, wish.seed, selection.passed)
    if likeness is not None:
        pool = _unlike(pool, likeness, selection)
    if wish.diverse == FACILITY:
        drawn = sampled(pool, defaults.COVERED, wish.seed)
        selection.passed[NOT_DRAWN] += len(pool) - len(drawn)
        pool = drawn
    _take(pool, likeness, worth.balance, selection)
    return selection


def _worth(wish: Wish, scores: ScoreBook, takes: Callable[[Kept], bool]) -> Worth:
    """Return what tells what an instruction is worth."""
    computed = expression.parse(wish.by)
    measures = scores.values_of(computed.names)
    balance = None if wish.balance is None else read_balance(wish.balance, scores)
    has_answers = any(line.output and takes(line) for line in lines_of(wish.target, _silent))
    return Worth(computed, measures, balance, has_answers)


def _likeness(wish: Wish) -> Likeness | None:
    """Return what tells how alike instructions are, if that is asked for."""
    if wish.apart is None and wish.diverse is None:
        return None
    return find_likeness(wish.target, wish.embeddings)


def _known(target: Path) -> dict[str, list[str]]:
    """Return the names that filters may have, of a run."""
    if target.is_file():
        return {}
    return {"operation": [operation.name for operation in Run(target).pack.operations]}


def _silent(_: str) -> None:
    """Say nothing."""


def _counted(lines: Iterable[Kept], selection: Selection) -> Iterator[Kept]:
    for line in lines:
        selection.considered += 1
        yield line


def _unlike(pool: list[Candidate], likeness: Likeness, selection: Selection) -> list[Candidate]:
    """Return those of a pool that have a vector, and are unlike the better ones if that is asked.

    Where no more is chosen from them than the first, the walk ends with those.
    """
    wish = selection.wish
    there = likeness.embedded([each.text for each in pool])
    found = [each for each in pool if each.text in there]
    selection.passed[NOT_EMBEDDED] += len(pool) - len(found)
    if wish.apart is None:
        return found
    takes_first = wish.diverse is None and wish.balance is None
    count = wish.count if takes_first else None
    places = likeness.apart([each.text for each in found], wish.apart, count)
    walked = places[-1] + 1 if count is not None and len(places) == count else len(found)
    selection.passed[TOO_ALIKE] += walked - len(places)
    selection.passed[WORTH_LESS] += len(found) - walked
    return [found[place] for place in places]


def _take(
    pool: Sequence[Candidate],
    likeness: Likeness | None,
    balance: Balance | None,
    selection: Selection,
) -> None:
    """Take from a pool, the best first, what makes up the selection."""
    count = min(selection.wish.count, len(pool))
    why: dict[int, tuple[str, str | None]]
    left = WORTH_LESS
    if balance is not None:
        left = BAND_FULL
        why = {**balance.choose([each.bands for each in pool], count)}
        selection.bands = _filled(balance, why, selection.wish.count)
    elif likeness is not None and selection.wish.diverse is not None:
        left = LESS_SPREAD
        choose = likeness.spread if selection.wish.diverse == K_CENTRE else likeness.cover
        places = choose([each.text for each in pool], count)
        why = dict.fromkeys(places, ("spread", None))
    else:
        why = dict.fromkeys(range(count), ("value", None))
    selection.passed[left] += len(pool) - len(why)
    selection.passed += Counter()  # drops what is zero
    for rank, (place, (taken_for, band)) in enumerate(why.items(), 1):
        each = pool[place]
        why_taken = Chosen(rank, round(each.value, 6), band, taken_for)
        selection.chosen[each.id, each.text] = why_taken


def _filled(
    balance: Balance, why: Mapping[int, tuple[str, str | None]], count: int
) -> dict[str, tuple[int, int]]:
    """Return how many each band was to have, and has."""
    if balance.shares is None:
        return {}
    taken = Counter(band for _, band in why.values())
    wanted = quotas(balance.shares, count)
    return {band: (number, taken[band]) for band, number in wanted.items()}


def _nothing(selection: Selection) -> InputError:
    target = selection.wish.target
    if not selection.considered:
        what = "passes these filters" if selection.wish.filters else "is there"
        return InputError(f"No instruction of {target} {what}, so nothing is selected.")
    reasons = ", ".join(f"{name} {count:,}" for name, count in selection.passed.most_common())
    return InputError(f"No instruction of {target} can be taken ({reasons}); nothing is written.")
