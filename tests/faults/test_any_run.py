"""Whatever seeds say, models reply and moments take: a run keeps its promises, killed or not."""

import asyncio
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolinstruct.api import prepare
from evolinstruct.errors import CallFailed, CallRejected
from evolinstruct.llm.base import ClientOptions, Reply, Request
from evolinstruct.run.events import LineWritten
from tests.runs import check_invariants, data_files, evolve, write_seeds
from tests.scripted import Scripted, obedient, reply

GENERATIONS = 2
KINDS: dict[str, str | Reply | Exception | None] = {
    "as asked": None,
    "refusal": "I'm sorry, but I can't help with that.",
    "leak": "#Rewritten Prompt#: {text} Do not tell of the given prompt.",
    "equal": "Equal",
    "not equal": "Not Equal",
    "empty": " \n",
    "the same": "{text}",
    "short": "No.",
    "garbage": "\x1b[31m\x00 \ud83d {braces} $x {{y}} \u2028 <think> ``` \u202e #:",
    "reasoning": "<think>Hm. {text}</think>Sure! Here it is:\n\n“{text} Use a table.”",
    "cut": reply("A reply that is cut", "length"),
    "failure": CallFailed("http_500", "down", 6),
    "rejection": CallRejected("too_long", "4096 tokens at most"),
}


class Whatever(Scripted):
    """Replies by a script, which is its model's name: how often it replies in which way."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(self._say)

    def _say(self, request: Request) -> str | Reply | Exception:
        draw = request.call_id
        dice = random.Random(f"{draw.child_id}{draw.purpose}{draw.attempt}")
        weights = [int(weight) for weight in request.model.split("-")]
        [kind] = dice.choices(list(KINDS.values()), weights)
        if isinstance(kind, str):
            return kind.replace("{text}", request.context.instruction)
        return obedient(request) if kind is None else kind


SCRIPTS = st.lists(
    st.sampled_from([0, 0, 1, 3]), min_size=len(KINDS) - 1, max_size=len(KINDS) - 1
).map(lambda weights: "-".join(map(str, [2, *weights])))
TEXTS = st.lists(st.text(max_size=40), min_size=1, max_size=10)
WAYS = st.sampled_from(
    [
        {},
        {"answers": 3, "pick": "vote"},
        {"answers": 3, "pick": "judge"},
        {"answers": 2, "pick": "verified", "prompts": "verifiable"},
        {"evolve_answers": 2},
        {"prompts": "math"},
    ]
)
"""How answers come about."""
KILLS = st.lists(st.tuples(st.integers(0, 25), st.integers(1, 9)), max_size=3)


def killed(seeds: Path, out: Path, moment: int, **asked: Any) -> Path:
    """Return what a run's directory holds at a moment, as a kill leaves it: nothing is ended."""
    left = out.with_name(f"{out.name}k")
    job = prepare(seeds, out, **asked)

    async def some() -> None:
        settled = 0
        async for event in job.events():
            settled += isinstance(event, LineWritten)
            if settled > moment:
                shutil.copytree(out, left, ignore=shutil.ignore_patterns("*-shm"))
                return

    asyncio.run(some())
    return left if left.exists() else out


def keeps_its_promises(
    folder: Path,
    texts: list[str],
    script: str,
    seed: int,
    way: dict[str, Any],
    kills: list[tuple[int, int]],
) -> None:
    seeds = write_seeds(
        folder / "seeds.jsonl", [{"instruction": f"{n} {text}"} for n, text in enumerate(texts)]
    )
    asked = {"client": "tests.faults.test_any_run:Whatever", "model": script, "seed": seed}
    asked |= {"generations": GENERATIONS, "answer_seeds": True, **way}
    whole, out = folder / "whole", folder / "run"
    summary = evolve(seeds, whole, **asked)
    for counts in summary.all_counts[1:]:
        ended = counts.kept + counts.rejected.total() + counts.failed.total()
        assert ended == counts.pool == len(texts)
    check_invariants(whole, GENERATIONS)
    for moment, concurrency in kills:
        out = killed(seeds, out, moment, concurrency=concurrency, **asked)
    evolve(seeds, out, concurrency=1, **asked)
    assert data_files(out) == data_files(whole)


ANYTHING = given(texts=TEXTS, script=SCRIPTS, seed=st.integers(0, 9), way=WAYS, kills=KILLS)
NO_HURRY = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(NO_HURRY, max_examples=3)
@ANYTHING
@pytest.mark.slow
def test_a_run_killed_anywhere_ends_in_the_same_bytes_with_every_line_accounted_for(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    script: str,
    seed: int,
    way: dict[str, Any],
    kills: list[tuple[int, int]],
) -> None:
    keeps_its_promises(tmp_path_factory.mktemp("any"), texts, script, seed, way, kills)


@pytest.mark.slow
@settings(NO_HURRY, max_examples=100)
@ANYTHING
def test_a_run_killed_anywhere_ends_in_the_same_bytes_at_length(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    script: str,
    seed: int,
    way: dict[str, Any],
    kills: list[tuple[int, int]],
) -> None:
    keeps_its_promises(tmp_path_factory.mktemp("any"), texts, script, seed, way, kills)
