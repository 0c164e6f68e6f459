"""A damaged, missing, locked or foreign journal: one clear sentence, and no file made worse."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolinstruct.api import prepare
from evolinstruct.errors import InputError
from tests.command_line import evolinstruct
from tests.faults.harness import evolve as command
from tests.faults.harness import is_no_worse, kill, outcomes, start, wait_for
from tests.runs import carry_out, copied, data_files, evolve, finished, said_by, tasks, write_seeds

CLIENT = "tests.scripted:Obedient"


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(40))


def cut(journal: Path) -> None:
    journal.write_bytes(journal.read_bytes()[: journal.stat().st_size // 2])


def empty(journal: Path) -> None:
    journal.write_bytes(b"")


def flip_reply(journal: Path) -> None:
    content = journal.read_bytes()
    at = content.rindex(b"is long and wise")
    journal.write_bytes(content[:at] + b"I" + content[at + 1 :])


def flip_header(journal: Path) -> None:
    journal.write_bytes(b"s" + journal.read_bytes()[1:])


def flip_index(journal: Path) -> None:
    db = sqlite3.connect(journal)
    key, child = db.execute("SELECT key, child_id FROM calls WHERE rowid = 1").fetchone()
    db.close()
    content = journal.read_bytes()
    at = content.replace(key + child.encode(), bytes(32)).index(key)
    journal.write_bytes(content[:at] + bytes([key[0] ^ 1]) + content[at + 1 :])


def flip_spending(journal: Path) -> None:
    db = sqlite3.connect(journal)
    db.execute("UPDATE spending SET replies = replies + 1 WHERE purpose = 'answer'")
    db.commit()
    db.close()


def of_version(number: int) -> Callable[[Path], None]:
    def marked(journal: Path) -> None:
        db = sqlite3.connect(journal)
        db.execute(f"PRAGMA user_version = {number}")
        db.close()

    return marked


MEND = "restore the file from a copy, then run the same command again."
LOST = (
    "without it all that the run was given would be paid for again."
    " Restore the file, or choose another directory with -o."
)
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut in the middle": (cut, f"is damaged: database disk image is malformed; {MEND}"),
    "empty": (empty, f"is empty; {LOST}"),
    "deleted": (Path.unlink, f"is missing; {LOST}"),
    "a reply with another letter": (
        flip_reply,
        f"is damaged: an outcome is not as it was written; {MEND}",
    ),
    "a header with another letter": (
        flip_header,
        f"is damaged: file is not a database; {MEND}",
    ),
    "an index with another letter": (
        flip_index,
        f"is damaged: row 1 missing from index calls_by_key; {MEND}",
    ),
    "a sum of what was spent with another digit": (
        flip_spending,
        f"is damaged: what was spent is not as it was written; {MEND}",
    ),
    "of an older version": (
        of_version(1),
        "is from an older version of evolinstruct, and cannot be carried on;"
        " choose another run directory.",
    ),
    "of a newer version": (
        of_version(99),
        "is from a newer version of evolinstruct; update evolinstruct,"
        " or choose another run directory.",
    ),
}
"""What is said follows the journal's path."""


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_journal_is_refused_in_a_sentence_and_no_file_gets_worse(
    tmp_path: Path, seeds: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    out = tmp_path / "run"
    whole = data_files(finished(40, client=CLIENT, generations=2))
    copied(out, 40, client=CLIENT, generations=1)
    damage(out / "journal.sqlite")
    generation = out / "generation-1.jsonl"  # torn, so that it has to be read from the journal
    generation.write_bytes(generation.read_bytes()[:3000])
    before = data_files(out)
    with pytest.raises(InputError) as refused:
        evolve(seeds, out, client=CLIENT, generations=2)
    assert str(refused.value) == f"The journal {out / 'journal.sqlite'} {sentence}"
    assert is_no_worse(before, out, whole)


def test_a_damaged_index_is_built_anew_from_the_rows_and_nothing_is_paid_for(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    copied(out, 40, client=CLIENT, generations=1)
    whole = data_files(out)
    flip_index(out / "journal.sqlite")
    db = sqlite3.connect(out / "journal.sqlite")
    db.execute("REINDEX")
    db.close()
    (out / "generation-1.jsonl").write_bytes(b"")
    assert evolve(seeds, out, client=CLIENT, generations=1).calls == {}
    assert data_files(out) == whole


@pytest.mark.slow
def test_a_locked_journal_is_said_to_be_and_goes_on_when_it_is_free(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    copied(out, 40, client=CLIENT, generations=1)
    other = sqlite3.connect(out / "journal.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    before = data_files(out)
    with pytest.raises(InputError, match=r"database is locked; "):
        evolve(seeds, out, client=CLIENT, generations=2)
    assert is_no_worse(before, out, before)
    other.close()
    evolve(seeds, out, client=CLIENT, generations=2)
    assert data_files(out) == data_files(finished(40, client=CLIENT, generations=2))


@pytest.mark.slow
def test_a_dead_process_locks_nothing(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    process = start(command(seeds, out, "--client", CLIENT, "-q"))
    wait_for(lambda: outcomes(out) > 0, process)
    kill(process)
    evolve(seeds, out, client=CLIENT)
    assert data_files(out) == data_files(finished(40, client=CLIENT))


@pytest.mark.slow
def test_of_two_processes_that_start_together_one_writes(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    both = [start(command(seeds, out, "--client", CLIENT, "-q")) for _ in range(2)]
    said = [process.communicate()[1].decode() for process in both]
    ends = sorted(zip((process.returncode for process in both), said, strict=True))
    assert ends[0] == (0, "")
    assert ends[1][0] in {0, 1}  # both, if the first had ended before the second looked
    assert (
        ends[1][0] == 0
        or "is being written by process" in said[0] + said[1]
        or ("Another command has changed" in said[0] + said[1])
    )
    assert data_files(out) == data_files(finished(40, client=CLIENT))


LATER = [5, *(pytest.param(later, marks=pytest.mark.slow) for later in (60, 200))]


@pytest.mark.parametrize("later", LATER)
@pytest.mark.slow
def test_a_journal_that_a_power_cut_took_back_costs_calls_and_no_file(
    tmp_path: Path, seeds: Path, later: int
) -> None:
    """What the disk had at a moment is put back under files that were written after it."""
    out = tmp_path / "run"
    process = start(command(seeds, out, "--client", "offline", "-q", "--concurrency", "4"))
    wait_for(lambda: outcomes(out) >= 30, process)
    earlier = {
        name: (out / name).read_bytes()
        for name in ("journal.sqlite-wal", "journal.sqlite")
        if (out / name).exists()
    }
    wait_for(lambda: outcomes(out) >= 30 + later, process)
    kill(process)
    (out / "journal.sqlite-shm").unlink(missing_ok=True)
    (out / "journal.sqlite-wal").unlink(missing_ok=True)
    for name, content in earlier.items():
        (out / name).write_bytes(content)
    evolve(seeds, out)
    assert data_files(out) == data_files(finished(40))


@pytest.mark.slow
def test_other_replies_after_a_power_cut_replace_a_file_only_when_it_is_whole(
    tmp_path: Path, seeds: Path
) -> None:
    """The journal is lost, the service says other things: what was there stays till then."""
    out = tmp_path / "run"
    evolve(seeds, out, generations=1)
    forget(out / "journal.sqlite")
    state = out / "run.json"
    state.write_text(state.read_text().replace('"made_from": "', '"made_from": "0'))
    before = data_files(out)
    from evolinstruct.errors import Interrupted  # noqa: PLC0415
    from tests.faults.test_interrupts import stopped_after  # noqa: PLC0415

    job = prepare(seeds, out, client="offline", generations=1, seed=7, concurrency=2)
    with pytest.raises(Interrupted):
        stopped_after(job, settled=60, update=True)
    assert data_files(out) == before
    evolve(seeds, out, generations=1, seed=7, update=True)
    evolve(seeds, tmp_path / "whole", generations=1, seed=7)
    assert data_files(out) == data_files(tmp_path / "whole")


def forget(journal: Path) -> None:
    """Take every outcome out of a journal."""
    db = sqlite3.connect(journal, isolation_level=None)
    db.execute("DELETE FROM calls")
    db.close()


@pytest.mark.slow
def test_a_command_that_another_overtook_goes_no_further(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    late = prepare(seeds, out, client=CLIENT, generations=2, temperature=0.5)
    evolve(seeds, out, client=CLIENT, generations=2)
    before = data_files(out)
    with pytest.raises(InputError) as refused:
        carry_out(late)
    assert str(refused.value) == (
        f"Another command has changed {out} while this one looked at the seeds;"
        " run the same command again."
    )
    assert data_files(out) == before


def test_a_journal_of_another_run_is_refused(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    copied(out, 40, client=CLIENT, generations=1)
    other = finished(40, client=CLIENT, generations=2)
    shutil.copy(other / "journal.sqlite", out / "journal.sqlite")
    before = data_files(out)
    with pytest.raises(InputError) as refused:
        evolve(seeds, out, client=CLIENT, generations=2)
    assert str(refused.value) == (
        f"The journal {out / 'journal.sqlite'} is that of another run;"
        " restore the file from a copy, then run the same command again."
    )
    assert data_files(out) == before


def test_an_older_copy_of_the_journal_is_told_before_anything_is_paid_again(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    copied(out, 40, client=CLIENT, generations=1)
    whole = data_files(out)
    forget(out / "journal.sqlite")
    (out / "dataset.jsonl").unlink()
    done = evolinstruct(f"evolve {seeds} -o {out} --client {CLIENT} -g 1 -q")
    assert (done.exit_code, done.stderr) == (
        0,  # it is said even with -q
        f"The journal {out / 'journal.sqlite'} lacks replies that the run's files were made of: it"
        " is an older copy, or its journal.sqlite-wal was left behind. What it lacks is asked and"
        " paid for again; put the right one in its place first if you have it.\n",
    )
    assert data_files(out) == whole


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [
        lambda out: cut_short(out / "dataset.jsonl"),
        lambda out: (out / "dataset.jsonl").unlink(),
        lambda out: cut_short(out / "generation-2.jsonl"),
        lambda out: (out / "generation-0.jsonl").write_bytes(
            (out / "generation-0.jsonl").read_bytes().replace(b"\n", b"\r\n")
        ),
        lambda out: (out / "prompts" / "pack.toml").write_bytes(b"\xff\xfe"),
    ],
    ids=["data set cut", "data set gone", "generation cut", "seeds with CRLF", "pack garbled"],
)
def test_a_damaged_file_of_a_finished_run_is_mended_without_a_call_and_without_a_question(
    tmp_path: Path, seeds: Path, damage: Callable[[Path], object]
) -> None:
    out = tmp_path / "run"
    copied(out, 40, client=CLIENT, generations=2)
    pack = out / "prompts" / "pack.toml"
    whole, said = data_files(out), pack.read_bytes()
    damage(out)
    job = prepare(seeds, out, client=CLIENT, generations=2)
    told = said_by(job)
    assert (data_files(out), pack.read_bytes(), job.summary.calls) == (whole, said, {})
    assert not any("Updating" in text or "Adding" in text for text in told)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["recipe"].update(generations="x"),
        lambda state: state.update(generations=[1, 2]),
        lambda state: state.update(seeds=7),
        lambda state: state.update(dataset="a", pack=[]),
        lambda state: state.pop("usage"),
    ],
)
def test_a_run_json_that_no_run_writes_is_refused_in_a_sentence(
    tmp_path: Path, seeds: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    out = tmp_path / "run"
    copied(out, 40, client=CLIENT, generations=1)
    state = json.loads((out / "run.json").read_text())
    change(state)
    (out / "run.json").write_text(json.dumps(state))
    before = data_files(out)
    with pytest.raises(InputError, match=r"/run\.json is not as it was written \(.*\); rest"):
        evolve(seeds, out, client=CLIENT, generations=1)
    assert data_files(out) == before


def test_a_start_that_was_killed_is_gone_on_with_and_adds_nothing(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    copied(out, 40, client=CLIENT, generations=1)
    whole = data_files(out)
    state = json.loads((out / "run.json").read_text())
    state |= {"generations": [], "dataset": None, "status": "running", "exit_code": None}
    (out / "run.json").write_text(json.dumps(state))
    cut_short(out / "generation-0.jsonl")
    job = prepare(seeds, out, client=CLIENT, generations=1)
    [first, *_] = said_by(job)
    assert first.startswith(f"Going on with the run in {out}: generation 0, ")
    assert data_files(out) == whole
