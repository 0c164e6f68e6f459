"""Candidates: the instructions that may be taken, each with its value, the best first.

Of each, only what decides is held in memory: neither its text nor its answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from evolinstruct.diversity.store import digest_of
from evolinstruct.filters import Value
from evolinstruct.records import Kept
from evolinstruct.selection.balance import Balance
from evolinstruct.selection.expression import Expression

COPY, NO_ANSWER, NO_VALUE = "copy", "no_answer", "no_value"
_NO_SCORE = "no_score_of_"
_IN_NO_BAND = "in_no_band"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instruction that may be taken.

    Attributes:
        id: of the instruction.
        value: what it is worth.
        bands: the bands that it counts for, of which it may fill one; or its skills.
        text: the digest of its text.
        plain: the digest of its text, white space and case aside.
    """

    id: str
    value: float
    bands: tuple[str, ...]
    text: bytes
    plain: bytes


@dataclass(frozen=True, slots=True)
class Worth:
    """What makes an instruction a candidate, and which one is better.

    Attributes:
        expression: what is computed.
        measures: the measures that it needs, by their names in it.
        balance: what the selection is balanced by; None for nothing.
        needs_answer: whether one without an answer is passed over.
    """

    expression: Expression
    measures: Mapping[str, Value]
    balance: Balance | None
    needs_answer: bool

    def of(self, line: Kept) -> Candidate | str:
        """Return an instruction as a candidate, or a short name for why it is none."""
        if self.needs_answer and not (line.output or "").strip():
            return NO_ANSWER
        values: dict[str, float] = {}
        for name, value_of in self.measures.items():
            found = value_of(line)
            if found is None:
                return f"{_NO_SCORE}{name}"
            values[name] = found
        value = self.expression.value(values)
        if value is None:
            return NO_VALUE
        bands = () if self.balance is None else self.balance.bands_of(line)
        if bands is None:
            return f"{_NO_SCORE}{self.balance.measure}" if self.balance else NO_VALUE
        if self.balance is not None and not bands:
            return _IN_NO_BAND
        return Candidate(line.id, value, bands, digest_of(line.instruction), plain(line))


def plain(line: Kept) -> bytes:
    """Return the digest of an instruction's text, white space and case aside."""
    return digest_of(" ".join(line.instruction.lower().split()))


def ranked(
    lines: Iterable[Kept],
    held: Callable[[Kept], str | None],
    worth: Worth,
    seed: int,
    passed: Counter[str],
) -> list[Candidate]:
    """Return the candidates, the best first; of equals, digests of ids and the seed decide.

    Args:
        lines: the instructions.
        held: returns why one may not be taken, whatever it is worth; None if it may.
        worth: tells what it is worth.
        seed: another one orders equals otherwise.
        passed: counts what is passed over, by reason.
    """
    found = list(_candidates(lines, held, worth, passed))
    found.sort(key=lambda each: (-each.value, _digest(seed, each.id, "select"), each.id))
    return list(_once(found, passed))


def _candidates(
    lines: Iterable[Kept],
    held: Callable[[Kept], str | None],
    worth: Worth,
    passed: Counter[str],
) -> Iterator[Candidate]:
    for line in lines:
        candidate = held(line) or worth.of(line)
        if isinstance(candidate, Candidate):
            yield candidate
        else:
            passed[candidate] += 1


def _once(candidates: Iterable[Candidate], passed: Counter[str]) -> Iterator[Candidate]:
    """Yield the best of those with the same text."""
    seen: set[bytes] = set()
    for candidate in candidates:
        if candidate.plain in seen:
            passed[COPY] += 1
        else:
            seen.add(candidate.plain)
            yield candidate


def sampled(candidates: Sequence[Candidate], size: int, seed: int) -> list[Candidate]:
    """Return at most so many candidates, drawn by digests of their ids, in their order."""
    if len(candidates) <= size:
        return [*candidates]
    by_digest = sorted(
        range(len(candidates)), key=lambda place: _digest(seed, candidates[place].id, "sample")
    )
    return [candidates[place] for place in sorted(by_digest[:size])]


def _digest(seed: int, line_id: str, what: str) -> bytes:
    return blake2b(f"{seed}/{line_id}/{what}".encode(), digest_size=8).digest()
