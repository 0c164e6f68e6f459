"""Evolve seeds from a script: once plain, once inside an event loop, with events.

    python examples/from_python.py FOLDER

A run that is there already goes on. Everything the command line takes is a keyword here; for a
real model, replace ``client="offline"`` by ``model="..."`` and set OPENAI_API_KEY, or give a
``base_url``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import evolinstruct
from evolinstruct.errors import EvolinstructError
from evolinstruct.records import Rejected
from evolinstruct.run.events import Event, GenerationEnded, LineWritten, Notice


def tell(event: Event) -> None:
    """Say what may interest a person; there are more events than these."""
    match event:
        case Notice(text):
            print(text)
        case GenerationEnded(counts):
            print(f"generation {counts.generation}: kept {counts.kept} of {counts.pool}")
        case LineWritten(Rejected() as line):
            print(f"  {line.id} falls to {line.rule}: {line.evidence[:60]}")


def plain(out: Path) -> None:
    """Run to the end, then look at what came of it."""
    summary = evolinstruct.evolve(
        "starter", out, client="offline", generations=2, limit=20, on_event=tell
    )
    print(f"{summary.dataset_lines} instructions with answers: {out / 'dataset.jsonl'}")


async def asynchronous(out: Path) -> None:
    """Take the events one by one; whatever else the loop has to do goes on meanwhile."""
    job = evolinstruct.prepare("starter", out, client="offline", generations=2, limit=20, seed=7)
    print(f"at most {job.forecast().at_most} calls")
    async for event in job.events():
        tell(event)
    with (out / "dataset.jsonl").open(encoding="utf-8") as lines:
        longest = max((json.loads(line) for line in lines), key=lambda line: len(line["output"]))
    print(f"the longest answer is to: {longest['instruction'].splitlines()[0]}")


def main() -> None:
    """Run both into the folder that is named."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the script and the folder
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    try:
        plain(folder / "plain")
        asyncio.run(asynchronous(folder / "async"))
    except EvolinstructError as error:  # one sentence: what is wrong, where, what to do next
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
