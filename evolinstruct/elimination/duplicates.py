"""Rules for rewrites that duplicate an earlier text.

They look at the whole pool: the gate (`evolinstruct.gate`) remembers what passed, finds the texts
that may be alike, and asks here whether they are too alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from evolinstruct import similarity
from evolinstruct.elimination.rule import Objection, Parameter, RuleInfo
from evolinstruct.similarity import Similarity, Sketch, equal_key, jaccard, tokens

DUPLICATE, NEAR_DUPLICATE = "duplicate", "near_duplicate"
_CAUSE = (
    "the seeds are alike to begin with, or the model makes the same of many, most of all in"
    " breadth: look at the pairs with `evolinstruct trace`, raise the temperature, or use more"
    " diverse seeds"
)


class PassedText(NamedTuple):
    """A text that has passed: the ids of its line and of its seed, and what is compared of it.

    The vector is empty where no rule compares meanings.
    """

    id: str
    family: str
    sketch: Sketch
    vector: bytes


class Duplicates:
    """Says whether a text duplicates others.

    Attributes:
        within: how many words and signs more or fewer a text has at most that is too alike.
    """

    def __init__(self, near: Mapping[str, float] | None, *, equal: bool) -> None:
        """Take the parameters of the rule for near-duplicates, and whether equal texts are dropped.

        Without parameters the rule for near-duplicates is off.
        """
        self._equal = equal
        self._near = near
        self._similarity = Similarity(near["likeness"]) if near else None
        # A text that has so many words more or fewer differs by at least as many shingles.
        self.within = int(near["differing"]) if near else 0

    def sketch(self, text: str) -> Sketch:
        """Return what is compared of a text."""
        if self._similarity is not None:
            return self._similarity.sketch(text)
        words = " ".join(tokens(text))
        return Sketch(words, (equal_key(words),))

    def find_objection(
        self, family: str, sketch: Sketch, passed: Sequence[PassedText], skips: Collection[str]
    ) -> Objection | None:
        """Return the objection of the first rule that has one and is not skipped."""
        if self._equal and DUPLICATE not in skips:
            for other in passed:
                if other.sketch.words == sketch.words:
                    return Objection(DUPLICATE, f"the same words as {other.id}")
        others = [text for text in passed if text.family != family]
        if self._near is None or NEAR_DUPLICATE in skips or not others:
            return None
        likeness, name = max(self._too_alike(sketch, others, self._near), default=(0.0, ""))
        return Objection(NEAR_DUPLICATE, f"{likeness:.2f} like {name}") if name else None

    def _too_alike(
        self, sketch: Sketch, others: Sequence[PassedText], near: Mapping[str, float]
    ) -> Iterator[tuple[float, str]]:
        """Yield the likeness and the id of each text that is too alike."""
        shingles = sketch.shingles
        for other in others:
            others_own = other.sketch.shingles
            likeness = jaccard(shingles, others_own)
            differing = len(shingles ^ others_own)
            if likeness >= near["likeness"] and differing <= near["differing"]:
                yield likeness, other.id


RULES: tuple[RuleInfo, ...] = (
    RuleInfo(
        name=DUPLICATE,
        meaning="The rewrite has the same words and signs as an earlier instruction, also of its"
        " own family.",
        cause=_CAUSE,
        stage="pool",
    ),
    RuleInfo(
        name=NEAR_DUPLICATE,
        meaning="The rewrite is nearly the same as an instruction of another family.",
        cause=_CAUSE,
        stage="pool",
        parameters=(
            Parameter("likeness", 0.8, 0.7, 1, "the share of word shingles that both texts have"),
            Parameter("differing", 12, 0, 10_000, "shingles at most that only one of them has"),
        ),
        digest=similarity.version(),
    ),
)
"""In the order in which they look."""
