"""Optimizing: a model analyses trajectories and rewrites the method; what it writes is checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from evolinstruct.errors import CallFailed, CallRejected, InputError
from evolinstruct.llm.base import CallContext, CallId, Request
from evolinstruct.prompts import Pack, Tunable
from evolinstruct.reading import METHOD_MARKS, own_text, read_method
from evolinstruct.run.asking import Ask
from evolinstruct.settings import Recipe
from evolinstruct.words import lowered, split_words

ANALYSE, OPTIMIZE = "analyse", "optimize"
_LEAST_WORDS, _MOST_WORDS = 5, 500
_COPIED = 8
"""So many words in a row of a case make a method one for that case."""
_LABEL = re.compile(r"^\s*#[^\s#][^#\n]*#", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A method that the optimizing model wrote.

    Attributes:
        number: which one of its step, from 1.
        method: its text; None where there is none.
        feedback: what the model found in the cases; None where there is none.
        missing: why a call brought nothing.
    """

    number: int
    method: str | None = None
    feedback: str | None = None
    missing: str | None = None


class Optimizing:
    """Whoever rewrites the method in one step."""

    def __init__(
        self, ask: Ask, recipe: Recipe, words: Pack, tunable: Tunable, step: int, method: str
    ) -> None:
        """Bind the parts; `words` is the pack that words what is asked."""
        self._ask = ask
        self._recipe = recipe
        self._words = words
        self._tunable = tunable
        self._step = step
        self._method = method

    async def propose(self, number: int, cases: str) -> Candidate:
        """Have the cases analysed, and the method rewritten after that.

        Raises:
            StopRun: no further call can have a reply.
        """
        feedback, missing = await self._said(number, ANALYSE, cases, cases=cases)
        feedback = own_text(feedback or "").strip()
        if not feedback:
            return Candidate(number, missing=missing or "no_feedback")
        reply, missing = await self._said(
            number, OPTIMIZE, feedback, prompt=self._tunable.prompt, feedback=feedback
        )
        method = None if reply is None else read_method(reply)
        return Candidate(number, method, feedback, missing)

    async def _said(
        self, number: int, purpose: str, about: str, **texts: str
    ) -> tuple[str | None, str | None]:
        """Return a reply that is whole, or why there is none."""
        marks = METHOD_MARKS if purpose == OPTIMIZE else None
        request = Request(
            CallId(f"step-{self._step}/{number}", purpose),
            CallContext(self._step, None, None, None, about, marks=marks),
            self._words.prompt(purpose, method=self._method, **texts),
            **self._recipe.sampling(purpose),
        )
        try:
            reply = await self._ask(request)
        except (CallRejected, CallFailed) as error:
            return None, error.error
        return (None, "truncated") if reply.finish_reason == "length" else (reply.text, None)


@dataclass(slots=True)
class Check:
    """What a candidate has to pass before it is tried.

    Attributes:
        tunable: the pack whose method it would be.
        method: the method in use.
        cases: the texts of the cases that it was written after.
        known: the methods that need no further trial.
    """

    tunable: Tunable
    method: str
    cases: Iterable[str]
    known: set[str] = field(default_factory=set)

    def objection(self, candidate: Candidate) -> str | None:
        """Return why a candidate is not tried, in a few words; None where it may be."""
        method = candidate.method
        if candidate.missing is not None:
            return f"a call brought nothing ({candidate.missing})"
        if method is None:
            return "the reply holds no method between its marks"
        if method in self.known:
            return "it was tried already"
        self.known.add(method)
        return self._of_length(method) or self._of_signs(method) or self._of_cases(method)

    def _of_length(self, method: str) -> str | None:
        words = len(split_words(method))
        most = max(_MOST_WORDS, 2 * len(split_words(self.tunable.method)))
        if not _LEAST_WORDS <= words <= most:
            return f"it has {words:,} words, and may have {_LEAST_WORDS} to {most:,}"
        return None

    def _of_signs(self, method: str) -> str | None:
        """Object to what would disorder a prompt, or how replies to it are read."""
        if "{{" in method:
            return "it holds a placeholder, and everything that is filled in stands in the frame"
        if label := _LABEL.search(method):
            return f"it holds the label {label[0].strip()}"
        for mark in self.tunable.pack.marks or ():
            if mark in method:
                return f"it holds the mark {mark}"
        try:
            self.tunable.with_method(method)
        except InputError as error:
            return str(error).rstrip(".")
        return None

    def _of_cases(self, method: str) -> str | None:
        mine = _runs(method) - _runs(self.method)
        copied = next((run for text in self.cases for run in sorted(mine & _runs(text))), None)
        return None if copied is None else f"it repeats a case: {' '.join(copied)}"


def _runs(text: str) -> set[tuple[str, ...]]:
    words = split_words(lowered(text))
    return {tuple(words[at : at + _COPIED]) for at in range(len(words) - _COPIED + 1)}
