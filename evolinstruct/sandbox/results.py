"""Results: what came of a program and its tests, as the sandbox's reply has it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from evolinstruct.programs import Statement
from evolinstruct.text import shorten

_LONGEST = 200  # characters of a test that are told
_MOST_SAID = 500  # characters of an error; whoever runs programs says fewer, unless it is forged


@dataclass(frozen=True, slots=True)
class Results:
    """What came of a program and its tests.

    Attributes:
        asked: how many tests there are.
        tests: of each that was run, in order, its line and its error; None where it passed.
        ended: what ended the program before its last test; None where nothing did.
        lacking: what the sandbox cannot run, so that nothing is known of the program; else None.
    """

    asked: int
    tests: tuple[tuple[int, str | None], ...] = ()
    ended: str | None = None
    lacking: str | None = None

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(error is None for _, error in self.tests)

    @property
    def all_passed(self) -> bool:
        """Whether there are tests, all of them were run, and all passed."""
        return self.ended is self.lacking is None and self.passed == self.asked > 0

    def fault(self, tests: Sequence[Statement]) -> str | None:
        """Return what went wrong first, with the words of the test; None where nothing did."""
        asked = (each for each in tests if each.is_test)
        for test, (_, error) in zip(asked, self.tests, strict=False):
            if error is not None:
                return f"{shorten(test.code.splitlines()[0], _LONGEST)}: {error}"
        return self.ended

    def encode(self) -> str:
        """Return the results as one JSON text."""
        return json.dumps(
            {
                "asked": self.asked,
                "tests": [{"line": line, "error": error} for line, error in self.tests],
                "ended": self.ended,
                "lacking": self.lacking,
            },
            ensure_ascii=False,
        )

    @classmethod
    def read(cls, text: bytes | str) -> Results:
        """Read what `encode` wrote.

        Raises:
            ValueError: it is nothing of the kind.
        """
        return cls._read(text, None)

    @classmethod
    def of_process(cls, text: bytes, tests: Sequence[Statement]) -> Results:
        """Read what a process says of a program with these statements of its tests.

        Raises:
            ValueError: it is nothing of the kind, or speaks of other tests.
        """
        lines = [each.line for each in tests if each.is_test]
        found = cls._read(text, len(lines))
        if [line for line, _ in found.tests] != lines[: len(found.tests)]:
            raise ValueError(f"these are results of other tests: {text[:60]!r}")
        return found

    @classmethod
    def _read(cls, text: bytes | str, asked: int | None) -> Results:
        try:
            found = json.loads(text)
            number = int(found["asked"]) if asked is None else asked
            tests = tuple((int(each["line"]), _text(each["error"])) for each in found["tests"])
            return cls(number, tests, _text(found["ended"]), _text(found["lacking"]))
        except (TypeError, LookupError, OverflowError, RecursionError) as error:
            raise ValueError(f"these are no results: {text[:60]!r}") from error


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:_MOST_SAID]
