"""A run's promises: conservation, determinism, resume, update, extension, one writer."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolinstruct.api import prepare
from evolinstruct.errors import CallFailed, CallRejected, InputError, Interrupted, TooLittleKept
from evolinstruct.llm.base import ClientOptions, Reply, Request
from evolinstruct.records import Failed, Kept, Rejected
from evolinstruct.run.counts import LowYield
from evolinstruct.run.events import GenerationEnded, LineWritten
from evolinstruct.run.job import EXIT_FAILED
from evolinstruct.run_dir.directory import RunDir
from tests.runs import (
    carry_out,
    check_invariants,
    copied,
    data_files,
    evolve,
    finished,
    said_by,
    tasks,
    write_seeds,
)
from tests.scripted import Scripted, obedient, reply

REPLIES = [
    "{instruction} Give two reasons.",
    "{instruction}",
    "",
    "I'm sorry, but I can't help with that.",
    "#Rewritten Prompt#: {instruction} Mention the given prompt.",
    "<think>Hm.</think>Sure, here is the rewritten prompt:\n\n{instruction} Use a table.",
    "Equal",
    "Not Equal",
    "It depends.",
    "No.",
    "Sorry, I do not know.",
    "A long and useful answer about {instruction}",
    "\x1b[31m \ud83d\ude00 {braces} $dollar {{instruction}} \u2028 end",
]


class Chaotic(Scripted):
    """Says anything at random, fails at random: a function of the draw alone."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Reply | Exception:
        draw = request.call_id
        if LISTENER in os.environ:
            with Path(os.environ[LISTENER]).open("a") as asked:
                asked.write(f"{draw} {request.max_tokens}\n")
        dice = random.Random(f"{draw.child_id}{draw.purpose}{draw.attempt}")
        roll = dice.random()
        if roll < 0.05:
            return CallFailed("http_500", "down", 6)
        if roll < 0.1:
            return CallRejected("too_long", "4096 tokens at most")
        if roll < 0.15:
            return reply("A reply that is cut", "length")
        if roll < 0.5:
            return obedient(request)
        return dice.choice(REPLIES).replace("{instruction}", request.context.instruction)


CHAOS = "tests.test_job:Chaotic"
LISTENER = "EVOLINSTRUCT_TESTS_LISTENER"
"""The variable that names the file to which every call is added."""


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(40))


@pytest.mark.slow
@pytest.mark.parametrize("client", ["offline", CHAOS])
def test_every_member_of_a_pool_ends_as_exactly_one_line(
    tmp_path: Path, seeds: Path, client: str
) -> None:
    summary = evolve(seeds, tmp_path / "run", client=client, generations=2)
    check_invariants(tmp_path / "run", 2)
    for counts in summary.all_counts:
        assert counts.kept + counts.rejected.total() + counts.failed.total() == counts.pool == 40


@pytest.mark.slow
@pytest.mark.parametrize("client", ["offline", CHAOS])
def test_bytes_do_not_depend_on_concurrency(tmp_path: Path, client: str) -> None:
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(15))
    for number, concurrency in enumerate((1, 7, 200)):
        evolve(seeds, tmp_path / str(number), client=client, concurrency=concurrency)
    first = data_files(tmp_path / "0")
    assert len(first) == 14
    assert first == data_files(tmp_path / "1") == data_files(tmp_path / "2")


@pytest.mark.slow  # test_any_run.py holds it in the fast part
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(st.text(max_size=30), min_size=1, max_size=12),
    seed=st.integers(0, 9),
    concurrency=st.integers(1, 9),
    stop_after=st.integers(0, 60),
)
def test_a_run_stopped_anywhere_goes_on_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    seed: int,
    concurrency: int,
    stop_after: int,
) -> None:
    tmp_path = tmp_path_factory.mktemp("run")
    rows = [{"instruction": f"{n} {text}"} for n, text in enumerate(texts)]
    file = write_seeds(tmp_path / "seeds.jsonl", rows)
    asked = {"client": CHAOS, "seed": seed, "generations": 2, "answer_seeds": True}
    evolve(file, tmp_path / "whole", **asked)
    check_invariants(tmp_path / "whole", 2)

    def stopped() -> None:
        job = prepare(file, tmp_path / "broken", concurrency=concurrency, **asked)
        events = 0

        async def some() -> None:
            nonlocal events
            async for event in job.events():
                events += isinstance(event, LineWritten)
                if events == stop_after:
                    job.interrupt()

        import asyncio  # noqa: PLC0415

        asyncio.run(some())

    try:
        stopped()
    except Interrupted:
        evolve(file, tmp_path / "broken", **asked)
    assert data_files(tmp_path / "broken") == data_files(tmp_path / "whole")


@pytest.mark.slow
def test_operations_are_drawn_alike_and_every_rule_fires(tmp_path: Path) -> None:
    many = write_seeds(tmp_path / "many.jsonl", tasks(700))
    summary = evolve(many, tmp_path / "run", generations=2)
    drawn, rules = Counter[str](), Counter[str]()
    for counts in summary.all_counts:
        drawn.update(counts.operations)
        rules.update(counts.rejected)
    sigma = (1400 * 1 / 6 * 5 / 6) ** 0.5
    assert len(drawn) == 6
    assert all(abs(count - 1400 / 6) < 3 * sigma for count in drawn.values())
    assert set(rules) >= {
        *("no_information_gain", "response_apologizes", "response_empty", "prompt_leaked"),
        *("rewrite_unusable", "unchanged", "truncated", "duplicate", "near_duplicate"),
    }


def test_a_rejected_parent_stays_in_the_pool_and_its_operation_is_drawn_anew(
    tmp_path: Path, seeds: Path
) -> None:
    run_dir = RunDir(finished(40, client=CHAOS, generations=3))
    rejected = {line.seed_id: line for line in run_dir.read(1, Rejected)}
    kept = {line.seed_id: line for line in run_dir.read(2)}
    again = [kept[name] for name in rejected.keys() & kept.keys()]
    assert again
    assert {line.parent_id for line in again} == {line.seed_id for line in again}
    assert any(line.operation != rejected[line.seed_id].operation for line in again)


def test_the_data_set_holds_answered_seeds_and_every_kept_line_shuffled() -> None:
    out = finished(40, generations=2)
    files = [RunDir(out).file(number).read_bytes() for number in range(3)]
    kept = [line for file in files for line in file.splitlines(keepends=True)]
    answered = [line for line in kept if json.loads(line)["output"] is not None]
    dataset = (out / "dataset.jsonl").read_bytes().splitlines(keepends=True)
    assert sorted(dataset) == sorted(answered)
    assert dataset != answered


def test_without_answers_there_is_no_data_set(tmp_path: Path, seeds: Path) -> None:
    summary = evolve(seeds, tmp_path / "run", answers=False, generations=1)
    assert summary.dataset_lines is None
    assert not (tmp_path / "run" / "dataset.jsonl").exists()
    assert {line.output for line in RunDir(tmp_path / "run").read(1)} == {None}
    assert "answer" not in summary.calls


def test_seeds_without_an_answer_get_one_and_stay_whatever_becomes_of_it(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    evolve(seeds, out, client=CHAOS, answer_seeds=True, generations=1)
    lines = list(RunDir(out).read(0))
    refused = [*RunDir(out).read(0, Rejected), *RunDir(out).read(0, Failed)]
    assert len(lines) == 40
    assert refused
    assert {line.id for line in lines if line.output is None} == {line.id for line in refused}
    assert {line.model for line in lines if line.model} == {"scripted-model"}


@pytest.mark.slow
def test_a_finished_run_started_again_asks_nothing_and_ends_as_it_did(
    tmp_path: Path, seeds: Path
) -> None:
    out = tmp_path / "run"
    first = evolve(seeds, out, client=CHAOS, generations=2)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.json*")}
    job = prepare(seeds, out, client=CHAOS, generations=2)
    events = carry_out(job)
    assert job.summary.calls == job.summary.replayed == {}
    assert [event.is_new for event in events if isinstance(event, GenerationEnded)] == [False] * 3
    assert first.exit_code == job.summary.exit_code == EXIT_FAILED
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("*.json*")}


@pytest.mark.slow
def test_extending_needs_no_flag_and_pays_only_for_what_is_new(tmp_path: Path) -> None:
    rows = tasks(30)
    seeds = write_seeds(tmp_path / "seeds.jsonl", rows)
    out = tmp_path / "run"
    first = evolve(seeds, out, generations=1, limit=10)
    said = said_by(job := prepare(seeds, out, client="offline", generations=2, limit=20))
    known = f"at least {sum(first.calls.values())} replies apply"
    assert any(
        text.startswith(f"Adding to the run in {out}: generation 2 and 10 seeds; {known}, at most ")
        for text in said
    )
    assert job.summary.replayed == first.calls
    evolve(seeds, tmp_path / "at once", generations=2, limit=20)
    assert data_files(out) == data_files(tmp_path / "at once")


@pytest.mark.slow
def test_another_run_stops_and_says_what_differs_unless_it_may_update(
    tmp_path: Path, seeds: Path
) -> None:
    out = copied(tmp_path / "run", 40, generations=1)
    before = data_files(out)
    job = prepare(seeds, out, client="offline", generations=1, temperature=0.5)
    with pytest.raises(InputError, match=r"differs: temperature was 1.0, now 0.5"):
        carry_out(job)
    assert data_files(out) == before

    job = prepare(seeds, out, client="offline", generations=1, compare=False)
    events = carry_out(job, update=True)
    [said] = [event.text for event in events if "Updating" in getattr(event, "text", "")]
    assert "compare was on, now off" in said
    # What was not rejected by comparison is the same; only its victims are newly answered.
    assert 0 < job.summary.calls["answer"] < 10
    assert set(job.summary.calls) == {"answer"}
    evolve(seeds, tmp_path / "at once", generations=1, compare=False)
    assert data_files(out) == data_files(tmp_path / "at once")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:-1], "the seeds were 40, now 39"),
        (lambda rows: [rows[0], *rows[2:], rows[1]], "seed 2 is another one"),
    ],
)
def test_other_seeds_are_another_run(tmp_path: Path, seeds: Path, change, words: str) -> None:
    copied(tmp_path / "run", 40, generations=1)
    other = write_seeds(tmp_path / "seeds.jsonl", change(tasks(40)))
    with pytest.raises(InputError, match=words):
        evolve(other, tmp_path / "run", generations=1)
    evolve(other, tmp_path / "run", generations=1, update=True)
    evolve(other, tmp_path / "at once", generations=1)
    assert data_files(tmp_path / "run") == data_files(tmp_path / "at once")


@pytest.mark.slow
def test_fewer_generations_are_another_run_and_leave_no_file_of_the_rest(
    tmp_path: Path, seeds: Path
) -> None:
    copied(tmp_path / "run", 40, generations=3)
    with pytest.raises(InputError, match="generations were 3, now 2"):
        evolve(seeds, tmp_path / "run", generations=2)
    evolve(seeds, tmp_path / "run", generations=2, update=True)
    assert data_files(tmp_path / "run") == data_files(finished(40, generations=2))


def test_a_run_without_its_journal_is_refused(tmp_path: Path, seeds: Path) -> None:
    copied(tmp_path / "run", 40, generations=1)
    (tmp_path / "run" / "journal.sqlite").unlink()
    with pytest.raises(InputError, match=r"journal\.sqlite is missing"):
        evolve(seeds, tmp_path / "run", generations=2)


def test_a_second_writer_is_refused_and_told_the_first(tmp_path: Path, seeds: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    run_dir.open()
    with pytest.raises(InputError, match=rf"is being written by process {os.getpid()} on "):
        evolve(seeds, tmp_path / "run", generations=1)
    run_dir.close()
    evolve(seeds, tmp_path / "run", generations=1)


def test_somebody_elses_folder_is_refused_and_left_alone(tmp_path: Path, seeds: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("All my work.")
    with pytest.raises(InputError, match=r"holds files but no run"):
        evolve(seeds, tmp_path / "thesis")
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_a_low_yield_is_noticed_with_rule_example_and_cause(tmp_path: Path) -> None:
    many = write_seeds(tmp_path / "many.jsonl", tasks(210))
    job = prepare(many, tmp_path / "run", client="tests.test_job:Repeating", generations=1)
    first, *_ = [event for event in carry_out(job) if isinstance(event, LowYield)]
    assert (first.finished, first.rule, first.kept_share) == (200, "unchanged", 0.0)
    assert "Explain thing number 0 to a child." in first.example
    assert first.cause


@pytest.mark.parametrize(("size", "notices"), [(19, 0), (20, 1)])
def test_a_low_yield_is_noticed_once_in_a_run_and_from_20_instructions_on(
    tmp_path: Path, size: int, notices: int
) -> None:
    some = write_seeds(tmp_path / "some.jsonl", tasks(size))
    job = prepare(some, tmp_path / "run", client="tests.test_job:Repeating", generations=3)
    assert sum(isinstance(event, LowYield) for event in carry_out(job)) == notices


def test_the_run_stops_where_too_little_is_kept(tmp_path: Path) -> None:
    many = write_seeds(tmp_path / "many.jsonl", tasks(250))
    job = prepare(many, tmp_path / "run", client="tests.test_job:Repeating", min_kept=0.3)
    with pytest.raises(TooLittleKept, match="Generation 1 keeps 0% of 200"):
        carry_out(job)
    assert job.summary.exit_code == 5
    assert json.loads((tmp_path / "run" / "run.json").read_text())["exit_code"] == 5


class Repeating(Scripted):
    """Gives back what it was given."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(lambda request: request.context.instruction)


@pytest.mark.slow
def test_failures_within_what_is_allowed_exit_with_zero(tmp_path: Path, seeds: Path) -> None:
    asked = {"client": CHAOS, "generations": 2}
    assert evolve(seeds, tmp_path / "run", **asked).exit_code == EXIT_FAILED
    assert evolve(seeds, tmp_path / "run", **asked, allow_failures="50%").exit_code == 0
    assert evolve(seeds, tmp_path / "run", **asked, allow_failures="1").exit_code == EXIT_FAILED


def test_run_json_says_what_was_asked_how_it_went_and_no_secret(
    tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-key")
    url = "http://user:hunter2@127.0.0.1:1/v1?token=hunter2"
    evolve(seeds, tmp_path / "run", generations=1, base_url=url)
    text = (tmp_path / "run" / "run.json").read_text()
    state = json.loads(text)
    assert (state["status"], state["exit_code"], state["format"]) == ("done", 0, 1)
    assert state["conduct"]["base_url"] == {"default": ["http://127.0.0.1:1/v1"]}
    assert [record["tally"]["generation"] for record in state["generations"]] == [0, 1]
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert b"hunter2" not in path.read_bytes()
            assert b"very-secret" not in path.read_bytes()


def test_the_run_keeps_a_copy_of_its_pack(tmp_path: Path, seeds: Path) -> None:
    copied(tmp_path / "run", 40, generations=1)
    names = [path.name for path in (tmp_path / "run" / "prompts").rglob("*.txt")]
    assert {"add_constraints.txt", "compare.txt", "answer.txt", "xml.txt"} <= set(names)
    # The copy is the same pack: naming it is no other run.
    pack = str(tmp_path / "run" / "prompts")
    assert evolve(seeds, tmp_path / "run", generations=1, prompts=pack).calls == {}


KILLED = """
import sys
from tests.runs import evolve
from pathlib import Path
seeds, out = map(Path, sys.argv[1:])
evolve(seeds, out, client="tests.test_job:Chaotic", generations=3, concurrency=5)
"""


LONG = [pytest.param(n, marks=pytest.mark.slow) for n in (1, 30, 70, 160, 200, 220)]


@pytest.mark.parametrize("rows", [120, *LONG])
def test_a_killed_run_goes_on_to_the_same_bytes_and_repeats_what_was_under_way(
    tmp_path: Path, seeds: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "killed"
    monkeypatch.setenv(LISTENER, str(tmp_path / "asked"))
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(seeds), str(out)])
    try:
        while process.poll() is None and stored(out) < rows:
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert stored(out) >= rows
    evolve(seeds, out, client=CHAOS, generations=3)
    asked = Counter((tmp_path / "asked").read_text().splitlines())
    assert asked.total() - len(asked) <= 10  # 5 under way, 5 being stored
    monkeypatch.delenv(LISTENER)
    assert data_files(out) == data_files(finished(40, client=CHAOS, generations=3))
    kept = [line for number in range(4) for line in RunDir(out).read(number, Kept)]
    assert len({line.id for line in kept}) == len(kept)


def stored(out: Path) -> int:
    """Return how many outcomes a run's journal holds by now."""
    try:
        db = sqlite3.connect(f"file:{out / 'journal.sqlite'}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return 0
    try:
        return int(db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()
