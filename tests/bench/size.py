"""``python -m tests.bench.size SEEDS.jsonl [COUNT …]``: runs of the paper's size, beside bounds.

Each count of seeds is made from the rows of the file, with a prefix for each copy, and evolved over
four generations by the offline client, or over HTTP (``--http``). The command is killed late in
the last generation, and started again: what the two took together is at least what an unbroken run
takes. A bound is named where it is stated: on memory for each run, on replay for those offline, on
time for those up to the paper's size.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from tests.bench.__main__ import heading, met, say
from tests.bench.runs import EVOLVE, Client, Used, serving

GENERATIONS = 4
PAPER = 52_002
LATE = 0.9
"""The share of the last generation that is there when the command is killed."""
MINUTES, MEGABYTES, FIRST_CALL, REPLIES, GROWTH = 10, 300, 30, 6_000, 0.15
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a run took that was killed once.

    Attributes:
        before: what the killed command used.
        after: what the second one used, which ended the run.
        idle: what a third one used, which found the run finished.
        first_call: seconds until the second one stored its first new outcome.
        first_call_cpu: CPU seconds until then.
        replayed: replies that the journal spared the second one.
        journal: bytes of the journal.
    """

    before: Used
    after: Used
    idle: Used
    first_call: float
    first_call_cpu: float
    replayed: int
    journal: int

    @property
    def memory(self) -> float:
        """The peak of both commands in MB."""
        return max(self.before.memory, self.after.memory)


def enlarge(source: Path, target: Path, seeds: int) -> Path:
    """Write so many seeds, made from those of a file: a prefix tells the copies apart."""
    rows = [json.loads(line) for line in source.open(encoding="utf-8")]
    copies = (
        {**row, "instruction": f"Case {copy}: {row['instruction']}"}
        for copy in count(1)
        for row in rows
    )
    with target.open("w", encoding="utf-8") as file:
        for row in islice(copies, seeds):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return target


@contextmanager
def answering(*, http: bool) -> Iterator[tuple[str, ...]]:
    """Lend the options that name who answers, a server of its own over HTTP."""
    if http:
        with serving() as server:
            yield "--client", "openai", "--model", "bench", "--base-url", server.url
    else:
        yield "--client", "offline"


def measure(seeds: Path, out: Path, client: tuple[str, ...]) -> Found:
    """Evolve the seeds, kill the command late, start it again, and once more when all is done."""
    words = ["evolve", str(seeds), "-o", str(out), *client, "-q", "-g", str(GENERATIONS)]
    command = [sys.executable, "-c", EVOLVE, *words]
    first = Client(command, core=None)
    while _size(out, GENERATIONS) < LATE * max(_size(out, GENERATIONS - 1), 1):
        time.sleep(0.05)
    before = first.kill()
    stored = _stored(out)
    began = time.monotonic()
    second = Client(command, core=None)
    while _stored(out) == stored:
        time.sleep(0.05)
    first_call, first_call_cpu = time.monotonic() - began, second.cpu
    after = second.wait()
    last = json.loads((out / "run.json").read_text())["generations"][-1]["tally"]
    replayed = last["calls"] - (_stored(out) - stored)
    journal = (out / "journal.sqlite").stat().st_size
    idle = Client(command, core=None).wait()
    if after.code or idle.code:
        raise RuntimeError(f"The run ended with {after.code}, and then with {idle.code}.")
    return Found(before, after, idle, first_call, first_call_cpu, replayed, journal)


def _size(out: Path, generation: int) -> int:
    path = out / f"generation-{generation}.jsonl"
    return path.stat().st_size if path.exists() else 0


def _stored(out: Path) -> int:
    db = sqlite3.connect(f"file:{out / 'journal.sqlite'}?mode=ro", uri=True, timeout=60)
    try:
        return int(db.execute("SELECT ifnull(MAX(rowid), 0) FROM calls").fetchone()[0])
    finally:
        db.close()


def report(found: Found, calls: int, *, offline: bool, timed: bool) -> None:
    """Print the figures of a run beside their bounds; timed: those on time are stated for it."""
    seconds = found.before.seconds + found.after.seconds
    cpu = found.before.cpu + found.after.cpu
    rate = found.replayed / (found.first_call_cpu - found.idle.cpu)
    bound = f"bound {MINUTES} min: {met(seconds <= MINUTES * 60)}"
    say(f"{seconds:,.0f} s, {cpu:,.0f} s of CPU{f'; {bound}' if timed else ''}")
    say(f"{found.memory:,.0f} MB at its peak; bound {MEGABYTES}: {met(found.memory <= MEGABYTES)}")
    bound = f"bound {FIRST_CALL}: {met(found.first_call <= FIRST_CALL)}"
    first_call = f"first new call {found.first_call:.1f} s after the command"
    say(f"{first_call}{f'; {bound}' if timed else ''}")
    bound = f"bound {REPLIES:,}: {met(rate >= REPLIES)}"
    say(
        f"{found.replayed:,} replies replayed: {rate:,.0f} a CPU second beyond the"
        f" {found.idle.cpu:.1f} that it takes to start and to verify what is finished"
        f"{f'; {bound}' if offline else ', the first calls included'}"
    )
    size = found.journal
    say(f"journal {size / _MB:,.0f} MB for {calls:,} calls, {size / calls:,.0f} bytes each")


def main() -> None:
    """Measure each number of seeds, and how memory grows with them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.size", description=__doc__)
    parser.add_argument("source", type=Path, metavar="SEEDS.jsonl")
    parser.add_argument("counts", type=int, nargs="*", metavar="COUNT", default=[PAPER])
    parser.add_argument("--http", action="store_true", help="ask a loopback server of its own")
    given = parser.parse_args()
    peaks = []
    for seeds in given.counts:
        who = "over HTTP" if given.http else "offline"
        heading(f"{seeds:,} seeds over {GENERATIONS} generations, {who}, killed once")
        with tempfile.TemporaryDirectory() as folder, answering(http=given.http) as client:
            out = Path(folder) / "run"
            source = enlarge(given.source, Path(folder) / "seeds.jsonl", seeds)
            found = measure(source, out, client)
            offline = not given.http
            report(found, _stored(out), offline=offline, timed=offline and seeds <= PAPER)
        peaks.append(found.memory)
    if len(peaks) > 1:
        growth = peaks[-1] / peaks[0] - 1
        say(f"\nmemory grows by {growth:.0%}; bound {GROWTH:.0%}: {met(growth <= GROWTH)}")


if __name__ == "__main__":
    main()
