"""The weights that tell talk from answers are made from the texts in `training/talk`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evolinstruct
from evolinstruct.elimination import ANSWER_RULES, Answer
from evolinstruct.elimination.talk import tokens

ROOT = Path(__file__).parents[1]
DATA = Path(evolinstruct.__file__).parent / "data"


@pytest.mark.slow
def test_the_texts_give_the_weights_that_are_shipped(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "training", str(tmp_path)], cwd=ROOT, check=True)
    written = sorted(file.name for file in tmp_path.iterdir())
    assert written == ["talk.txt", "unanswered.txt"]
    for name in written:
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()


@given(st.text(st.characters(max_codepoint=0x7F)))
def test_words_of_ascii_are_read_as_they_are_among_others(text: str) -> None:
    assert [*tokens(text), "é"] == tokens(f"{text} é")


@pytest.mark.parametrize(
    "text", ["why? " * 200_000, "?" * 1_000_000, "no " * 300_000, "问" * 300_000, "a" * 1_000_000]
)
@pytest.mark.parametrize("rule", ["asks_back", "response_refuses", "response_defers"])
def test_a_megabyte_is_read_in_time(rule: str, text: str) -> None:
    ANSWER_RULES[rule].check(Answer(text, f"Sorry, which text? {text}"))
