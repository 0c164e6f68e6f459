"""Rules for rewrites and answers that hold a test item.

They are off where no test items are given. `evolinstruct.contamination` says which overlap counts.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import TypeVar

from evolinstruct import similarity
from evolinstruct.contamination import GRAM, LIKENESS, NONE, SHARE, WORDS, Item, Items
from evolinstruct.elimination.rule import Answer, Parameter, Rewrite, Rule

_R = TypeVar("_R", Rewrite, Answer)
_EXCERPT = 100  # characters


def _contaminated(
    rewrite: Rewrite, *, words: float = WORDS, share: float = SHARE, test_items: Items = NONE
) -> str | None:
    return _overlap(rewrite.child, words, share, test_items)


def _answer_contaminated(
    answer: Answer, *, words: float = WORDS, share: float = SHARE, test_items: Items = NONE
) -> str | None:
    return _overlap(answer.response, words, share, test_items)


def _overlap(text: str, words: float, share: float, test_items: Items) -> str | None:
    found = test_items.index.find(text, int(words), share)
    if found is None or not found.is_strong:
        return None
    part = f", {found.share:.0%} of it" if found.kind == "share" else ""
    return f'{_place(test_items.all[found.item])}{part}: "{found.gram}"'


def _near(rewrite: Rewrite, *, likeness: float = LIKENESS, test_items: Items = NONE) -> str | None:
    found = test_items.near(likeness).find(rewrite.child)
    if found is None:
        return None
    item = test_items.all[found.item]
    text = " ".join(item.text.split())
    shown = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
    return f'{_place(item)}, {found.likeness:.0%} alike: "{shown}"'


def _place(item: Item) -> str:
    return f"{item.file}, {item.place}"


def with_test_items(rule: Rule[_R], test_items: Items) -> Rule[_R]:
    """Return one of these rules so that it looks for the given test items."""
    decides = [test_items.digest, *([similarity.version()] if rule.name == NEAR else [])]
    digest = blake2b("/".join(decides).encode(), digest_size=8).hexdigest()
    return replace(rule, check=partial(rule.check, test_items=test_items), digest=digest)


CONTAMINATED, NEAR = "contaminated", "contaminated_near"
_PARAMETERS = (
    Parameter("words", WORDS, GRAM, 50, "drops a text that shares so many words in a row"),
    Parameter("share", SHARE, 0.1, 1, f"drops a text that has so much of an item's {GRAM}-grams"),
)

REWRITES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name=CONTAMINATED,
        meaning="The rewrite shares 13 words in a row with a test item, or has 70% of its 8-grams.",
        cause="seeds hold test items, or the model knows them by heart: look at the evidence, and"
        " at the seeds with `evolinstruct contamination`",
        stage="rewrite",
        looks_for_test_items=True,
        parameters=_PARAMETERS,
        check=_contaminated,
    ),
    Rule(
        name=NEAR,
        meaning="The rewrite is like a test item: most of their word shingles are the same.",
        cause="seeds are like test items: look at the evidence, and raise the likeness where texts"
        " of one form ask for different things",
        stage="rewrite",
        looks_for_test_items=True,
        on=False,
        parameters=(
            Parameter("likeness", LIKENESS, 0.1, 1, "the share of word shingles that both have"),
        ),
        check=_near,
    ),
)

ANSWERS: tuple[Rule[Answer], ...] = (
    Rule(
        name="contaminated_answer",
        meaning="The answer shares 13 words in a row with a test item, or has 70% of its 8-grams.",
        cause="the model recites a test set: read some of the answers and their instructions",
        stage="answer",
        looks_for_test_items=True,
        on=False,
        parameters=_PARAMETERS,
        check=_answer_contaminated,
    ),
)
