"""live.json: what a run that is going on says of itself to whoever watches from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from evolinstruct.api import prepare
from evolinstruct.llm.base import Reply, Request
from evolinstruct.run.job import Job
from evolinstruct.run.live import Live, read_live
from tests.runs import carry_out, contents, tasks, write_seeds
from tests.scripted import Obedient

LONGEST = 30.0  # seconds to wait for something to be written


class Patient(Obedient):
    """Answers nothing until it may."""

    may: asyncio.Event

    async def complete(self, request: Request) -> Reply:
        await self.may.wait()
        return await super().complete(request)


def prepared(folder: Path, client: str) -> Job:
    seeds = write_seeds(folder / "seeds.jsonl", tasks(6))
    return prepare(seeds, folder / "run", client=client, generations=2, answer_seeds=False)


async def watched(job: Job, live: Path, wanted: Callable[[Live], bool]) -> Live:
    """Carry a run out that waits until something is said of it; return what was said."""
    Patient.may = asyncio.Event()

    async def carried_out() -> None:
        async for _ in job.events():
            pass

    async def said() -> Live:
        while (found := read_live(live)) is None or not wanted(found):  # noqa: ASYNC110 - from outside
            await asyncio.sleep(0.02)
        return found

    running = asyncio.create_task(carried_out())
    async with asyncio.timeout(LONGEST):
        found = await said()
        Patient.may.set()
        await running
    return found


@pytest.mark.slow
def test_a_run_that_is_going_on_says_how_far_it_is(tmp_path: Path) -> None:
    job = prepared(tmp_path, "tests.test_live_file:Patient")
    file = tmp_path / "run" / "live.json"
    live = asyncio.run(watched(job, file, lambda said: said.progress.counts.generation == 1))
    progress = live.progress
    assert (progress.counts.pool, progress.counts.finished, progress.generations) == (6, 0, 2)
    assert (progress.done, progress.rate, progress.left) == (0, 0.0, None)
    assert progress.likely > 2 * 6 * 2
    assert progress.sending is not None
    assert progress.sending.in_flight > 0
    assert [notice.text[:17] for notice in live.notices] == ["Evolving 6 seeds "]
    assert Live.from_json(live.to_json()) == live


def test_it_is_gone_when_the_run_has_ended_and_changes_no_other_file(tmp_path: Path) -> None:
    for name, client in (
        ("watched", "tests.test_live_file:Patient"),
        ("not", "tests.scripted:Obedient"),
    ):
        (tmp_path / name).mkdir()
        job = prepared(tmp_path / name, client)
        if name == "watched":
            asyncio.run(watched(job, tmp_path / name / "run" / "live.json", lambda _: True))
        else:
            carry_out(job)
    one, other = (contents(tmp_path / name / "run") for name in ("watched", "not"))
    assert one.keys() == other.keys()
    lines = {name for name in one if name.startswith(("generation", "dataset"))}
    assert {name: one[name] for name in lines} == {name: other[name] for name in lines}


@pytest.mark.parametrize("said", ["", "{", "[]", "null", '{"at": 1}', '{"at": 1, "progress": {}}'])
def test_what_is_torn_or_of_another_version_says_nothing(tmp_path: Path, said: str) -> None:
    (tmp_path / "live.json").write_text(said)
    assert read_live(tmp_path / "live.json") is None
    assert read_live(tmp_path / "missing.json") is None
