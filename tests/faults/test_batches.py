"""A run in batches is killed at any moment: nothing is lost, and nothing is paid for twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.faults.harness import evolve, kill, openai, run, service, start, torn_or_doubled
from tests.loopback import batches, serve
from tests.loopback.batches import AnthropicBatches, Batches
from tests.runs import check_invariants, data_files, tasks, write_seeds

GENERATIONS = 2
FAULTS = (batches.doubled, batches.expired, batches.half_failed, batches.shuffled)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an unbroken ordinary run."""
    folder = tmp_path_factory.mktemp("whole")
    seeds = write_seeds(folder / "seeds.jsonl", tasks(30))
    with serve(service) as server:
        assert run(evolve(seeds, folder / "run", *openai(server.url, GENERATIONS)))[0] == 0
    return folder / "run"


@pytest.mark.slow
def test_a_run_in_batches_that_is_killed_at_fifty_moments_makes_the_same_files_and_pays_once(
    tmp_path: Path, whole: Path
) -> None:
    check_kills(tmp_path, whole, Batches, 50)


@pytest.mark.slow
def test_so_does_one_whose_batches_are_found_by_their_size_and_time_alone(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    check_kills(tmp_path, whole, AnthropicBatches, 30)


def check_kills(tmp_path: Path, whole: Path, kind: type[Batches], least: int) -> None:
    dice, kills, number = random.Random(19), 0, 0
    while kills < least:
        out, to = tmp_path / f"run-{number}", kind(service, *FAULTS)
        number += 1
        with serve(to) as server:
            url, proxy = server.url, ""
            if kind is AnthropicBatches:
                url, proxy = "http://api.anthropic.com/v1", server.url.removesuffix("/v1")
            command = evolve(whole.parent / "seeds.jsonl", out, *openai(url, GENERATIONS))
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("http_proxy", proxy)
                kills += killed_again_and_again((*command, "--batch"), to, dice)
        found = {
            name: file.replace(b"claude-loopback", b"loopback-1")
            for name, file in data_files(out).items()
        }
        assert found == data_files(whole)
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
