"""What the check `unit_tests` sees: tests that a model writes from the problem alone are run.

They are run with the solution and, if it passes, with a stub: tests that pass a program which does
nothing tell nothing. Nothing is run in this process; to have a program run is a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evolinstruct import programs, reading
from evolinstruct.checks.seen import SANDBOX, SOLUTION, TESTS
from evolinstruct.evolution.calls import Calls
from evolinstruct.evolution.candidates import Candidate
from evolinstruct.programs import NoProgram
from evolinstruct.records import Kept
from evolinstruct.sandbox import Results, messages

WRITE, RUN = "tests", "run"
"""The purposes: to write tests, and to run code."""
RUNS = 2
"""So many programs are run for an answer: its code, and a stub of it."""
_NOTHING = {
    "asked": 0,
    "passed": 0,
    "stub_passed": False,
    "at_fault": "",
    "fault": "",
    "sandbox": "",
}


class _AtFault(Exception):
    """Ends the look at an answer: who is at fault, and why."""

    def __init__(self, who: str, why: str) -> None:
        super().__init__(why)
        self.who = who


async def see(
    calls: Calls,
    line: Kept,
    args: Mapping[str, Any],  # noqa: ARG001 - what is enough is judged by what was seen
    answer: Candidate,
    answers: Sequence[Candidate],  # noqa: ARG001 - each is held against the same tests
    before: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the tests, how many of them the answer's code passes, and what went wrong first."""
    tests = await _written(calls, line) if before is None else before["tests"]
    saw: dict[str, Any] = {"tests": tests, **_NOTHING}
    try:
        await _look(calls, line, answer.output, saw)
    except _AtFault as fault:
        saw |= {"at_fault": fault.who, "fault": str(fault)}
    return saw


async def _written(calls: Calls, line: Kept) -> str:
    """Return the tests that a model writes for an instruction, which alone it sees."""
    prompt = calls.pack.prompt(WRITE, child=line.instruction)
    context = calls.context(line, line.instruction)
    reply = await calls.whole(WRITE, prompt, context, line.id)
    blocks = reading.read_code(reading.read_answer(reply.text, line.instruction))
    return blocks[-1].strip() if blocks else ""


async def _look(calls: Calls, line: Kept, answer: str, saw: dict[str, Any]) -> None:
    """Have the code of an answer run with tests, and a stub of it; note what came of it.

    Raises:
        _AtFault: not all is as it should be.
    """
    tests = saw["tests"]
    asked = _usable(tests)
    solution = _solution(answer, tests)
    saw["asked"] = sum(each.is_test for each in asked)
    if programs.knows(solution, tests):
        raise _AtFault(SOLUTION, "the code holds what the tests ask and expect")
    results, saw["sandbox"] = await _run(calls, line, solution, tests, 0)
    saw["passed"] = results.passed
    if results.lacking is not None:
        raise _AtFault(SANDBOX, results.lacking)
    if not results.all_passed:
        raise _AtFault(SOLUTION, results.fault(asked) or "not all of them were run")
    stub, _ = await _run(calls, line, _stub(solution), tests, 1)
    if stub.all_passed:
        saw["stub_passed"] = True
        raise _AtFault(TESTS, "the tests also pass a program that does nothing")


def _usable(tests: str) -> list[programs.Statement]:
    """Return the statements of tests.

    Raises:
        _AtFault: there is nothing that could be run.
    """
    if not tests:
        raise _AtFault(TESTS, "there are no tests")
    try:
        asked = programs.statements(tests)
    except NoProgram as error:
        raise _AtFault(TESTS, f"the tests are no Python: {error}") from error
    if not any(each.is_test for each in asked):
        raise _AtFault(TESTS, "the tests assert nothing")
    return asked


def _solution(answer: str, tests: str) -> str:
    """Return the code of an answer: of several blocks, the last that defines what the tests call.

    Raises:
        _AtFault: there is none.
    """
    called, why = programs.called(tests), "the answer has no code"
    if not called:
        raise _AtFault(TESTS, "the tests call no function of the task")
    blocks = reading.read_code(answer)
    for block in reversed(blocks):
        try:
            names = programs.defined(block)
        except NoProgram as error:
            if block != answer:  # prose is no wrong code
                why = f"the code is no Python: {error}"
            continue
        if called.intersection(names):
            return block
        if names:
            wanted = ", ".join(sorted(called))
            why = f"the code defines {', '.join(names)}, and the tests call {wanted}"
    raise _AtFault(SOLUTION, why)


def _stub(solution: str) -> str:
    """Return a solution with its functions emptied.

    Raises:
        _AtFault: it runs, but is too deep or too long to be written anew.
    """
    try:
        return programs.stub(solution)
    except NoProgram as error:
        raise _AtFault(SOLUTION, f"the code cannot be emptied: {error}") from error


async def _run(
    calls: Calls, line: Kept, program: str, tests: str, attempt: int
) -> tuple[Results, str]:
    """Have a program run with tests; return what came of it, and what ran it."""
    context = calls.context(line, line.instruction)
    reply = await calls.once(RUN, messages(program, tests), context, line.id, attempt)
    return Results.read(reply.text), reply.model
