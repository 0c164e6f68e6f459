"""Runs the checkers over answers in a file: which constraints they meet, and how often.

A row holds its constraints, as an export or a run writes them, and an answer: a text, or chat turns
of which the last one counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evolinstruct.checks import Check, decode, demanded, findings, read
from evolinstruct.errors import InputError
from evolinstruct.records import decode_object

_DEMANDS = ("constraints", "checks")
_ANSWERS = ("completion", "response", "output", "answer", "generation")


@dataclass(frozen=True, slots=True)
class Verified:
    """An answer beside its constraints.

    Attributes:
        row: the number of its line, from 1.
        id: its id, where it has one.
        faults: by constraint, what is wrong; None where it holds.
    """

    row: int
    id: str | None
    faults: Mapping[str, str | None]

    @property
    def holds(self) -> bool:
        """Whether all constraints hold."""
        return not any(fault is not None for fault in self.faults.values())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"row": self.row, "id": self.id, "holds": self.holds, "faults": dict(self.faults)}


@dataclass(slots=True)
class Verification:
    """What came of a file.

    Attributes:
        answers: how many answers were verified.
        whole: how many of them meet all their constraints.
        without: rows that demand nothing that can be verified.
        unanswered: rows without an answer.
        asked: how often each constraint was demanded.
        met: how often it was met.
    """

    answers: int = 0
    whole: int = 0
    without: int = 0
    unanswered: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)

    def see(self, verified: Verified) -> None:
        """Count an answer."""
        self.answers += 1
        self.whole += verified.holds
        for name, fault in verified.faults.items():
            self.asked[name] += 1
            self.met[name] += fault is None

    def to_json(self) -> dict[str, Any]:
        """Return the counts as plain data."""
        return {
            "answers": self.answers,
            "whole": self.whole,
            "without_constraints": self.without,
            "unanswered": self.unanswered,
            "constraints": {
                name: {"asked": count, "met": self.met[name]}
                for name, count in sorted(self.asked.items())
            },
        }


def verify(checks: str | list[Mapping[str, Any]], response: str) -> dict[str, str | None]:
    """Return for each constraint what is wrong with a response, or None where it holds.

    Args:
        checks: as a row of an export has them, or the list that this text stands for.
        response: the answer.

    Raises:
        InputError: a constraint is unknown, or its arguments are wrong.
    """
    found = decode(checks) if isinstance(checks, str) else read(checks, "checks")
    return _faults(found, response)


def _faults(checks: list[Check], response: str) -> dict[str, str | None]:
    return {check.name: fault for check, fault in findings(checks, response)}


def verify_file(
    path: Path, on_answer: Callable[[Verified], None] = lambda _: None, answer: str | None = None
) -> Verification:
    """Verify every answer of a file of JSON lines.

    Args:
        path: the file.
        on_answer: called with each answer that was verified.
        answer: the field of the answer; None for the first of the usual ones.

    Raises:
        InputError: the file cannot be read, or a row is no such row; says which.
    """
    found = Verification()
    for number, row in _rows(path):
        where = f"{path}:{number}"
        checks = _checks(row, where)
        if not checks:
            found.without += 1
            continue
        response = _answer(row, answer, where)
        if response is None:
            found.unanswered += 1
            continue
        place = row.get("id")
        named = place if isinstance(place, str) else None
        verified = Verified(number, named, _faults(checks, response))
        found.see(verified)
        on_answer(verified)
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _row(line, f"{path}:{number}")
    except OSError as error:
        raise InputError(f"{path}: the file cannot be read ({error.strerror}).") from error


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        return decode_object(line)
    except ValueError as error:
        raise InputError(f"{where}: this is no row: {error}.") from error


def _checks(row: Mapping[str, Any], where: str) -> list[Check]:
    given = next((row[name] for name in _DEMANDS if row.get(name)), None)
    if given is None:
        return []
    return demanded(decode(given, where) if isinstance(given, str) else read(given, where))


def _answer(row: Mapping[str, Any], name: str | None, where: str) -> str | None:
    if name is not None and name not in row:
        raise InputError(f"{where}: the row has no field {name!r}.")
    given = next((row[each] for each in ((name,) if name else _ANSWERS) if row.get(each)), None)
    if isinstance(given, list) and given and isinstance(given[-1], dict):
        given = given[-1].get("content")
    return given if isinstance(given, str) else None
