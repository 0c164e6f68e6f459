"""``python -m tests.bench.gate SEEDS.jsonl [COUNT]``: what the rules for duplicates cost.

The rows of the file are repeated with their words in another order each time, so that no two are
alike by construction, and evolved over four generations by the offline client, with the gate and
without it, in turn; of each the round that was disturbed least counts. Then the gate alone, when so
many texts have passed it as in a run of the paper's size.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from itertools import count, islice
from pathlib import Path

from evolinstruct.evolution import Proposal
from evolinstruct.gate import Gate
from evolinstruct.records import Kept
from tests.bench.__main__ import heading, met, say
from tests.bench.runs import EVOLVE, Client

OFF = ("--no-rule", "duplicate", "--no-rule", "near_duplicate")
ROUNDS = 5
SHARE = 0.1
PAPER = 250_000
LAST = 20_000


def unlike(source: Path, seeds: int) -> list[dict[str, str]]:
    """Return so many rows, each copy of a row with its words in another order."""
    rows = [json.loads(line) for line in source.open(encoding="utf-8")]
    dice = random.Random(5)

    def mixed(text: str) -> str:
        words = text.split()
        dice.shuffle(words)
        return " ".join(words)

    copies = (
        {**row, "instruction": mixed(row["instruction"]), "input": mixed(row.get("input") or "")}
        for _ in count()
        for row in rows
    )
    return list(islice(copies, seeds))


def in_a_run(rows: list[dict[str, str]], folder: Path) -> None:
    """Evolve with the gate and without it, in turn."""
    heading(f"{len(rows):,} seeds over 4 generations, offline, in turn")
    seeds = folder / "seeds.jsonl"
    seeds.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cpu: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(ROUNDS):
        for gated in (turn % 2 == 0, turn % 2 == 1):
            out = folder / f"{turn}-{gated}"
            words = ["evolve", str(seeds), "-o", str(out), "--client", "offline", "-q", "-g", "4"]
            words += [] if gated else OFF
            used = Client([sys.executable, "-c", EVOLVE, *words]).wait()
            cpu[gated].append(used.cpu)
    all_counts = json.loads((out.parent / "0-True" / "run.json").read_text())["generations"]
    dropped = sum(
        record["tally"]["rejected"].get(rule, 0)
        for record in all_counts
        for rule in ("duplicate", "near_duplicate")
    )
    with_it, without = min(cpu[True]), min(cpu[False])
    share = 1 - without / with_it
    say(f"{with_it:.1f} s of CPU with it, {without:.1f} without: {share:.1%} of the run's")
    say(f"bound {SHARE:.0%}: {met(share <= SHARE)}; it dropped {dropped:,}")


def alone(rows: list[dict[str, str]], folder: Path) -> None:
    """Let as many texts pass as in a run of the paper's size; time the last of them."""
    heading(f"the gate alone, {PAPER:,} texts of about 60 words")
    words = [word for row in rows for word in row["instruction"].split()]
    dice = random.Random(6)
    gate = Gate(folder / "gate.sqlite", {"likeness": 0.8, "differing": 12.0})
    gate.begin(1, "bench")
    began = 0.0
    for number in range(PAPER):
        if number == PAPER - LAST:
            began = time.process_time()
        gate.look(Proposal(_line(number, " ".join(dice.choices(words, k=60)))))
    each = (time.process_time() - began) / LAST
    gate.end()
    gate.close()
    began = time.process_time()
    again = Gate(folder / "gate.sqlite", {"likeness": 0.8, "differing": 12.0})
    opened = time.process_time() - began
    began = time.process_time()
    again.begin(2, "bench")
    indexed = time.process_time() - began
    again.close()
    size = (folder / "gate.sqlite").stat().st_size / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"{each * 1e6:.0f} us a text, {size:.0f} MB on disk")
    say(f"{opened:.1f} s to open again, {indexed:.1f} s to go on from there")
    say(f"{memory:.0f} MB of memory in all, the rows of the bench among them")


def _line(number: int, text: str) -> Kept:
    name = f"{number:016x}"
    return Kept(name, name, name, 1, "deepen", None, text, None, None, None, None, "bench")


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gate", description=__doc__)
    parser.add_argument("source", type=Path, metavar="SEEDS.jsonl")
    parser.add_argument("count", type=int, nargs="?", metavar="COUNT", default=4_000)
    given = parser.parse_args()
    rows = unlike(given.source, given.count)
    with tempfile.TemporaryDirectory() as folder:
        in_a_run(rows, Path(folder))
        alone(rows, Path(folder))


if __name__ == "__main__":
    main()
