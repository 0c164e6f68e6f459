"""Optimizing: a model analyses trajectories and rewrites the method; what it writes is checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from evolinstruct.errors import CallFailed, CallRejected, InputError
from evolinstruct.judges import Ask
from evolinstruct.llm.base import CallContext, CallId, Request
from evolinstruct.prompts import Pack, Tunable
from evolinstruct.reading import METHOD_MARKS, own_text, read_method
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
        feedback: what the model found in the cases; None where it found nothing to say.
        refused: why there is no method, in a few words.
        missing: the error, where a failed call is why.
    """

    number: int
    method: str | None = None
    feedback: str | None = None
    refused: str | None = None
    missing: str | None = None


class _NoReplyError(Exception):
    """A call brought nothing to go on with."""

    def __init__(self, refused: str, missing: str | None = None) -> None:
        super().__init__(refused)
        self.refused = refused
        self.missing = missing


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
        feedback = None
        try:
            feedback = await self._analysed(number, cases)
            method = await self._optimized(number, feedback)
        except _NoReplyError as error:
            return Candidate(number, None, feedback, error.refused, error.missing)
        return Candidate(number, method, feedback)

    async def _analysed(self, number: int, cases: str) -> str:
        feedback = own_text(await self._said(number, ANALYSE, cases, cases=cases)).strip()
        if not feedback:
            raise _NoReplyError("the analysis says nothing")
        return feedback

    async def _optimized(self, number: int, feedback: str) -> str:
        texts = {"prompt": self._tunable.prompt, "feedback": feedback}
        method = read_method(await self._said(number, OPTIMIZE, feedback, **texts))
        if method is None:
            raise _NoReplyError("the reply holds no method between its marks")
        return method

    async def _said(self, number: int, purpose: str, about: str, **texts: str) -> str:
        """Return a reply that is whole."""
        marks = METHOD_MARKS if purpose == OPTIMIZE else None
        request = Request(
            CallId(f"step-{self._step}/{number}", purpose),
            CallContext(self._step, None, None, None, about, marks=marks),
            self._words.prompt(purpose, method=self._method, **texts),
            **self._recipe.sampling(purpose),
        )
        try:
            reply = await self._ask(request)
        except CallRejected as error:
            raise _NoReplyError(f"the call to {purpose} was refused ({error.error})") from error
        except CallFailed as error:
            why = f"the call to {purpose} failed ({error.error})"
            raise _NoReplyError(why, error.error) from error
        if reply.finish_reason == "length":
            raise _NoReplyError(
                f"the reply to {purpose} was cut off; raise --max-tokens {purpose}=N"
            )
        return reply.text


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
        if method is None:
            return candidate.refused
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
