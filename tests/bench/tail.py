"""How long a run takes at latencies with a long tail, beside the least that it could take.

The server draws the latency of a call from the call itself, so that each variant makes the same
calls and waits as long for each. The reply tells it as the tokens of its prompt; the journal keeps
those, and with them the schedule is made that takes the least advanced family first.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from evolinstruct.purposes import PURPOSES
from evolinstruct.run_dir.directory import KINDS, RunDir
from tests.bench.runs import (
    Client,
    Server,
    by_generation,
    evolve,
    heading,
    met,
    say,
    serving,
    write_seeds,
)

MEDIAN, SIGMA = 0.4, 1.0  # seconds; of the logarithm
GENERATIONS = 4
CELLS = ((200, 64), (200, 256), (1_000, 64), (1_000, 256))
BOUND, COLD_BOUND = 1.10, 1.35

Family = list[list[int]]
"""The microseconds of a family's calls, one after the other, by generation."""


def tail(folder: Path, cells: Iterable[tuple[int, int]] = CELLS) -> None:
    """Hold runs against the schedule that takes the least advanced family first."""
    heading(f"Latencies with a long tail: lognormal, median {MEDIAN} s, sigma {SIGMA}")
    heads = ("this", "cold", "no prefetch", "openai")
    say(f"{'seeds/under way':16}{'schedule':>9}" + "".join(f"{head:>13}" for head in heads))
    for seeds, under_way in cells:
        cell = Cell(folder, seeds, under_way)
        plain = cell.seconds("plain", "--concurrency", str(under_way), "--no-prefetch")
        families = chains(folder / cell.name("plain"))
        least = scheduled(families, under_way)
        this = cell.seconds("this", "--concurrency", str(under_way))
        cold = cell.seconds("cold", "--max-concurrency", str(under_way))
        bare = cell.bare(families)
        shown = [f"{found:6.1f} s {found / least:4.2f}" for found in (this, cold, plain, bare)]
        say(f"{cell.title:16}{least:7.1f} s" + "".join(f"{each:>13}" for each in shown))
        say(
            f"{'':16}bound {BOUND}: {met(this <= BOUND * least)};"
            f" cold {COLD_BOUND}: {met(cold <= COLD_BOUND * least)}"
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """So many seeds, so many calls under way."""

    folder: Path
    seeds: int
    under_way: int

    @property
    def title(self) -> str:
        return f"{self.seeds:,}/{self.under_way}"

    def name(self, variant: str) -> str:
        return f"tail-{self.seeds}-{self.under_way}-{variant}"

    def seconds(self, variant: str, *options: str) -> float:
        """Return the seconds from a run's first call to its last reply."""
        seeds = write_seeds(self.folder / f"{self.name(variant)}.jsonl", self.seeds)
        out = self.folder / self.name(variant)
        return _served(lambda server: evolve(seeds, out, server, "-g", str(GENERATIONS), *options))

    def bare(self, families: list[Family]) -> float:
        """Return the same for a loop that takes one generation after the other."""
        calls = self.folder / f"{self.name('bare')}.json"
        calls.write_text(json.dumps(families))
        return _served(lambda server: by_generation(server, calls, self.under_way))


def _served(start: Callable[[Server], Client]) -> float:
    with serving("--latency", str(MEDIAN), "--tail", str(SIGMA)) as server:
        start(server).wait()
        found: float = server.stats()["replied"][-1]
        return found


def chains(out: Path) -> list[Family]:
    """Return the calls of each family of a finished run."""
    run_dir = RunDir(out)
    families: dict[str, Family] = {
        seed.id: [[] for _ in range(GENERATIONS)] for seed in run_dir.read(0)
    }
    took = _took(out / "journal.sqlite")
    for generation in range(1, GENERATIONS + 1):
        for kind in KINDS:
            for line in run_dir.read(generation, kind):
                families[line.seed_id][generation - 1] = took[line.id]
    return list(families.values())


def _took(journal: Path) -> dict[str, list[int]]:
    """Return the microseconds of each place's calls, in their order."""
    order = list(PURPOSES)
    rows = sqlite3.connect(journal).execute(
        "SELECT child_id, purpose, attempt, max_tokens, prompt_tokens FROM calls"
    )
    places = defaultdict(list)
    for place, purpose, *rest, microseconds in rows:
        places[place].append((order.index(purpose), *rest, microseconds))
    return {place: [call[-1] for call in sorted(calls)] for place, calls in places.items()}


def scheduled(families: list[Family], under_way: int) -> float:
    """Return the seconds of the schedule in which a free place takes the least advanced family."""
    calls = [[each for generation in family for each in generation] for family in families]
    ready = [(0, position) for position in range(len(calls))]
    ends: list[tuple[int, int, int]] = []
    now = 0
    while ready or ends:
        while ready and len(ends) < under_way:
            done, position = heapq.heappop(ready)
            heapq.heappush(ends, (now + calls[position][done], done + 1, position))
        now, done, position = heapq.heappop(ends)
        if done < len(calls[position]):
            heapq.heappush(ready, (done, position))
    return now / 1e6
