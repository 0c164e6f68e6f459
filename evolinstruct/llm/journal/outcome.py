"""Outcome: how a call ended, and the place in the data set for which it was made."""

from __future__ import annotations

from dataclasses import dataclass, field

from evolinstruct.errors import CallError, CallFailed, CallRejected
from evolinstruct.llm.base import Alternatives, Reply, Request, Usage, encodable

REPLY, REJECTED, FAILED = "reply", "rejected", "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended.

    Attributes:
        kind: `REPLY`, `REJECTED` by the service, or `FAILED` for good.
        text: the reply, or the message.
        word: the finish reason, the rule, or the error's name.
        model: as the service names it.
        max_tokens: the bound that was asked for.
        attempts: how often the call was sent.
        usage: tokens of the reply.
        logprobs: of the tokens of the reply, where they are known.
        is_earlier: whether it was in the journal when that was opened; never stored.
    """

    kind: str
    text: str
    word: str
    model: str
    max_tokens: int | None
    attempts: int
    usage: Usage
    logprobs: tuple[Alternatives, ...] = ()
    is_earlier: bool = field(default=False, compare=False)

    @classmethod
    def of_reply(cls, reply: Reply, request: Request) -> Outcome:
        """Return how a call ended that brought a reply."""
        text, word = encodable(reply.text), encodable(reply.finish_reason)
        model, bound = encodable(reply.model), request.max_tokens
        return cls(REPLY, text, word, model, bound, 1, reply.usage, reply.logprobs)

    @classmethod
    def of_error(cls, kind: str, error: CallError, request: Request, attempts: int) -> Outcome:
        """Return how a call ended that brought none, after so many attempts."""
        message, bound = encodable(error.message), request.max_tokens
        return cls(kind, message, error.error, request.model, bound, attempts, Usage())

    def deliver(self) -> Reply:
        """Return the reply, or raise what the call ended in."""
        if self.kind == REPLY:
            return Reply(self.text, self.word, self.usage, self.model, logprobs=self.logprobs)
        if self.kind == REJECTED:
            raise CallRejected(self.word, self.text)
        raise CallFailed(self.word, self.text, self.attempts)

    def answers(self, request: Request) -> bool:
        """Tell whether the outcome stands for this request.

        It does not where the reply was cut off and the request allows more tokens.
        """
        if self.word != "length" or self.max_tokens is None:
            return True
        return request.max_tokens is not None and request.max_tokens <= self.max_tokens


@dataclass(frozen=True, slots=True)
class Place:
    """Names an outcome: the last that was asked for a place in the data set, for a purpose."""

    child_id: str
    purpose: str
    generation: int
