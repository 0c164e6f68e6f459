"""Demands that code verifies: the constraints, one by one and together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.checks import CONSTRAINTS, Check, draw, faults, go_together, read
from evolinstruct.checks.constraint import Drawing
from evolinstruct.llm.offline.complying import comply

CONFLICTS = [
    json.loads(line)
    for line in (Path(__file__).parent / "labelled_conflicts.jsonl").read_text().splitlines()
]


def names_of(case: dict[str, Any]) -> list[str]:
    return [check["name"] for check in case["checks"]]


def drawn(name: str, place: str) -> Check:
    return Check(name, CONSTRAINTS[name].draw(Drawing(7, place)))


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_the_offline_client_can_meet_each_constraint_whatever_is_drawn(name: str) -> None:
    for place in map(str, range(40)):
        check = drawn(name, place)
        text = comply([check])
        assert text is not None, check
        assert faults([check], text) == []


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_sentence_that_states_a_constraint_is_known_by_it(name: str) -> None:
    for place in map(str, range(20)):
        check = drawn(name, place)
        for wording in range(len(check.constraint.wordings)):
            assert check.is_stated(f"Tell of the sea. {check.statement(wording)}"), check
        assert not check.is_stated("Tell of the sea.")


@pytest.mark.parametrize("case", CONFLICTS, ids=lambda case: "+".join(names_of(case)))
def test_constraints_are_drawn_together_only_where_one_answer_can_meet_both(
    case: dict[str, Any],
) -> None:
    assert go_together(read(case["checks"], "case")) is case["together"]


SUITS = {
    "Describe how bees find their way back to the hive.": True,
    "Is 51 a prime number? Answer in one word.": False,
    "Classify this review as positive or negative: the soup was cold.": False,
    "How many legs do two spiders have?": False,
    "Translate to French: where is the station?": False,
    "Capital of Mongolia?": False,
    "Name one animal that lays eggs.": False,
    "Create a hashtag that stands for new ways to travel.": False,
}


@pytest.mark.parametrize("text", SUITS)
def test_a_task_that_asks_for_a_word_or_a_number_gets_no_constraint(text: str) -> None:
    assert bool(draw(text, 1, "place")) is SUITS[text]


def test_what_a_task_speaks_of_already_is_left_alone() -> None:
    texts = {
        "Explain tides in three paragraphs.": {"paragraphs"},
        "Explain tides in a bulleted list.": {"list"},
        "Write Python code that sorts a list.": {"size", "paragraphs", "list", "headings"},
        "Create an algorithm that sorts four numbers.": {"size", "sentence_length", "word_length"},
    }
    for text, about in texts.items():
        for place in map(str, range(200)):
            for check in draw(text, 1, place):
                assert not check.constraint.about & about, (text, check)


def test_a_draw_holds_together_with_what_is_demanded_already_and_stays_small() -> None:
    held = [Check("no_digits"), Check("word_times", {"word": "garden", "number": 3})]
    for place in map(str, range(300)):
        drawn = draw("Describe how bees find their way.", 3, place, held)
        assert go_together([*held, *drawn])
        assert len(drawn) <= 3
    full = [
        *held,
        Check("no_lists"),
        Check("no_contractions"),
        Check("emoji_exactly", {"number": 2}),
    ]
    assert draw("Describe how bees find their way.", 3, "a", full) == []


def test_a_draw_depends_on_seed_and_place_alone() -> None:
    text = "Describe how bees find their way."
    assert draw(text, 1, "a") == draw(text, 1, "a")
    assert len({str(draw(text, seed, "a")) for seed in range(40)}) > 30


def test_a_task_in_another_language_gets_constraints_that_its_text_can_be_held_against() -> None:
    text = "Erkläre, wie Bienen den Weg zurück in ihren Stock finden und was sie dabei stört."
    drawn = [check for place in map(str, range(60)) for check in draw(text, 1, place)]
    assert drawn
    for check in drawn:
        assert check.args
        assert check.constraint.needs != "english"
