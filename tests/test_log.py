"""What a run tells is logged under the name of the program, for who asks, and without texts."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import evolinstruct
from evolinstruct.errors import EvolinstructError
from tests.runs import tasks, write_seeds


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[tuple[str, str]]:
    return [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "evolinstruct" and record.levelno >= level
    ]


def test_a_run_is_logged_by_its_events(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(3))
    with caplog.at_level(logging.DEBUG, "evolinstruct"):
        evolinstruct.evolve(
            seeds, tmp_path / "run", client="tests.scripted:Obedient", generations=1
        )
    told = logged(caplog, logging.INFO)
    assert told == [
        ("INFO", f"Evolving 3 seeds over 1 generation into {tmp_path}/run: at most 18 calls."),
        ("INFO", "Seeds: 3 kept, 0 rejected, 0 failed."),
        ("INFO", "Generation 1 of 1 begins."),
        ("INFO", "Generation 1: 3 kept, 0 rejected, 0 failed."),
        ("INFO", "Finished: 5 lines in the data set."),
    ]
    details = [said for level, said in logged(caplog, logging.DEBUG) if level == "DEBUG"]
    assert len(details) == 6  # the seeds' too
    assert all(said.endswith(" is kept.") for said in details)
    assert "Explain thing" not in caplog.text


def test_an_early_end_is_logged_as_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(30))
    how = {"client": "tests.test_job:Repeating", "min_kept": 0.9}
    with pytest.raises(EvolinstructError) as caught, caplog.at_level(logging.INFO, "evolinstruct"):
        evolinstruct.evolve(seeds, tmp_path / "run", **how)  # type: ignore[arg-type]
    assert logged(caplog, logging.WARNING) == [
        ("WARNING", "Generation 1 keeps 0%; unchanged takes 100%."),
        ("ERROR", str(caught.value)),
    ]


def test_nobody_sees_it_who_does_not_ask(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(30))
    script = (
        "import evolinstruct\n"
        f"evolinstruct.evolve({str(seeds)!r}, {str(tmp_path / 'run')!r},"
        " client='tests.test_job:Repeating', generations=1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
