"""Each rule drops what was labelled as its case by hand, and leaves the hard negatives alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evolinstruct import prompts
from evolinstruct.contamination import Item, Items
from evolinstruct.elimination import ANSWER_RULES, REWRITE_RULES, Answer, Rewrite, Rule
from evolinstruct.elimination.contamination import with_test_items

FOLDER = Path(__file__).parent / "labelled_rules"
PROMPT = prompts.read(prompts.find("general")).texts
MARKERS = ("created instruction", "rewritten instruction", "starting instruction")
RULES: dict[str, Rule[Any]] = {**REWRITE_RULES, **ANSWER_RULES}


def cases(rule: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{rule}.jsonl").read_text().splitlines()]


def evidence(name: str, case: dict[str, Any]) -> str | None:
    rule = RULES[name]
    if rule.looks_for_test_items:
        items = (Item("tests.jsonl", f"line {n}", text) for n, text in enumerate(case["items"], 1))
        rule = with_test_items(rule, Items(items))
    if name in ANSWER_RULES:
        return rule.check(Answer(case["instruction"], case["response"], case.get("checks")))
    return rule.check(
        Rewrite(
            case["parent"],
            case["child"],
            MARKERS,
            case.get("operation", "deepen"),
            case.get("kind", "in-depth"),
            case.get("format"),
            case.get("input"),
            case.get("output"),
            PROMPT,
        )
    )


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_has_twenty_cases_of_which_half_are_hard_negatives(rule: str) -> None:
    counts = Counter(case["drop"] for case in cases(rule))
    assert counts.total() >= 20
    assert counts[False] >= 10
    assert counts[True] >= 10


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_drops_its_labelled_cases_and_nothing_else(rule: str) -> None:
    wrong = [
        (case, found)
        for case in cases(rule)
        if ((found := evidence(rule, case)) is not None) is not case["drop"]
    ]
    assert wrong == []


def test_no_further_rule_drops_the_good_pairs_of_another() -> None:
    """What is no case for one rule for rewrites is a good pair for most others too."""
    pairs = {
        name: [case for case in cases(name) if not case["drop"]]
        for name in REWRITE_RULES.keys() - {"rewrite_unusable", "unchanged"}
        if not RULES[name].looks_for_test_items
    }
    hits = Counter(
        (rule, name)
        for rule in REWRITE_RULES
        if not RULES[rule].looks_for_test_items
        for name, negatives in pairs.items()
        for case in negatives
        if evidence(rule, case) is not None
    )
    foreign = {key: count for key, count in hits.items() if key[0] != key[1]}
    assert foreign == {}
