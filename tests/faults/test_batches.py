"""A run in batches is killed at any moment: nothing is lost, and nothing is paid for twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.faults.harness import evolve, kill, openai, run, service, start, torn_or_doubled
from tests.loopback import batches, serve
from tests.loopback.batches import Batches
from tests.runs import check_invariants, data_files, tasks, write_seeds

GENERATIONS = 2
KILLS = 50
FAULTS = (batches.doubled, batches.expired, batches.half_failed, batches.full, batches.cancelled)


@pytest.mark.slow
def test_a_run_in_batches_that_is_killed_at_fifty_moments_makes_the_same_files_and_pays_once(
    tmp_path: Path,
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(30))
    with serve(service) as server:
        assert run(evolve(seeds, tmp_path / "whole", *openai(server.url, GENERATIONS)))[0] == 0
    whole = data_files(tmp_path / "whole")
    dice, kills, number = random.Random(19), 0, 0
    while kills < KILLS:
        out, to = tmp_path / f"run-{number}", Batches(service, *FAULTS)
        number += 1
        with serve(to) as server:
            command = evolve(seeds, out, *openai(server.url, GENERATIONS), "--batch")
            kills += killed_again_and_again(command, to, dice)
        assert data_files(out) == whole
        assert torn_or_doubled(out) == []
        assert [name for name, times in to.paid.items() if times > 1] == []
        check_invariants(out, GENERATIONS)


def killed_again_and_again(command: tuple[str, ...], to: Batches, dice: random.Random) -> int:
    """Kill a command soon after the service has been asked something more, until it is through."""
    kills = 0
    while True:
        moment, process = to.requests + dice.randrange(1, 6), start(command)
        while to.requests < moment and process.poll() is None:
            time.sleep(0.002)
        time.sleep(dice.random() * 0.05)
        if process.poll() is not None:
            said = process.communicate()[1].decode()
            assert process.returncode == 0, said
            return kills
        kill(process)
        kills += 1
