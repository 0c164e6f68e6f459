"""Filters choose lines by generation, operation, rule, seed, text, length and scores."""

from __future__ import annotations

import re
import signal
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from math import inf
from threading import current_thread, main_thread
from time import perf_counter
from typing import TypeVar

from evolinstruct.errors import UsageError
from evolinstruct.records import Line
from evolinstruct.run_dir.lines import ParsedLine
from evolinstruct.text import did_you_mean, shorten
from evolinstruct.words import count_words

_T = TypeVar("_T")
_TEXTS = ("instruction", "input", "output", "raw", "evidence", "message")
_SPAN = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_WHOLE = re.compile(r"\d{1,15}")
_LONGEST_GIVEN = 60
_BOUND = re.compile(r"([^=\s]+)=(-?\d+(?:\.\d+)?)")

Value = Callable[[Line], float | None]
"""Tells the value of a measure for a line; None where it has none."""
Measures = Callable[[str], Value]
"""Finds a measure by the name that a person gives it."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What a measure of a line must come to; a line that was not measured does not."""

    value: Value
    least: float = -inf
    most: float = inf

    def takes(self, line: Line) -> bool:
        """Tell whether a line's value lies within it."""
        value = self.value(line)
        return value is not None and self.least <= value <= self.most


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters that a line must all pass; an empty filter lets every line pass.

    Attributes:
        generations: numbers of generations.
        operations: names of operations.
        rules: names of rules, for rejected lines.
        seed_ids: ids of seeds, or their beginnings.
        pattern: one of the line's texts must hold it.
        min_words: the fewest words that the instruction may have.
        max_words: the most words that it may have.
        bounds: what measures of it must come to.
    """

    generations: frozenset[int] = frozenset()
    operations: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    seed_ids: tuple[str, ...] = ()
    pattern: Pattern | None = None
    min_words: int | None = None
    max_words: int | None = None
    bounds: tuple[Bound, ...] = ()

    def takes(self, line: Line) -> bool:
        """Tell whether a line passes every filter; cheap filters come first."""
        return (
            (not self.generations or line.generation in self.generations)
            and (not self.operations or line.operation in self.operations)
            and (not self.rules or getattr(line, "rule", None) in self.rules)
            and (not self.seed_ids or line.seed_id.startswith(self.seed_ids))
            and self._is_long_enough(line)
            and all(bound.takes(line) for bound in self.bounds)
            and (self.pattern is None or _holds(line, self.pattern))
        )

    def _is_long_enough(self, line: Line) -> bool:
        if self.min_words is None and self.max_words is None:
            return True
        words = count_words(getattr(line, "instruction", ""))
        least, most = self.min_words or 0, self.max_words
        return least <= words and (most is None or words <= most)


def _holds(line: Line, pattern: Pattern) -> bool:
    texts = (getattr(line, name, None) for name in _TEXTS)
    return any(isinstance(text, str) and pattern.is_in(text) for text in texts)


class Pattern:
    """A regular expression that is given up when it takes too long.

    An expression such as ``(a+)+$`` may take years for a short text. The `re` module looks for
    signals while it searches, so an alarm ends it; Python has signals in its main thread alone.
    """

    def __init__(self, words: str, expression: re.Pattern[str]) -> None:
        """Begin with all the time for slow searches.

        Args:
            words: what the user gave, for the error.
            expression: what is looked for.
        """
        self._words = words
        self._expression = expression
        self._left = _SLOW_SEARCHES

    def is_in(self, text: str) -> bool:
        """Tell whether a text holds it.

        Raises:
            UsageError: it takes too long.
        """
        started = perf_counter()
        try:
            with _alarm(self._left):
                found = self._expression.search(text) is not None
        except TimeoutError as error:
            raise UsageError(
                f"{self._words}: this takes too long, because there are too many ways to match it;"
                " write it without a repetition within a repetition, or look for plain text with"
                " --grep."
            ) from error
        took = perf_counter() - started
        if took > _SLOW:
            self._left = max(_SLOW, self._left - took)
        return found


_SLOW = 0.05
"""A search of a text that takes more seconds than this is a slow one."""
_SLOW_SEARCHES = 5.0
"""The seconds that all slow searches may take together."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise TimeoutError after so many seconds, where signals are to be had."""
    if current_thread() is not main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def select(
    given: Mapping[str, object], known: Mapping[str, Collection[str]], measures: Measures
) -> Selection:
    """Turn the words of a user into a selection.

    Args:
        given: the words of each filter (``generation``, ``operation``, ``rule``, ``seed_id``,
            ``grep``, ``regex``, ``min_words``, ``max_words``, ``min``, ``max``) that is given.
        known: the names that ``operation`` and ``rule`` may have, where they are known.
        measures: finds what ``min`` and ``max`` are about.

    Raises:
        UsageError: a filter does not take a word.
        InputError: nothing was scored by a measure.
    """
    names = {
        name: _names(name, _listed(given.get(name)), known.get(name))
        for name in ("operation", "rule")
    }
    selection = Selection(
        generations=frozenset(_numbers(_listed(given.get("generation")))),
        operations=names["operation"],
        rules=names["rule"],
        seed_ids=tuple(word.lower() for word in _listed(given.get("seed_id"))),
        pattern=_pattern(given.get("grep"), given.get("regex")),
        min_words=_count(given, "min_words"),
        max_words=_count(given, "max_words"),
        bounds=tuple(
            Bound(measures(measure), **{end: number})
            for name, end in (("min", "least"), ("max", "most"))
            for measure, number in _bounds(name, _listed(given.get(name)))
        ),
    )
    least, most = selection.min_words, selection.max_words
    if least is not None and most is not None and least > most:
        raise UsageError(
            f"--min-words {least} is more than --max-words {most}; no line fits both, change one."
        )
    return selection


def _listed(words: object) -> list[str]:
    """Split words at commas."""
    given = words if isinstance(words, list | tuple) else [] if words is None else [words]
    return [part.strip() for word in given for part in str(word).split(",") if part.strip()]


def _names(name: str, words: Sequence[str], known: Collection[str] | None) -> frozenset[str]:
    for word in words:
        if known is not None and word not in known:
            hint = did_you_mean(word, known)
            raise UsageError(
                f"--{name} {word}: unknown {name}{hint}; known are {', '.join(known)}."
            )
    return frozenset(words)


def _numbers(words: Iterable[str]) -> Iterator[int]:
    for word in words:
        found = _SPAN.fullmatch(word)
        if not found:
            raise UsageError(
                f"--generation {word}: give a number from 0 (the seeds) up, or a span such as 1-3."
            )
        first, last = int(found[1]), int(found[2] or found[1])
        if first > last or last - first > 1_000:  # noqa: PLR2004 - no run has so many
            raise UsageError(f"--generation {word}: this is no span; write it as 1-3.")
        yield from range(first, last + 1)


def _bounds(name: str, words: Iterable[str]) -> Iterator[tuple[str, float]]:
    for word in words:
        found = _BOUND.fullmatch(word)
        if not found:
            given = shorten(word, _LONGEST_GIVEN)
            raise UsageError(
                f"--{name} {given}: give a measure and a number, such as difficulty=6."
            )
        yield found[1], float(found[2])


def _pattern(text: object, expression: object) -> Pattern | None:
    if text is not None and expression is not None:
        raise UsageError("--grep and --regex cannot be given together; give one of them.")
    if expression is None:
        plain = re.compile(re.escape(str(text)), re.IGNORECASE)
        return None if text is None else Pattern(f"--grep {text}", plain)
    words = f"--regex {expression}"
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            return Pattern(words, re.compile(str(expression), re.MULTILINE))
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(
            f"--regex {shorten(str(expression), _LONGEST_GIVEN)}: this is not a regular expression"
            f" ({error}); correct it, or look for plain text with --grep."
        ) from error


def _count(given: Mapping[str, object], name: str) -> int | None:
    return whole_number(f"--{name.replace('_', '-')}", given.get(name))


def whole_number(flag: str, word: object, least: int = 0) -> int | None:
    """Read a number; None stays None.

    Raises:
        UsageError: it is not a number, or less than the least.
    """
    if word is None:
        return None
    if not _WHOLE.fullmatch(str(word)) or int(str(word)) < least:
        given = shorten(str(word), _LONGEST_GIVEN)
        raise UsageError(f"{flag} must be a whole number from {least} up (given: {given}).")
    return int(str(word))


def draw_sample(items: Iterable[_T], size: int, seed: int, name: Callable[[_T], str]) -> list[_T]:
    """Draw so many of the items by the seed and their names alone; return them in their order.

    A larger sample holds every smaller one. Only the sample is held in memory.
    """

    def ranked() -> Iterator[tuple[bytes, int, _T]]:
        for position, item in enumerate(items):
            digest = blake2b(f"{seed}/{name(item)}/sample".encode(), digest_size=8).digest()
            yield digest, position, item

    drawn = nsmallest(size, ranked(), key=lambda item: item[:2])
    return [item for _, _, item in sorted(drawn, key=lambda item: item[1])]


def selected(entries: Iterable[ParsedLine], selection: Selection) -> Iterator[ParsedLine]:
    """Yield the entries that a selection takes."""
    return (entry for entry in entries if selection.takes(entry.line))
