"""Likeness: how alike instructions are, by the embeddings that `evolinstruct diversity` has kept.

Nothing is embedded here. Numpy is loaded with the first vector, because the core runs without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evolinstruct import diversity
from evolinstruct.diversity import store
from evolinstruct.errors import InputError
from evolinstruct.text import command

if TYPE_CHECKING:
    from evolinstruct.diversity.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Likeness:
    """The vectors that one model has made of texts; texts are named by their digests.

    Attributes:
        file: of the embeddings.
        model: the name of the model.
    """

    file: Path
    model: str

    def apart(self, texts: Sequence[bytes], most: float, count: int | None) -> list[int]:
        """Walk texts in their order; return the places of those unlike any taken before.

        Args:
            texts: the best first.
            most: how alike two that are taken may be, from -1 to 1.
            count: how many to take; None to walk to the end.
        """
        from evolinstruct.diversity.choice import apart  # noqa: PLC0415 - numpy

        vectors, places = self._vectors(texts)
        return [places[row] for row in apart(vectors, range(len(vectors)), most, count)]

    def spread(self, texts: Sequence[bytes], count: int) -> list[int]:
        """Return the places of so many texts that each other one is near one of them.

        They come in the order in which they are chosen; the first text is the first of them.
        """
        from evolinstruct.diversity.choice import spread  # noqa: PLC0415 - numpy

        vectors, places = self._vectors(texts)
        return [places[row] for row in spread(vectors, 0, count)]

    def cover(self, texts: Sequence[bytes], count: int) -> list[int]:
        """Return the places of so many texts that stand for all, in the order of their choice."""
        from evolinstruct.diversity.choice import cover  # noqa: PLC0415 - numpy

        vectors, places = self._vectors(texts)
        return [places[row] for row in cover(vectors, count)]

    def embedded(self, texts: Sequence[bytes]) -> set[bytes]:
        """Return the texts that have a vector."""
        with store.opened(self.file, only_read=True) as kept:
            return set(kept.find(self.model, [*dict.fromkeys(texts)]))

    def _vectors(self, texts: Sequence[bytes]) -> tuple[Vectors, list[int]]:
        from evolinstruct.diversity.embedding import vectors_of  # noqa: PLC0415 - numpy

        with store.opened(self.file, only_read=True) as kept:
            vectors, places = vectors_of(texts, kept, self.model)
        return vectors, places.tolist()


def find_likeness(target: Path, folder: Path | None) -> Likeness:
    """Return how alike the texts of a target are, by the model that was used last.

    Args:
        target: a run or a file.
        folder: where `diversity` has kept the embeddings; None for that of a run.

    Raises:
        InputError: the extra is not installed, or nothing is embedded; says what to run.
    """
    diversity.require()
    file = (target / store.FOLDER if folder is None else folder) / store.NAME
    if file.exists():
        with store.opened(file, only_read=True) as kept:
            model = kept.last_model
        if model is not None:
            return Likeness(file, model)
    out = [] if target.is_dir() and folder is None else ["-o", folder or target.parent]
    line = command("evolinstruct", "diversity", target, *out)
    there = "" if folder is not None or target.is_dir() else ", and name its folder by --embeddings"
    raise InputError(
        f"{target} has no embeddings, which tell what is alike; run `{line}`{there}, or leave"
        " out --apart and --diverse."
    )
