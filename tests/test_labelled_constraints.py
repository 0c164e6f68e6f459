"""Responses that meet a constraint as a reader takes its wording, and near misses that do not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.checks import CONSTRAINTS, read

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "labelled_constraints.jsonl").read_text().splitlines()
]
FEWEST = 3


def of(name: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["name"] == name]


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_checker_decides_as_a_reader_of_the_wording(name: str) -> None:
    wrong = []
    for case in of(name):
        [check] = read([{"name": name, "args": case["args"]}], "case")
        fault = check.find_fault(case["response"])
        if (fault is None) is not case["holds"]:
            wrong.append((case["note"], fault))
    assert wrong == []


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_each_constraint_has_responses_of_both_kinds(name: str) -> None:
    found = Counter(case["holds"] for case in of(name))
    assert min(found[True], found[False]) >= FEWEST
