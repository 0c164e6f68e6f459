"""Judging that is killed or interrupted: the same bytes, and only calls in flight are repeated."""

from __future__ import annotations

import json
import random
import signal
from functools import partial
from pathlib import Path

import pytest

from evolinstruct.run.in_order import GRACE
from tests.faults.harness import COMMAND, CONCURRENCY, kill, run, start, wait_for
from tests.faults.harness import outcomes as outcomes_of
from tests.loopback import Answer, Ask, Server, reply, serve

FILES = ("questions.jsonl", "texts.jsonl", "verdicts.jsonl", "summary.json")
outcomes = partial(outcomes_of, journal="judge.sqlite")


def mixed(ask: Ask) -> Answer:
    """Answer or judge by the prompt alone, soon or late."""
    dice = random.Random(ask.prompt)
    asked = str(ask.json["messages"][0]["content"])
    text = f"Verdict: {dice.choice(('A is better', 'B is better', 'level'))}"
    answer = reply(text if "#Verdict#" in asked else f"It is number {dice.randrange(9)}.")
    return Answer(answer.wire, latency=0.01 * dice.random())


def command(server: Server, folder: Path, out: Path, *options: str) -> tuple[str, ...]:
    rows = [{"instruction": f"Name {n} rivers.", "output": f"River {n}."} for n in range(30)]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    what = ("--questions", str(file), "--contestant", f"old={file}", "--contestant", "new=model")
    who = ("--judge", "one", "--judge", "two", "--base-url", server.url, "-q")
    how = ("--concurrency", str(CONCURRENCY), "-o", str(out), *options)
    return (*COMMAND, "judge", *what, *who, *how)


@pytest.mark.slow
def test_kills_at_any_moment_change_no_byte_and_repeat_only_what_was_in_flight(
    tmp_path: Path,
) -> None:
    with serve(mixed) as server:
        assert run(command(server, tmp_path, tmp_path / "whole")) == (0, "")
        needed = server.counts.asked.total()
    assert needed == 30 + 30 * 2 * 2
    dice, kills, out = random.Random(1), 0, tmp_path / "out"
    with serve(mixed) as server:
        while True:
            moment = outcomes(out) + dice.randrange(1, needed // 6)
            process = start(command(server, tmp_path, out))
            wait_for(lambda moment=moment: outcomes(out) >= moment, process)  # type: ignore[misc]
            if process.poll() is not None:
                said = process.communicate()[1].decode()
                break
            kill(process)
            kills += 1
        asked = server.counts.asked.total()
    assert (process.returncode, said) == (0, "")
    assert kills >= 4
    for name in FILES:
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert asked - needed <= kills * 3 * CONCURRENCY  # of each of three models


@pytest.mark.slow
def test_an_interrupt_keeps_what_ends_within_its_grace_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with serve(lambda ask: Answer(mixed(ask).wire, latency=0.3)) as server:
        process = start(command(server, tmp_path, out))
        wait_for(lambda: server.counts.in_flight >= CONCURRENCY, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=GRACE + 20)[1].decode()
        asked = server.counts.asked.total()
        assert (process.returncode, outcomes(out)) == (130, asked)
        assert said == "Interrupted; the same command goes on where it stopped.\n"
    with serve(mixed) as server:
        assert run(command(server, tmp_path, out)) == (0, "")
        assert asked + server.counts.asked.total() == 30 + 30 * 2 * 2
