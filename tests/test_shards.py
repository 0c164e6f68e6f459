"""A run that is spread over shards: the bytes of one machine, whatever becomes of the workers."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from docs.command_pages import commands
from evolinstruct.errors import CallFailed
from evolinstruct.llm.base import CallId, ClientOptions, Reply, Request
from evolinstruct.llm.journal.database import open_to_write
from evolinstruct.run.job import EXIT_FAILED
from evolinstruct.run.shards import Shard
from evolinstruct.run_dir.owned import OwnedDir
from tests.command_line import evolinstruct
from tests.faults.harness import COMMAND, kill, outcomes, start, wait_for
from tests.runs import data_files, evolve, tasks, write_seeds
from tests.scripted import Scripted, obedient, reply
from tests.test_job import CHAOS, Chaotic

EVOLVE = "evolve seeds.jsonl -o run -g 3 -q --client"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = tasks(40)
    rows[7]["instruction"] = rows[3]["instruction"] + " Now."  # for the gate
    write_seeds(tmp_path / "seeds.jsonl", rows)
    return tmp_path


def prepare(client: str = CHAOS, options: str = "") -> None:
    assert evolinstruct(f"{EVOLVE} {client} {options} --prepare").exit_code == 0


def work(
    shard: str, file: str | None = None, options: str = "-q", run: str = "run"
) -> tuple[int, str]:
    file = file or f"{shard.replace('/', '-of-')}.sqlite"
    done = evolinstruct(f"work {run} --shard {shard} -o {file} {options}")
    return done.exit_code, done.stderr


def merge(files: Iterable[str]) -> dict[str, Any]:
    done = evolinstruct(f"merge run {' '.join(files)} --json -q")
    assert done.exit_code == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def finish(client: str = CHAOS, options: str = "") -> int:
    return evolinstruct(f"{EVOLVE} {client} {options}").exit_code


def alone(client: str = CHAOS, **settings: Any) -> dict[str, bytes]:
    """Return the files of a run on one machine."""
    evolve(Path("seeds.jsonl"), Path("alone"), client=client, generations=3, **settings)
    return data_files(Path("alone"))


def spread(of: int, without: Iterable[int] = ()) -> list[str]:
    """Have all shards worked on; return their files."""
    numbers = [number for number in range(1, of + 1) if number not in without]
    for number in numbers:
        assert work(f"{number}/{of}")[0] in {0, EXIT_FAILED}
    return [f"{number}-of-{of}.sqlite" for number in numbers]


def state() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("run/run.json").read_text())
    return found


def lines(file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(file).read_text().splitlines()]


def rows(file: str, what: str = "COUNT(*)") -> Any:
    with closing(sqlite3.connect(file)) as db:
        return db.execute(f"SELECT {what} FROM calls").fetchall()


def execute(file: str, statement: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute(statement)


# --- the bytes of one machine --------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", "--answer-seeds"])
def test_eight_shards_give_the_bytes_of_one_machine(options: str) -> None:
    prepare(options=options)
    assert merge(reversed(spread(8)))["missing"] == []
    before = rows("run/journal.sqlite")[0][0]
    assert finish(options=options) == EXIT_FAILED
    assert data_files(Path("run")) == alone(answer_seeds=bool(options))
    new = rows("run/journal.sqlite", "generation")[before:]
    assert len(new) < before / 10  # what the gate made different


@pytest.mark.slow
@pytest.mark.parametrize("pack", ["verifiable", "math"])
def test_packs_that_check_answers_are_worked_on_too(pack: str) -> None:
    prepare("offline", f"--prompts {pack}")
    merge(spread(2))
    before = rows("run/journal.sqlite")[0][0]
    assert finish("offline", f"--prompts {pack}") == 0
    assert data_files(Path("run")) == alone("offline", prompts=pack)
    assert rows("run/journal.sqlite")[0][0] - before < before / 10


def test_shards_divide_the_seeds_and_prepare_writes_them_without_a_call() -> None:
    prepare(options="--answer-seeds")
    seeds = [line["id"] for line in lines("run/generation-0.jsonl")]
    held = [sum(Shard(n, 8).holds(seed) for n in range(1, 9)) for seed in seeds]
    assert held == [1] * 40
    assert rows("run/journal.sqlite") == [(0,)]
    assert (state()["status"], state()["exit_code"]) == ("prepared", 0)


@pytest.mark.slow
def test_to_prepare_a_run_that_goes_on_takes_nothing_from_its_files() -> None:
    assert evolinstruct(f"{EVOLVE} {CHAOS} --answer-seeds --max-calls 30").exit_code == 4
    answered = Path("run/generation-0.jsonl").read_bytes()
    prepare(options="--answer-seeds")
    assert Path("run/generation-0.jsonl").read_bytes().startswith(answered)
    whole = alone(answer_seeds=True)
    finish(options="--answer-seeds")
    assert data_files(Path("run")) == whole
    ended = Path("run/run.json").read_bytes()
    prepare(options="--answer-seeds")
    assert Path("run/run.json").read_bytes() == ended


@pytest.mark.slow
def test_a_missing_shard_is_named_and_evolve_asks_for_it() -> None:
    prepare()
    merged = evolinstruct(f"merge run {' '.join(spread(4, without=[2, 3]))}")
    assert "Missing: 2 shards, 2/4 and 3/4." in merged.stderr
    assert "it asks what is missing" in merged.stderr
    finish()
    assert data_files(Path("run")) == alone()


@pytest.mark.slow
def test_what_the_run_has_is_not_asked_again() -> None:
    whole = alone()
    assert evolinstruct(f"{EVOLVE} {CHAOS} --max-calls 100").exit_code == 4
    known = {key for (key,) in rows("run/journal.sqlite", "key")}
    prepare()
    assert [*Path("run").glob("journal.sqlite*")] == [Path("run/journal.sqlite")]
    before = {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")}
    files = spread(2)
    assert {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")} == before
    assert known.isdisjoint(key for file in files for (key,) in rows(file, "key"))
    merge(files)
    finish()
    assert data_files(Path("run")) == whole


@pytest.mark.slow
def test_no_order_of_work_merge_and_evolve_changes_a_byte() -> None:
    whole = alone()
    for number in range(6):
        dice = random.Random(number)
        shutil.rmtree("run", ignore_errors=True)
        for file in Path().glob("*-of-*"):
            file.unlink()
        prepare()
        for _ in range(6):
            match dice.choice(["work", "merge", "evolve"]):
                case "work":
                    of = dice.choice([2, 3])
                    work(f"{dice.randint(1, of)}/{of}")
                case "merge" if files := sorted(map(str, Path().glob("*.sqlite"))):
                    merge(files)
                case _:
                    capped = state()["spent"]["calls"] + 60
                    finish(options=f"--max-calls {capped}")
        finish()
        assert data_files(Path("run")) == whole, number


# --- killed, resumed, stopped --------------------------------------------------------------------


class Paced(Chaotic):
    """Takes a moment for each call, and says anything then."""

    async def complete(self, request: Request) -> Reply:
        await asyncio.sleep(0.01)
        return await super().complete(request)


PACED = "tests.test_shards:Paced"


def repeated(asked: Path, file: str) -> int:
    """Return how many calls were asked once more, but those that failed: all of these are."""
    failed = {
        f"{CallId(*call_id)} {bound}"
        for *call_id, bound, outcome in rows(
            file, "child_id, purpose, attempt, max_tokens, outcome"
        )
        if outcome == "failed"
    }
    times = Counter(asked.read_text().splitlines())
    return sum(count - 1 for call, count in times.items() if call not in failed)


@pytest.mark.slow
def test_a_killed_worker_goes_on_and_repeats_only_what_was_in_flight(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = alone(PACED)
    prepare(PACED)
    monkeypatch.setenv("EVOLINSTRUCT_TESTS_LISTENER", str(here / "asked"))
    words = ("work", "run", "--shard", "1/2", "-o", "half.sqlite", "-q", "--concurrency", "2")
    for most in (20, 60):
        worker = start((*COMMAND, *words))
        wait_for(lambda most=most: outcomes(here, "half.sqlite") > most, worker)
        kill(worker)
        assert merge(["half.sqlite"])["shards"][0]["status"] == "running"
    assert work("1/2", "half.sqlite", "-q --concurrency 2")[0] == EXIT_FAILED
    assert repeated(here / "asked", "half.sqlite") <= 2 * 2  # kills, calls in flight
    assert merge(["half.sqlite"])["shards"][0]["status"] == "done"
    work("2/2")
    merge(["2-of-2.sqlite", "half.sqlite"])
    finish(PACED)
    assert data_files(Path("run")) == whole


@pytest.mark.slow
@pytest.mark.parametrize("moment", [b"", None], ids=["no table yet", "no word of its own yet"])
def test_a_worker_that_is_killed_in_its_first_moment_goes_on(moment: bytes | None) -> None:
    prepare()
    file = Path("1-of-1.sqlite")
    if moment is None:
        open_to_write(file, must_exist=False).close()
        assert evolinstruct(f"merge run {file}").stderr == (
            f"Error: {file} holds nothing yet, because its worker ended too early; run the same"
            " `evolinstruct work` again.\n"
        )
    else:
        file.write_bytes(moment)
    merge(spread(1))
    finish()
    assert data_files(Path("run")) == alone()


@pytest.mark.slow
def test_a_signal_ends_a_worker_in_good_order() -> None:
    prepare(PACED)
    worker = start((*COMMAND, "work", "run", "--shard", "1/1", "-o", "all.sqlite"))
    wait_for(lambda: outcomes(Path(), "all.sqlite") > 5, worker)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 130
    assert not Path("all.sqlite-wal").exists()
    worker.communicate()


def test_one_worker_at_a_time_fills_a_file(here: Path) -> None:
    class Lock(OwnedDir):
        lock_name, state_name, journal_name = ".a.sqlite.lock", "none", "none"

    prepare()
    other = Lock(here)
    other.open()
    code, said = work("1/2", "a.sqlite")
    other.close()
    assert (code, "is being written by process" in said) == (1, True)
    assert work("1/2", "a.sqlite")[0] == EXIT_FAILED


# --- what it may cost ----------------------------------------------------------------------------


@pytest.mark.slow
def test_caps_and_rates_are_divided_and_run_json_says_so() -> None:
    prepare(options="--max-calls 103 --rpm 6000 --max-tokens-total 2000000")
    code, said = work("4/4", "d.sqlite", "")
    assert "Its part of what the run may take: --rpm 1,500," in said
    assert "--max-tokens-total 500,000" in said
    assert "--max-calls 26 is reached" in said
    assert code == 4
    for number in (1, 2, 3):
        assert work(f"{number}/4")[0] == 4
    merge([f"{number}-of-4.sqlite" for number in (1, 2, 3)] + ["d.sqlite"])
    shards = {each["shard"]: each for each in state()["shards"]}
    assert shards["4/4"]["parts"][:2] == ["--rpm 1,500", "--max-calls 26"]
    assert sum(each["calls"] for each in shards.values()) == 103
    assert evolinstruct(f"{EVOLVE} {CHAOS} --max-calls 103").exit_code == 4
    assert state()["spent"]["calls"] == 103


@pytest.mark.slow
def test_what_shards_spent_is_counted_once_and_by_its_purpose() -> None:
    prepare("offline")
    files = spread(2)
    merge([files[0]])
    merge(files)
    merge(files)
    evolve(Path("seeds.jsonl"), Path("run"), generations=3)
    usage, shards = state()["usage"], state()["shards"]
    assert sum(row["calls"] for row in usage) == state()["spent"]["calls"]
    assert state()["spent"]["calls"] == rows("run/journal.sqlite")[0][0]
    assert [each["calls"] for each in shards] == [rows(file)[0][0] for file in files]
    finish("offline")
    merge(files)
    finish("offline")
    assert state()["usage"] == usage


def test_a_cap_that_leaves_nothing_for_a_shard_is_refused() -> None:
    prepare(options="--max-calls 3")
    code, said = work("1/8", "a.sqlite")
    assert (code, "--max-calls 3 leaves nothing for the shard 1/8" in said) == (2, True)
    assert not Path("a.sqlite").exists()


def test_parts_of_dollars_are_never_more_than_all() -> None:
    whole = Decimal(10)
    assert sum(Shard(n, 7).part_of(whole) for n in range(1, 8)) <= whole
    assert sum(Shard(n, 7).part_of(100) for n in range(1, 8)) == 100


# --- who wins ------------------------------------------------------------------------------------


class Moody(Scripted):
    """Answers by its mood, of which each process may have another one."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Reply | Exception:
        if request.purpose != "answer":
            return obedient(request)
        mood = os.environ["MOOD"]
        if mood == "down":
            return CallFailed("http_500", "down", 6)
        return reply(f"In a {mood} mood this is answered at some length.")


MOODY = "tests.test_shards:Moody"


@pytest.fixture
def mood(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda mood: monkeypatch.setenv("MOOD", mood)


def moods() -> Counter[str]:
    """Return in which moods the answers of the data set are, the seeds' own left out."""
    outputs = [line["output"] for line in lines("run/dataset.jsonl")]
    return Counter(said.split()[2] for said in outputs if said.startswith("In a "))


@pytest.mark.slow
def test_a_lower_shard_wins_over_a_higher_one_and_differences_are_counted(
    mood: Callable[[str], None],
) -> None:
    mood("good")
    prepare(MOODY)
    work("1/2", "low.sqlite")
    mood("bad")
    work("2/2", "high.sqlite")
    mood("odd")
    work("1/1", "all.sqlite")
    facts = merge(["high.sqlite", "low.sqlite", "all.sqlite"])
    brought = [(each["shard"], each["differing"]) for each in facts["shards"]]
    assert brought[0] == ("1/1", 0)  # 1/1 is lower than 1/2, and that than 2/2
    assert [name for name, _ in brought[1:]] == ["1/2", "2/2"]
    answers = rows("run/journal.sqlite", "SUM(purpose = 'answer')")[0][0]
    assert sum(count for _, count in brought) == answers
    finish(MOODY)
    assert [*moods()] == ["odd"]


@pytest.mark.slow
def test_what_the_run_has_wins_over_a_shard(mood: Callable[[str], None]) -> None:
    mood("good")
    prepare(MOODY)
    shutil.copytree("run", "copy")  # on another machine, which does not see how the run goes on
    finish(MOODY)
    made = data_files(Path("run"))
    mood("bad")
    work("1/1", "all.sqlite", run="copy")
    facts = merge(["all.sqlite"])["shards"][0]
    assert (facts["new"], facts["differing"] > 0) == (0, True)
    finish(MOODY)
    assert data_files(Path("run")) == made


GENERATION_1 = "SUM(outcome = 'failed' AND generation = 1)"
"""The failures of which another reply may take the place: later ones follow other texts."""


@pytest.mark.slow
def test_a_reply_wins_over_a_failure_wherever_that_is(mood: Callable[[str], None]) -> None:
    mood("down")
    prepare(MOODY)
    shutil.copytree("run", "copy")
    assert finish(MOODY) == EXIT_FAILED
    assert work("1/2", "down.sqlite", run="copy")[0] == EXIT_FAILED
    mood("good")
    work("1/1", "all.sqlite", run="copy")
    facts = merge(["all.sqlite", "down.sqlite"])["shards"]
    assert facts[0]["replaced"] == rows("run/journal.sqlite", GENERATION_1)[0][0]
    assert (facts[1]["replaced"], facts[1]["differing"]) == (0, 0)
    assert finish(MOODY) == 0
    whole = alone(MOODY)
    assert data_files(Path("run")) == whole


# --- bad input -----------------------------------------------------------------------------------


def refused(line: str) -> str:
    """Return what a command says that refuses its input, and changes nothing."""
    before = rows("run/journal.sqlite", "*")
    done = evolinstruct(line)
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1), done.stderr
    assert rows("run/journal.sqlite", "*") == before
    return done.stderr.removeprefix("Error: ").strip()


@pytest.mark.slow
def test_a_file_that_cannot_be_merged_is_refused_and_so_are_those_with_it() -> None:
    prepare("offline")
    good, bad = spread(2)
    whole = Path(bad).read_bytes()
    Path(bad).write_bytes(whole[: len(whole) // 2])
    assert f"The journal {bad} is damaged" in refused(f"merge run {good} {bad}")
    Path(bad).write_bytes(b"")
    assert f"The journal {bad} is empty" in refused(f"merge run {good} {bad}")
    Path(bad).write_bytes(b"no database at all, but long enough to be looked at" * 50)
    assert f"The journal {bad} is damaged" in refused(f"merge run {good} {bad}")
    Path(bad).write_bytes(whole)
    execute(bad, "PRAGMA user_version = 5")
    assert f"The journal {bad} is from a newer version" in refused(f"merge run {good} {bad}")
    Path(bad).write_bytes(whole)
    execute(bad, "UPDATE shard SET said = replace(said, 'done', 'fine')")
    assert f"The journal {bad} is damaged: what it says of itself" in refused(f"merge run {bad}")
    Path(bad).write_bytes(whole)
    execute(bad, "UPDATE calls SET text = 'other' WHERE rowid = 7")
    assert f"The journal {bad} is damaged: an outcome is not" in refused(f"merge run {bad}")
    Path(bad).unlink()
    assert refused(f"merge run {good} {bad}").startswith(f"There is no file {bad}")


@pytest.mark.slow
def test_a_shard_of_another_run_or_method_is_refused() -> None:
    prepare("offline")
    shutil.move("run", "other")
    prepare("offline")
    evolinstruct("work other --shard 1/2 -o other.sqlite -q")
    assert "other.sqlite is a shard of another run" in refused("merge run other.sqlite")
    assert "other.sqlite is a shard of another run" in refused(
        "work run --shard 1/2 -o other.sqlite"
    )
    assert evolinstruct(f"{EVOLVE} offline -o other -g 1 --update -q").exit_code == 0
    shutil.copy("other/journal.sqlite", "journal.sqlite")
    assert "journal.sqlite is no shard's file" in refused("merge run journal.sqlite")
    assert "journal.sqlite is no shard's file" in refused("work run --shard 1/2 -o journal.sqlite")
    work("1/2")
    assert "1-of-2.sqlite is the shard 1/2 of this run, not 2/2" in refused(
        "work run --shard 2/2 -o 1-of-2.sqlite"
    )


def test_a_run_that_is_not_prepared_or_differs_is_not_worked_on() -> None:
    prepare("offline")
    assert "none is no prepared run" in refused("work none --shard 1/2 -o a.sqlite")
    assert "none holds no run" in refused("merge none a.sqlite")
    assert "lies among the files of a run" in refused("work run --shard 1/2 -o run/a.sqlite")
    seeds = Path("run/generation-0.jsonl")
    whole = seeds.read_bytes()
    seeds.write_bytes(whole[:-200])
    assert "run is no prepared run, or a part of one" in refused("work run --shard 1/2 -o a.sqlite")
    seeds.write_bytes(whole)
    answer = Path("run/prompts/answer.txt")
    answer.write_text(answer.read_text() + "Be brief.\n")
    assert "its prompts are not those of run.json" in refused("work run --shard 1/2 -o a.sqlite")


def test_a_run_json_that_somebody_damaged_is_not_worked_on() -> None:
    prepare()
    Path("run/run.json").write_text(json.dumps({**state(), "spent": None}))
    code, said = work("1/4")
    assert (code, "run.json is not as it was written (spent: None)" in said) == (1, True), said


def test_a_run_in_batches_is_not_worked_on() -> None:
    prepare("offline")
    said = json.loads(Path("run/run.json").read_text())
    said["conduct"]["batch"] = True
    Path("run/run.json").write_text(json.dumps(said))
    assert "run is carried out in batches" in refused("work run --shard 1/2 -o a.sqlite")


@pytest.mark.slow
@pytest.mark.parametrize("word", ["0/4", "5/4", "4", "1/0", "a/b", "1/4/2", "-1/4"])
def test_a_shard_is_written_as_one_of_so_many(word: str) -> None:
    prepare("offline")
    code, said = work(word, "a.sqlite")
    assert (code, f"(given: {word!r})" in said) == (2, True)


# --- the examples --------------------------------------------------------------------------------

EXAMPLES = Path(__file__).parent.parent / "examples" / "many-machines"


@pytest.mark.slow
def test_the_example_for_one_machine_gives_the_bytes_of_one_worker(here: Path) -> None:
    (here / "bin").mkdir()
    program = here / "bin" / "evolinstruct"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m evolinstruct "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    line = ["bash", EXAMPLES / "one-machine.sh", "seeds.jsonl", "run", "3", "--client", "offline"]
    for _ in range(2):  # again: nothing is left to do
        subprocess.run([*line, "-g", "3"], env=environment, check=True, capture_output=True)
        assert data_files(Path("run")) == alone("offline")
    assert [shard["shard"] for shard in state()["shards"]] == ["1/3", "2/3", "3/3"]


@pytest.mark.parametrize("name", ["one-machine.sh", "slurm.sbatch"])
def test_the_scripts_are_such_as_bash_reads(name: str) -> None:
    subprocess.run(["bash", "-n", EXAMPLES / name], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_the_examples_name_options_that_the_program_has(path: Path) -> None:
    text = re.sub(r"&&\s+(?:exec\s+)?|\\\n", "\n", path.read_text())
    words = re.findall(r"evolinstruct (work|merge|evolve)\b([^\n]*(?:\n +-o[^\n]*)?)", text)
    assert words
    for command, rest in words:
        known = {name for each in commands()[command].params for name in each.opts}
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", rest)) <= known, (command, rest)
