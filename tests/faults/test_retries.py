"""`--retry` asks once more for what it names, and for nothing else; all other families stay."""

import json
from pathlib import Path

import pytest

from evolinstruct.api import prepare
from evolinstruct.errors import CallFailed, InputError, Interrupted, UsageError
from evolinstruct.llm.base import ClientOptions, Reply, Request
from evolinstruct.records import Failed, Kept, Rejected
from evolinstruct.run.events import GenerationEnded, LineWritten, Notice
from evolinstruct.run.job import EXIT_FAILED
from evolinstruct.run.retries import places, purpose
from evolinstruct.run_dir.directory import RunDir
from tests.runs import carry_out, check_invariants, copied, data_files, evolve, tasks, write_seeds
from tests.scripted import Scripted, obedient, reply

FLAKY = "tests.faults.test_retries:Flaky"


class Flaky(Scripted):
    """Fails and cuts off some first attempts, and none later."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Reply | Exception:
        draw = request.call_id
        point = int(draw.child_id[:2], 16)
        first = draw.attempt == 0
        if first and point % 16 == {"evolve": 0, "compare": 1, "answer": 2}[draw.purpose]:
            return CallFailed("http_500", "down", 6)
        if first and point % 16 == 3 and draw.purpose == "answer":
            return reply("A reply that is cut", "length")
        if first and point % 16 == 4 and draw.purpose == "evolve":
            return request.context.instruction
        said = obedient(request)
        return said if first or isinstance(said, Exception) else f"{said} Attempt {draw.attempt}."


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(60))


def by_family(out: Path) -> dict[str, dict[tuple[int, str], bytes]]:
    """Return all lines, as they stand in their files, by seed id."""
    found: dict[str, dict[tuple[int, str], bytes]] = {}
    for path in out.glob("generation-*.jsonl"):
        for raw in path.read_bytes().splitlines():
            line = json.loads(raw)
            found.setdefault(line["seed_id"], {})[line["generation"], path.name] = raw
    return found


OTHERS = [pytest.param(what, marks=pytest.mark.slow) for what in ("truncated", "unchanged")]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["failed", *OTHERS])
def test_a_retry_changes_the_named_families_and_leaves_every_other_byte(
    tmp_path: Path, seeds: Path, what: str
) -> None:
    out = copied(tmp_path / "run", 60, client=FLAKY, generations=3)
    retired = {place.child_id for place in places(what, RunDir(out), 3)}
    families = {
        line.seed_id
        for number in range(4)
        for kind in (Rejected, Failed)
        if RunDir(out).file(number, kind).exists()
        for line in RunDir(out).read(number, kind)
        if line.id in retired
    }
    before = by_family(out)
    job = prepare(seeds, out, client=FLAKY, generations=3)
    events = carry_out(job, retry=what)
    assert families
    said = f"Retrying what is {what}: {len(retired)} calls of this run will be made once more,"
    said += " and what follows from them in later generations."
    assert Notice(said) in events
    after = by_family(out)
    assert {name for name in before if before[name] != after[name]} == families
    check_invariants(out, 3)


def test_a_retry_that_brings_answers_turns_exit_code_3_into_0(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    assert evolve(seeds, out, client=FLAKY, generations=1).exit_code == EXIT_FAILED
    failed = list(RunDir(out).read(1, Failed))
    assert {line.purpose for line in failed} == {"evolve", "compare", "answer"}
    job = prepare(seeds, out, client=FLAKY, generations=1)
    carry_out(job, retry="failed")
    assert job.summary.exit_code == 0
    assert list(RunDir(out).read(1, Failed)) == []
    # One call for each that failed, and those that its failure had spared.
    assert job.summary.calls["evolve"] == sum(line.purpose == "evolve" for line in failed)
    assert sum(job.summary.calls.values()) <= 3 * len(failed)


LONG = [pytest.param(number, marks=pytest.mark.slow) for number in (0, 1, 30, 110)]


@pytest.mark.parametrize("stop_after", [70, *LONG])
@pytest.mark.parametrize("again", ["failed", pytest.param(None, marks=pytest.mark.slow)])
def test_a_retry_that_was_cut_off_is_carried_through_by_either_command_and_retires_no_more(
    tmp_path: Path, seeds: Path, stop_after: int, again: str | None
) -> None:
    for name in ("whole", "broken"):
        copied(tmp_path / name, 60, client=FLAKY, generations=2)
    before = data_files(tmp_path / "broken")
    carry_out(prepare(seeds, tmp_path / "whole", client=FLAKY, generations=2), retry="failed")

    job = prepare(seeds, tmp_path / "broken", client=FLAKY, generations=2)

    async def cut_off() -> None:
        settled = 0
        async for event in job.events(retry="failed"):
            settled += isinstance(event, LineWritten)
            if settled == stop_after:
                job.interrupt()

    import asyncio  # noqa: PLC0415

    with pytest.raises(Interrupted):
        asyncio.run(cut_off())
    unfinished = data_files(tmp_path / "broken")
    assert unfinished["dataset.jsonl"] == before["dataset.jsonl"]
    carry_out(prepare(seeds, tmp_path / "broken", client=FLAKY, generations=2), retry=again)
    assert data_files(tmp_path / "broken") == data_files(tmp_path / "whole")


@pytest.mark.slow
def test_a_finished_retry_is_no_longer_under_way(tmp_path: Path, seeds: Path) -> None:
    out = copied(tmp_path / "run", 60, client=FLAKY, generations=1)
    carry_out(prepare(seeds, out, client=FLAKY, generations=1), retry="failed")
    files = data_files(out)
    job = prepare(seeds, out, client=FLAKY, generations=1)
    events = carry_out(job, retry="failed")
    assert Notice("Nothing to retry: no line is failed.") in events
    assert [event.is_new for event in events if isinstance(event, GenerationEnded)] == [
        False,
        False,
    ]
    assert job.summary.calls == {}
    assert data_files(out) == files


def test_what_cannot_be_retried_is_refused_with_what_can(tmp_path: Path, seeds: Path) -> None:
    out = tmp_path / "run"
    job = prepare(seeds, out, client=FLAKY)
    with pytest.raises(InputError, match=r"holds no run, so there is nothing to retry"):
        carry_out(job, retry="failed")
    with pytest.raises(UsageError, match=r"no line is 'truncate' \(did you mean 'truncated'\?\)"):
        carry_out(job, retry="truncate")


@pytest.mark.parametrize(
    ("rule", "instruction", "raw", "asked"),
    [
        ("response_empty", "Do it.", "No.", "answer"),
        ("unchanged", "Do it.", "Do it.", "evolve"),
        ("no_information_gain", "Do it.", "Do it.", "evolve"),
        ("truncated", "", None, "evolve"),
        ("truncated", "Do it.", None, "answer"),
        ("refused_by_service", "Do it.", "Do it.", "compare"),
    ],
)
def test_the_call_to_make_again_follows_from_the_line(
    rule: str, instruction: str, raw: str | None, asked: str
) -> None:
    fields = dict.fromkeys(Kept.__slots__)
    fields |= {"instruction": instruction, "generation": 1}
    assert purpose(Rejected(**fields, rule=rule, evidence="", raw=raw)) == asked  # type: ignore[arg-type]
