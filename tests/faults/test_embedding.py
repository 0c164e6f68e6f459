"""Embedding by a service that is killed or interrupted: the same vectors, nothing asked twice."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from evolinstruct.run.in_order import GRACE
from tests.faults.harness import COMMAND, CONCURRENCY, kill, run, start, wait_for
from tests.faults.harness import outcomes as outcomes_of
from tests.loopback import Answer, Ask, Server, hang, letters, serve
from tests.runs import tasks, write_seeds

pytest.importorskip("numpy", reason="numpy")

outcomes = partial(outcomes_of, journal="embed.sqlite")


def slow(ask: Ask) -> Answer:
    """Embed within a hundredth of a second, the sooner the longer the prompt."""
    return Answer(letters(ask).wire, latency=0.01 / (1 + len(ask.prompt) % 7))


def command(server: Server, seeds: Path, out: Path) -> tuple[str, ...]:
    who = ("--client", "openai", "--embed", "loopback-1", "--base-url", server.url, "-q", "--json")
    return (*COMMAND, "diversity", str(seeds), *who, "-o", str(out), *HOW)


HOW = ("--concurrency", str(CONCURRENCY), "--max-concurrency", str(CONCURRENCY))


def vectors(out: Path) -> list[tuple[bytes, bytes]]:
    with closing(sqlite3.connect(out / "embeddings.sqlite")) as db, db:
        return db.execute("SELECT digest, vector FROM vectors ORDER BY digest").fetchall()


@pytest.mark.slow
def test_an_interrupt_keeps_what_ends_within_its_grace_and_nothing_is_asked_twice(
    tmp_path: Path,
) -> None:
    def later(ask: Ask) -> Answer:
        return Answer(letters(ask).wire, latency=0.3)

    seeds, out = write_seeds(tmp_path / "seeds.jsonl", tasks(40)), tmp_path / "out"
    with serve(later) as server:
        process = start(command(server, seeds, out))
        wait_for(lambda: server.counts.in_flight == CONCURRENCY, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=GRACE + 20)[1].decode()
        asked = server.counts.asked.total()
        assert (process.returncode, outcomes(out)) == (130, asked)
        assert said == "Interrupted; the same command goes on where it stopped.\n"
        state = json.loads((out / "embed.json").read_text())
        assert (state["exit_code"], state["spent"]["calls"]) == (130, asked)
    with serve(letters) as server:
        assert run(command(server, seeds, out)) == (0, "")
        assert asked + server.counts.asked.total() == 40
        assert run(command(server, seeds, tmp_path / "whole")) == (0, "")
    assert vectors(out) == vectors(tmp_path / "whole")


@pytest.mark.slow
def test_kills_at_any_moment_repeat_only_what_was_in_flight(tmp_path: Path) -> None:
    seeds, out = write_seeds(tmp_path / "seeds.jsonl", tasks(300)), tmp_path / "out"
    with serve(slow) as server:
        assert run(command(server, seeds, tmp_path / "whole")) == (0, "")
    dice, kills = random.Random(1), 0
    with serve(slow) as server:
        while True:
            moment = outcomes(out) + dice.randrange(1, 60)
            process = start(command(server, seeds, out))
            wait_for(lambda moment=moment: outcomes(out) >= moment, process)  # type: ignore[misc]
            if process.poll() is not None:
                break
            kill(process)
            kills += 1
        assert (process.returncode, process.communicate()[1]) == (0, b"")
        assert kills >= 4
        assert server.counts.asked.total() - 300 <= kills * CONCURRENCY
    assert vectors(out) == vectors(tmp_path / "whole")


@pytest.mark.slow
def test_a_second_signal_ends_at_once_though_no_call_does(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(9))
    with serve(lambda _: hang()) as server:
        process = start(command(server, seeds, tmp_path / "out"))
        wait_for(lambda: server.counts.in_flight > 0, process)
        for name in (signal.SIGINT, signal.SIGTERM):
            process.send_signal(name)
        process.communicate(timeout=GRACE)
    assert process.returncode == 130
