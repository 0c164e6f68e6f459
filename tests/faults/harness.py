"""What the fault tests share: the command in a process of its own, and a service that counts."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import IO

from tests.loopback import Answer, Ask, error, reply
from tests.runs import data_files

COMMAND = (sys.executable, "-c", "from evolinstruct.cli import main; main()")
CONCURRENCY = 8
PATIENCE = 120.0
"""Seconds after which a command that does not end is taken to hang."""


def evolve(seeds: Path, out: Path, *options: str) -> tuple[str, ...]:
    return (*COMMAND, "evolve", str(seeds), "-o", str(out), *options)


def start(
    command: tuple[str, ...], *, stderr: IO[bytes] | int = subprocess.PIPE, **options: object
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OPENAI_API_KEY": "sk-loopback"}
    return subprocess.Popen(command, stderr=stderr, env=environment, **options)  # type: ignore[call-overload]


def run(command: tuple[str, ...], **options: object) -> tuple[int, str]:
    """Return the exit code of a command and what it said."""
    process = start(command, **options)
    try:
        said = process.communicate(timeout=PATIENCE)[1]
    finally:
        process.kill()
    return process.returncode, said.decode()


def service(ask: Ask) -> Answer:
    """Answer by the prompt alone, as a model of mixed quality does."""
    dice = random.Random(blake2b(ask.prompt.encode()).digest())
    if "#Verdict#" in ask.prompt:
        text = dice.choice(["Not Equal"] * 8 + ["Equal", "It depends."])
    elif dice.random() < 0.03:
        return error(400, "no such talk", code="content_filter")
    else:
        words = " ".join(dice.choice(WORDS) for _ in range(dice.randrange(8, 60)))
        text = dice.choice([f"Explain how {words}."] * 12 + ["I'm sorry.", "No.", ""])
    finish = "length" if dice.random() < 0.02 else "stop"
    answer = reply(text, finish=finish)
    return Answer(answer.wire, latency=dice.random() * 0.02)


WORDS = ("rivers", "bridges", "carry", "salt", "under", "quiet", "towns", "slow", "clocks")


def openai(url: str, generations: int = 3) -> tuple[str, ...]:
    return (
        *("--client", "openai", "--model", "loopback-1", "--base-url", url, "-q"),
        *("-g", str(generations), "--concurrency", str(CONCURRENCY)),
    )


def outcomes(out: Path, journal: str = "journal.sqlite") -> int:
    """Return how many outcomes the journal of a run, or of a stage, holds by now."""
    try:
        db = sqlite3.connect(f"file:{out / journal}?mode=ro", uri=True)
        try:
            return int(db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
        finally:
            db.close()
    except sqlite3.OperationalError:
        return 0


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Return as soon as the condition holds, or the process has ended."""
    end = time.monotonic() + PATIENCE
    while not condition() and process.poll() is None:
        assert time.monotonic() < end, "nothing happens"
        time.sleep(0.005)


def unread(pipe: IO[bytes]) -> int:
    """Return how many bytes of a pipe nobody has read yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def ended_while_it_reads(command: Sequence[str], name: signal.Signals) -> tuple[int, str]:
    """Send a signal to a command that reads its standard input; return its exit code and words."""
    process = start(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"Explain rivers.\n")
    process.stdin.flush()
    pipe = process.stdin
    wait_for(lambda: unread(pipe) == 0, process)
    process.send_signal(name)
    process.wait(10)
    return process.returncode, process.communicate()[1].decode()


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def is_no_worse(before: Mapping[str, bytes], out: Path, whole: Mapping[str, bytes]) -> bool:
    """Tell whether each file is as it was, or nearer to what the whole run makes of it."""
    now = data_files(out)
    return all(
        now[name] == content
        or (now[name].startswith(content) and whole[name].startswith(now[name]))
        for name, content in before.items()
    )


def torn_or_doubled(out: Path) -> list[str]:
    """Return the files of a finished run that hold a torn line, or a line twice."""
    wrong = []
    for name, content in data_files(out).items():
        lines = content.splitlines(keepends=True)
        if len(set(lines)) < len(lines) or not all(line.endswith(b"}\n") for line in lines):
            wrong.append(name)
    return wrong
