"""What a dry run says beforehand is near what the run takes, and leaves out what is paid."""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from evolinstruct.api import prepare
from evolinstruct.llm.base import ClientOptions, Reply, Request, Usage
from evolinstruct.llm.prices import Tariff
from evolinstruct.prompts import find
from evolinstruct.run.estimate import Estimate
from evolinstruct.settings import Execution
from tests.runs import evolve, tasks, write_seeds
from tests.scripted import Scripted


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


class Thinking(Scripted):
    """Replies as the prompts ask: three lines of thought and a rewrite between marks, an answer."""

    FREE = True

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> Reply:
        words = {"evolve": self._rewrite, "compare": lambda _: "Not Equal"}
        text = words.get(request.purpose, lambda _: "It is long and wise. " * 70)(request)
        prompt = sum(len(content) for _, content in request.messages)
        return Reply(text, "stop", Usage(prompt // 4, len(text) // 4), "thinking")

    def _rewrite(self, request: Request) -> str:
        context = request.context
        thought = "The first answer that comes to mind is right, and takes no more thought.\n"
        plan = "" if context.format else thought * 3
        added = "a,b,c\n" * 150 if context.format else "Weigh two reasons against each other. " * 2
        new = context.instruction if context.kind == "in-breadth" else context.instruction + added
        first, last = context.marks or ("", "")
        return f"{plan}{first}\n{new}\n{last}"


@pytest.mark.slow
def test_the_thought_that_prompts_ask_for_is_counted(tmp_path: Path, seeds: Path) -> None:
    asked = {"client": "tests.test_estimate:Thinking", "eliminate": False, "generations": 2}
    expected = told(seeds, tmp_path / "run", **asked)
    took = evolve(seeds, tmp_path / "run", **asked)
    for purpose in ("evolve", "answer"):
        lines = [line for line in expected.lines if line.purpose == purpose]
        rows = [row for row in took.usage if row.purpose == purpose]
        for name in ("prompt_tokens", "completion_tokens"):
            told_of = sum(getattr(line, name) for line in lines)
            assert told_of == pytest.approx(sum(getattr(row, name) for row in rows), rel=0.15)


@pytest.mark.slow
def test_calls_and_tokens_are_about_what_a_run_takes(tmp_path: Path, seeds: Path) -> None:
    # the offline client writes no thought, which this pack does not ask for
    asked = {"generations": 2, "prompts": "paper"}
    expected = told(seeds, tmp_path / "run", **asked)
    took = evolve(seeds, tmp_path / "run", **asked)
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


def test_money_is_reckoned_in_the_tier_that_is_asked_for_and_says_by_which_table(
    tmp_path: Path, seeds: Path
) -> None:
    table = tmp_path / "prices.toml"
    table.write_text("[m]\ninput = 2\noutput = 4\nflex = { input = 1, output = 2 }\n")
    at = {"client": "openai", "base_url": "http://localhost:1/v1", "model": "m", "generations": 1}
    plain = told(seeds, tmp_path / "a", **at, prices=str(table))
    flex = told(seeds, tmp_path / "a", **at, prices=str(table), service_tier="flex,default")
    assert plain.cost is not None
    assert flex.cost == plain.cost / 2
    assert plain.priced_by == flex.priced_by == ("prices.toml",)


def test_a_price_for_long_prompts_is_not_that_of_many_short_ones(
    tmp_path: Path, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "sk-none")
    at = {"client": "openai", "provider": "gemini", "model": "gemini-2.5-pro", "generations": 4}
    found = told(seeds, tmp_path / "a", **at)
    price = Tariff(Execution(), {}).price("answer", "gemini-2.5-pro")
    assert price is not None
    tokens = found.prompt_tokens, found.completion_tokens
    assert found.cost == price.for_prompt(1_000).cost(*tokens) < price.cost(*tokens)


def test_the_share_of_tokens_that_a_cache_may_know_is_told_and_not_relied_on(
    tmp_path: Path, seeds: Path
) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(find("general"), pack)
    at = {"client": "tests.scripted:Obedient", "generations": 1, "price_in": 1, "price_out": 1}
    short = told(seeds, tmp_path / "a", **at, operations="deepen")
    frame = pack / "frames" / "in_depth.txt"
    frame.write_text("Be careful. " * 1_000 + frame.read_text())
    long = told(seeds, tmp_path / "a", **at, operations="deepen", prompts=str(pack))
    assert (short.repeated_share, long.repeated_share > 0.5) == (0, True)
    rewriting, *others = long.lines
    least, most = rewriting.calls * 3_000, rewriting.prompt_tokens
    assert least < rewriting.repeated_tokens < most
    assert [line.repeated_tokens for line in others] == [0, 0]
    tokens = long.prompt_tokens + long.completion_tokens
    assert long.cost == Decimal(tokens) / 1_000_000
    once = told(
        write_seeds(tmp_path / "one.jsonl", tasks(1)),
        tmp_path / "b",
        **at,
        operations="deepen",
        prompts=str(pack),
    )
    assert once.repeated_share == 0


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
