"""The rule for rewrites that mean what an earlier text means.

It looks at the whole pool: the gate (`evolinstruct.gate`) remembers what passed, and asks here
which of it to look at and whether it is too alike. A text is embedded by the model that the extra
`diversity` brings; alone, because in company the last digit of its vector may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING

from evolinstruct import defaults, diversity
from evolinstruct.elimination.rule import Objection, Parameter, RuleInfo

if TYPE_CHECKING:
    from evolinstruct.diversity.embedding import LocalModel

NEAR_MEANING = "near_duplicate_meaning"
_KNOWN = "Which text shows that a model embeds as it did? This one, whose vector is known."
_AT_ONCE = 1_024

Embed = Callable[[Sequence[str]], Sequence[bytes]]
"""Returns the vectors of texts, a signed byte for each dimension."""


@cache
def _model() -> LocalModel:
    """Return the model.

    Raises:
        InputError: the extra that brings it is not installed.
    """
    purpose = f"The rule {NEAR_MEANING}"
    diversity.require(purpose)
    from evolinstruct.diversity.embedding import LocalModel  # noqa: PLC0415 - numpy

    return LocalModel(purpose)


def with_embedder(rule: RuleInfo) -> RuleInfo:
    """Return the rule with a digest of the model, and of how it embeds on this machine.

    Raises:
        InputError: the extra that brings the model is not installed.
    """
    model = _model()
    digest = blake2b(model.embed([_KNOWN])[0], digest_size=8).hexdigest()
    return replace(rule, digest=f"{model.name} {digest}")


class Meanings:
    """What the texts that passed mean, and which of them mean the same as another one."""

    def __init__(self, likeness: float, embed: Embed | None = None) -> None:
        """Say how alike is too alike, and what embeds; nothing has passed yet.

        Raises:
            InputError: nothing is named that embeds, and the extra is not installed.
        """
        self._embed = embed or _model().embed
        self._likeness = Fraction(str(likeness))
        from evolinstruct.diversity.nearness import NearVectors  # noqa: PLC0415 - numpy

        self._passed = NearVectors(likeness)

    def vector(self, text: str) -> bytes:
        """Return the vector of a text."""
        return self._embed([text])[0]

    def begin(self, vectors: Iterable[bytes]) -> None:
        """Take what has passed so far, in its order, in place of what was known."""
        self._passed.clear()
        left = iter(vectors)
        while part := list(islice(left, _AT_ONCE)):
            self._passed.add(part)

    def add(self, vector: bytes) -> None:
        """Let a text pass."""
        self._passed.add([vector])

    def candidates(self, vector: bytes) -> list[int]:
        """Return the numbers of the texts to look at, in the order in which they passed."""
        return self._passed.candidates(vector)

    def find_objection(
        self, vector: bytes, others: Iterable[tuple[str, bytes]]
    ) -> Objection | None:
        """Return an objection that names the text most like this one, if one is too alike.

        Args:
            vector: of the text.
            others: the ids of texts of other families, with their vectors.
        """
        from evolinstruct.diversity.nearness import cosine, is_near  # noqa: PLC0415 - numpy

        near = [
            (cosine(vector, other), name)
            for name, other in others
            if is_near(vector, other, self._likeness)
        ]
        if not near:
            return None
        likeness, name = max(near)
        return Objection(NEAR_MEANING, f"{likeness:.2f} like {name} in meaning")


RULES: tuple[RuleInfo, ...] = (
    RuleInfo(
        name=NEAR_MEANING,
        meaning="The rewrite means nearly the same as an instruction of another family.",
        cause="the seeds are alike to begin with, or the model makes the same of many: look at the"
        " pairs with `evolinstruct trace`, or use more diverse seeds",
        stage="pool",
        on=False,
        embeds=True,
        cost="4 ms of a core",
        parameters=(
            Parameter(
                "likeness", defaults.NEAR, 0.5, 1, "the cosine of two texts' vectors, from -1 to 1"
            ),
        ),
    ),
)
