"""Checks that go by what was seen when an instruction was answered, as how many answers agree.

A pack names them in its pack.toml. What was seen stands in a line's ``checks``, so that the line is
judged again without a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from evolinstruct.text import counted

AGREEMENT = "agreement"
"""The check that has an instruction answered several times."""
UNIT_TESTS = "unit_tests"
"""The check that has the code of an answer run with tests."""
SOLUTION, TESTS, SANDBOX = "solution", "tests", "sandbox"
"""Who is at fault where unit tests do not pass; the sandbox is where it cannot run the code."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A number that a pack may set, within bounds that are part of it.

    Attributes:
        default: its value where the pack says nothing; where it is whole, no fraction will do.
        least: the smallest value allowed.
        most: the largest value allowed.
    """

    default: float
    least: float
    most: float

    def accepts(self, value: object) -> bool:
        """Tell whether it may have a value."""
        kinds = (int,) if isinstance(self.default, int) else (int, float)
        return type(value) in kinds and self.least <= value <= self.most  # type: ignore[operator]

    @property
    def told(self) -> str:
        """What it may be, in words."""
        number = "a whole number" if isinstance(self.default, int) else "a number"
        return f"{number} from {self.least:g} to {self.most:g}"


@dataclass(frozen=True, slots=True)
class SeenCheck:
    """A check of an answer that goes by what was seen.

    Attributes:
        name: its name in packs and lines.
        meaning: what it demands, in one sentence.
        arguments: what a pack may set, by name.
        sees: the type of each thing that it has to have seen, by name.
        find_fault: takes the arguments and what was seen; returns what is wrong, or None.
        is_corrected: takes what was seen; tells whether an answer that fails is asked for once
            more, with what is wrong.
        find_lack: takes what was seen; returns why nothing is known of the answer, or None.
    """

    name: str
    meaning: str
    arguments: Mapping[str, Bounded]
    sees: Mapping[str, type]
    find_fault: Callable[[Mapping[str, Any], Mapping[str, Any]], str | None]
    is_corrected: Callable[[Mapping[str, Any]], bool] = lambda _: False
    find_lack: Callable[[Mapping[str, Any]], str | None] = lambda _: None

    def has_seen(self, saw: object) -> bool:
        """Tell whether this is what it sees."""
        return (
            isinstance(saw, dict)
            and saw.keys() == self.sees.keys()
            and all(type(saw[name]) is kind for name, kind in self.sees.items())
        )


def _agree(args: Mapping[str, Any], saw: Mapping[str, Any]) -> str | None:
    agreed, answers, least = saw["agreed"], saw["answers"], args["least"]
    if agreed / max(answers, 1) >= least:
        return None
    return f"{agreed} of {answers} answers agree, a share of less than {least:g}"


def _pass(args: Mapping[str, Any], saw: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a solution or its tests."""
    asked, passed, fault = saw["asked"], saw["passed"], saw["fault"]
    if saw["at_fault"] == SANDBOX:
        return None
    if saw["at_fault"] == SOLUTION and saw["sandbox"]:
        return f"{passed} of {asked} tests pass; {fault}"
    if fault:
        return str(fault)
    if asked < args["least"]:
        return f"{counted(asked, 'test')}, where at least {args['least']} are needed"
    return None


def _lacks(saw: Mapping[str, Any]) -> str | None:
    return f"the sandbox cannot run it: {saw['fault']}" if saw["at_fault"] == SANDBOX else None


SEEN: Mapping[str, SeenCheck] = {
    each.name: each
    for each in (
        SeenCheck(
            AGREEMENT,
            "Several answers to the instruction have the same result.",
            {"answers": Bounded(5, 2, 20), "least": Bounded(0.6, 0, 1)},
            {"agreed": int, "answers": int, "result": str},
            _agree,
        ),
        SeenCheck(
            UNIT_TESTS,
            "The code of the answer passes unit tests which code that does nothing fails.",
            {"least": Bounded(3, 1, 50)},
            {
                "tests": str,
                "asked": int,
                "passed": int,
                "stub_passed": bool,
                "at_fault": str,
                "fault": str,
                "sandbox": str,
            },
            _pass,
            is_corrected=lambda saw: saw["at_fault"] in (SOLUTION, SANDBOX),
            find_lack=_lacks,
        ),
    )
}
"""Every such check there is, by name."""
