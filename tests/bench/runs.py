"""Processes of a benchmark: a server on one core, a client on the other, and what each used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

CORES = (0, 1) if len(os.sched_getaffinity(0)) > 1 else (0, 0)
"""The client's core and the server's."""

EVOLVE = (
    "import sys; from evolinstruct.cli import main; sys.argv[0] = 'evolinstruct'; sys.exit(main())"
)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - figures are what this prints


def met(fine: bool) -> str:
    return "met" if fine else "MISSED"


def heading(title: str) -> None:
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    say(f"\n{title} (load of the machine: {load})")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str

    def stats(self) -> dict[str, Any]:
        with urlopen(self.url.removesuffix("/v1") + "/stats") as answer:
            found: dict[str, Any] = json.load(answer)
            return found


@contextmanager
def serving(*options: str) -> Iterator[Server]:
    """Serve in a process of its own until the block ends."""
    command = [sys.executable, "-m", "tests.bench.server", "--core", str(CORES[1]), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}/v1")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True, slots=True)
class Used:
    """What a client process used: seconds, CPU seconds, peak memory in MB, and how it exited."""

    seconds: float
    cpu: float
    memory: float
    code: int


class Client:
    """A client process on its core, or on any."""

    def __init__(self, command: list[str], core: int | None = CORES[0]) -> None:
        self._began = time.monotonic()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, **quiet)
        if core is not None:
            os.sched_setaffinity(self._process.pid, {core})

    def wait(self) -> Used:
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return Used(
            time.monotonic() - self._began,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024,
            self._process.returncode,
        )

    @property
    def cpu(self) -> float:
        """CPU seconds that it used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> Used:
        self._process.kill()
        return self.wait()

    def interrupt(self) -> Used:
        for _ in range(2):  # the second ends at once
            os.kill(self._process.pid, signal.SIGINT)  # without reaping it: `wait` does
            time.sleep(0.3)
        return self.wait()


def loop(kind: str, server: Server, calls: int, in_flight: int) -> Client:
    """Start a bare loop."""
    words = [kind, server.url, str(calls), str(in_flight)]
    return Client([sys.executable, "-m", "tests.bench.loops", *words])


def by_generation(server: Server, calls: Path, in_flight: int) -> Client:
    """Start a bare loop through calls in a file, one generation after the other."""
    words = ["by-generation", server.url, str(calls), str(in_flight)]
    return Client([sys.executable, "-m", "tests.bench.loops", *words])


def evolve(seeds: Path, out: Path, server: Server, *options: str) -> Client:
    """Start the whole pipeline, for one generation."""
    words = ["evolve", str(seeds), "-o", str(out), "--client", "openai", "--model", "bench"]
    words += ["--base-url", server.url, "-g", "1", "-q", *options]
    return Client([sys.executable, "-c", EVOLVE, *words])


def write_seeds(path: Path, count: int) -> Path:
    """Write so many instructions of usual lengths, no two alike: each three words hold a number."""
    with path.open("w") as file:
        for n in range(count):
            text = f"Explain to {n} new colleagues {n} how machine {n} in mill {n} is started, {n}"
            text += f" what can {n} go wrong {n} while it {n} warms up, {n} and whom {n} to call."
            file.write(json.dumps({"instruction": text, "output": "Ask the miller."}) + "\n")
    return path
