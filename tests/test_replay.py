"""The calls of a line are told from the journal, as they were asked and as they came."""

from pathlib import Path

import pytest

from evolinstruct.analysis.replay import Call, replaying
from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError
from evolinstruct.llm.base import Request
from evolinstruct.llm.journal import Journal
from tests.runs import evolve, tasks, write_seeds
from tests.scripted import Scripted, obedient

ASKED: list[Request] = []
RAW = "Sure, here is the rewritten prompt:\n\n"


class Listening(Scripted):
    """Does what is asked in a talkative way, unsure at first; remembers it for the test."""

    def __init__(self, options: object) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str:
        ASKED.append(request)
        if request.purpose == "compare" and request.call_id.attempt == 0:
            return "Hard to say."
        said = str(obedient(request))
        return RAW + said if request.purpose == "evolve" else said


@pytest.fixture
def run(tmp_path: Path) -> Run:
    ASKED.clear()
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(4))
    evolve(
        seeds, tmp_path / "run", client="tests.test_replay:Listening", generations=2, concurrency=1
    )
    return Run(tmp_path / "run")


def told(run: Run, calls: list[Call]) -> list[tuple[str, int, str]]:
    assert all(call.reply for call in calls)
    return [
        (call.request.purpose, call.request.call_id.attempt, call.reply.text[:20])
        for call in calls
        if call.reply
    ]


def test_a_step_tells_its_calls_in_order_with_the_raw_replies(run: Run) -> None:
    step = next(run.families()).steps[1]
    with replaying(run) as replay:
        assert told(run, replay.step(step)) == [
            ("evolve", 0, "Sure, here is the re"),
            ("compare", 0, "Hard to say."),
            ("compare", 1, "Not Equal"),
            ("answer", 0, "The answer to 'Expla"),
        ]


def test_every_call_of_a_run_is_told_as_it_was_asked(run: Run) -> None:
    with replaying(run) as replay:
        steps = [step for family in run.families() for step in family.steps]
        found = [call.request for step in steps for call in replay.step(step)]
    key = lambda request: (request.call_id.child_id, request.purpose, request.call_id.attempt)  # noqa: E731
    assert sorted(found, key=key) == sorted(ASKED, key=key)


def test_an_unclear_comparison_is_not_asked_again_at_temperature_0(tmp_path: Path) -> None:
    ASKED.clear()
    seeds = write_seeds(tmp_path / "seeds.jsonl", tasks(1))
    sampling = {"generations": 1, "temperature": {"compare": 0.0}}
    evolve(seeds, tmp_path / "run", client="tests.test_replay:Listening", **sampling)
    assert [request.purpose for request in ASKED] == ["evolve", "compare", "answer"]
    (step,) = next(Run(tmp_path / "run").families()).steps
    assert step.line.compared == "unclear"


def test_only_the_line_that_is_meant_tells_its_calls_and_a_seed_all_its_family(run: Run) -> None:
    family = next(run.families())
    with replaying(run) as replay:
        meant = replay.around(family.steps[0].line.id)
        assert [len(meant(step)) for step in family.steps] == [4, 0]
        all_of_it = replay.around(family.seed.id)
        assert [len(all_of_it(step)) for step in family.steps] == [4, 4]
        assert all_of_it(family.seed) == []  # the seed was not asked about


def test_the_journal_is_read_while_it_is_written(run: Run) -> None:
    writer = Journal(run.journal)
    try:
        with replaying(run) as replay:
            assert len(replay.step(next(run.families()).steps[0])) == 4
    finally:
        writer.close()


def test_a_journal_that_lacks_a_call_tells_those_before_it(run: Run) -> None:
    import sqlite3  # noqa: PLC0415
    from contextlib import closing  # noqa: PLC0415

    with closing(sqlite3.connect(run.journal)) as database, database:
        database.execute("DELETE FROM calls WHERE purpose = 'compare'")
    with replaying(run) as replay:
        calls = replay.step(next(run.families()).steps[0])
    assert [call.request.purpose for call in calls] == ["evolve"]


def test_a_missing_journal_is_said(run: Run) -> None:
    run.journal.unlink()
    with pytest.raises(InputError, match=r"journal\.sqlite is missing"), replaying(run):
        pass
