"""``python -m tests.bench.scale SEEDS.jsonl [COUNT …]``: what shards, merging and replay take.

Each count of seeds is made from the rows of the file, as in `tests.bench.size`, and prepared; its
shards are worked on one after the other by the offline client, merged, merged again, and the run
goes its own way from there. The figures of docs/scale.md come from it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bench.runs import EVOLVE, Client, Used, heading, met, say
from tests.bench.size import GENERATIONS, enlarge

SHARDS = 8
ROWS = 50_000
"""So many rows a second are merged at least."""
_MB = 1_000_000


def carry_out(*words: object) -> Used:
    """Carry a command out in a process of its own."""
    used = Client([sys.executable, "-c", EVOLVE, *map(str, words), "-q"], core=None).wait()
    if used.code:
        raise RuntimeError(f"{words[0]} ended with {used.code}.")
    return used


def together(all_used: Iterable[Used]) -> Used:
    """Return what commands used, one after the other."""
    used = list(all_used)
    seconds, cpu = sum(each.seconds for each in used), sum(each.cpu for each in used)
    return Used(seconds, cpu, max(each.memory for each in used), 0)


def measure(source: Path, folder: Path, seeds: int, *options: str) -> None:
    """Measure each part, and print it."""
    run = folder / "run"
    rows = enlarge(source, folder / "seeds.jsonl", seeds)
    evolve = ("evolve", rows, "-o", run, "--client", "offline", "-g", GENERATIONS, *options)
    _say("prepare", carry_out(*evolve, "--prepare"), seeds, "seeds")
    files = [folder / f"{number}.sqlite" for number in range(1, SHARDS + 1)]
    worked = together(
        carry_out("work", run, "--shard", f"{number}/{SHARDS}", "-o", file)
        for number, file in enumerate(files, 1)
    )
    size = sum(file.stat().st_size for file in files)
    merged = carry_out("merge", run, *files)
    calls = sum(shard["calls"] for shard in _state(run)["shards"])
    _say(f"work on {SHARDS} shards", worked, calls, "calls")
    say(f"their files {size / _MB:,.0f} MB, {size / calls:,.0f} bytes a call")
    bound = f"bound {ROWS:,} a second of CPU: {met(calls / merged.cpu >= ROWS)}"
    _say("merge", merged, calls, f"rows ({bound})")
    _say("merge again", carry_out("merge", run, *files), calls, "rows")
    _say("evolve, which replays", carry_out(*evolve), calls, "calls")
    spent, gate = _state(run)["spent"], run / "gate.sqlite"
    say(f"{spent['calls'] - calls:,} calls asked by evolve, {spent['in_vain']:,} asked in vain")
    for path in (run / "journal.sqlite", gate, *sorted(run.glob("*.jsonl"))):
        size = path.stat().st_size
        say(f"{path.name} {size / _MB:,.1f} MB, {size / seeds:,.0f} bytes a seed")


def _say(what: str, used: Used, number: int, of: str) -> None:
    say(
        f"{what}: {used.seconds:,.1f} s, {used.cpu:,.1f} s of CPU, {used.memory:,.0f} MB;"
        f" {number:,} {of} {number / used.seconds:,.0f} a second, {number / used.cpu:,.0f} a second"
        " of CPU"
    )


def _state(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def main() -> None:
    """Measure each number of seeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("source", type=Path, metavar="SEEDS.jsonl")
    parser.add_argument("counts", type=int, nargs="*", metavar="COUNT", default=[5_200])
    parser.add_argument("--no-answers", action="store_true", help="rewrites and comparisons alone")
    given = parser.parse_args()
    options = ["--no-answers"] if given.no_answers else []
    for seeds in given.counts:
        heading(f"{seeds:,} seeds over {GENERATIONS} generations {' '.join(options)}")
        with tempfile.TemporaryDirectory() as folder:
            measure(given.source, Path(folder), seeds, *options)


if __name__ == "__main__":
    main()
