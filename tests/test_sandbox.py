"""The sandbox: programs of models run apart from this process, and what came of them is told."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from evolinstruct.errors import StopRun
from evolinstruct.llm.base import CallContext, CallId, ClientOptions, Request
from evolinstruct.programs import statements
from evolinstruct.sandbox import Results, SandboxClient, messages

pytest.importorskip("pydantic_monty", reason="monty")
ROOT = Path(__file__).parent.parent
ADDS = "def add(a, b):\n    return a + b\n"
CONTEXT = CallContext(1, "deepen", "in-depth", None, "Write add(a, b).")


def request(program: str, tests: str, sandbox: str = "monty") -> Request:
    return Request(CallId("a", "run"), CONTEXT, messages(program, tests), sandbox)


def ran(*programs: tuple[str, str], sandbox: str = "monty") -> list[Results]:
    """Run programs with their tests, all at once; return what came of each."""

    async def replies() -> list[str]:
        client = SandboxClient(ClientOptions(None, sandbox, None, 60))
        try:
            asked = [client.complete(request(*each, sandbox)) for each in programs]
            return [reply.text for reply in await asyncio.gather(*asked)]
        finally:
            await client.aclose()

    return [Results.read(text) for text in asyncio.run(replies())]


def test_each_test_is_told_with_its_line_and_what_it_found() -> None:
    tests = (
        "assert add(1, 2) == 3\n"
        "cases = [(1, 1)]\n"
        "for a, b in cases:\n    assert add(a, b) == 2\n"
        "assert add(2, 2) == 5, 'two'\n"
        "assert add('a', 1)\n"
        "def unused():\n    assert False\n"
    )
    assert ran((ADDS, tests)) == [
        Results(
            4,
            (
                (1, None),
                (3, None),
                (5, "AssertionError: two assert 4 == 5"),
                (6, 'TypeError: can only concatenate str (not "int") to str'),
            ),
        )
    ]


ATTACKS = {
    "an endless loop that catches all": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "it takes longer than 5 seconds",
    ),
    "a power that nothing interrupts": ("x = pow(7, 10 ** 8)", "it takes longer than 5 seconds"),
    "2 GB at once": ("x = [0] * 10 ** 9", "it takes more than 256 MB of memory"),
    "2 GB bit by bit": (
        "x = []\nwhile True: x.append('a' * 10 ** 6)",
        "it takes more than 256 MB of memory",
    ),
    "2 GB uncounted": (
        "x = ('b' * 10 ** 6).join(['a'] * 10 ** 5)",
        "it takes more than 256 MB of memory",
    ),
    "100 MB of output": (
        "for _ in range(100): print('a' * 10 ** 6)",
        "it prints more than 100 kB",
    ),
    "deep recursion": (
        "def f(n): return f(n + 1)\nf(0)",
        "RecursionError: maximum recursion depth exceeded",
    ),
    "deep nesting": ("x = " + "-" * 100_000 + "1", "SyntaxError: Source is too deeply nested"),
    "a fork": ("import os\nos.fork()", "AttributeError: module 'os' has no attribute 'fork'"),
    "a command": ("import subprocess", "ModuleNotFoundError: No module named 'subprocess'"),
    "a socket": ("import socket", "ModuleNotFoundError: No module named 'socket'"),
    "a file": ("open('/etc/passwd').read()", "PermissionError: Permission denied: '/etc/passwd'"),
    "the environment": (
        "import os\nos.environ['HOME']",
        "RuntimeError: 'os.environ' is not supported in this environment",
    ),
}


@pytest.mark.slow
def test_whatever_a_program_tries_it_is_ended_with_evidence_and_others_go_on() -> None:
    programs = [(attack, "assert True") for attack, _ in ATTACKS.values()]
    *found, after = ran(*programs, (ADDS, "assert add(1, 2) == 3"))
    assert dict(zip(ATTACKS, [each.ended or each.lacking for each in found], strict=True)) == {
        name: evidence for name, (_, evidence) in ATTACKS.items()
    }
    assert not any(each.tests for each in found)
    assert after.all_passed


@pytest.mark.slow
def test_what_the_sandbox_cannot_run_is_told_apart_from_a_wrong_program() -> None:
    """Sixty solutions as models write them, all of them right, and the same sixty with a slip."""
    solutions = [
        part.partition("\n")[2].partition("---\n")
        for part in (ROOT / "tests" / "solutions.txt").read_text().split("### ")[1:]
    ]
    found = ran(*[(solution, tests) for solution, _, tests in solutions])
    assert {each.ended for each in found} == {None}
    assert all(each.all_passed or each.lacking for each in found)
    page = (ROOT / "docs" / "sandbox.md").read_text()
    figures = re.search(r"Of (\d+) solutions .* it runs (\d+)", page)
    assert figures is not None
    assert [int(figure) for figure in figures.groups()] == [
        len(found),
        sum(each.all_passed for each in found),
    ]
    slips = ran(*[(solution, f"{tests}assert 1 == 2") for solution, _, tests in solutions])
    assert [each.passed for each in slips] == [each.passed for each in found]
    assert not any(each.all_passed for each in slips)


PASSED_OVER = {
    "import re\ndef f(t): return re.sub('a+', lambda found: 'b', t)": "f('aab') == 'bb'",
    "def f(t): return next((sign for sign in t if sign > 'a'), None)": "f('ab') == 'b'",
    "def f(t): return next(reversed(t))": "f('ab') == 'b'",
    "class Box:\n    def __bool__(self): return False\ndef f(t): return not Box()": "f(1)",
    "class Card:\n    def __init__(self, rank): self.rank = rank\n"
    "    def __lt__(self, other): return self.rank < other.rank\n"
    "def f(t): return min(Card(rank) for rank in t).rank": "f([2, 1]) == 1",
    "class Pile:\n    def __len__(self): return 2\ndef f(t): return len(Pile())": "f(1) == 2",
}


def test_what_monty_does_otherwise_than_python_is_no_fault_of_the_program() -> None:
    found = ran(*[(program, f"assert {test}") for program, test in PASSED_OVER.items()])
    assert all(each.lacking for each in found)
    slips = ran(
        ("def f(t): return t < 1", "assert f('a')"), ("def f(t): return len(t)", "assert f(1)")
    )
    assert not any(each.lacking or each.all_passed for each in slips)


def test_nothing_a_program_meets_changes_from_run_to_run() -> None:
    program = (
        "import random, time\nfrom datetime import datetime\n"
        "def f():\n    return random.random(), time.time(), datetime.now(), hash('a'), {'a', 'b'}\n"
    )
    first, second = ran((program, "assert f() == 1"), (program, "assert f() == 1"))
    assert first == second
    assert first.tests[0][1] is not None


@pytest.mark.slow
def test_a_sandbox_whose_process_is_killed_runs_the_program_once_more() -> None:
    async def killed() -> Results:
        client = SandboxClient(ClientOptions(None, "monty", None, 60))
        await client.complete(request(ADDS, "assert add(1, 2) == 3"))
        asked = asyncio.create_task(client.complete(request("x = sum(range(10 ** 7))", "assert x")))
        await asyncio.sleep(0)
        for child in children():
            os.kill(child, signal.SIGKILL)
        found = Results.read((await asked).text)
        await client.aclose()
        assert children() == []
        return found

    def children() -> list[int]:
        found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        return [int(child) for child in found]

    if not Path("/proc/self/task").exists():
        pytest.skip("proc")
    assert asyncio.run(killed()) == Results(1, ((1, None),))


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a command docker in front of all others that runs the image's Python on this machine.

    It is given programs that do no harm only. What it was called with stands in a file.
    """
    script = tmp_path / "docker"
    script.write_text(
        f'#!/bin/sh\necho "$@" | head -1 >> {tmp_path}/calls\n'
        '[ "$1" = run ] || exit 0\n'
        '[ -e "$(dirname "$0")/refuses" ] && exit 125\n'
        f'while [ "$1" != python ]; do shift; done\nshift\nexec {sys.executable} "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.slow
def test_docker_runs_each_program_in_a_container_of_its_own(docker: Path) -> None:
    """Whole Python is there, without network, rights, or files that can be written."""
    program = (
        "import heapq, sys\nprint('a' * 10 ** 6)\ndef least(n): return heapq.nsmallest(1, n)\n"
    )
    good, slow, wrong = ran(
        (program, "assert least([3, 1]) == [1]\nassert least([]) == [1]"),
        ("while True: pass", "assert True"),
        ("def f(", "assert True"),
        sandbox="docker:python:3.13-slim",
    )
    assert good == Results(2, ((1, None), (2, "AssertionError:")))
    assert slow == Results(1, ended="it takes longer than 5 seconds")
    assert wrong == Results(1, ended="SyntaxError: '(' was never closed (program, line 1)")
    calls = (docker / "calls").read_text()
    assert calls.count("run --rm") == 3
    for bound in ("--network none", "--read-only", "--cap-drop ALL", "--pull never"):
        assert calls.count(bound) == 3
    assert calls.count("--memory 268435456") == calls.count("--user 65534:65534") == 3


@pytest.mark.parametrize("line", ["99", "1e999", '"one"', "null"])
def test_results_that_a_program_forges_are_none_where_they_fit_no_test(
    line: str, docker: Path
) -> None:
    said = f'{{"tests": [{{"line": {line}, "error": "x"}}], "ended": null, "lacking": null}}\n'
    forging = (
        "import os\nfor number in range(3, 9):\n    try:\n"
        f"        os.write(number, {said.encode()!r})\n    except OSError:\n        pass\n"
        "os._exit(0)\n"
    )
    assert ran((forging, "assert True"), sandbox="docker") == [
        Results(1, ended="it crashes the interpreter")
    ]


def test_a_docker_that_runs_nothing_ends_the_run_in_a_sentence(docker: Path) -> None:
    (docker / "refuses").touch()
    with pytest.raises(StopRun) as error:
        ran((ADDS, "assert add(1, 2) == 3"), sandbox="docker")
    assert str(error.value) == (
        "Docker runs no container of python:3.12-slim: see whether its service is there (docker"
        " info) and the image (docker pull python:3.12-slim); the same command goes on."
    )


def test_without_docker_a_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StopRun) as error:
        ran((ADDS, "assert add(1, 2) == 3"), sandbox="docker")
    assert str(error.value) == (
        "--sandbox docker: the command docker is not installed; install it, or leave the option out"
        " to use Monty."
    )


FORGED = """
import json, os, sys

def add(a, b):
    said = {"tests": [TEST], "ended": None, "lacking": None}
    os.write(3, json.dumps(said).encode() + b"\\n")
"""


@pytest.mark.parametrize(
    ("test", "fault"),
    [
        ('{"line": 1, "error": "x" * 10**5}', f"assert add(1, 2) == 3: {'x' * 500}"),
        ('{"line": float("inf"), "error": "x"}', "it crashes the interpreter"),
    ],
)
def test_results_that_a_program_forges_are_read_like_any(
    docker: Path, test: str, fault: str
) -> None:
    tests = "assert add(1, 2) == 3"
    (found,) = ran((FORGED.replace("TEST", test), tests), sandbox="docker")
    assert found.fault(statements(tests)) == fault
    assert not found.all_passed


GIVEN_UP = """
import asyncio, sys
from evolinstruct.sandbox.process import Process

async def give_up(steps):
    starting = asyncio.create_task(Process.start([sys.executable, "-c", "input()"]))
    for _ in range(steps):
        await asyncio.sleep(0)
    assert not starting.done()

for steps in range(5):
    asyncio.run(give_up(steps))
"""


@pytest.mark.slow
def test_a_run_that_is_given_up_while_a_process_starts_ends() -> None:
    subprocess.run([sys.executable, "-c", GIVEN_UP], check=True, timeout=30)
