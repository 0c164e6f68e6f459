"""Runs of version 0.1 are read by every reading command, and `evolve` mixes nothing into them.

``older_runs.tar.gz`` holds two of them, made from eight seeds by the offline client: ``finished``
(two generations) and ``stopped`` (three, stopped by --max-calls 30).
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.command_line import evolinstruct
from tests.runs import data_files

ARCHIVE = Path(__file__).with_name("older_runs.tar.gz")
READING = [
    "show finished --json",
    "show stopped --limit 3",
    "trace finished f56abc50 --calls",
    "stats finished stopped --csv",
    "stats stopped --json",
    "refilter finished --strict",
    "contamination finished --against eight.jsonl",
    "export finished -o exported --format chat --json",
    "rules",
]


@pytest.fixture(autouse=True)
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("line", READING)
def test_reading_commands_read_an_older_run(line: str) -> None:
    told = evolinstruct(line)
    assert told.exit_code == 0, told.output
    assert told.stdout


@pytest.mark.parametrize("run", ["finished", "stopped"])
def test_a_run_of_an_older_method_is_mixed_with_nothing(older: Path, run: str) -> None:
    before = data_files(older / run)
    told = evolinstruct(f"evolve eight.jsonl -o {run} --client offline -g 3")
    assert told.exit_code == 1
    assert "it is made by method 1, now 2 (evolinstruct 0.1.0 finishes it as it is)" in told.output
    assert data_files(older / run) == before


@pytest.mark.slow
@pytest.mark.parametrize("run", ["finished", "stopped"])
def test_an_update_makes_a_run_of_an_older_method_anew(older: Path, run: str) -> None:
    told = evolinstruct(f"evolve eight.jsonl -o {run} --client offline -g 3 --update")
    assert told.exit_code == 0, told.output
    fresh = evolinstruct("evolve eight.jsonl -o fresh --client offline -g 3")
    assert fresh.exit_code == 0, fresh.output
    assert data_files(older / run) == data_files(older / "fresh")


def test_a_run_of_a_newer_method_is_refused_even_as_an_update(older: Path) -> None:
    state = older / "finished" / "run.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "method": 99}))
    told = evolinstruct("evolve eight.jsonl -o finished --client offline -g 2 --update")
    assert told.exit_code == 1
    assert "holds a run of a newer method, which evolinstruct 0.1.0 finishes" in told.output
    assert evolinstruct("show finished").exit_code == 0
