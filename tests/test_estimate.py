"""What a dry run says beforehand is near what the run takes, and leaves out what is paid."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from evolinstruct.api import prepare
from evolinstruct.run.estimate import Estimate
from tests.runs import evolve, tasks, write_seeds


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(150))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """As many as make what is drawn come near its mean."""
    return write_seeds(tmp_path / "many.jsonl", tasks(500))


def told(seeds: Path, out: Path, **settings: object) -> Estimate:
    found = prepare(seeds, out, **{"client": "offline", **settings}).forecast().estimate
    assert found is not None
    return found


def test_calls_and_tokens_are_about_what_a_run_takes(tmp_path: Path, seeds: Path) -> None:
    expected = told(seeds, tmp_path / "run", generations=2)
    took = evolve(seeds, tmp_path / "run", generations=2)
    calls = sum(took.calls.values())
    prompt = sum(row.prompt_tokens for row in took.usage)
    completion = sum(row.completion_tokens for row in took.usage)
    assert expected.calls == pytest.approx(calls, rel=0.1)
    assert expected.prompt_tokens == pytest.approx(prompt, rel=0.25)
    assert expected.completion_tokens == pytest.approx(completion, rel=0.5)


@pytest.mark.slow
def test_a_run_foretells_its_own_next_generation_and_nothing_that_is_paid(
    tmp_path: Path, many: Path
) -> None:
    seeds = many
    out = tmp_path / "run"
    evolve(seeds, out, generations=2)
    expected = told(seeds, out, generations=3)
    new = {line.purpose: line.calls for line in expected.lines if line.generation == 3}
    old = sum(line.calls for line in expected.lines if line.generation < 3)
    took = evolve(seeds, out, generations=3)
    assert expected.based_on == "this run so far"
    assert old <= 30  # the shares of two generations, spread evenly over both
    for purpose, calls in took.calls.items():
        assert new[purpose] == pytest.approx(calls, rel=0.1)
    completion = sum(row.completion_tokens for row in took.usage if row.generation == 3)
    assert expected.completion_tokens == pytest.approx(completion, rel=0.15)


def test_money_is_the_tokens_at_their_price_and_unknown_without(
    tmp_path: Path, seeds: Path
) -> None:
    at = {"client": "tests.scripted:Obedient", "generations": 1}
    assert told(seeds, tmp_path / "a", **at, model="mine").cost is None
    known = told(seeds, tmp_path / "a", **at, model="mine", price_in="1", price_out="2")
    due = Decimal(known.prompt_tokens + 2 * known.completion_tokens) / 1_000_000
    assert known.cost == due
    assert json.loads(json.dumps(known.to_json()))["cost"] == float(due)


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ({"concurrency": 7}, "7 calls under way, 50 tokens a second each"),
        ({"rpm": 10}, "--rpm 10"),
        ({"tpm": 1000}, "--tpm 1,000"),
    ],
)
def test_the_time_is_that_of_the_narrowest_bound(
    tmp_path: Path, seeds: Path, settings: dict[str, int], rate: str
) -> None:
    at = {"client": "tests.scripted:Obedient", "generations": 1}
    expected = told(seeds, tmp_path / "a", **at, **settings)
    tokens = expected.prompt_tokens + expected.completion_tokens
    seconds = {
        "7": (expected.calls * 0.5 + expected.completion_tokens / 50) / 7,
        "--rpm": expected.calls * 6,
        "--tpm": tokens * 60 / 1000,
    }
    assert expected.rate == rate
    assert expected.seconds == pytest.approx(seconds[rate.split(maxsplit=1)[0]])
