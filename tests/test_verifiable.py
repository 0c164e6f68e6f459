"""The pack verifiable: instructions that demand what code can verify, and answers that do it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

import evolinstruct
from evolinstruct.analysis.refilter import Refilter, refilter
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.verification import verify_file
from evolinstruct.checks import decode, faults
from evolinstruct.elimination import choose
from evolinstruct.errors import InputError
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.records import Kept, Rejected
from evolinstruct.run_dir.directory import RunDir
from tests.command_line import evolinstruct as typed
from tests.runs import check_invariants, data_files, evolve, tasks, write_seeds
from tests.scripted import Scripted


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verifiable")
    seeds = write_seeds(folder / "seeds.jsonl", tasks(60))
    evolve(seeds, folder / "run", generations=4, prompts="verifiable")
    return folder / "run"


def kept(run: Path) -> list[Kept]:
    return [line for line in Run(run).instructions() if line.generation]


@pytest.mark.slow
def test_every_kept_answer_does_what_its_instruction_demands(run: Path) -> None:
    check_invariants(run, 4)
    demanding = [line for line in kept(run) if decode(line.checks)]
    assert len(demanding) > 20
    for line in demanding:
        found = [check for check in decode(line.checks) if not check.declined]
        assert faults(found, line.output or "") == []
        assert all(check.is_stated(line.instruction) for check in found)


def test_what_is_rejected_says_which_demand_is_not_met_and_what_stands_there(run: Path) -> None:
    failed = [
        line
        for generation in range(1, 5)
        for line in RunDir(run).read(generation, Rejected)
        if line.rule == "check_failed"
    ]
    assert failed
    for line in failed:
        assert line.evidence == faults(decode(line.checks), line.output or "")[0]


def test_children_keep_the_demands_that_their_text_states(run: Path) -> None:
    by_id = {line.id: line for line in Run(run).instructions()}
    inherited = [
        (line, by_id[line.parent_id or ""])
        for line in kept(run)
        if line.operation != "verifiable" and decode(line.checks)
    ]
    assert inherited
    for line, parent in inherited:
        assert {each.name for each in decode(line.checks)} <= {
            each.name for each in decode(parent.checks)
        }
    assert all(line.checks == "[]" for line in kept(run) if line.operation == "in_breadth")


@pytest.mark.slow
def test_the_files_are_the_same_at_any_concurrency(run: Path, tmp_path: Path) -> None:
    seeds = run.parent / "seeds.jsonl"
    evolve(seeds, tmp_path / "one", generations=4, prompts="verifiable", concurrency=1)
    assert data_files(tmp_path / "one") == data_files(run)


def test_refilter_decides_again_without_a_call(run: Path) -> None:
    changes: list[Any] = []
    rules = choose({"check_failed": False})
    found = refilter(Refilter(Run(run), rules, compare=True), changes.append)
    assert found.let_through["check_failed"] > 0
    same = refilter(Refilter(Run(run), choose({}), compare=True), changes.append)
    assert (same.dropped, same.let_through) == ({}, {})


class Heedless(Scripted):
    """States the first constraint alone, and answers without a thought for it."""

    requests: ClassVar[list[Request]] = []

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str:
        self.requests.append(request)
        if request.purpose == "answer":
            return "Bees dance."
        first = decode(request.context.checks)[0]
        return f"{request.context.instruction} {first.statement()}"


def test_an_answer_that_lacks_a_demand_is_asked_for_once_more_with_what_it_lacks(
    tmp_path: Path,
) -> None:
    """And what the model leaves out of the instruction is recorded as declined."""
    seeds = write_seeds(
        tmp_path / "seeds.jsonl",
        [{"instruction": f"How do bees find their way to flower {n}?"} for n in range(8)],
    )
    Heedless.requests.clear()
    evolve(
        seeds,
        tmp_path / "run",
        client="tests.test_verifiable:Heedless",
        prompts="verifiable",
        operations={"verifiable": 1},
        generations=1,
    )
    failed = {line.id: line for line in RunDir(tmp_path / "run").read(1, Rejected)}
    assert {line.rule for line in failed.values()} == {"check_failed"}
    for place, line in failed.items():
        first, *others = decode(line.checks)
        assert (first.declined, [each.declined for each in others]) == (False, [True] * len(others))
        prompts = [
            request.messages[0][1]
            for request in Heedless.requests
            if request.purpose == "answer" and request.call_id.child_id == place
        ]
        assert len(prompts) == 2
        assert prompts[0] == line.instruction
        assert faults([first], "Bees dance.")[0] in prompts[1]


BAD = {
    '{"checks": "[{\\"name\\": \\"no_digit\\", \\"args\\": {}}]", "output": "x"}': (
        "{}:1: unknown constraint 'no_digit' (did you mean 'no_digits'?)."
    ),
    '{"checks": [{"name": "sentences_exactly", "args": {}}], "output": "x"}': (
        "{}:1: the constraint sentences_exactly needs the arguments number."
    ),
    '{"checks": [{"name": "sentences_exactly", "args": {"number": -3}}], "output": "x"}': (
        "{}:1: the constraint sentences_exactly cannot take '-3' for number."
    ),
    '{"checks": [{"name": "words_between", "args": {"band": [90, 60]}}], "output": "x"}': (
        "{}:1: the constraint words_between cannot take '[90, 60]' for band."
    ),
    '{"checks": "[", "output": "x"}': (
        "{}:1: this is no JSON: Expecting value: line 1 column 2 (char 1)."
    ),
    '{"checks": {"name": "no_digits"}, "output": "x"}': (
        "{}:1: checks are a list of objects with the keys name and args."
    ),
    "[1]": "{}:1: this is no row: expected an object, found list.",
}


@pytest.mark.parametrize("row", BAD)
def test_a_row_that_is_none_is_told_with_its_place(row: str, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(row + "\n")
    with pytest.raises(InputError) as error:
        verify_file(file)
    assert str(error.value) == BAD[row].format(file)


def test_anybody_s_answers_are_verified_whatever_their_shape(tmp_path: Path) -> None:
    demand = [{"name": "no_digits", "args": {}}, {"name": "emoji_exactly", "args": {"number": 2}}]
    rows: list[dict[str, Any]] = [
        {
            "id": "a",
            "constraints": demand,
            "completion": [{"role": "assistant", "content": "🐝🌼"}],
        },
        {"constraints": json.dumps(demand), "response": "7 🐝🌼"},
        {"checks": demand, "output": "None at all."},
        {"checks": "[]", "output": "None at all."},
        {"checks": demand, "output": None},
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = tmp_path / "lines.jsonl"
    result = typed(f"verify {file} --json --fail --lines {lines}")
    assert (result.exit_code, json.loads(result.stdout)) == (
        1,
        {
            "file": str(file),
            "answers": 3,
            "whole": 1,
            "without_constraints": 1,
            "unanswered": 1,
            "constraints": {
                "emoji_exactly": {"asked": 3, "met": 2},
                "no_digits": {"asked": 3, "met": 2},
            },
        },
    )
    assert [json.loads(line) for line in lines.read_text().splitlines()] == [
        {"row": 1, "id": "a", "holds": True, "faults": {"no_digits": None, "emoji_exactly": None}},
        {
            "row": 2,
            "id": None,
            "holds": False,
            "faults": {"no_digits": "the digit 7", "emoji_exactly": None},
        },
        {
            "row": 3,
            "id": None,
            "holds": False,
            "faults": {"no_digits": None, "emoji_exactly": "0 emoji instead of 2"},
        },
    ]


def test_a_forecast_counts_the_answers_that_are_asked_for_once_more(tmp_path: Path) -> None:
    line = "evolve starter --limit 5 --client offline -g 2 --dry-run --json"
    told = json.loads(typed(f"{line} -o {tmp_path}/run --prompts verifiable").stdout)
    assert told["calls"] == {"evolve": 10, "compare": 10, "answer": 20}


def test_the_demands_are_exported_for_reinforcement_learning(run: Path, tmp_path: Path) -> None:
    result = typed(f"export {run} -o {tmp_path / 'rlvr'} --format rlvr")
    assert result.exit_code == 0
    rows = [
        json.loads(line) for line in (tmp_path / "rlvr" / "train.jsonl").read_text().splitlines()
    ]
    by_id = {line.id: line for line in kept(run)}
    assert len(rows) == sum(bool(decode(line.checks)) for line in by_id.values())
    for row in rows:
        line = by_id[row["id"]]
        assert row["prompt"] == [{"role": "user", "content": line.instruction}]
        assert set(evolinstruct.verify(row["constraints"], line.output or "").values()) == {None}
