"""One folder of embeddings: what is missing from it is embedded, and kept as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from evolinstruct.diversity import store
from evolinstruct.diversity.embedding import missing
from evolinstruct.llm.budget import Spending

EXIT_FAILED = 3
_AT_ONCE = 256
"""So many vectors wait in memory until they are written."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What embedding is likely to take.

    Attributes:
        folder: keeps the vectors.
        model: makes them.
        texts: how many different ones there are.
        missing: how many of them have no vector yet.
        calls: how many calls that takes.
        tokens: of all their texts.
        cost: dollars; None where the price is unknown.
        receivers: what each server would get texts for, by its host.
    """

    folder: str
    model: str
    texts: int
    missing: int
    calls: int
    tokens: int
    cost: Decimal | None
    receivers: Mapping[str, Sequence[str]]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "cost": None if self.cost is None else float(self.cost)}


@dataclass(frozen=True, slots=True)
class Embedding:
    """An event: one more text is embedded, or has no vector for good.

    Attributes:
        model: makes the vectors.
        done: how many texts are done.
        texts: how many there are to do.
        failed: how many of them got no vector.
        spent: what was ever spent on embeddings in the folder.
    """

    model: str
    done: int
    texts: int
    failed: int
    spent: Spending


class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes:
        model: names the model with its version; vectors of different names are never compared.
    """

    model: str

    @property
    def spent(self) -> Spending:
        """What was ever spent in the folder."""
        ...

    def receivers(self) -> Mapping[str, Sequence[str]]:
        """Return what each server would get texts for, by its host."""
        ...

    def takes(self, texts: Mapping[bytes, str]) -> tuple[int, int, Decimal | None]:
        """Return the calls, the tokens and the dollars that texts are likely to take."""
        ...

    def vectors(self, texts: Mapping[bytes, str]) -> AsyncGenerator[tuple[bytes, bytes | None]]:
        """Yield the digest and the vector of each text, in their order; a byte a dimension.

        A text that cannot be embedded has None.

        Raises:
            StopRun: it ended early; what was asked for is not paid for again.
        """
        ...

    def allows(self, failed: int, asked: int) -> bool:
        """Tell whether so many texts of so many may go without a vector."""
        ...

    def interrupt(self) -> None:
        """Stop for a person who asked for it; asked twice, at once."""
        ...


class EmbeddingJob:
    """Embeds the texts that have no vector in a folder yet."""

    def __init__(self, folder: Path, texts: Sequence[str], embedder: Embedder) -> None:
        """Take the texts; nothing is opened or written yet."""
        self._file = folder / store.NAME
        self._texts = texts
        self._embedder = embedder
        self._failed = 0

    def expected(self) -> Expected:
        """Return what it is likely to take.

        Raises:
            InputError: the file of embeddings cannot be read.
        """
        if self._file.exists():
            with store.opened(self._file, only_read=True) as kept:
                new = missing(self._texts, kept, self._embedder.model)
        else:
            new = {store.digest_of(text): text for text in self._texts}
        folder, count = str(self._file.parent), len({*self._texts})
        takes = self._embedder.takes(new)
        return Expected(
            folder, self._embedder.model, count, len(new), *takes, self._embedder.receivers()
        )

    async def events(self) -> AsyncGenerator[Embedding]:
        """Embed what is missing, and keep it.

        Raises:
            InputError: the file of embeddings cannot be used, or a reply is no vector.
            StopRun: it ended early; the same command goes on.
        """
        model = self._embedder.model
        with store.opened(self._file) as kept:
            new = missing(self._texts, kept, model)
            if new:
                async with aclosing(self._kept(new, kept)) as events:
                    async for event in events:
                        yield event
            kept.use(model)

    async def _kept(
        self, texts: Mapping[bytes, str], kept: store.Store
    ) -> AsyncGenerator[Embedding]:
        model, waiting = self._embedder.model, list[tuple[bytes, bytes]]()
        try:
            async with aclosing(self._embedder.vectors(texts)) as vectors:
                done = 0
                async for digest, vector in vectors:
                    done += 1
                    if vector is None:
                        self._failed += 1
                    else:
                        waiting.append((digest, vector))
                    if len(waiting) == _AT_ONCE:
                        kept.add(model, waiting)
                        waiting.clear()
                    yield Embedding(model, done, len(texts), self._failed, self._embedder.spent)
        finally:
            kept.add(model, waiting)

    @property
    def exit_code(self) -> int:
        """The exit code of a command that has ended: whether more got no vector than may."""
        return 0 if self._embedder.allows(self._failed, len({*self._texts})) else EXIT_FAILED

    def interrupt(self) -> None:
        """Stop for a person who asked for it; asked twice, at once."""
        self._embedder.interrupt()
