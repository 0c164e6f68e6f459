"""A run under other rules: what would go, what would come, and the data set without what goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.analysis.refilter import (
    CASCADE,
    Refilter,
    RefilterChange,
    RefilterResult,
    refilter,
)
from evolinstruct.analysis.runs import Run
from evolinstruct.elimination import choose
from tests.runs import evolve, tasks, write_seeds

STRICT = {"word_growth": {"least": 10.0, "most": 20.0}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refilter")
    seeds = write_seeds(folder / "seeds.jsonl", tasks(60))
    evolve(seeds, folder / "run", generations=3)
    return folder / "run"


def held(
    run: Path, wishes: dict[str, Any], *, compare: bool = True, cascade: bool = False, **more: Any
) -> tuple[RefilterResult, list[RefilterChange]]:
    changes: list[RefilterChange] = []
    refiltering = Refilter(Run(run), choose(wishes), compare=compare, cascade=cascade)
    return refilter(refiltering, changes.append, **more), changes


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().split("\n") if line]


@pytest.mark.slow
def test_the_rules_of_the_run_itself_change_nothing(run: Path) -> None:
    found, changes = held(run, {})
    kept = sum(1 for line in Run(run).instructions() if line.generation)
    rejected = sum(1 for _ in Run(run).rejections())
    assert (found.kept, found.rejected, changes) == (kept, rejected, [])
    assert found.to_json()["dropped"] == {}


def test_a_stricter_rule_drops_the_kept_lines_that_it_objects_to(run: Path) -> None:
    found, changes = held(run, STRICT)
    assert found.dropped == {"word_growth": len(changes)}
    assert changes
    assert {change.outcome for change in changes} == {"dropped"}
    assert all("+10 to +20 are allowed" in change.evidence for change in changes)


def test_a_rule_switched_off_lets_through_what_no_other_rule_objects_to(run: Path) -> None:
    found, changes = held(run, {"response_apologizes": False, "prompt_leaked": False})
    let = [line for line in Run(run).rejections() if line.rule in found.let_through]
    assert {change.line.id for change in changes} <= {line.id for line in let}
    assert set(found.let_through) <= {"response_apologizes", "prompt_leaked"}
    assert found.unanswered == sum(not change.has_answer for change in changes)
    assert found.let_through["prompt_leaked"] == found.unanswered


def test_without_the_comparison_what_it_rejected_is_let_through_unanswered(run: Path) -> None:
    found, _ = held(run, {}, compare=False)
    rejected = [line for line in Run(run).rejections() if line.rule == "no_information_gain"]
    assert found.let_through == {"no_information_gain": len(rejected)}
    assert found.unanswered == len(rejected) > 0


def test_the_thinned_data_set_is_the_runs_without_the_dropped_lines(
    run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "thin.jsonl"
    found, changes = held(run, STRICT, thin=(run / "dataset.jsonl", out))
    gone = {change.line.id for change in changes}
    left = [line for line in lines(run / "dataset.jsonl") if line["id"] not in gone]
    assert lines(out) == left
    assert found.written == len(left)
    assert {path.name for path in tmp_path.iterdir()} == {"thin.jsonl"}


def test_a_cascade_drops_the_descendants_too(run: Path) -> None:
    _, changes = held(run, STRICT, cascade=True)
    gone = {change.line.id for change in changes}
    for line in Run(run).instructions():
        if line.parent_id in gone:
            assert line.id in gone
    assert {change.rule for change in changes} == {"word_growth", CASCADE}


def test_a_rule_that_raises_leaves_its_lines_unjudged(run: Path) -> None:
    found, _ = held(run, {"tests.own_rules:raises": True})
    assert set(found.unjudged) == {"tests.own_rules:raises"}
    assert found.dropped == {}


@pytest.mark.parametrize("number", [150, pytest.param(700, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_duplicates_are_found_in_pool_order_under_other_settings(
    tmp_path: Path, number: int
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(number))
    off = {"duplicate": False, "near_duplicate": False}
    evolve(seeds, tmp_path / "open", generations=2, rules=off)
    evolve(seeds, tmp_path / "gated", generations=1)
    _, changes = held(tmp_path / "open", {})
    would = {change.line.id: (change.rule, change.evidence) for change in changes}
    kept = {line.id for line in Run(tmp_path / "open").instructions(1)}
    gone = [line for line in Run(tmp_path / "gated").rejections() if line.rule in off]
    there = {line.id: (line.rule, line.evidence) for line in gone if line.id in kept}
    first = {change.line.id for change in changes if change.line.generation == 1}
    assert {line_id: would.get(line_id) for line_id in there} == there
    assert first == there.keys()
    let, _ = held(tmp_path / "gated", off)
    assert let.let_through.total() == len(gone) == let.unanswered > 0
