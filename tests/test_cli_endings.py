"""How the program ends, and what it draws on a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import pytest

from evolinstruct.errors import CallFailed
from evolinstruct.llm.base import ClientOptions, Reply, Request
from evolinstruct.llm.offline import OfflineClient
from tests.command_line import enter, evolinstruct
from tests.loopback import hang, serve
from tests.runs import data_files
from tests.scripted import Scripted, obedient

PROGRAM = [sys.executable, "-c", "from evolinstruct.cli import main; main()"]

TOLD = [
    *(sys.executable, "-c"),
    "import pathlib, sys\n"
    "from evolinstruct.cli import main\n"
    "try: main()\n"
    "finally: pathlib.Path('modules').write_text(' '.join(sys.modules))",
]
"""The same, and tells which modules it imported."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


class Interrupting(OfflineClient):
    """Sends its process so many signals with the 20th call, and does not end after a second."""

    signals: ClassVar[list[signal.Signals]] = []
    calls = 0

    async def complete(self, request: Request) -> Reply:
        cls = type(self)
        cls.calls += 1
        if cls.calls == 20 and cls.signals:
            for name in cls.signals:
                os.kill(os.getpid(), name)
                await asyncio.sleep(0.05)  # for the loop to take it
            await asyncio.sleep(60 if len(cls.signals) > 1 else 0)
        return await super().complete(request)


INTERRUPTING = "--client tests.test_cli_endings:Interrupting -g 2"
WAITING = "Interrupted: calls under way get a few seconds to end; Ctrl-C again ends at once."


@pytest.mark.parametrize(
    "signals",
    [
        [signal.SIGINT],
        pytest.param([signal.SIGTERM], marks=pytest.mark.slow),
        pytest.param([signal.SIGHUP], marks=pytest.mark.slow),
        [signal.SIGINT] * 2,
    ],
    ids=["SIGINT", "SIGTERM", "SIGHUP", "SIGINT twice"],
)
def test_an_interrupted_run_exits_with_130_and_goes_on_to_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, signals: list[signal.Signals]
) -> None:
    evolinstruct(f"evolve seeds.txt -o whole {INTERRUPTING}")
    monkeypatch.setattr(Interrupting, "signals", signals)
    monkeypatch.setattr(Interrupting, "calls", 0)
    began = time.monotonic()
    result = evolinstruct(f"evolve seeds.txt -o run {INTERRUPTING} --json")
    assert time.monotonic() - began < 4  # the second signal does not wait for the hanging call
    assert result.exit_code == 130
    lines = result.stderr.splitlines()
    assert lines.count(WAITING) == 1
    assert lines[-1] == "Interrupted; the same command goes on where it stopped."
    assert json.loads(result.stdout)["status"] == lines[-1]
    assert not (folder / "run" / "dataset.jsonl").exists()

    monkeypatch.setattr(Interrupting, "signals", [])
    again = evolinstruct(f"evolve seeds.txt -o run {INTERRUPTING}")
    assert again.exit_code == 0
    assert "Going on with the run in run: " in again.stderr
    assert data_files(folder / "run") == data_files(folder / "whole")


class Failing(Scripted):
    """Has no answer for one instruction."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Exception:
        if request.purpose == "answer" and "thing 7" in request.context.instruction:
            return CallFailed("http_500", "down \x1b[31m", 6)
        return obedient(request)


def test_failures_exit_with_3_unless_allowed_and_v_names_each() -> None:
    line = (
        "evolve seeds.txt -o run --client tests.test_cli_endings:Failing -g 1 --operations deepen"
    )
    result = evolinstruct(f"{line} -v")
    assert result.exit_code == 3
    lines = result.stderr.splitlines()
    assert re.sub("[0-9a-f]{16}", "ID", lines[1]) == (
        "No answer for ID (deepen, answer, 6 attempts): http_500, down \\x1b[31m"
    )
    assert lines[2] == "Generation 1: 9 of 10 kept, 0 rejected, 1 failed."
    assert lines[-2:] == [
        "1 instruction got no answer from the service: run/generation-*.failed.jsonl",
        "Next: the same command with --retry failed asks for these again; --allow-failures N"
        " (or N%) counts a run with so many as a success.",
    ]
    assert evolinstruct(f"{line} --allow-failures 10%").exit_code == 0
    assert evolinstruct(f"{line} --allow-failures 9%").exit_code == 3


# --- the program itself -------------------------------------------------------------------------


def test_the_version_is_told() -> None:
    result = evolinstruct("--version")
    assert (result.exit_code, result.stdout) == (0, f"evolinstruct {version('evolinstruct')}\n")


COMMANDS = ["", "evolve", *(f"prompts {name}" for name in ("", "list", "show", "copy", "check"))]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help(words: str) -> None:
    result = evolinstruct(f"{words} --help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv[1:] = ['evolve', '--help']\n"
        "from evolinstruct.cli import main\n"
        "try: main()\n"
        "finally: print([name for name in sys.modules if name in {'asyncio', 'openai', 'aiohttp',"
        " 'sqlite3', 'tenacity', 'jsonlines', 'genai_prices', 'evolinstruct.settings.fields'}],"
        " file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stderr == "[]\n"


def on_a_terminal(columns: int, *words: str, **options: str) -> str:
    """Return what the program prints where stderr is a terminal of that width."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *words],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"COLUMNS": str(columns)} | options,
    )
    os.close(theirs)
    printed = b""
    try:
        while block := os.read(ours, 65_536):
            printed += block
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return printed.decode()


def test_a_terminal_shows_live_progress_that_leaves_nothing_behind() -> None:
    printed = on_a_terminal(
        60, "evolve", "seeds.txt", "-o", "run", "--client", "offline", "-g", "1", TERM="xterm"
    )
    hidden, shown = "\x1b[?25l", "\x1b[?25h"
    assert printed.count(hidden) == printed.count(shown) > 0
    assert printed.rindex(hidden) < printed.rindex(shown)
    lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9?;]*[A-Za-z]", "", printed))
    assert max(map(len, lines)) <= 60


@pytest.mark.slow
def test_a_dumb_terminal_gets_plain_lines() -> None:
    printed = on_a_terminal(
        80, "evolve", "seeds.txt", "-o", "run", "--client", "offline", "-g", "1", TERM="dumb"
    )
    assert "\x1b" not in printed
    assert "Generation 1: " in printed


OTHERS = [
    pytest.param(target, marks=pytest.mark.slow)
    for target in ("2>/dev/full", "2>&1 >/dev/null | true")
]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["2>&-", *OTHERS])
def test_a_run_goes_on_where_nobody_can_be_told(folder: Path, target: str) -> None:
    words = " ".join(map(shlex.quote, PROGRAM))
    line = f"{words} evolve seeds.txt -o run --client offline -g 1 {target}"
    done = subprocess.run(["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"], check=False)
    assert done.returncode == 0
    assert json.loads((folder / "run" / "run.json").read_text())["exit_code"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--version"], ["evolve", "--help"], ["rules"]])
def test_words_that_cannot_be_printed_end_in_a_sentence(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "No space left on device; put that right and run the command again." in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("target", [">&-", "| true", "| head -c 1 > /dev/null"])
def test_a_reader_that_goes_away_is_no_error(folder: Path, target: str) -> None:
    words = " ".join(map(shlex.quote, PROGRAM))
    done = subprocess.run(
        ["bash", "-c", f"{words} rules {target}"], check=False, stderr=subprocess.PIPE, text=True
    )
    assert done.stderr == ""


@pytest.mark.slow
def test_facts_that_cannot_be_printed_end_in_a_sentence(folder: Path) -> None:
    words = ("evolve", "seeds.txt", "-o", "run", "--client", "offline", "-g", "1", "-q", "--json")
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (result.returncode, result.stderr) == (
        1,
        "Error: the standard output: No space left on device; put that right and run the command"
        " again.\n",
    )


@pytest.mark.slow
def test_a_closed_terminal_ends_a_run_over_http_which_never_imports_the_package_openai(
    folder: Path,
) -> None:
    with serve(hang) as server:
        options = ("--client", "openai", "--model", "m", "--base-url", server.url, "-g", "1")
        pid, ours = pty.fork()
        if pid == 0:  # in a session of its own, whose terminal this is
            os.environ["OPENAI_API_KEY"] = "sk-loopback"
            os.execv(PROGRAM[0], [*TOLD, "evolve", "seeds.txt", "-o", "run", *options])
        while not server.counts.asked.total():
            os.read(ours, 65_536)
        os.close(ours)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 130
    assert json.loads((folder / "run" / "run.json").read_text())["exit_code"] == 130
    modules = (folder / "modules").read_text().split()
    assert ("aiohttp" in modules, "openai" in modules) == (True, False)  # it costs a second
