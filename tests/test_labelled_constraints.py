"""Constraints as a reader takes them: what meets them, what nearly does, and what states them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.checks import CONSTRAINTS, read
from evolinstruct.checks.response import Response


def lines(file: str) -> list[dict[str, Any]]:
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


CASES = lines("labelled_constraints.jsonl")
STATEMENTS = lines("labelled_statements.jsonl")
FEWEST = 3


def of(name: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["name"] == name]


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_checker_decides_as_a_reader_of_the_wording(name: str) -> None:
    wrong = []
    for case in of(name):
        [check] = read([{"name": name, "args": case["args"]}], "case")
        fault = check.find_fault(Response(case["response"]))
        if (fault is None) is not case["holds"]:
            wrong.append((case["note"], fault))
    assert wrong == []


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_each_constraint_has_responses_of_both_kinds(name: str) -> None:
    found = Counter(case["holds"] for case in of(name))
    assert min(found[True], found[False]) >= FEWEST


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_demand_is_known_in_the_words_of_whoever_states_it(name: str) -> None:
    for case in STATEMENTS:
        if case["name"] == name:
            [check] = read([{"name": name, "args": case["args"]}], "case")
            assert check.is_stated(case["text"]) is case["states"], case["text"]
