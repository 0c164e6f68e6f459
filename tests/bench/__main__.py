"""``python -m tests.bench [PART]...``: prints figures beside their bounds."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.bench.runs import (
    CORES,
    Server,
    Used,
    evolve,
    heading,
    loop,
    met,
    say,
    serving,
    write_seeds,
)
from tests.bench.tail import tail

BUSY = 0.7


# What a call costs


def cpu(folder: Path) -> None:
    """Hold the pipeline against bare loops."""
    heading("CPU per call, server without latency or limits")
    say(f"{'':24}{'in flight':>10}{'calls/s':>10}{'CPU ms':>9}{'MB':>7}{'server busy':>13}")
    seeds = write_seeds(folder / "cpu.jsonl", 5_000)
    for in_flight in (256, 1_000):
        for kind, calls in (("aiohttp", 8_000), ("openai-aiohttp", 4_000), ("openai", 1_500)):
            with serving() as server:
                row(kind, in_flight, server, loop(kind, server, calls, in_flight).wait())
        with serving() as server:
            out = folder / f"cpu-{in_flight}"
            used = evolve(seeds, out, server, "--concurrency", str(in_flight)).wait()
            each = row("evolinstruct evolve", in_flight, server, used)
        say(f"{'':24}bound: 1.0 ms a call: {met(each <= 1.0)}")


def row(name: str, in_flight: int, server: Server, used: Used) -> float:
    stats = server.stats()
    seconds = stats["replied"][-1]
    calls = len(stats["replied"])
    busy = stats["cpu"] / seconds
    note = "" if busy < BUSY else " !"
    each = used.cpu * 1000 / calls
    say(
        f"{name:24}{in_flight:10,}{calls / seconds:10,.0f}{each:9.2f}{used.memory:7.0f}"
        f"{busy:12.0%}{note}"
    )
    return each


def latency(folder: Path) -> None:
    """One generation of 20,000 instructions at 200 ms and 256 in flight."""
    heading("Latency 200 ms, 256 in flight, one generation of 20,000 instructions")
    seeds = write_seeds(folder / "latency.jsonl", 20_000)
    with serving("--latency", "0.2") as server:
        used = evolve(seeds, folder / "latency", server, "--concurrency", "256").wait()
        stats = server.stats()
    calls, seconds = len(stats["replied"]), stats["replied"][-1]
    each = used.cpu * 1000 / calls
    allowed = min(256 / 0.2, 1000.0)
    say(
        f"{calls:,} calls in {seconds:.0f} s: {calls / seconds:,.0f} calls/s, {each:.2f} ms of CPU"
        f" each, {used.memory:.0f} MB, server {stats['cpu'] / seconds:.0%} busy"
    )
    share = calls / seconds / allowed
    say(f"bound: 95% of {allowed:,.0f} calls/s: {share:.0%}, {met(share >= 0.95)}")


# Concurrency that finds itself


@dataclass(frozen=True, slots=True)
class Case:
    """A server, and fixed settings among which the best is looked for."""

    name: str
    options: tuple[str, ...]
    fixed: tuple[int, ...]
    seeds: int


# fixed settings that spend the bucket before second 15, as auto does: what follows is its refill
def _bucket(*more: str) -> tuple[str, ...]:
    return ("--latency", "0.2", "--rate", str(500 / 60), "--burst", "500", *more)


CASES = [
    [
        Case("20/s, 2 s", ("--latency", "2", "--rate", "20"), (36, 40, 64), 2_000),
        Case("capacity 8, 0.2 s", ("--latency", "0.2", "--capacity", "8"), (8, 10, 64), 3_000),
        Case("500/min", _bucket(), (64, 128), 2_000),
        Case("500/min, announced", _bucket("--announce"), (64, 128), 2_000),
    ],
    [Case("200/s, 2 s", ("--latency", "2", "--rate", "200"), (390, 410, 512), 9_000)],
    [Case("capacity 64, 0.2 s", ("--latency", "0.2", "--capacity", "64"), (64, 80, 256), 12_000)],
    [Case("800/s, 0.2 s", ("--latency", "0.2", "--rate", "800"), (150, 160, 200), 24_000)],
]
SECONDS = 60.0
FIXED_SECONDS = 30.0
SETTLED = 15.0


def auto(folder: Path) -> None:
    """From a cold start, against the best fixed setting."""
    heading("Concurrency that finds itself: second 15 on; refusals (429) of the first minute")
    say(f"{'':22}{'best fixed':>16}{'auto':>9}{'share':>7}{'':>8}{'429':>6}{'most':>7}")
    for together in CASES:
        with ThreadPoolExecutor(len(together)) as pool:
            found = list(pool.map(lambda case: _rate(folder, case, "auto", SECONDS), together))
        best = [(0.0, 0)] * len(together)
        for nth in range(max(len(case.fixed) for case in together)):
            tried = [(i, case) for i, case in enumerate(together) if nth < len(case.fixed)]
            with ThreadPoolExecutor(len(tried)) as pool:
                rates = pool.map(
                    lambda one: _rate(folder, one[1], str(one[1].fixed[nth]), FIXED_SECONDS)[0],  # noqa: B023
                    tried,
                )
                for (i, case), rate in zip(tried, rates, strict=True):
                    best[i] = max(best[i], (rate, case.fixed[nth]))
        for case, (rate, refused, ended), (most, at) in zip(together, found, best, strict=True):
            allowed = max(20, int(0.02 * ended))
            say(
                f"{case.name:22}{most:10,.1f} @{at:<4}{rate:9,.1f}{rate / most:7.0%}"
                f"{met(rate >= 0.9 * most):>8}{refused:6}{allowed:7} {met(refused <= allowed)}"
            )


def _rate(folder: Path, case: Case, setting: str, seconds: float) -> tuple[float, int, int]:
    """Return replies a second from second 15 on, and the first minute's refusals and answers."""
    name = "".join(char if char.isalnum() else "-" for char in case.name)
    seeds = write_seeds(folder / f"{name}.jsonl", case.seeds)
    out = folder / f"{name}-{setting}"
    with serving(*case.options) as server:
        client = evolve(seeds, out, server, "--concurrency", setting)
        while server.stats()["now"] < seconds:
            time.sleep(1.0)
        stats = server.stats()
        client.interrupt()
    replied = sum(SETTLED <= at < seconds for at in stats["replied"])
    refused = sum(at < SECONDS for at in stats["refused"])
    ended = refused + sum(at < SECONDS for at in stats["replied"])
    return replied / (seconds - SETTLED), refused, ended


# A storm


def storm(folder: Path) -> None:
    """A tenth of all answers are faults."""
    heading("A storm: 10% of 429, 500, drops, half bodies and garbage; latency 0.2 s")
    seeds = write_seeds(folder / "storm.jsonl", 3_000)
    for setting in ("64", "auto"):
        rates = []
        for faults in ("0", "0.1"):
            out = folder / f"storm-{setting}-{faults}"
            options = ("--latency", "0.2", "--faults", faults)
            with serving(*options) as server:
                used = evolve(seeds, out, server, "--concurrency", setting).wait()
                stats = server.stats()
            rates.append(_middle(stats["replied"]))
        _judge_storm(out, setting, rates, used, stats)


def _middle(replied: list[float]) -> float:
    """Return replies a second without the start and the last, lonely attempts."""
    start, end = len(replied) // 10, len(replied) * 8 // 10
    return (end - start) / (replied[end] - replied[start])


def _judge_storm(
    out: Path, setting: str, rates: list[float], used: Used, stats: dict[str, object]
) -> None:
    state = json.loads((out / "run.json").read_text())
    counts = state["generations"][1]["tally"]
    failed = sum(counts["failed"].values())
    settled = counts["kept"] + sum(counts["rejected"].values()) + failed
    share = rates[1] / (rates[0] * 0.9)  # a tenth of what is sent brings nothing
    say(
        f"--concurrency {setting}: {rates[0]:,.0f} calls/s without, {rates[1]:,.0f} with:"
        f" {share:.0%} of 9 in 10; bound 80%: {met(share >= 0.8)}"
    )
    replies = len(stats["replied"])  # type: ignore[arg-type]
    say(
        f"  {stats['asked']:,} sent, {replies:,} replies, {stats['faults']:,} faults; pool"
        f" {counts['pool']:,}, settled {settled:,}, failed {failed}, calls {counts['calls']:,},"
        f" exit {used.code}: nothing lost: {met(settled == counts['pool'] and failed == 0)};"
        f" each reply is a call: {met(replies == counts['calls'])}"
    )


PARTS: dict[str, Callable[[Path], None]] = {
    "cpu": cpu,
    "latency": latency,
    "auto": auto,
    "storm": storm,
    "tail": tail,
}


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="|".join(PARTS), help="default: all")
    names = parser.parse_args().parts or list(PARTS)
    if unknown := set(names) - set(PARTS):
        parser.error(f"no part is named {unknown.pop()!r}; there are {', '.join(PARTS)}")
    say(f"Client on core {CORES[0]}, server on core {CORES[1]}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    main()
