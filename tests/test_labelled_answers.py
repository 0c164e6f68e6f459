"""What the rules for answers find of answers that three writers wrote, in ten languages.

``labelled_answers.jsonl`` holds whole pairs that nothing was trained on. Almost half are good
answers that look like bad ones. The shares below are what was found when they were written; they
are not to fall. Settings of the classifiers were chosen by them, so answers of others fare worse.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from evolinstruct.elimination import Answer
from evolinstruct.elimination.answers import RULES

LABELS = {  # the share that any of the rules finds
    "asks_back": 0.92,
    "refuses": 0.83,
    "defers": 0.77,
    "cut_off": 0.80,
    "loops": 0.94,
}
PRECISION = 0.97
PAIRS = [
    json.loads(line)
    for line in Path(__file__).with_name("labelled_answers.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module")
def found() -> Counter[str]:
    return Counter(
        pair["label"]
        for pair in PAIRS
        if any(rule.check(Answer(pair["instruction"], pair["answer"])) for rule in RULES)
    )


@pytest.mark.parametrize(("label", "share"), LABELS.items())
def test_what_is_no_answer_is_found(found: Counter[str], label: str, share: float) -> None:
    assert found[label] >= share * sum(pair["label"] == label for pair in PAIRS)


def test_what_is_found_is_seldom_an_answer(found: Counter[str]) -> None:
    assert found.total() - found["fine"] >= PRECISION * found.total()
