"""Measures of diversity: `MEASURES` states the name, value and format of each in one row.

The terminal, CSV, JSON and the report show these rows. docs/diversity.md explains each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evolinstruct.diversity.phrases import Distinctness, Phrases
from evolinstruct.diversity.vectors import Vectors, blocks
from evolinstruct.text import NONE, number

NEIGHBOURS = 5
"""To so many nearest neighbours the distance is measured, or to all where there are fewer."""
_BLOCK = 1_024


@dataclass(frozen=True, slots=True)
class Figures:
    """How diverse a group of texts is, measured on a sample of it.

    Attributes:
        texts: how many the group has.
        sample: on how many of them everything below was measured.
        vendi: the Vendi score: so many texts that have nothing in common would be as diverse.
        novelsum: the mean over texts of the mean distance to all texts, in which the nearest of
            them weighs 1, the second 1/2, the third 1/3 and so on; a text is its own nearest.
        distance: the mean distance to the nearest neighbours.
        near_pairs: the share of pairs that are more alike than the threshold.
        near_texts: the share of texts that have such a partner.
        distinct: the share of different phrases among all, of one, two and three words.
    """

    texts: int
    sample: int
    vendi: float | None = None
    novelsum: float | None = None
    distance: float | None = None
    near_pairs: float | None = None
    near_texts: float | None = None
    distinct: tuple[float, ...] = ()

    def to_json(self) -> dict[str, float | None]:
        """Return every measure by its name."""
        return {measure.key: measure.value(self) for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure.

    Attributes:
        key: its name for scripts.
        label: its name for people.
        value: takes it from the figures of a group.
        write: writes it for people.
        is_shown: whether the tables for people have it.
    """

    key: str
    label: str
    value: Callable[[Figures], float | None]
    write: Callable[[float | None], str]
    is_shown: bool = True

    def text(self, figures: Figures) -> str:
        """Write it for people."""
        return self.write(self.value(figures))


def _fraction(value: float | None) -> str:
    return NONE if value is None else f"{value:z.3f}"


def _tenths(value: float | None) -> str:
    return NONE if value is None else f"{value:z,.1f}"


def _fine_percent(share: float | None) -> str:
    """Write a share that may be tiny, with the digits that say something."""
    return NONE if share is None else f"{share * 100:.3g}%"


def _distinct(length: int) -> Callable[[Figures], float | None]:
    return lambda figures: figures.distinct[length - 1] if figures.distinct else None


MEASURES: tuple[Measure, ...] = (
    Measure("texts", "texts", lambda figures: figures.texts, number),
    Measure("sample", "measured", lambda figures: figures.sample, number),
    Measure("vendi", "Vendi", lambda figures: figures.vendi, _tenths),
    Measure("novelsum", "NovelSum", lambda figures: figures.novelsum, _fraction),
    Measure("distance", "distance", lambda figures: figures.distance, _fraction),
    Measure("near_texts", "near texts", lambda figures: figures.near_texts, _fine_percent),
    Measure("near_pairs", "near pairs", lambda figures: figures.near_pairs, _fine_percent),
    Measure("distinct_1", "distinct-1", _distinct(1), _fraction, is_shown=False),
    Measure("distinct_2", "distinct-2", _distinct(2), _fraction),
    Measure("distinct_3", "distinct-3", _distinct(3), _fraction, is_shown=False),
)
"""Every measure, in the order in which tables show them."""


def find(key: str) -> Measure:
    """Return the measure of that key."""
    return next(measure for measure in MEASURES if measure.key == key)


def measured(texts: Sequence[str], vectors: Vectors, size: int, near: float) -> Figures:
    """Return how diverse texts are; without two of them there is little to say.

    Args:
        texts: the sample.
        vectors: those of the texts.
        size: how many texts the sample was drawn from.
        near: how alike two texts must be to count as a near pair.
    """
    found = _distinctness(texts)
    words = found.distinct if found else ()
    if len(texts) < 2:  # noqa: PLR2004 - a pair
        return Figures(size, len(texts), distinct=words)
    novelty, distance, pairs, near_texts = _neighbourhoods(vectors, near)
    return Figures(
        texts=size,
        sample=len(texts),
        vendi=round(vendi_score(vectors), 4),
        novelsum=round(novelty, 6),
        distance=round(distance, 6),
        near_pairs=pairs / (len(texts) * (len(texts) - 1)),
        near_texts=near_texts / len(texts),
        distinct=words,
    )


def _distinctness(texts: Sequence[str]) -> Distinctness | None:
    phrases = Phrases(len(texts), 0)
    for text in texts:
        phrases.add(text)
    return phrases.measured()


def vendi_score(vectors: Vectors) -> float:
    """Return e to the entropy of the eigenvalues of the texts' likenesses (Friedman, Dieng 2023).

    Texts and dimensions have the same eigenvalues but for zeros, so the smaller matrix is taken.
    """
    unit = vectors.floats.astype(np.float64) * vectors.inverse_lengths[:, None]
    products = unit.T @ unit if unit.shape[0] > unit.shape[1] else unit @ unit.T
    shares = np.linalg.eigvalsh(products).clip(0)
    shares /= shares.sum() or 1
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _neighbourhoods(vectors: Vectors, near: float) -> tuple[float, float, int, int]:
    """Return NovelSum, the distance to neighbours, near pairs (each twice), texts in one."""
    count = len(vectors)
    nearest = min(NEIGHBOURS, count - 1)
    weights = 1 / np.arange(2, count + 1)
    novelty = distance = 0.0
    pairs = texts = 0
    for start, end in blocks(count, _BLOCK):
        alike = vectors[start:end].likeness(vectors)
        itself = np.arange(end - start)
        alike[itself, itself + start] = -2  # less than anything: the last of its own neighbours
        close = (alike > near).sum(axis=1)
        pairs += int(close.sum())
        texts += int((close > 0).sum())
        apart = np.sort(1 - alike, axis=1)[:, :-1]
        novelty += float((apart * weights).sum())
        distance += float(apart[:, :nearest].sum(dtype=np.float64))
    return novelty / float(1 + weights.sum()) / count, distance / nearest / count, pairs, texts
