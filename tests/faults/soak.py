"""A long loop of kills: ``python -m tests.faults.soak [MINUTES]``, ten by default."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.kills import Found, killed, unbroken


def main(minutes: float) -> int:
    end = time.monotonic() + minutes * 60
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as folder:
        whole, needed = unbroken(Path(folder))
        while time.monotonic() < end:
            seed = len(found)
            found.append(killed(Path(folder), str(seed), whole, needed, random.Random(seed)))
            shutil.rmtree(Path(folder) / str(seed))
            for wrong in found[-1].wrong:
                sys.stdout.write(f"run {seed}: {wrong}\n")
    kills = sum(run.kills for run in found)
    wrong = sum(bool(run.wrong) for run in found)
    sys.stdout.write(
        f"{len(found)} runs of {needed} calls, {kills} kills,"
        f" {sum(run.repeated for run in found)} calls repeated (bound: those in flight,"
        f" {kills * 8}), {wrong} runs with something wrong (bound: 0).\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
