"""What the rules for answers find of answers that five writers wrote, in ten languages.

``labelled_answers.jsonl`` holds whole pairs that nothing was trained on. Almost half are good
answers that look like bad ones. Settings of the classifiers were chosen by those of writers 1, 4
and 5, nothing by those of writers 6 and 7, which tell how others fare. The shares below are what
was found when they were written; they are not to fall.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.elimination import Answer
from evolinstruct.elimination.answers import RULES

LABELS = {  # the share that any of the rules finds: of all, and of writers 6 and 7
    "asks_back": (0.91, 0.82),
    "refuses": (0.89, 0.87),
    "defers": (0.87, 0.88),
    "cut_off": (0.89, 0.96),
    "loops": (0.97, 0.96),
}
PRECISION = 0.98, 0.98
SETTLED = 6  # the first writer by whom nothing was chosen
PAIRS = [
    json.loads(line)
    for line in Path(__file__).with_name("labelled_answers.jsonl").read_text("utf-8").splitlines()
]


@pytest.fixture(scope="module", params=[1, SETTLED])
def pairs(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return [pair for pair in PAIRS if pair["writer"] >= request.param]


@pytest.fixture(scope="module")
def found(pairs: list[dict[str, Any]]) -> Counter[str]:
    return Counter(
        pair["label"]
        for pair in pairs
        if any(rule.check(Answer(pair["instruction"], pair["answer"])) for rule in RULES)
    )


@pytest.mark.parametrize("label", LABELS)
def test_what_is_no_answer_is_found(
    pairs: list[dict[str, Any]], found: Counter[str], label: str
) -> None:
    share = LABELS[label][pairs != PAIRS]
    assert found[label] >= share * sum(pair["label"] == label for pair in pairs)


def test_what_is_found_is_seldom_an_answer(
    pairs: list[dict[str, Any]], found: Counter[str]
) -> None:
    assert found.total() - found["fine"] >= PRECISION[pairs != PAIRS] * found.total()
