"""Test items in texts: every overlap that counts is found, and nothing else is called one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.contamination import (
    GRAM,
    SHARE,
    WORDS,
    Index,
    Item,
    Items,
    Overlap,
    grams,
    words_of,
)

ITEM = [f"word{n}" for n in range(30)]
OTHER = [f"other{n}" for n in range(30)]


def found(items: Sequence[Sequence[str]], text: Sequence[str]) -> Overlap | None:
    return Index([" ".join(item) for item in items]).find(" ".join(text), WORDS, SHARE)


@pytest.mark.parametrize("start", range(len(ITEM) - WORDS + 1))
@pytest.mark.parametrize("before", [0, 1, 17, 30])
def test_words_of_an_item_are_found_wherever_they_stand(start: int, before: int) -> None:
    shared = ITEM[start : start + WORDS]
    overlap = found([OTHER[::-1], ITEM], [*OTHER[:before], *shared, *OTHER[before:]])
    assert overlap is not None
    assert (overlap.item, overlap.kind, overlap.gram) == (1, "long", " ".join(shared))


@pytest.mark.parametrize("length", range(GRAM, WORDS))
def test_fewer_words_in_a_row_are_weak(length: int) -> None:
    overlap = found([ITEM], [*OTHER, *ITEM[5 : 5 + length]])
    assert overlap is not None
    assert (overlap.kind, overlap.is_strong) == ("weak", False)
    assert overlap.gram == " ".join(ITEM[5 : 5 + GRAM])
    assert found([ITEM], [*OTHER, *ITEM[5 : 4 + GRAM], *OTHER]) is None


def test_a_short_item_is_held_by_most_of_its_8_grams() -> None:
    item = ITEM[:11]  # four 8-grams
    held = found([item], [*OTHER, *item[:10]])
    assert held is not None
    assert (held.kind, held.share) == ("share", 0.75)
    half = found([item], [*OTHER, *item[:9]])
    assert half is not None
    assert (half.kind, half.share) == ("weak", 0.5)


def test_every_item_that_a_text_holds_is_found_just_at_the_bounds() -> None:
    one, other = ITEM[:17], OTHER[:17]  # ten 8-grams each
    index = Index([" ".join(item) for item in (other, one, ITEM[20:])])
    text = " ".join([*one[:13], "between", *other[4:]])
    assert [(each.item, each.kind) for each in index.overlaps(text, 13, 1)] == [
        (0, "long"),
        (1, "long"),
    ]
    text = " ".join([*one[:14], "between", *other[3:]])
    assert [(each.item, each.share) for each in index.overlaps(text, 50, 0.7)] == [
        (0, 0.7),
        (1, 0.7),
    ]


@pytest.mark.parametrize(
    ("item", "text", "is_held"),
    [
        ("Is 391 prime?", "is 391 prime", True),
        ("Is 391 prime?", "Is 391 prime? Prove it.", False),
        ("Prove it: 391 is prime.", "Prove it: 397 is prime.", False),
        ("2 + 2", "2+2", True),
        ("2 + 2", "2 - 2", False),
        ("🙂?", "🙂", True),
        ("🙂?", "🙃?", False),
        ("说出三条河。", "说出三条河", True),
        ("说出三条河。", "说出四条河", False),
    ],
)
def test_an_item_of_few_words_is_held_by_what_equals_it(
    item: str, text: str, is_held: bool
) -> None:
    assert (Index([item]).find(text, WORDS, SHARE) is not None) is is_held


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zähle DIE Bäume", "za\u0308hle die ba\u0308ume"),
        ("Straße", "STRASSE"),
        ("ＡＢＣ １２", "abc 12"),
        ("don't — stop", "Don’t stop!"),
        ("co\u00adoperate", "cooperate"),
        ("max_value(x)", "max value x"),
        ("حِساب", "حِساب؟"),
        ("三条河", "三 条 河"),
    ],
)
def test_words_are_compared_without_their_form(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


def test_marks_make_no_words_of_their_own() -> None:
    assert words_of("हिन्दी में") == ["हिन्दी", "में"]
    assert words_of("B2B市场 ok") == ["b2b", "市", "场", "ok"]


def naive(items: Sequence[Sequence[str]], text: Sequence[str]) -> tuple[list[int], bool]:
    """Return the items that a text holds, and whether it shares 8 words in a row with any."""

    def rows(words: Sequence[str], length: int) -> list[list[str]]:
        return [list(words[at : at + length]) for at in range(len(words) - length + 1)]

    strong, shares_some = [], False
    for number, item in enumerate(items):
        if len(item) < GRAM:
            is_held = list(item) == list(text)
        else:
            theirs, ours = rows(item, GRAM), rows(text, GRAM)
            different = [row for at, row in enumerate(theirs) if row not in theirs[:at]]
            common = [row for row in different if row in ours]
            shares_some = shares_some or bool(common)
            is_held = len(common) >= SHARE * len(different) or any(
                row in rows(text, WORDS) for row in rows(item, WORDS)
            )
        if is_held:
            strong.append(number)
    return strong, shares_some


WORDS_OF_TEXTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=40)


@given(st.data())
def test_what_is_found_is_what_a_plain_comparison_finds(data: st.DataObject) -> None:
    items = data.draw(st.lists(WORDS_OF_TEXTS.filter(bool), min_size=1, max_size=4))
    text: list[str] = []
    for _ in range(data.draw(st.integers(0, 3))):
        item = data.draw(st.sampled_from(items))
        start = data.draw(st.integers(0, len(item)))
        text += [*item[start : start + data.draw(st.integers(0, 40))], *data.draw(WORDS_OF_TEXTS)]
    index = Index([" ".join(item) for item in items])
    overlaps = index.overlaps(" ".join(text), WORDS, SHARE)
    strong, shares_some = naive(items, text)
    assert [overlap.item for overlap in overlaps if overlap.is_strong] == strong
    assert len([o for o in overlaps if not o.is_strong]) == (shares_some and not strong)
    for overlap in overlaps:
        assert f" {overlap.gram} " in f" {' '.join(text)} "
        assert f" {overlap.gram} " in f" {' '.join(items[overlap.item])} "
    assert all(one.item < other.item for one, other in pairwise(overlaps))


@given(st.text(max_size=300))
def test_any_text_holds_itself(text: str) -> None:
    assert Index([text]).find(text, WORDS, SHARE) is not None
    assert words_of(text) == words_of(" ".join(words_of(text)))


def test_of_many_items_that_share_a_phrase_the_one_that_is_held_is_named() -> None:
    items = [[*ITEM[:12], f"nr{n}", *OTHER[n % 7 :]] for n in range(500)]
    overlap = found(items, items[321])
    assert overlap is not None
    assert (overlap.item, overlap.share) == (321, 1.0)


def test_grams_are_every_so_many_words_in_a_row() -> None:
    assert list(grams(["a", "b", "c"], 2)) == [("a", "b"), ("b", "c")]
    assert list(grams(["a"], 2)) == []


HASHES = """
from evolinstruct.contamination import Index
items = [" ".join(f"w{(n * k) % 37}" for k in range(20)) for n in range(1, 60)]
texts = [" ".join(f"w{(n * k) % 37}" for k in range(5, 30)) for n in range(1, 60)]
index = Index(items)
print([index.overlaps(text, 13, 0.7) for text in texts])
"""


def test_what_is_found_does_not_depend_on_how_the_process_hashes() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", HASHES],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert b"long" in outputs.pop()


HOSTILE = {
    "one letter": "a" * 1_000_000,
    "one word": "the " * 150_000,
    "Chinese": "好" * 200_000,
    "marks": "a" + "\u0301" * 500_000,
    "signs": "?!" * 500_000,
    "a lone surrogate": "word \ud800 " * 50_000,
    "numbers": " ".join(map(str, range(50_000))),
}


@pytest.mark.parametrize("share", [10, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str, share: int) -> None:
    text = text[: len(text) // share]
    begin = time.process_time()
    index = Index([text, *["write a function that takes a list of words"] * (1_000 // share)])
    assert index.find(text, WORDS, SHARE) is not None
    index.find("write a function that takes a list of words " * (10_000 // share), WORDS, SHARE)
    assert time.process_time() - begin < 5 / share


# Items that are alike


def items_of(*texts: str) -> Items:
    return Items(Item("t.jsonl", f"line {n}", text) for n, text in enumerate(texts, 1))


def test_the_item_that_a_text_is_most_like_is_found() -> None:
    text = " ".join(ITEM)
    near = items_of("Name a river.", f"{text} more", text).near(0.8).find(text.upper())
    assert near is not None
    assert (near.item, near.likeness) == (2, 1.0)


def test_a_text_that_is_less_alike_than_asked_is_not_near() -> None:
    near = items_of(" ".join(ITEM)).near(0.8)
    assert near.find(" ".join([*ITEM[:20], *OTHER])) is None
    one_word = near.find(" ".join([*ITEM[:-1], "end"]))
    assert one_word is not None
    assert 0.8 <= one_word.likeness < 1


# Items as a whole


def test_a_digest_tells_items_places_and_files_apart() -> None:
    item = Item("t.jsonl", "line 1", "Name a river.")
    others = [
        [Item("u.jsonl", "line 1", "Name a river.")],
        [Item("t.jsonl", "line 2", "Name a river.")],
        [Item("t.jsonl", "line 1", "Name two rivers.")],
        [item, item],
        [],
    ]
    digests = {Items(items).digest for items in [[item], *others]}
    assert len(digests) == 1 + len(others)
    assert Items([item]).digest == Items(iter([item])).digest
