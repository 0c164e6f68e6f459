"""Embedding on this machine, by the model that the extra brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from decimal import Decimal
from itertools import islice

from evolinstruct.diversity.embedding import LocalModel
from evolinstruct.errors import Interrupted
from evolinstruct.llm.budget import Spending
from evolinstruct.run.session import INTERRUPTED

_AT_ONCE = 64
"""So many texts are embedded between two looks at whether a person wants an end."""


class LocalEmbedder:
    """Embeds without a network, for nothing."""

    def __init__(self) -> None:
        """Find the model; it is read when the first text is embedded.

        Raises:
            InputError: the package that brings it is not installed.
        """
        self._found = LocalModel()
        self.model = self._found.name
        self.spent = Spending()
        self._is_stopped = False

    def receivers(self) -> dict[str, list[str]]:
        """Return that no server gets a text."""
        return {}

    def takes(self, texts: Mapping[bytes, str]) -> tuple[int, int, Decimal | None]:  # noqa: ARG002
        """Return that there is no call, no token and no dollar."""
        return 0, 0, Decimal(0)

    async def vectors(
        self, texts: Mapping[bytes, str]
    ) -> AsyncGenerator[tuple[bytes, bytes | None]]:
        """Yield the digest and the vector of each text, in their order."""
        left = iter(texts.items())
        while part := list(islice(left, _AT_ONCE)):
            if self._is_stopped:
                raise Interrupted(INTERRUPTED)
            found = await asyncio.to_thread(self._found.embed, [text for _, text in part])
            for (digest, _), vector in zip(part, found, strict=True):
                yield digest, vector

    def allows(self, failed: int, asked: int) -> bool:  # noqa: ARG002
        """Return that all is well: every text has a vector."""
        return True

    def interrupt(self) -> None:
        """Stop after the texts that are being embedded."""
        self._is_stopped = True
