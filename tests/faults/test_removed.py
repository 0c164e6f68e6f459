"""A journal or a run directory that is removed under a run stops it within seconds."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evolinstruct.errors import FilesGone, InputError
from evolinstruct.run.in_order import GRACE
from evolinstruct.run_dir.directory import RunDir
from evolinstruct.run_dir.lines import LineFile
from tests.faults.harness import evolve, openai, outcomes, service, start, wait_for
from tests.loopback import Answer, Ask, serve
from tests.runs import contents, copied, tasks, write_seeds

SECONDS = GRACE + 4


def slowly(ask: Ask) -> Answer:
    """Answer as the service does, so slowly that a run of many seeds takes long."""
    return Answer(service(ask).wire, latency=0.2)


def without_lock(out: Path) -> None:
    (out / ".lock").unlink()


def without_log(out: Path) -> None:
    (out / "journal.sqlite-wal").unlink()


def without_journal(out: Path) -> None:
    for path in out.glob("journal.sqlite*"):
        path.unlink()


def another_journal(out: Path) -> None:
    (out / "other").write_bytes((out / "journal.sqlite").read_bytes())
    (out / "other").rename(out / "journal.sqlite")


def moved(out: Path) -> None:
    out.rename(out.with_name("elsewhere"))


def another_run(out: Path) -> None:
    out.rename(out.with_name("elsewhere"))
    copied(out, 6, generations=1)


LOSSES = [
    (without_journal, "journal.sqlite"),
    (another_journal, "journal.sqlite"),
    (without_log, "journal.sqlite-wal"),
    (without_lock, ""),
    (shutil.rmtree, ""),
    (moved, ""),
    (another_run, ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("lose", "name"), LOSSES)
def test_what_is_removed_under_a_run_stops_it_within_seconds_and_nothing_gets_worse(
    tmp_path: Path, lose: Callable[[Path], None], name: str
) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(2_000))
    out = tmp_path / "run"
    with serve(slowly) as server:
        process = start(evolve(seeds, out, *openai(server.url)))
        wait_for(lambda: outcomes(out) > 20, process)
        lose(out)
        removed = time.monotonic()
        here = contents(out) if lose is another_run else {}
        said = process.communicate(timeout=60)[1].decode()
    assert time.monotonic() - removed < SECONDS
    assert process.returncode == 1
    assert said == (
        f"Error: {out / name} was removed or replaced while the run was writing it; put it back,"
        " then run the same command again, or choose another directory with -o.\n"
    )
    assert {path: contents(out)[path] for path in here} == here
    if name:  # the directory is there still, and says how the run ended
        state = json.loads((out / "run.json").read_text())
        assert (state["exit_code"], state["status"]) == (1, said.removeprefix("Error: ").strip())


@pytest.mark.parametrize(("lose", "name"), LOSSES)
def test_a_directory_that_is_being_written_knows_what_was_removed(
    tmp_path: Path, lose: Callable[[Path], None], name: str
) -> None:
    out = copied(tmp_path / "run", 6, generations=1)
    (out / "journal.sqlite-wal").touch()
    run_dir = RunDir(out)
    run_dir.open()
    run_dir.check_intact()
    lose(out)
    with pytest.raises(FilesGone) as raised:
        run_dir.check_intact()
    assert str(raised.value).startswith(f"{out / name} was removed or replaced while the run")
    run_dir.close()


def test_a_file_of_lines_that_is_removed_while_it_is_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with LineFile(path) as file:
        file.write(b"one\n")
        path.unlink()
        with pytest.raises(InputError, match="was removed or replaced while it was written"):
            file.finish()
    assert not path.exists()
