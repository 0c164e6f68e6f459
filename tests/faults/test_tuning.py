"""Tuning that is killed or interrupted: the same pack, and only calls in flight are repeated."""

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

outcomes = partial(outcomes_of, journal="tuning/tune.sqlite")
_REFUSAL = "I'm sorry, but I can't help with that."


def mixed(ask: Ask) -> Answer:
    """Do what a prompt asks by the prompt alone, soon or late; better with more care."""
    dice = random.Random(ask.prompt)
    if "#Better Method#" in ask.prompt:
        text = f"<method>\nMake it harder with {'care ' * dice.randrange(9)}and sense.\n</method>"
    elif "#Cases#" in ask.prompt:
        text = f"Case {dice.randrange(9)} failed."
    elif "#Verdict#" in ask.prompt:
        text = "Not Equal"
    elif "#Revised Instruction#" in ask.prompt:
        parent = ask.prompt.split("#Starting Instruction#:\n")[1].split("\n\n#Revised")[0]
        fails = dice.random() * 10 > 2 + ask.prompt.count("care")
        rewrite = f"{parent} Name cause {dice.randrange(99)} of it."
        text = _REFUSAL if fails else f"<new_instruction>\n{rewrite}\n</new_instruction>"
    else:
        text = f"There are many causes, and {ask.prompt} has number {dice.randrange(999)}."
    return Answer(reply(text).wire, latency=0.01 * dice.random())


def command(server: Server, folder: Path, out: Path, *options: str) -> tuple[str, ...]:
    file = folder / "rows.jsonl"
    rows = [{"instruction": f"Explain thing {n}."} for n in range(24)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    size = ("--development", "12", "--mini-batch", "4", "--rounds", "2", "--candidates", "3")
    who = ("--model", "some-model", "--base-url", server.url, "--concurrency", str(CONCURRENCY))
    return (*COMMAND, "tune", str(file), "-o", str(out), *size, *who, "-q", *options)


def promised(out: Path) -> dict[str, bytes]:
    """Return the files of the pack and of its trials."""
    files = [path for path in out.rglob("*") if path.is_file()]
    names = {path.relative_to(out).as_posix(): path for path in files}
    return {
        name: path.read_bytes()
        for name, path in names.items()
        if not name.startswith("tuning/") or name == "tuning/trials.jsonl"
    }


@pytest.mark.slow
def test_kills_at_any_moment_change_no_byte_and_repeat_only_what_was_in_flight(
    tmp_path: Path,
) -> None:
    with serve(mixed) as server:
        assert run(command(server, tmp_path, tmp_path / "whole")) == (0, "")
        needed = server.counts.asked.total()
    dice, kills, out = random.Random(1), 0, tmp_path / "out"
    with serve(mixed) as server:
        while True:
            moment = outcomes(out) + dice.randrange(1, needed // 3)
            process = start(command(server, tmp_path, out))
            wait_for(lambda moment=moment: outcomes(out) >= moment, process)  # type: ignore[misc]
            if process.poll() is not None:
                said = process.communicate()[1].decode()
                break
            kill(process)
            kills += 1
        asked = server.counts.asked.total()
    assert (process.returncode, said) == (0, "")
    assert kills >= 3
    assert promised(out) == promised(tmp_path / "whole")
    steps = [json.loads(line)["step"] for line in promised(out)["tuning/trials.jsonl"].splitlines()]
    assert max(steps) >= 2
    assert asked - needed <= kills * CONCURRENCY


@pytest.mark.slow
def test_an_interrupt_keeps_what_ends_within_its_grace_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    short = ("--steps", "1", "--candidates", "1")
    with serve(mixed) as server:
        assert run(command(server, tmp_path, tmp_path / "whole", *short)) == (0, "")
        needed = server.counts.asked.total()
    out = tmp_path / "out"
    with serve(lambda ask: Answer(mixed(ask).wire, latency=0.3)) as server:
        process = start(command(server, tmp_path, out, *short))
        wait_for(lambda: server.counts.in_flight >= CONCURRENCY, process)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=GRACE + 20)[1].decode()
        asked = server.counts.asked.total()
        assert (process.returncode, outcomes(out)) == (130, asked)
        assert said == "Interrupted; the same command goes on where it stopped.\n"
        assert not (out / "pack.toml").exists()
    with serve(mixed) as server:
        assert run(command(server, tmp_path, out, *short)) == (0, "")
        assert asked + server.counts.asked.total() == needed
    assert promised(out) == promised(tmp_path / "whole")
