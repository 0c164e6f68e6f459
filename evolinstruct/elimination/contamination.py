"""Rules for test items that surface in a rewrite or an answer.

Off where there is nothing to hold texts against. Which overlap counts is decided in
`evolinstruct.contamination`. Knows the items and one text.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import TypeVar

from evolinstruct import similarity as likeness
from evolinstruct.contamination import GRAM, LIKENESS, NONE, SHARE, WORDS, Item, Items
from evolinstruct.elimination.rule import Answer, Rewrite, Rule, Setting

_R = TypeVar("_R", Rewrite, Answer)
_EXCERPT = 100  # characters


def _contaminated(
    rewrite: Rewrite, *, words: float = WORDS, share: float = SHARE, items: Items = NONE
) -> str | None:
    return _held(rewrite.child, words, share, items)


def _answer_contaminated(
    answer: Answer, *, words: float = WORDS, share: float = SHARE, items: Items = NONE
) -> str | None:
    return _held(answer.response, words, share, items)


def _held(text: str, words: float, share: float, items: Items) -> str | None:
    found = items.index.find(text, int(words), share)
    if found is None or not found.is_strong:
        return None
    part = f", {found.share:.0%} of it" if found.kind == "share" else ""
    return f'{_place(items.all[found.item])}{part}: "{found.gram}"'


def _near(rewrite: Rewrite, *, likeness: float = LIKENESS, items: Items = NONE) -> str | None:
    found = items.near(likeness).find(rewrite.child)
    if found is None:
        return None
    item = items.all[found.item]
    text = " ".join(item.text.split())
    shown = text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
    return f'{_place(item)}, {found.likeness:.0%} alike: "{shown}"'


def _place(item: Item) -> str:
    return f"{item.file}, {item.place}"


def against(rule: Rule[_R], items: Items) -> Rule[_R]:
    """Return a rule of these as it judges by the items."""
    by = [items.digest, *([likeness.version()] if rule.name == NEAR else [])]
    digest = blake2b("/".join(by).encode(), digest_size=8).hexdigest()
    return replace(rule, check=partial(rule.check, items=items), digest=digest)


CONTAMINATED, NEAR = "contaminated", "contaminated_near"
_SETTINGS = (
    Setting("words", WORDS, GRAM, 50, "words in a row that are not to be shared with a test item"),
    Setting("share", SHARE, 0.1, 1, f"share of the {GRAM}-grams of a test item that is too large"),
)

REWRITES: tuple[Rule[Rewrite], ...] = (
    Rule(
        name=CONTAMINATED,
        meaning="The rewrite has 13 words in a row, or 70% of the 8-grams, of a test item.",
        cause="seeds hold test items, or the model knows them by heart: look at the evidence, and"
        " at the seeds with `evolinstruct contamination`",
        stage="rewrite",
        against=True,
        settings=_SETTINGS,
        check=_contaminated,
    ),
    Rule(
        name=NEAR,
        meaning="The rewrite is like a test item: most of their word shingles are the same.",
        cause="seeds are like test items: look at the evidence, and raise its likeness where the"
        " texts are of one form, but ask for other things",
        stage="rewrite",
        against=True,
        on=False,
        settings=(
            Setting(
                "likeness", LIKENESS, 0.1, 1, "share of word shingles in common with a test item"
            ),
        ),
        check=_near,
    ),
)

ANSWERS: tuple[Rule[Answer], ...] = (
    Rule(
        name="contaminated_answer",
        meaning="The answer has 13 words in a row, or 70% of the 8-grams, of a test item.",
        cause="the model recites a test set: read some of the answers, and what they answer",
        stage="answer",
        against=True,
        on=False,
        settings=_SETTINGS,
        check=_answer_contaminated,
    ),
)
