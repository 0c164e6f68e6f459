"""The pack code: solutions that pass unit tests, which a program that does nothing fails."""

from __future__ import annotations

import asyncio
import gc
import json
import shutil
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from evolinstruct.analysis.refilter import Refilter, refilter
from evolinstruct.analysis.runs import Run
from evolinstruct.api import prepare
from evolinstruct.checks import decode
from evolinstruct.elimination import choose
from evolinstruct.errors import InputError
from evolinstruct.llm.base import ClientOptions, Request
from evolinstruct.records import Kept, Rejected
from evolinstruct.run.events import LineWritten
from evolinstruct.run_dir.directory import RunDir
from tests.command_line import evolinstruct as typed
from tests.quick import first_of
from tests.runs import check_invariants, data_files, evolve, write_seeds
from tests.scripted import Scripted

pytest.importorskip("pydantic_monty", reason="monty")
SEEDS = Path(__file__).parent.parent / "seeds" / "code.jsonl"
ADDS = "def add(a, b):\n    return a + b\n"
TESTS = "assert add(20, 30) == 50\nassert add(-11, 4) == -7\nassert add(0, 12) == 12\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("code") / "run"
    evolve(SEEDS, out, prompts="code")
    return out


def seen(line: Kept | Rejected) -> dict[str, Any]:
    (check,) = decode(line.checks)
    assert check.saw is not None
    return dict(check.saw)


def rejected(run: Path) -> list[Rejected]:
    return [line for each in range(1, 5) for line in RunDir(run).read(each, Rejected)]


def kept(run: Path) -> list[Kept]:
    return [line for line in Run(run).instructions() if line.generation]


@pytest.mark.slow
def test_every_kept_solution_passes_its_tests_which_a_stub_fails(run: Path) -> None:
    check_invariants(run, 4)
    assert len(kept(run)) > 25
    for line in kept(run):
        saw = seen(line)
        assert saw["tests"].count("assert") == saw["asked"] == saw["passed"] >= 3
        assert (saw["stub_passed"], saw["at_fault"], saw["fault"]) == (False, "", "")
        assert saw["sandbox"].startswith("monty ")


def test_what_is_dropped_says_which_test_failed_or_what_the_sandbox_lacks(run: Path) -> None:
    lines = {rule: [line for line in rejected(run) if line.rule == rule] for rule in RULES}
    assert all(lines.values())
    for line in lines["check_failed"]:
        assert seen(line)["at_fault"] in {"solution", "tests"}
        assert seen(line)["fault"] in line.evidence
    for line in lines["not_runnable"]:
        assert seen(line)["at_fault"] == "sandbox"
        assert line.evidence.startswith("unit_tests: the sandbox cannot run it: ")


RULES = ("check_failed", "not_runnable")


@pytest.mark.slow
def test_the_files_are_the_same_at_any_concurrency_and_after_a_run_that_was_cut(
    run: Path, tmp_path: Path
) -> None:
    evolve(SEEDS, tmp_path / "one", prompts="code", concurrency=1, prefetch=False)
    assert data_files(tmp_path / "one") == data_files(run)
    for most in (40, 90):
        evolve_as_far_as(tmp_path / "cut", max_calls=most)
    evolve(SEEDS, tmp_path / "cut", prompts="code")
    assert data_files(tmp_path / "cut") == data_files(run)


@pytest.mark.parametrize("moment", first_of(17, 3, 40))
def test_a_run_that_is_killed_goes_on_to_the_same_bytes(
    run: Path, tmp_path: Path, moment: int
) -> None:
    left = asyncio.run(as_a_kill_leaves_it(tmp_path / "run", moment))
    gc.collect()  # tells of processes and pipes that were left open
    evolve(SEEDS, left, prompts="code")
    assert data_files(left) == data_files(run)


async def as_a_kill_leaves_it(out: Path, moment: int) -> Path:
    """Return a copy of a run's directory, taken when so many lines are written."""
    job = prepare(SEEDS, out, client="offline", prompts="code", concurrency=2)
    async with aclosing(job.events()) as events:
        settled = 0
        async for event in events:
            settled += isinstance(event, LineWritten)
            if settled > moment:
                ignored = shutil.ignore_patterns("*-shm")
                return Path(shutil.copytree(out, out.with_name("left"), ignore=ignored))
    raise AssertionError("the run has ended before")


@pytest.mark.parametrize("script", ["2-1-1-0-1-1-0-1-3-1-1-0-0", "1-0-0-0-1-3-1-3-3-3-1-1-1"])
def test_whatever_models_reply_every_task_ends_in_one_line(script: str, tmp_path: Path) -> None:
    whatever = "tests.faults.test_any_run:Whatever"
    evolve(SEEDS, tmp_path / "run", client=whatever, model=script, prompts="code", generations=2)
    check_invariants(tmp_path / "run", 2)


def evolve_as_far_as(out: Path, max_calls: int) -> None:
    result = typed(
        f"evolve {SEEDS} -o {out} --client offline --prompts code --max-calls {max_calls} --quiet"
    )
    assert result.exit_code == 4


def test_a_run_that_is_made_anew_from_its_journal_runs_nothing(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = data_files(run)
    (run / "generation-4.jsonl").unlink()
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)  # as where it is not installed
    summary = evolve(SEEDS, run, prompts="code")
    assert data_files(run) == before
    assert summary.calls.get("run", 0) == 0


def test_refilter_decides_again_without_a_call(run: Path) -> None:
    rules = choose({"check_failed": False, "not_runnable": False})
    found = refilter(Refilter(Run(run), rules, compare=True))
    assert min(found.let_through[name] for name in RULES) > 0
    same = refilter(Refilter(Run(run), choose({}), compare=True))
    assert (same.dropped, same.let_through) == ({}, {})


class Coder(Scripted):
    """Rewrites as it is told by the instruction, and answers with what each test names."""

    answers: ClassVar[list[str]] = []
    tests: ClassVar[str] = ""
    requests: ClassVar[list[Request]] = []

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str:
        self.requests.append(request)
        attempt = request.call_id.attempt
        match request.purpose:
            case "answer":
                return self.answers[min(attempt, len(self.answers) - 1)]
            case "tests":
                return self.tests
            case _:
                said = f"{request.context.instruction} The numbers may be negative, and large."
                return f"<new_task>\n{said}\n</new_task>"


def made(tmp_path: Path, tests: str, *answers: str, **settings: Any) -> Kept | Rejected:
    """Return the line of a task that a model answers so, and for which it writes these tests."""
    Coder.requests.clear()
    Coder.answers, Coder.tests = list(answers), tests
    seeds = write_seeds(
        tmp_path / "seeds.jsonl",
        [{"instruction": "Write a Python function add(a, b) that returns the sum of two numbers."}],
    )
    evolve(
        seeds,
        tmp_path / "run",
        client="tests.test_code:Coder",
        prompts="code",
        operations={"add_requirement": 1},
        compare=False,
        generations=1,
        **settings,
    )
    lines = [*RunDir(tmp_path / "run").read(1), *RunDir(tmp_path / "run").read(1, Rejected)]
    assert len(lines) == 1
    return lines[0]


def fenced(code: str) -> str:
    return f"It adds.\n\n```python\n{code}```"


WRONG = ADDS.replace("+", "-")
KNOWING = (
    "def add(a, b):\n    if (a, b) == (20, 30): return 50\n    if b == 12: return 12\n"
    "    return -7 if a == -11 else 0\n"
)
GENERATOR = "def add(a, b):\n    def g():\n        yield a + b\n    return sum(g())\n"


@pytest.mark.parametrize(
    ("answer", "tests", "evidence"),
    [
        pytest.param(
            fenced(WRONG),
            fenced(TESTS),
            "unit_tests: 0 of 3 tests pass; assert add(20, 30) == 50:"
            " AssertionError: assert -10 == 50",
            id="wrong",
        ),
        pytest.param(
            "It adds the two.", fenced(TESTS), "unit_tests: the answer has no code", id="no code"
        ),
        pytest.param(
            fenced("def add(a, b)\n"),
            fenced(TESTS),
            "unit_tests: the code is no Python: line 1: expected ':'",
            id="no Python",
        ),
        pytest.param(
            fenced(f"def add(a, b):\n    return a + b + {'-' * 9_000}0\n"),
            fenced(TESTS),
            "unit_tests: the code is no Python: it is nested too deeply",
            id="nested",
        ),
        pytest.param(
            fenced(f"{ADDS}\nMOST = 0x{'f' * 5_000}\n"),
            fenced(TESTS),
            "unit_tests: 3 of 3 tests pass; the code cannot be emptied: it has a number of"
            " thousands of digits",
            id="a long number",
        ),
        pytest.param(
            fenced(ADDS),
            fenced(f"{TESTS}assert add(0, 0) != 0x{'f' * 5_000}\n"),
            "unit_tests: the tests are no Python: it has a number of thousands of digits",
            id="tests with a long number",
        ),
        pytest.param(
            fenced("def plus(a, b):\n    return a + b\n"),
            fenced(TESTS),
            "unit_tests: the code defines plus, and the tests call add",
            id="another name",
        ),
        pytest.param(
            fenced(KNOWING),
            fenced(TESTS),
            "unit_tests: the code holds what the tests ask and expect",
            id="knows the tests",
        ),
        pytest.param(
            fenced("def add(a, b):\n    while True: pass\n"),
            fenced(TESTS),
            "unit_tests: 0 of 3 tests pass; assert add(20, 30) == 50: it takes longer than"
            " 5 seconds",
            id="endless",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            fenced(ADDS),
            fenced("assert add\nassert 3 == 3\nassert add(1, 2) or True\n"),
            "unit_tests: the tests also pass a program that does nothing",
            id="tests that pass a stub",
        ),
        pytest.param(
            fenced(ADDS),
            fenced("assert add(20, 30) == 50\n"),
            "unit_tests: 1 test, where at least 3 are needed",
            id="too few tests",
        ),
        pytest.param(
            fenced(ADDS),
            "I would try small numbers.",
            "unit_tests: the tests are no Python: line 1: invalid syntax",
            id="no tests",
        ),
        pytest.param(
            fenced(ADDS),
            fenced("def test_add():\n    assert add(20, 30) == 50\n"),
            "unit_tests: the tests assert nothing",
            id="tests that nobody calls",
        ),
        pytest.param(
            fenced(GENERATOR),
            fenced(TESTS),
            "unit_tests: the sandbox cannot run it: NotImplementedError: The monty syntax parser"
            " does not yet support yield expressions",
            id="beyond the sandbox",
        ),
    ],
)
def test_what_does_not_hold_is_dropped_with_the_evidence(
    answer: str, tests: str, evidence: str, tmp_path: Path
) -> None:
    line = made(tmp_path, tests, answer)
    assert isinstance(line, Rejected)
    assert line.evidence == evidence


def test_a_solution_that_fails_is_asked_for_once_more_with_what_failed(tmp_path: Path) -> None:
    line = made(tmp_path, fenced(TESTS), fenced(WRONG), fenced(ADDS))
    assert isinstance(line, Kept)
    assert (line.output, seen(line)["passed"]) == (fenced(ADDS), 3)
    asked = [request.purpose for request in Coder.requests]
    assert asked == ["evolve", "answer", "tests", "answer"]
    assert "assert add(20, 30) == 50: AssertionError: assert -10 == 50" in prompt(-1)


def test_of_several_answers_the_first_is_taken_that_passes(tmp_path: Path) -> None:
    answers = [fenced(WRONG), "It adds.", fenced(ADDS), fenced(KNOWING)]
    line = made(tmp_path, fenced(TESTS), *answers, answers=4, pick="verified")
    assert isinstance(line, Kept)
    assert (line.output, seen(line)["passed"]) == (fenced(ADDS), 3)
    assert len(json.loads(line.set_aside or "")) == 2
    asked = [request.purpose for request in Coder.requests]
    assert asked == ["evolve", "answer", "tests", "answer", "answer"]


def prompt(number: int) -> str:
    return Coder.requests[number].messages[0][1]


def test_tests_that_are_at_fault_ask_nobody_again(tmp_path: Path) -> None:
    made(tmp_path, fenced("assert callable(add)\n" * 3), fenced(ADDS))
    assert [request.purpose for request in Coder.requests] == ["evolve", "answer", "tests"]


def test_tests_are_written_from_the_task_alone(tmp_path: Path) -> None:
    line = made(tmp_path, fenced(TESTS), fenced(ADDS))
    assert line.instruction in prompt(2)
    assert "return a + b" not in prompt(2)


def test_of_two_solutions_the_last_whole_one_counts(tmp_path: Path) -> None:
    use = "Call it so:\n\n```python\nadd(1, 2)\n```"
    both = "\n\n".join([fenced(WRONG), "Better:", fenced(ADDS), use])
    assert isinstance(made(tmp_path, fenced(TESTS), both), Kept)


def test_tests_are_exported_for_reinforcement_learning(run: Path, tmp_path: Path) -> None:
    assert typed(f"export {run} -o {tmp_path / 'out'} --format rlvr").exit_code == 0
    rows = [
        json.loads(each) for each in (tmp_path / "out" / "train.jsonl").read_text().splitlines()
    ]
    assert {row["id"]: row["tests"] for row in rows} == {
        line.id: seen(line)["tests"] for line in kept(run)
    }
    assert {row["constraints"] for row in rows} == {"[]"}


def test_without_monty_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    with pytest.raises(InputError) as error:
        evolve(SEEDS, tmp_path / "run", prompts="code")
    assert str(error.value) == (
        "The sandbox needs the package pydantic_monty, which is not installed;"
        " run: python -m pip install 'evolinstruct[sandbox]'"
    )
