"""Intake: the one place through which all that a client brings goes before anything else sees it.

Numbers out of any bounds become unknown, names and messages of any length short, and secrets that
a service sends back a mark; what is no reply, and a bug in a client of one's own, end the run.
"""

from __future__ import annotations

import asyncio
from dataclasses import fields

from evolinstruct.errors import (
    CallError,
    CallFailed,
    CallRejected,
    ClientBroken,
    EvolinstructError,
    TryAgain,
)
from evolinstruct.llm.base import Alternatives, Limits, Reply, Usage, encodable
from evolinstruct.llm.secrets import Secrets
from evolinstruct.text import shorten

_MOST_TOKENS = 10**9  # of one call: a sum of as many calls still fits where sums are stored
_MOST_ATTEMPTS = 10**6
_MOST = 1e15
_MOST_TIERS = 9  # of one client: what is spent has a row for each
_MOST_NUMBERS = 20  # of one reply, of which it is kept what else might have stood there
_MOST_ALTERNATIVES = 20
_LONGEST_WORD = 200  # characters of a model's name, a finish reason, an error's name
_LONGEST_MESSAGE = 1_000


class Intake:
    """Checks and cleans what one client brings."""

    def __init__(self, secrets: Secrets, owner: str = "") -> None:
        """Hide these secrets; `owner` is what messages call a user's own client."""
        self._secrets = secrets
        self._owner = owner
        self._tiers: set[str] = set()

    def reply(self, found: object) -> Reply:
        """Return a reply as the rest of the program may see it.

        Raises:
            ClientBroken: it is no reply.
        """
        if not isinstance(found, Reply):
            raise self._broken(found, "a client returns a Reply")
        if not isinstance(found.text, str) or not isinstance(found.usage, Usage):
            raise self._broken(found, "a Reply has a string as its text, and a Usage")
        usage = found.usage
        text = self._secrets.hide(encodable(found.text))
        return Reply(
            text,
            self._word(found.finish_reason),
            Usage(
                count(usage.prompt_tokens),
                count(usage.completion_tokens),
                count(usage.cached_tokens),
                count(usage.reasoning_tokens),
                count(usage.written_tokens),
                self._tier(usage.tier),
            ),
            self._word(found.model),
            found.limits and _limits(found.limits),
            found.reasoned,
            self._logprobs(found.logprobs) if text == found.text else (),
        )

    def error(self, error: BaseException) -> BaseException:
        """Return what is raised for an error of the client: itself, cleaned, or what it means."""
        if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit):
            return error
        if isinstance(error, CallError):
            self._clean(error)
        elif isinstance(error, EvolinstructError):
            # The sentences of built-in clients are made of clean parts, and words of our own.
            hide = self._secrets.hide_all if self._owner else self._secrets.hide
            error.args = (hide(str(error)),)
        elif self._owner:
            said = self._message(": ".join(filter(None, (type(error).__name__, str(error)))))
            broken = ClientBroken(f"{self._owner} raised {said}; mend it, -vv shows where.")
            broken.__cause__ = harmless_cause(error, self._secrets)
            return broken
        if harmless_cause(error.__cause__ or error.__context__, self._secrets) is None:
            error.__cause__ = error.__context__ = None
        return error

    def _broken(self, found: object, rule: str) -> ClientBroken:
        shown = self._message(repr(found))
        return ClientBroken(f"{self._owner or 'The client'} returned {shown}; {rule}.")

    def _clean(self, error: CallError) -> None:
        error.error, error.message = self._word(error.error), self._message(error.message)
        error.args = (f"{error.error}: {error.message}",)
        match error:
            case TryAgain():
                error.retry_after = _figure(error.retry_after)
                error.limits = error.limits and _limits(error.limits)
            case CallFailed():
                error.attempts = min(max(count(error.attempts) or 1, 1), _MOST_ATTEMPTS)
            case CallRejected(raw=str(raw)):
                error.raw = self._secrets.hide(raw)

    def _logprobs(self, found: object) -> tuple[Alternatives, ...]:
        """Return the last of the tokens that are told, and the likeliest of their alternatives."""
        try:
            return tuple(
                tuple(
                    (self._word(token), float(logprob))
                    for token, logprob in place[:_MOST_ALTERNATIVES]
                    if type(logprob) in (int, float) and -_MOST <= logprob < 1  # rounded, above 0
                )
                for place in found[-_MOST_NUMBERS:]  # type: ignore[index]
            )
        except (TypeError, ValueError, LookupError):
            rule = "the logprobs of a Reply are pairs of a text and a number for each token"
            raise self._broken(found, rule) from None

    def _tier(self, value: object) -> str:
        tier = self._word(value)
        if tier not in self._tiers and len(self._tiers) >= _MOST_TIERS:
            return ""
        self._tiers.add(tier)
        return tier

    def _word(self, value: object) -> str:
        return shorten(self._secrets.hide(encodable(str(value or ""))), _LONGEST_WORD)

    def _message(self, value: object) -> str:
        return shorten(self._secrets.hide_all(encodable(str(value))), _LONGEST_MESSAGE)


def harmless_cause(cause: BaseException | None, secrets: Secrets) -> BaseException | None:
    """Return the cause of an error, None where a traceback of it would show a secret."""
    link = cause
    while link is not None:
        if secrets.hide_all(str(link)) != str(link):
            return None
        link = link.__cause__ or link.__context__
    return cause


def count(value: object) -> int | None:
    """Return a number of tokens if it can be one; None, which is unknown, for anything else."""
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _limits(limits: Limits) -> Limits:
    return Limits(*(_figure(getattr(limits, field.name)) for field in fields(Limits)))  # type: ignore[arg-type]


def _figure(value: object) -> float | None:
    """Return a number that is finite, not negative and not beyond all bounds, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value <= _MOST else None
