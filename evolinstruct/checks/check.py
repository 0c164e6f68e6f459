"""What a line's field ``checks`` holds, by name and arguments.

Constraints, which the instruction states, and the pack's own checks with what they saw.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evolinstruct.checks.constraint import Constraint
from evolinstruct.checks.response import Response
from evolinstruct.checks.seen import AGREEMENT, SEEN, UNIT_TESTS
from evolinstruct.checks.table import CONSTRAINTS
from evolinstruct.errors import InputError
from evolinstruct.languages import is_english
from evolinstruct.text import did_you_mean

NONE = "[]"
_CONSTRAINED, _SEEN = {"name", "args", "declined"}, {"name", "args", "saw"}


@dataclass(frozen=True, slots=True)
class Check:
    """A constraint with its arguments, or a check of the pack with what it saw.

    Attributes:
        name: of the constraint, or of the check.
        args: its arguments by name.
        declined: the model was asked to put it into the instruction and did not.
        saw: what a check of the pack saw; None for a constraint, which looks at the text alone.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    declined: bool = False
    saw: Mapping[str, Any] | None = None

    @property
    def constraint(self) -> Constraint:
        """The constraint itself."""
        return CONSTRAINTS[self.name]

    @property
    def seen_fault(self) -> str | None:
        """What is wrong by what a check of the pack saw; None where it holds, or saw nothing."""
        if self.saw is None:
            return None
        return SEEN[self.name].find_fault(self.args, self.saw)

    @property
    def is_corrected(self) -> bool:
        """Whether the answer, if it fails by what was seen, is asked for once more."""
        return self.saw is not None and SEEN[self.name].is_corrected(self.saw)

    def statement(self, wording: int = 0) -> str:
        """Return the sentence that states it."""
        return self.constraint.statement(self.args, wording)

    def find_fault(self, response: Response) -> str | None:
        """Return what is wrong with a response, or None where it holds."""
        return self.constraint.check(response, **self.args)

    def is_stated(self, text: str) -> bool:
        """Tell whether an instruction demands it.

        A text in English does with the words that such demands have; in any language it holds the
        numbers and texts of the arguments, which is why none is drawn whose arguments it holds
        already.
        """
        if self.constraint.is_stated(text, self.args):
            return True  # in English, even amid another language
        return not is_english(text) and self.constraint.holds_arguments(
            text, self.args, abroad=True
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        declined = {"declined": True} if self.declined else {}
        saw = {} if self.saw is None else {"saw": dict(self.saw)}
        return {"name": self.name, "args": dict(self.args), **declined, **saw}


def encode(checks: Iterable[Check]) -> str:
    """Return checks as the field of a line has them: one JSON text."""
    found = [check.to_json() for check in checks]
    return json.dumps(found, ensure_ascii=False) if found else NONE


def decode(text: str | None, where: str = "checks") -> list[Check]:
    """Read the checks of a line; none where the field is null.

    Raises:
        InputError: it is no such text, a name is unknown, or an argument is missing or wrong; says
            where.
    """
    if not text or text == NONE:
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: this is no JSON: {error}.") from error
    return read(found, where)


def read(found: Any, where: str) -> list[Check]:
    """Read checks from plain data, as `decode` does."""
    if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
        raise InputError(f"{where}: checks are a list of objects with the keys name and args.")
    return [_check(each, where) for each in found]


def _check(found: Mapping[str, Any], where: str) -> Check:
    name, args = found.get("name"), found.get("args", {})
    if isinstance(name, str) and name in SEEN:
        return _seen(name, args, found, where)
    if not isinstance(name, str) or name not in CONSTRAINTS:
        near = did_you_mean(str(name), [*CONSTRAINTS, *SEEN])
        raise InputError(f"{where}: unknown constraint {str(name)[:60]!r}{near}.")
    wanted = CONSTRAINTS[name].arguments
    if not isinstance(args, dict) or set(args) != set(wanted):
        has = f"needs the arguments {', '.join(wanted)}" if wanted else "has no arguments"
        raise InputError(f"{where}: the constraint {name} {has}.")
    for key, argument in wanted.items():
        if not argument.accepts(args[key]):
            raise InputError(
                f"{where}: the constraint {name} cannot take {str(args[key])[:60]!r} for {key}."
            )
    _refuse_unknown(found, f"{where}: the constraint {name}", _CONSTRAINED)
    return Check(name, args, found.get("declined") is True)


def _seen(name: str, args: Any, found: Mapping[str, Any], where: str) -> Check:
    check, about = SEEN[name], f"{where}: the check {name}"
    fits = isinstance(args, dict) and args.keys() == check.arguments.keys()
    if not (fits and all(check.arguments[key].accepts(value) for key, value in args.items())):
        wanted = ", ".join(f"{key} ({each.told})" for key, each in check.arguments.items())
        raise InputError(f"{about} needs the arguments {wanted or '{}'}.")
    if not check.has_seen(found.get("saw")):
        raise InputError(f"{about} lacks what it saw: {', '.join(check.sees)}.")
    _refuse_unknown(found, about, _SEEN)
    return Check(name, args, saw=found["saw"])


def _refuse_unknown(found: Mapping[str, Any], about: str, known: set[str]) -> None:
    if unknown := set(found) - known:
        raise InputError(f"{about} has an unknown key {min(unknown)!r}.")


def of_rewrite(held: Iterable[Check], drawn: Iterable[Check], text: str) -> list[Check]:
    """Return the checks of an instruction that was rewritten.

    Args:
        held: those of its parent; it keeps such as its text still demands.
        drawn: those that it was to state; such as it does not are declined.
        text: the instruction.
    """
    kept = [check for check in demanded(held) if check.is_stated(text)]
    return kept + [replace(check, declined=not check.is_stated(text)) for check in drawn]


def demanded(checks: Iterable[Check]) -> list[Check]:
    """Return those that the instruction demands: none that was declined, and none of the pack."""
    return [check for check in checks if not check.declined and check.saw is None]


def findings(checks: Iterable[Check], response: str) -> list[tuple[Check, str | None]]:
    """Return each demanded check with what is wrong with a response, or None where it holds."""
    read_once = Response(response)
    return [(check, check.find_fault(read_once)) for check in demanded(checks)]


def seen_faults(checks: Iterable[Check]) -> list[str]:
    """Return what is wrong by what the pack's checks saw, the name of the check before each."""
    return [f"{check.name}: {fault}" for check in checks if (fault := check.seen_fault)]


def lacks(checks: Iterable[Check]) -> list[str]:
    """Return why nothing is known of an answer, the name of the check before each reason."""
    seen = [(check.name, check.saw) for check in checks if check.saw is not None]
    found = ((name, SEEN[name].find_lack(saw)) for name, saw in seen)
    return [f"{name}: {lack}" for name, lack in found if lack is not None]


def tests_of(checks: Iterable[Check]) -> str:
    """Return the unit tests that an answer was held against; empty where there were none."""
    return _saw_of(checks, UNIT_TESTS, "tests")


def result_of(checks: Iterable[Check]) -> str:
    """Return the result on which the answers to an instruction agree; empty where none is known."""
    return _saw_of(checks, AGREEMENT, "result")


def _saw_of(checks: Iterable[Check], name: str, field: str) -> str:
    """Return a field of what the first check of a name saw; empty where none saw anything."""
    for check in checks:
        if check.name == name and check.saw is not None:
            return str(check.saw[field])
    return ""


def faults(checks: Iterable[Check], response: str) -> list[str]:
    """Return what is wrong with a response: for each check that fails, its statement and why."""
    found = findings(checks, response)
    return [f"{check.statement()} ({fault})" for check, fault in found if fault is not None]
