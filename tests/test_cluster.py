"""A run whose calls a Ray cluster makes: the bytes of one machine, whatever dies on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from evolinstruct.run.job import EXIT_FAILED
from tests.command_line import evolinstruct
from tests.faults.harness import COMMAND, outcomes
from tests.runs import data_files, evolve, tasks, write_seeds
from tests.test_shards import PACED

EVOLVE = "evolve seeds.jsonl -o run -g 3 --concurrency 2 --client"
with_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # it would write a token to the home directory
    write_seeds(tmp_path / "seeds.jsonl", tasks(60))
    return tmp_path


def processes(name: bytes) -> list[int]:
    """Return the processes whose command line holds a name."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if name in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has just ended
    return found


def started() -> subprocess.Popen[str]:
    """Begin a run on a cluster of this machine; return when its workers are in the middle of it."""
    line = (*COMMAND, *f"{EVOLVE} {PACED} --ray local".split())
    run = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    folder = Path("run.shards")
    while sum(outcomes(folder, path.name) for path in folder.glob("*.sqlite")) < 40:
        assert run.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    return run


def assert_finished(run: subprocess.Popen[str]) -> str:
    """Return what the run said, which has the bytes of one machine."""
    said = run.communicate(timeout=120)[1]
    assert run.returncode == EXIT_FAILED, said
    evolve(Path("seeds.jsonl"), Path("alone"), client=PACED, generations=3)
    assert data_files(Path("run")) == data_files(Path("alone"))
    return said


def with_one_killed(find: Callable[[], list[int]]) -> str:
    """Carry a run out; kill a process in the middle of it."""
    before = set(find())
    run = started()
    os.kill(min(set(find()) - before), signal.SIGKILL)
    return assert_finished(run)


@with_ray
@pytest.mark.slow
def test_an_actor_that_is_killed_is_started_again_and_the_bytes_are_those_of_one_machine() -> None:
    said = with_one_killed(lambda: processes(b"ray::Worker"))
    assert len(re.findall(r"Shard \d/\d, .*: ([\d,]+) of \1 outcomes new\.", said)) >= 1
    assert "not finished" not in said
    assert "ended early" not in said


@with_ray
@pytest.mark.slow
def test_what_a_cluster_that_goes_away_has_not_made_is_asked_by_the_run() -> None:
    said = with_one_killed(lambda: processes(b"evolinstruct.run.ray_driver"))
    assert "The cluster local went away." in said
    assert "it is not finished" in said


@with_ray
@pytest.mark.slow
def test_an_interrupted_run_leaves_whole_files_and_goes_on() -> None:
    run = started()
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[1]
    assert (run.returncode, "Interrupted; the same command goes on" in said) == (130, True), said
    assert not [*Path("run.shards").glob("*-wal")]
    again = subprocess.Popen(run.args, stderr=subprocess.PIPE, text=True)  # type: ignore[call-overload]
    assert_finished(again)


@with_ray
@pytest.mark.slow
def test_a_cluster_that_cannot_be_reached_is_named() -> None:
    done = evolinstruct(f"{EVOLVE} offline --ray auto")
    assert done.exit_code == 1
    assert "--ray: the cluster auto cannot be reached" in done.stderr


@pytest.mark.skipif(find_spec("ray") is not None, reason="needs that ray is not installed")
def test_without_ray_a_sentence_says_how_to_install_it() -> None:
    done = evolinstruct(f"{EVOLVE} offline --ray auto")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "pip install 'evolinstruct[ray]'" in done.stderr
    assert not Path("run").exists()


def test_what_makes_no_call_needs_no_cluster() -> None:
    for option in ("--dry-run", "--prepare"):
        done = evolinstruct(f"{EVOLVE} offline --ray auto {option}")
        assert (done.exit_code, f"--ray makes calls and {option} none" in done.stderr) == (2, True)
