"""Evolve seeds from a script: once with a plain call, once in an event loop with its events.

    python examples/from_python.py FOLDER

A run that already exists goes on. Every setting of the command line is a keyword here. For a
real model, replace ``client="offline"`` by ``model="..."`` and set OPENAI_API_KEY, or add a
``base_url``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import evolinstruct
from evolinstruct import (
    Event,
    EvolinstructError,
    GenerationEnded,
    LineWritten,
    Notice,
    Rejected,
)


def tell(event: Event) -> None:
    """Print what a person may want to know; there are more events than these."""
    match event:
        case Notice(text):
            print(text)
        case GenerationEnded(counts):
            print(f"generation {counts.generation}: kept {counts.kept} of {counts.pool}")
        case LineWritten(Rejected() as line):
            print(f"  {line.id} is rejected by {line.rule}: {line.evidence[:60]}")


def plain(out: Path) -> None:
    """Evolve to the end, then print how many instructions there are."""
    summary = evolinstruct.evolve(
        "starter", out, client="offline", generations=2, limit=20, on_event=tell
    )
    print(f"{summary.dataset_lines} instructions with answers: {out / 'dataset.jsonl'}")


async def asynchronous(out: Path) -> None:
    """Read the events one by one, while the loop can do other work."""
    job = evolinstruct.prepare("starter", out, client="offline", generations=2, limit=20, seed=7)
    print(f"at most {job.forecast().at_most} calls")
    async for event in job.events():
        tell(event)
    with (out / "dataset.jsonl").open(encoding="utf-8") as lines:
        longest = max((json.loads(line) for line in lines), key=lambda line: len(line["output"]))
    print(f"the longest answer belongs to: {longest['instruction'].splitlines()[0]}")


def main() -> None:
    """Run both, in folders below the one that is named."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the script and the folder
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    try:
        plain(folder / "plain")
        asyncio.run(asynchronous(folder / "async"))
    except EvolinstructError as error:  # one sentence: what is wrong, where, and what to do next
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
