"""One signal lets calls under way end, a second ends at once, and both exit with 130."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from evolinstruct.api import prepare
from evolinstruct.errors import Interrupted
from evolinstruct.run.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    LineWritten,
    Notice,
)
from evolinstruct.run.in_order import GRACE
from evolinstruct.run.job import Job
from tests.faults.harness import COMMAND, ended_while_it_reads, evolve, openai, start, wait_for
from tests.loopback import Answer, Ask, hang, serve
from tests.runs import carry_out, data_files, finished, said_by, tasks, write_seeds
from tests.runs import evolve as evolve_here

SIGNALS = [
    signal.SIGINT,
    pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
    pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
]


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(20))


def silent(ask: Ask) -> Answer:
    return hang()


@pytest.mark.slow
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_ends_at_once_though_no_call_does(
    tmp_path: Path, seeds: Path, name: signal.Signals
) -> None:
    with serve(silent) as server:
        process = start(evolve(seeds, tmp_path / "run", *openai(server.url)))
        wait_for(lambda: server.counts.in_flight > 0, process)
        process.send_signal(name)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)  # calls under way have their grace
        began = time.monotonic()
        process.send_signal(name)
        said = process.communicate()[1].decode()
    assert time.monotonic() - began < GRACE - 1
    assert process.returncode == 130
    assert said == "Interrupted; the same command goes on where it stopped.\n"


@pytest.mark.slow
def test_calls_under_way_end_within_their_grace_and_their_replies_are_kept(
    tmp_path: Path, seeds: Path
) -> None:
    from tests.faults.harness import outcomes, service  # noqa: PLC0415

    def slow(ask: Ask) -> Answer:
        return Answer(service(ask).wire, latency=0.5)

    with serve(slow) as server:
        process = start(evolve(seeds, tmp_path / "run", *openai(server.url)))
        wait_for(lambda: server.counts.in_flight == server.counts.most_in_flight > 1, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=GRACE + 20)
        asked = server.counts.asked.total()
    assert process.returncode == 130
    assert outcomes(tmp_path / "run") == asked


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_while_the_seeds_are_read_ends_at_once(
    tmp_path: Path, name: signal.Signals
) -> None:
    command = (*COMMAND, "evolve", "-", "-o", str(tmp_path / "run"), "--client", "offline")
    ended = ended_while_it_reads(command, name)
    assert ended == (130, "Interrupted; run the same command again.\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", [Notice, GenerationStarted, LineWritten, GenerationEnded])
@pytest.mark.parametrize("last", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_interrupt_between_any_two_events_ends_the_run_and_loses_nothing(
    tmp_path: Path, seeds: Path, kind: type[Event], last: bool
) -> None:
    at = 1
    if last:
        events = carry_out(prepared(seeds, tmp_path / "count"))
        at = sum(isinstance(event, kind) for event in events)
    job = prepared(seeds, tmp_path / "run")

    async def interrupted() -> list[Event]:
        seen: list[Event] = []
        met = 0
        async for event in job.events():
            seen.append(event)
            met += isinstance(event, kind)
            if isinstance(event, kind) and met == at:
                job.interrupt()
                job.interrupt()
        return seen

    with pytest.raises(Interrupted):
        asyncio.run(interrupted())
    assert job.summary.exit_code == 130
    assert not (tmp_path / "run" / "dataset.jsonl").exists()
    evolve_here(seeds, tmp_path / "run", generations=2)
    assert data_files(tmp_path / "run") == data_files(finished(20, generations=2))


def stopped_after(job: Job, settled: int, **options: bool) -> None:
    """Carry a job out until so many instructions are settled."""

    async def some() -> None:
        seen = 0
        async for event in job.events(**options):  # type: ignore[arg-type]
            seen += isinstance(event, LineWritten)
            if seen == settled:
                job.interrupt()

    asyncio.run(some())


@pytest.mark.parametrize(("settled", "said"), [(130, "generation 1, "), (230, "generation 2, ")])
def test_one_line_says_what_was_found(tmp_path: Path, settled: int, said: str) -> None:
    out, seeds = tmp_path / "run", write_seeds(tmp_path / "hundred.jsonl", tasks(100))
    job = prepare(seeds, out, client="offline", generations=2, concurrency=1)
    with pytest.raises(Interrupted):
        stopped_after(job, settled)
    number = len(json.loads((out / "run.json").read_text())["generations"])
    written = sum(
        len((out / f"generation-{number}{kind}.jsonl").read_bytes().splitlines())
        for kind in ("", ".rejected", ".failed")
    )
    db = sqlite3.connect(out / "journal.sqlite")
    (replies,) = db.execute("SELECT COUNT(*) FROM calls WHERE outcome = 'reply'").fetchone()
    db.close()
    told = said_by(prepared(seeds, out))
    assert told[-1] == (
        f"Going on with the run in {out}: {said}{written}% done,"
        f" {replies} replies in the journal, none will be paid for again."
    )


def prepared(seeds: Path, out: Path) -> Job:
    return prepare(seeds, out, client="offline", generations=2)


def test_an_interrupt_while_an_update_is_weighed_ends_it(tmp_path: Path, seeds: Path) -> None:
    evolve_here(seeds, tmp_path / "run", generations=1)
    before = data_files(tmp_path / "run")
    job = prepare(seeds, tmp_path / "run", client="offline", generations=1, temperature=0.3)

    async def interrupted() -> None:
        async for event in job.events(update=True):
            job.interrupt()
            assert not isinstance(event, Finished)

    with pytest.raises(Interrupted):
        asyncio.run(interrupted())
    assert data_files(tmp_path / "run") == before
