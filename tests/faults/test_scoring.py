"""Scoring that is killed or interrupted: the same bytes, and only calls in flight are repeated."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from evolinstruct.run.in_order import GRACE
from tests.faults.harness import (
    COMMAND,
    CONCURRENCY,
    ended_while_it_reads,
    kill,
    run,
    start,
    wait_for,
)
from tests.faults.harness import outcomes as outcomes_of
from tests.judges import by_length, undecided
from tests.loopback import Answer, Ask, Server, hang, serve
from tests.runs import finished

ALL = ("--by", "difficulty,tags,solved", "-k", "3")
PAIRS = ("--pairwise", "--sample", "12")
WEIGHED = ("--method", "paper")


def slow(ask: Ask) -> Answer:
    """Judge within a hundredth of a second, the sooner the longer the prompt."""
    judge = undecided if "logprobs" in ask.json else by_length
    return Answer(judge(ask).wire, latency=0.01 / (1 + len(ask.prompt) % 7))


def command(server: Server, out: Path, *options: str) -> tuple[str, ...]:
    who = ("--client", "openai", "--model", "loopback-1", "--base-url", server.url, "-q")
    how = ("--concurrency", str(CONCURRENCY), "-o", str(out), *options)
    return (*COMMAND, "score", str(finished(20, generations=2)), *who, *how)


outcomes = partial(outcomes_of, journal="score.sqlite")


@pytest.mark.slow
@pytest.mark.parametrize("options", [ALL, PAIRS, WEIGHED])
def test_kills_at_any_moment_change_no_byte_and_repeat_only_what_was_in_flight(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with serve(slow) as server:
        assert run(command(server, tmp_path / "whole", *options)) == (0, "")
        needed = server.counts.asked.total()
    dice, kills, out = random.Random(1), 0, tmp_path / "out"
    with serve(slow) as server:
        while True:
            moment = outcomes(out) + dice.randrange(1, needed // 6)
            process = start(command(server, out, *options))
            wait_for(lambda moment=moment: outcomes(out) >= moment, process)  # type: ignore[misc]
            if process.poll() is not None:
                said = process.communicate()[1].decode()
                break
            kill(process)
            kills += 1
        asked = server.counts.asked.total()
    assert (process.returncode, said) == (0, "")
    assert kills >= 4
    assert (out / "scores.jsonl").read_bytes() == (tmp_path / "whole/scores.jsonl").read_bytes()
    assert asked - needed <= kills * CONCURRENCY


@pytest.mark.slow
def test_an_interrupt_keeps_what_ends_within_its_grace_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    def later(ask: Ask) -> Answer:
        return Answer(by_length(ask).wire, latency=0.3)

    out = tmp_path / "out"
    with serve(later) as server:
        process = start(command(server, out, "--by", "tags"))
        wait_for(lambda: server.counts.in_flight == CONCURRENCY, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=GRACE + 20)[1].decode()
        asked = server.counts.asked.total()
        assert (process.returncode, outcomes(out)) == (130, asked)
        assert said == "Interrupted; the same command goes on where it stopped.\n"
    with serve(by_length) as server:
        assert run(command(server, out, "--by", "tags")) == (0, "")
        rest = server.counts.asked.total()
    with serve(by_length) as server:
        assert run(command(server, tmp_path / "whole", "--by", "tags")) == (0, "")
        assert asked + rest == server.counts.asked.total()
    assert (out / "scores.jsonl").read_bytes() == (tmp_path / "whole/scores.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_ends_at_once_though_no_call_does(
    tmp_path: Path, name: signal.Signals
) -> None:
    with serve(lambda ask: hang()) as server:
        process = start(command(server, tmp_path / "out"))
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
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_file_is_read_ends_at_once(tmp_path: Path, name: signal.Signals) -> None:
    line = (*COMMAND, "score", "-", "-o", str(tmp_path / "out"), "--client", "offline")
    ended = ended_while_it_reads(line, name)
    assert ended == (130, "Interrupted; run the same command again.\n")
    assert not (tmp_path / "out").exists()
