"""Texts on a page: to the character, with changed words marked and code in a fixed width."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.prose import find_blocks
from evolinstruct.report.passages import passage, plain
from evolinstruct.words import compare_words

TABLE = "city,season,rain\nNorwick,winter,210\nUkon,summer,140"
CODE = "```python\nx = 1\n\nprint(x)\n```"
LOG = "2026-01-02 10:00 up\n2026-01-02 10:01 down\n2026-01-02 10:02 up"


def text_of(markup: str) -> str:
    return unescape(re.sub("<[^>]*>", "", markup))


def fixed(markup: str) -> list[str]:
    """Return the texts in a fixed width; nothing in them is such an element."""
    parts = markup.split('<span class="fixed">')[1:]
    return [text_of(re.split(r"</span></span>|</(?:ins|del)></span>", part)[0]) for part in parts]


@pytest.mark.parametrize("block", [TABLE, CODE, LOG])
def test_code_tables_and_logs_have_a_fixed_width_and_prose_has_not(block: str) -> None:
    shown = plain(f"Look at this.\n\n{block}\n\nWhat is wrong with it?")
    assert [text.strip() for text in fixed(shown)] == [block]
    assert fixed(plain("One line.\nAnother line.\nA third.")) == []


@given(st.text("ab`,|\n <&", max_size=60), st.text("ab`,|\n <&", max_size=60))
def test_a_text_is_shown_to_the_character(before: str, after: str) -> None:
    parts = compare_words(before, after)
    assert text_of(passage(parts)) == "".join(part.text for part in parts)


def test_changed_words_are_marked_inside_a_block_too() -> None:
    parts = compare_words(TABLE, TABLE.replace("winter", "spring"))
    assert "<ins>Norwick,spring,210\n</ins>" in passage(parts)
    assert len(fixed(passage(parts))) == 1


@given(st.text("ab`,\n ", max_size=80))
def test_blocks_are_told_by_the_numbers_of_their_lines(text: str) -> None:
    blocks = [*find_blocks(text)]
    lines = [number for block in blocks for number in block]
    assert lines == sorted({*lines})
    assert all(0 <= number < len(text.split("\n")) for number in lines)
