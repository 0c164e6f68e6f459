"""What a run tells is logged, and added to events.jsonl, for who asks, and without texts."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import evolinstruct
from evolinstruct.errors import EvolinstructError, InputError
from tests.runs import contents, data_files, tasks, write_seeds


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
        ("INFO", "Seeds begin."),
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


@pytest.mark.slow
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


def events_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "events.jsonl").read_bytes().splitlines()]


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]


def evolved(folder: Path, **settings: Any) -> Path:
    seeds = write_seeds(folder / "seeds.jsonl", tasks(3))
    how = {"client": "tests.scripted:Obedient", "generations": 1, "events": True, **settings}
    evolinstruct.evolve(seeds, folder / "run", **how)
    return folder / "run"


def test_the_file_of_events_has_a_line_an_event_with_its_figures(tmp_path: Path) -> None:
    run = evolved(tmp_path)
    events = events_of(run)
    assert [event["event"] for event in events] == [
        "notice",
        *("generation_started", *3 * ["line_written"], "generation_ended"),
        *("generation_started", *3 * ["line_written"], "generation_ended"),
        "finished",
    ]
    times = [event.pop("at") for event in events]
    assert times == sorted(times)
    assert abs(time.time() - times[-1]) < 600
    started, *lines, ended, finished = events[6:]
    assert started == {"event": "generation_started", "generation": 1, "generations": 1, "pool": 3}
    kept = [json.loads(line) for line in (run / "generation-1.jsonl").read_bytes().splitlines()]
    assert [line["id"] for line in lines] == [line["id"] for line in kept]
    assert {key: value for key, value in lines[-1].items() if key not in {"id", "operation"}} == {
        "event": "line_written",
        "generation": 1,
        "kind": "kept",
        "why": None,
        "calls": 9,
        "replayed": 0,
        "tokens": lines[-1]["tokens"],
        "cost": lines[-1]["cost"],
    }
    assert (ended["kept"], ended["calls"], ended["is_new"]) == (3, 9, True)
    assert finished == {"event": "finished", "dataset_lines": 5}


def test_the_file_of_events_holds_no_texts(tmp_path: Path) -> None:
    run = evolved(tmp_path)
    said = (run / "events.jsonl").read_text()
    for line in (run / "dataset.jsonl").read_text().splitlines():
        assert json.loads(line)["instruction"] not in said
    assert "Explain thing" not in said


def test_low_yield_is_told_without_its_example_and_an_early_end_by_its_error(
    tmp_path: Path,
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(30))
    with pytest.raises(EvolinstructError) as caught:
        evolinstruct.evolve(
            seeds, tmp_path / "run", client="tests.test_job:Repeating", min_kept=0.9, events=True
        )
    events = events_of(tmp_path / "run")
    (low,) = named(events, "low_yield")
    assert (low["kept_share"], low["rule"], low["rule_share"]) == (0.0, "unchanged", 1.0)
    assert {line["why"] for line in named(events, "line_written") if line["generation"]} == {
        "unchanged"
    }
    del events[-1]["at"]
    ending = {"event": "ended_early", "error": "TooLittleKept", "exit_code": 5}
    assert events[-1] == {**ending, "text": str(caught.value)}
    assert "Explain thing" not in (tmp_path / "run" / "events.jsonl").read_text()


def test_the_file_grows_from_command_to_command_and_a_torn_line_makes_way(tmp_path: Path) -> None:
    run = evolved(tmp_path)
    file = run / "events.jsonl"
    before = file.read_bytes()
    file.write_bytes(before + b'{"at": 17')
    evolved(tmp_path)
    after = file.read_bytes()
    assert after.startswith(before)
    added = [json.loads(line)["event"] for line in after.removeprefix(before).splitlines()]
    assert added == ["notice", *2 * ["generation_ended"], "finished"]


def test_a_run_is_the_same_with_and_without_the_file(tmp_path: Path) -> None:
    runs = []
    for name, events in (("with", True), ("without", False)):
        (tmp_path / name).mkdir()
        runs.append(evolved(tmp_path / name, events=events))
    assert data_files(runs[0]) == data_files(runs[1])
    assert sorted(contents(runs[0])) == sorted([*contents(runs[1]), "events.jsonl"])


def test_the_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "run" / "events.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match=r"events\.jsonl is a link, so it is not written"):
        evolved(tmp_path)
    assert (tmp_path / "precious").read_text() == "mine"
