"""Filters take the lines they name and say what is wrong with their words; samples are drawn."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.errors import UsageError
from evolinstruct.filters import Value, draw_sample, select
from tests.written import SEEDS, family_lines, seed

LINES = [line for lines in family_lines() for line in lines]
KNOWN = {"operation": ["deepen", "in_breadth"], "rule": ["unchanged", "prompt_leaked"]}


def measured(name: str) -> Value:
    """Measure a line by the letters of its operation; a seed has none."""
    assert name == "letters"
    return lambda line: None if line.operation is None else float(len(line.operation))


def taken(**words: Any) -> list[tuple[int, int]]:
    """Return (generation, number of the family) of the lines that pass."""
    families = [seed(text).id for text in SEEDS]
    selection = select(words, {}, measured)
    found = [line for line in LINES if selection.takes(line)]
    return [(line.generation, families.index(line.seed_id)) for line in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"generation": ["0"], "max_words": "3"}, [(0, 0)]),
        ({"generation": ["1-2"], "operation": ["deepen"]}, [(1, 0), (2, 2), (2, 3), (2, 4)]),
        ({"operation": ["concretize,in_breadth"]}, [(1, 2), (1, 3), (2, 1)]),
        ({"rule": ["unchanged", "prompt_leaked"]}, [(1, 2), (2, 1)]),
        ({"seed_id": [seed(SEEDS[1]).id[:6]]}, [(0, 1), (1, 1), (2, 1)]),
        ({"grep": "NAME THREE", "generation": ["0,1"]}, [(0, 0), (1, 0)]),
        ({"grep": "server is down"}, [(1, 3), (2, 4)]),
        ({"grep": "潮汐", "generation": ["0"]}, [(0, 1)]),
        ({"regex": r"^Given \w+:"}, [(2, 1)]),
        ({"min_words": "40"}, [(2, 0)]),
        ({"min": ["letters=11"], "max": ["letters=15.5"]}, [(1, 1)]),
    ],
)
def test_a_line_is_taken_that_passes_every_filter(
    words: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    assert taken(**words) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"generation": "x"}, "--generation x: give a number from 0 (the seeds) up"),
        ({"generation": "3-1"}, "--generation 3-1: this is no span"),
        ({"operation": "depen"}, "--operation depen: unknown operation (did you mean 'deepen'?)"),
        ({"rule": "unchangd"}, "--rule unchangd: unknown rule (did you mean 'unchanged'?)"),
        ({"regex": "("}, "--regex (: this is not a regular expression"),
        ({"regex": "a", "grep": "b"}, "--grep and --regex cannot be given together"),
        (
            {"min": "letters>6"},
            "--min letters>6: give a measure and a number, such as difficulty=6.",
        ),
        ({"min_words": "-1"}, "--min-words must be a whole number from 0 up (given: -1)."),
        ({"min_words": "9", "max_words": "3"}, "--min-words 9 is more than --max-words 3"),
    ],
)
def test_a_word_that_is_no_filter_gets_one_sentence(words: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        select(words, KNOWN, measured)
    assert str(raised.value).startswith(said)


@given(st.lists(st.text(max_size=3), unique=True), st.integers(0, 9), st.integers(0, 5))
def test_a_sample_keeps_the_order_and_lies_within_every_larger_one(
    names: list[str], size: int, by: int
) -> None:
    sample = draw_sample(names, size, by, str)
    assert sample == [name for name in names if name in sample]
    assert len(sample) == min(size, len(names))
    assert set(sample) <= set(draw_sample(names, size + 1, by, str))


def test_another_seed_draws_another_sample() -> None:
    names = [str(number) for number in range(100)]
    assert draw_sample(names, 10, 0, str) != draw_sample(names, 10, 1, str)


@pytest.mark.slow
@pytest.mark.parametrize("expression", ["(a+)+$", r"(\w+\s?)+$", "(a|aa)+b"])
def test_an_expression_that_takes_too_long_is_given_up(expression: str) -> None:
    line = replace(seed("a" * 60 + "."), output="a word, " * 20)
    with pytest.raises(UsageError) as raised:
        select({"regex": expression}, {}, measured).takes(line)
    assert str(raised.value) == (
        f"--regex {expression}: this takes too long, because there are too many ways to match it;"
        " write it without a repetition within a repetition, or look for plain text with --grep."
    )
