"""Counts, money, times, lists and excerpts are written in one way."""

from __future__ import annotations

import os
import re
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.text import (
    clock,
    command,
    counted,
    decimal,
    did_you_mean,
    dollars,
    listed,
    number,
    percent,
    short_number,
    shorten,
    signed,
    until,
)


def test_a_noun_takes_its_plural_unless_there_is_one() -> None:
    assert [counted(1, "seed"), counted(1_234, "seed")] == ["1 seed", "1,234 seeds"]
    assert counted(2, "reply", "replies") == "2 replies"


def test_a_figure_that_is_unknown_is_a_dash() -> None:
    assert [number(None), percent(None), short_number(None)] == ["-", "-", "-"]


def test_nothing_is_written_as_less_than_nothing() -> None:
    written = [number(-0.4), percent(-0.0001), signed(-0.001), decimal(-0.001)]
    assert written == ["0", "0.0%", "+0", "0"]


def test_figures_are_grouped_rounded_and_shortened() -> None:
    assert [number(1_234.4), percent(0.1251)] == ["1,234", "12.5%"]
    assert [short_number(999), short_number(1_250), short_number(3_400_000)] == [
        "999",
        "1.2k",
        "3.4M",
    ]


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (Decimal(0), "$0.00"),
        (Decimal("12.341"), "$12.35"),
        (Decimal("1234.5"), "$1,234.50"),
        (Decimal("0.00121"), "$0.0013"),
        (0.1 + 0.2, "$0.30"),
        (0.000012, "$0.000012"),
    ],
)
def test_money_is_rounded_up_and_never_looks_free(amount: Decimal | float, said: str) -> None:
    assert dollars(amount) == said


def test_times_and_lists_read_as_people_write_them() -> None:
    assert [clock(7.4), clock(750), clock(11_045)] == ["0:07", "12:30", "3:04:05"]
    assert [listed(["a"]), listed(["a", "b", "c"])] == ["a", "a, b and c"]


@given(st.text(), st.integers(1, 20))
def test_a_shortened_text_says_that_it_is_cut(text: str, length: int) -> None:
    short = shorten(text, length)
    assert len(short) <= length
    assert short == text or (short.endswith("…") and text.startswith(short[:-1]))


def test_a_name_is_taken_for_the_one_that_is_near_in_any_case() -> None:
    assert did_you_mean("Depen", ["concretize", "deepen"]) == " (did you mean 'deepen'?)"
    assert did_you_mean("x", ["concretize", "deepen"]) == ""
    assert len(did_you_mean("a" * 100_000, ["a" * 100_000])) < 100


@pytest.mark.parametrize(
    ("seconds", "form"),
    [(0, r"\d\d:\d\d:\d\d"), (86_400, r"\d{4}-\d\d-\d\d \d\d:\d\d"), (3e8, r"20\d\d-.* \d\d:\d\d")],
)
def test_a_moment_to_come_is_told_by_the_clock_and_its_date(seconds: float, form: str) -> None:
    assert re.fullmatch(form, until(seconds))


WORDS = ["", "plain", "two words", "it's", '"', "$HOME", "`id`", "#1", "a\nb", "tab\tesc\x1b[1m",
         "back\\slash\n", "\x07'", "naïve 👩‍🚀", os.fsdecode(b"caf\xe9 7")]  # fmt: skip


def test_a_shell_takes_a_command_s_words_as_they_were_and_it_can_be_printed() -> None:
    line = command("printf", "%s\\0", *WORDS)
    assert line.isprintable()
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert done.stdout == b"".join(os.fsencode(word) + b"\0" for word in WORDS)


def test_a_path_in_a_command_is_no_flag() -> None:
    assert command("cd", Path("-rf"), "-n") == "cd ./-rf -n"
