"""Clients that do as a test says, named on the command line as ``tests.scripted:NAME``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evolinstruct.errors import CallError
from evolinstruct.llm.base import ClientOptions, Reply, Request, Usage

Script = Callable[[Request], str | Reply | Exception]


class Scripted:
    """Answers each request by a function of it; remembers what it was asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[Request] = []
        self.closed = False

    async def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        said = self._script(request)
        if isinstance(said, Exception):
            raise said
        return reply(said) if isinstance(said, str) else said

    async def aclose(self) -> None:
        self.closed = True

    def for_request(self, request: Request) -> Scripted:
        """Stand in for `Clients`, too."""
        return self


def reply(text: str, finish_reason: str = "stop") -> Reply:
    return Reply(text, finish_reason, Usage(3, 5), "scripted-model")


def obedient(request: Request) -> str | CallError:
    """Rewrite, tell apart and answer, as a good model does."""
    words = {
        "evolve": f"{request.context.instruction} Give one reason.",
        "compare": "Not Equal",
        "answer": f"The answer to {request.context.instruction!r} is long and wise.",
        "improve": f"The answer to {request.context.instruction!r} is longer and wiser.",
        "judge": f"Verdict: {_longest(request.context.items)} is better",
        "tests": "```python\nassert answer() == 42\n```",
    }
    return words[request.purpose]


def _longest(items: Sequence[tuple[str, str]]) -> str:
    """Return the label of the longest text; of equal ones, the first."""
    return max(items, key=lambda item: len(item[1]), default=("A", ""))[0]


class Obedient(Scripted):
    """Always does what is asked."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(obedient)
