"""A method: what is asked about at once, how it is judged, and what that is likely to take."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from evolinstruct.judges import Missing
from evolinstruct.run.stage import Stage
from evolinstruct.scoring.scores import Score, Way
from evolinstruct.scoring.texts import Texts

_Item = TypeVar("_Item")
Working = Callable[[Stage[Any, Any]], None]
"""Is told of the stage that is going on, so that a session can stop it."""


@dataclass(slots=True)
class Judged:
    """What came of one item.

    Attributes:
        scores: what is known now.
        missing: the judgements that are not.
        unanswered: how many instructions have no answer that could be judged.
    """

    scores: list[Score] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    unanswered: int = 0


class Take(NamedTuple):
    """Calls that an item is likely to take.

    Attributes:
        purpose: what they are made for.
        calls: how many.
        characters: of all their prompts.
    """

    purpose: str
    calls: int
    characters: int


class Method(ABC, Generic[_Item]):
    """A way of measuring.

    Attributes:
        way: how its scores are named.
    """

    way: Way

    @abstractmethod
    def items(self, texts: Texts) -> Iterator[_Item]:
        """Yield what is asked about at once."""

    @abstractmethod
    def takes(self, item: _Item) -> Iterator[Take]:
        """Yield what an item is likely to take, if every reply can be read."""

    @abstractmethod
    def results(self, texts: Texts, ahead: int, working: Working) -> AsyncGenerator[Judged]:
        """Yield what came of each item, in their order, so many under way at once.

        Raises:
            StopRun: no further call can have a reply.
        """


class ByItem(Method[_Item]):
    """A way of measuring that judges each item on its own."""

    @abstractmethod
    async def judge(self, item: _Item) -> Judged:
        """Ask about an item.

        Raises:
            StopRun: no further call can have a reply.
        """

    async def results(self, texts: Texts, ahead: int, working: Working) -> AsyncGenerator[Judged]:
        """Yield what came of each item, in their order, so many under way at once."""
        stage = Stage(self.judge, ahead)
        working(stage)
        async with aclosing(stage.results(self.items(texts))) as found:
            async for judged in found:
                yield judged
