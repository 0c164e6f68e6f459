"""How a call ended, and for what it was made; knows nothing of how that is stored."""

from __future__ import annotations

from dataclasses import dataclass

from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.llm.base import Reply, Request, Usage

REPLY, REJECTED, FAILED = "reply", "rejected", "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended: a reply, a rejection by the service, or a final failure."""

    kind: str
    text: str
    word: str
    model: str
    max_tokens: int | None
    attempts: int
    usage: Usage

    def deliver(self) -> Reply:
        """Return the reply, or raise what the call ended in."""
        if self.kind == REPLY:
            return Reply(self.text, self.word, self.usage, self.model)
        if self.kind == REJECTED:
            raise CallRejected(self.word, self.text)
        raise CallFailed(self.word, self.text, self.attempts)

    def answers(self, request: Request) -> bool:
        """Tell whether it stands for this request: not if cut off, and more is now allowed."""
        if self.word != "length" or self.max_tokens is None:
            return True
        return request.max_tokens is not None and request.max_tokens <= self.max_tokens


@dataclass(frozen=True, slots=True)
class Place:
    """Which outcome is meant: what was last asked for a place in the data set, for a purpose."""

    child_id: str
    purpose: str
    generation: int
