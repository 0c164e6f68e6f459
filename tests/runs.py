"""Whole runs for tests: carried out in a temporary directory, read back as records."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterable
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evolinstruct.api import prepare
from evolinstruct.records import Failed, Kept, Rejected
from evolinstruct.run.events import Event, Notice
from evolinstruct.run.job import Job
from evolinstruct.run.summary import Summary
from evolinstruct.run_dir.directory import KINDS, RunDir


def write_seeds(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def tasks(number: int) -> list[dict[str, Any]]:
    """Return so many seeds, every third without an answer."""
    return [
        {
            "instruction": f"Explain thing number {n} to a child.",
            "input": "It is blue." if n % 2 else "",
            "output": f"Thing {n} is easy." if n % 3 else "",
        }
        for n in range(number)
    ]


def carry_out(job: Job, **options: Any) -> list[Event]:
    async def collected() -> list[Event]:
        return [event async for event in job.events(**options)]

    return asyncio.run(collected())


def said_by(job: Job, **options: Any) -> list[str]:
    """Carry a job out; return what it says."""
    return [event.text for event in carry_out(job, **options) if isinstance(event, Notice)]


def evolve(seeds: Path, out: Path, *, update: bool = False, **settings: Any) -> Summary:
    """Carry a run out, offline unless told otherwise."""
    job = prepare(seeds, out, **{"client": "offline", **settings})
    carry_out(job, update=update)
    return job.summary


@cache
def finished(number: int, **settings: Any) -> Path:
    """Return a finished run of so many seeds, to be read: it is made once for all tests."""
    folder = Path(FOLDER.name) / str(next(NUMBERS))
    folder.mkdir()
    evolve(write_seeds(folder / "seeds.jsonl", tasks(number)), folder / "run", **settings)
    return folder / "run"


FOLDER = TemporaryDirectory(prefix="evolinstruct-tests-", ignore_cleanup_errors=True)
NUMBERS = count()


def copied(out: Path, number: int, **settings: Any) -> Path:
    """Make a run's directory that a test may change, as a copy of a finished run."""
    return Path(shutil.copytree(finished(number, **settings), out))


def data_files(out: Path) -> dict[str, bytes]:
    """Return the files whose bytes are promised."""
    names = [*out.glob("generation-*.jsonl"), *out.glob("dataset.jsonl")]
    return {path.name: path.read_bytes() for path in sorted(names)}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its name in it."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def check_invariants(out: Path, generations: int) -> None:
    """Assert conservation, pool order, ids as places, and unbroken lineage."""
    run_dir = RunDir(out)
    seeds = list(run_dir.read(0))
    newest = {seed.id: seed for seed in seeds}
    for number in range(1, generations + 1):
        assert [member.newest.id for member in run_dir.pool(number)] == [
            newest[seed.id].id for seed in seeds
        ]
        settled: dict[str, Any] = {}
        for kind in KINDS:
            lines = list(run_dir.read(number, kind))
            order = [line.seed_id for line in lines]
            positions = {seed.id: place for place, seed in zip(count(), seeds, strict=False)}
            assert order == sorted(order, key=positions.__getitem__)
            assert not set(order) & settled.keys()
            settled |= {line.seed_id: line for line in lines}
        assert settled.keys() == newest.keys()  # kept + rejected + failed = pool
        for seed_id, line in settled.items():
            assert isinstance(line, Kept | Rejected | Failed)
            assert (line.generation, line.parent_id) == (number, newest[seed_id].id)
            if isinstance(line, Kept):
                newest[seed_id] = line
