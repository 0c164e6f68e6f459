"""Words are counted in every script, and differences name the words and lose none."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.words import DiffPart, compare_words, count_words, is_placeholder, lowered

TEXTS = st.text(alphabet="ab \n\t潮汐é👩\u200d.", max_size=40)


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("  two\n words ", 2), ("naïve café", 2), ("解释潮汐。", 5), ("see 潮汐 now", 4)],
)
def test_words_stand_between_blanks_and_unspaced_scripts_count_by_the_letter(
    text: str, words: int
) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("text", ["A Tide", "İstanbul'da SU", "ΟΔΟΣ Straße", "\u212a2 潮汐 ДОМ"])
def test_in_lower_case_each_character_keeps_its_place(text: str) -> None:
    lower = lowered(text)
    assert len(lower) == len(text)
    assert lower == lower.lower()


PLACEHOLDERS = [
    *("<noinput>", "<NoInput>", "<noinput", "\\<noinput>", '"<noinput>"', "no_input", "No-Input"),
    *("<nooutput>", "N/A", "n/a", "#N/A", "N.A.", "NA", "na", "n\\a", "n / a", "None", "none."),
    *("(none)", "nan", "NaN", "NULL", "`null`", "nil", "-", "--", "—", "…", "...", "[blank]"),
    *("No input", "no input.", "[No input required]", "No additional input is needed."),
    *("No context provided", "None given", "Not applicable", "not available.", " \tnull\n"),
]
NO_PLACEHOLDERS = [
    *("", " ", "0", "No", "No.", "Na", "Empty", "[]", "{}", "?", "N", "NASA", "nano", "Nothing"),
    *("Not given", "not", "..-. ---", "-5", "- a", "none of them", "no inputs at all"),
    *("N/A is a placeholder.", "no data is safe"),
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_what_stands_for_nothing_is_a_placeholder_in_any_case_and_brackets(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", NO_PLACEHOLDERS)
def test_what_may_be_an_answer_is_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)


def test_a_difference_names_the_words_that_were_removed_and_added() -> None:
    assert compare_words("Name three rivers.", "Name four rivers. Say why.") == [
        DiffPart("same", "Name "),
        DiffPart("removed", "three "),
        DiffPart("added", "four "),
        DiffPart("same", "rivers. "),
        DiffPart("added", "Say why."),
    ]


def test_unspaced_scripts_differ_by_the_letter() -> None:
    assert compare_words("解释潮汐", "解释月潮汐") == [
        DiffPart("same", "解释"),
        DiffPart("added", "月"),
        DiffPart("same", "潮汐"),
    ]


def test_what_is_removed_at_the_end_stays_a_word_of_its_own() -> None:
    assert compare_words("Name rivers now", "Name rivers") == [
        DiffPart("same", "Name rivers"),
        DiffPart("removed", " now"),
    ]


def _joined(parts: list[DiffPart], without: str) -> str:
    return "".join(part.text for part in parts if part.kind != without)


@given(before=TEXTS, after=TEXTS)
def test_what_is_the_same_or_added_is_the_later_text_and_the_rest_the_earlier(
    before: str, after: str
) -> None:
    parts = compare_words(before, after)
    assert _joined(parts, without="removed") == after
    earlier = _joined(parts, without="added")
    assert "".join(earlier.split()) == "".join(before.split())


def test_very_long_texts_are_compared_at_bounded_cost() -> None:
    before = " ".join(f"a{n % 7}" for n in range(30_000))
    after = " ".join(f"b{n % 5}" for n in range(30_000))
    start = perf_counter()
    parts = compare_words(f"Begin {before}", f"Begin {after}")
    assert [part.kind for part in parts] == ["same", "removed", "added"]
    assert perf_counter() - start < 5
