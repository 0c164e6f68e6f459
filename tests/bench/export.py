"""``python -m tests.bench.export RUN_DIR [COUNT]``: a large run exported, beside its bounds.

The lines of a run that is there are repeated, each copy as a family of its own, up to the count;
then the whole is exported as JSON lines and as Parquet, split and shuffled.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from itertools import count, islice
from pathlib import Path

from tests.bench.__main__ import heading, met, say
from tests.bench.runs import EVOLVE, Client

ROWS, SECONDS, MEGABYTES = 250_000, 40, 200


def enlarge(run: Path, target: Path, rows: int) -> None:
    """Write a run whose last generation is repeated until it holds so many lines."""
    shutil.copytree(run, target, ignore=shutil.ignore_patterns("*.sqlite*", ".lock"))
    last = max(run.glob("generation-?.jsonl"))
    lines = [json.loads(line) for line in last.open(encoding="utf-8")]
    copies = (
        {**line, "id": f"{copy:08x}{line['id'][:8]}", "seed_id": f"{copy:08x}{line['seed_id'][:8]}"}
        for copy in count()
        for line in lines
    )
    with (target / last.name).open("w", encoding="utf-8") as file:
        for line in islice(copies, rows):
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run, such as demo")
    parser.add_argument("rows", type=int, nargs="?", default=ROWS)
    asked = parser.parse_args()
    heading(f"{asked.rows:,} instructions exported (at most {SECONDS} s and {MEGABYTES} MB)")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        enlarge(asked.run, run, asked.rows)
        for name, options in {"JSON lines": [], "Parquet": ["--parquet"]}.items():
            words = ["export", str(run), "-o", f"{folder}/{name}", "--format", "chat", "-q"]
            command = [sys.executable, "-c", EVOLVE, *words, "--test", "0.02", *options]
            used = Client(command, core=None).wait()
            fine = used.seconds < SECONDS and used.memory < MEGABYTES and used.code == 0
            say(
                f"{name}: {used.seconds:.1f} s, {used.cpu:.1f} s of CPU, {used.memory:.0f} MB"
                f"  {met(fine)}"
            )


if __name__ == "__main__":
    main()
