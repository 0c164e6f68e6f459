"""The run from Python: the same as from the command line, events included."""

from __future__ import annotations

import asyncio
import inspect
import json
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

import evolinstruct
from evolinstruct.embedding import Embedding
from evolinstruct.errors import InputError, UsageError
from evolinstruct.run.events import (
    Event,
    Finished,
    GenerationEnded,
    GenerationStarted,
    LineWritten,
    Notice,
)
from evolinstruct.run.forecast import Forecast
from evolinstruct.run.summary import Summary
from evolinstruct.tuning import Tuned
from tests.command_line import enter
from tests.command_line import evolinstruct as command_line
from tests.runs import data_files

OBEDIENT = "tests.scripted:Obedient"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


def test_evolve_returns_how_it_ended() -> None:
    summary = evolinstruct.evolve("seeds.txt", "run", client=OBEDIENT, generations=2)
    assert (summary.status, summary.exit_code, summary.dataset_lines) == ("done", 0, 20)
    assert [counts.kept for counts in summary.all_counts] == [10, 10, 10]


@pytest.mark.slow
def test_evolve_makes_the_bytes_that_the_command_makes(folder: Path) -> None:
    weights = {"deepen": 1, "in_breadth": 2}
    evolinstruct.evolve([Path("seeds.txt")], Path("ours"), client="offline", operations=weights)
    words = "--client offline --operations deepen,in_breadth=2"
    assert command_line(f"evolve seeds.txt -o theirs {words}").exit_code == 0
    assert data_files(folder / "ours") == data_files(folder / "theirs")


def test_evolve_async_runs_beside_others_in_one_loop(folder: Path) -> None:
    async def both() -> list[int | None]:
        runs = (
            evolinstruct.evolve_async("seeds.txt", name, client=OBEDIENT, generations=1)
            for name in ("one", "two")
        )
        return [summary.exit_code for summary in await asyncio.gather(*runs)]

    assert asyncio.run(both()) == [0, 0]
    assert data_files(folder / "one") == data_files(folder / "two")


def test_evolve_in_a_running_loop_names_evolve_async(folder: Path) -> None:
    async def cell() -> None:
        evolinstruct.evolve("seeds.txt", "run", client=OBEDIENT)

    with pytest.raises(UsageError, match=r"running event loop; write `await evolve_async\(...\)`"):
        asyncio.run(cell())
    assert not (folder / "run").exists()


def test_events_come_in_the_order_in_which_things_happen() -> None:
    seen: list[Event] = []
    evolinstruct.evolve("seeds.txt", "run", client=OBEDIENT, generations=2, on_event=seen.append)
    kinds = [(kind, len(list(group))) for kind, group in groupby(map(type, seen))]
    generation = [(GenerationStarted, 1), (LineWritten, 10), (GenerationEnded, 1)]
    assert kinds == [(Notice, 1), *generation * 3, (Finished, 1)]
    lines = [event.line for event in seen if isinstance(event, LineWritten)]
    assert [line.generation for line in lines] == [0] * 10 + [1] * 10 + [2] * 10
    assert [line.seed_id for line in lines[10:20]] == [line.id for line in lines[:10]]
    assert seen[-1] == Finished(dataset_lines=20)


@pytest.mark.slow
def test_a_listener_that_raises_ends_the_run_at_once_and_the_same_call_goes_on(
    folder: Path,
) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, LineWritten) and event.line.generation == 1:
            raise ValueError("enough")

    async def evolved() -> Summary:
        with pytest.raises(ValueError, match="enough"):
            await evolinstruct.evolve_async("seeds.txt", "run", client=OBEDIENT, on_event=listen)
        return await evolinstruct.evolve_async("seeds.txt", "run", client=OBEDIENT)

    assert asyncio.run(evolved()).exit_code == 0
    evolinstruct.evolve("seeds.txt", "whole", client=OBEDIENT)
    assert data_files(folder / "run") == data_files(folder / "whole")


def test_a_job_tells_its_forecast_and_is_carried_out_later(folder: Path) -> None:
    job = evolinstruct.prepare("seeds.txt", "run", client=OBEDIENT, generations=3, compare=False)
    forecast = job.forecast()
    calls = {"evolve": 30, "compare": 0, "answer": 30}
    assert forecast == Forecast(10, calls, second_looks=0, second_tries=60)
    assert (forecast.at_most, forecast.new_at_most) == (120, 120)
    assert not (folder / "run").exists()


def test_at_temperature_0_no_comparison_is_foreseen_twice() -> None:
    for temperature, twice in (({"compare": 0.0}, 0), (0.0, 0), ({"evolve": 0.0}, 10)):
        job = evolinstruct.prepare(
            "seeds.txt", "run", client=OBEDIENT, generations=1, temperature=temperature
        )
        assert job.forecast().second_looks == twice


def test_a_forecast_can_be_told_inside_a_running_loop() -> None:
    evolinstruct.evolve("seeds.txt", "run", client=OBEDIENT, generations=1)

    async def told() -> Forecast:
        return evolinstruct.prepare("seeds.txt", "run", client=OBEDIENT, generations=2).forecast()

    assert asyncio.run(told()).applicable == 30


def test_a_recipe_and_a_preset_may_be_named(folder: Path) -> None:
    (folder / "recipe.toml").write_text(f"client = '{OBEDIENT}'\ngenerations = 3\n")
    job = evolinstruct.prepare(
        "seeds.txt", "run", recipe="recipe.toml", preset="released", generations=2
    )
    assert job.forecast().calls == {"evolve": 20, "compare": 0, "answer": 20}


def test_a_wrong_setting_is_named_as_it_is_in_python() -> None:
    with pytest.raises(UsageError) as caught:
        evolinstruct.evolve("seeds.txt", "run", client="offline", generations=0)
    assert str(caught.value) == "generations must be 1 or more (given: 0)."
    with pytest.raises(UsageError, match=r"^concurency: unknown setting \(.* 'concurrency'\?"):
        evolinstruct.evolve("seeds.txt", "run", client="offline", concurency=3)


@pytest.mark.slow
def test_what_is_scored_and_embedded_is_selected_as_by_the_commands(folder: Path) -> None:
    pytest.importorskip("numpy", reason="numpy")
    evolinstruct.evolve("seeds.txt", "run", client="offline", generations=1)
    evolinstruct.score("run", by=["difficulty", "quality"], client="offline")
    seen: list[Embedding] = []
    found = evolinstruct.measure_diversity(
        "run", embed="words", client="offline", clusters=3, on_event=seen.append
    )
    assert [event.done for event in seen] == [*range(1, seen[-1].texts + 1)]
    line = "diversity run --embed words --client offline --clusters 3 --json"
    assert json.loads(command_line(line).stdout) == found.to_json()
    chosen = evolinstruct.select("run", 4, "ours.jsonl", apart=0.9, filters={"generation": "1"})
    words = "select run -n 4 -o theirs.jsonl --apart 0.9 -g 1 --json"
    said = json.loads(command_line(words).stdout)
    assert chosen.to_json() == {name: said[name] for name in chosen.to_json()}
    assert (folder / "ours.jsonl").read_bytes() == (folder / "theirs.jsonl").read_bytes()
    assert evolinstruct.select("run", 4, diverse="facility").to_json()["taken"] == 4
    with pytest.raises(InputError, match="among the files of a run"):
        evolinstruct.select("run", 4, "run/best.jsonl")


def test_tune_makes_the_bytes_that_the_command_makes(folder: Path) -> None:
    events: list[Tuned] = []
    summary = evolinstruct.tune(
        "seeds.txt",
        "pack",
        client="offline",
        development=5,
        mini_batch=3,
        rounds=2,
        steps=2,
        candidates=2,
        on_event=events.append,
    )
    size = "--development 5 --mini-batch 3 --rounds 2 --steps 2 --candidates 2"
    assert command_line(f"tune seeds.txt -o other --client offline {size}").exit_code == 0
    for name in ("operations/tuned.txt", "pack.toml", "tuning/trials.jsonl"):
        assert (folder / "pack" / name).read_bytes() == (folder / "other" / name).read_bytes()
    assert (summary.exit_code, summary.pack) == (0, Path("pack"))
    assert [(event.title, event.done, event.items) for event in events[:6]] == [
        ("the pack's own method, tried", done, 5) for done in range(6)
    ]
    assert summary.trials[0].tried == 5


def test_a_size_or_setting_of_tuning_that_is_wrong_is_named() -> None:
    with pytest.raises(UsageError, match=r"^steps must be 1 or more \(given: 0\)\.$"):
        evolinstruct.tune("seeds.txt", "pack", client="offline", steps=0)
    with pytest.raises(UsageError, match="step"):
        evolinstruct.tune("seeds.txt", "pack", client="offline", step=1)  # type: ignore[call-arg]


def test_a_setting_of_a_service_needs_its_model(folder: Path) -> None:
    pytest.importorskip("numpy", reason="numpy")
    with pytest.raises(UsageError, match=r"^rpm is about a service; name its model with embed\.$"):
        evolinstruct.measure_diversity("seeds.txt", "kept", rpm=3)
    with pytest.raises(UsageError, match="is no run; name with -o the folder"):
        evolinstruct.measure_diversity("seeds.txt", embed="words", client="offline")


WELL_TYPED = """
import evolinstruct
from decimal import Decimal

summary = evolinstruct.evolve(
    ["a.jsonl"],
    "run",
    recipe="recipe.toml",
    preset="paper",
    model={"default": "small", "answer": "large"},
    base_url=["http://one/v1", "http://two/v1"],
    temperature=0.7,
    operations=["deepen", "in_breadth=2"],
    rules={"cut_off": False, "word_growth": {"most": 20}},
    map={"instruction": "q"},
    concurrency="auto",
    max_cost=Decimal("0.5"),
    limit=None,
    update=True,
)
survey = evolinstruct.measure_diversity(["run"], embed="small", rpm=3, max_cost=Decimal(1))
chosen = evolinstruct.select("run", 9, "best.jsonl", diverse="facility", hold_out="test.jsonl")
print(survey.sets[0].whole.vendi, chosen.considered)
print(summary.status, evolinstruct.prepare("a", "b", seed=1).forecast().at_most)
"""
WRONGLY_TYPED = {
    "temprature=1": 'Unexpected keyword argument "temprature"; did you mean',
    'generations="2"': 'Argument "generations" has incompatible type "str"',
    "model=7": 'Argument "model" has incompatible type',
    "rules=['cut_off']": 'Argument "rules" has incompatible type',
    'preset="papre"': 'Argument "preset" has incompatible type',
}


@pytest.mark.slow
def test_a_type_checker_knows_every_setting(folder: Path) -> None:
    (folder / "right.py").write_text(WELL_TYPED)
    lines = [f"evolinstruct.evolve('a', 'b', {words})" for words in WRONGLY_TYPED]
    (folder / "wrong.py").write_text("\n".join(["import evolinstruct", *lines, ""]))
    mypy = ("-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", "cache")
    done = subprocess.run(
        [sys.executable, *mypy, "right.py", "wrong.py"], capture_output=True, text=True, check=False
    )
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    for number, (line, said) in enumerate(zip(found, WRONGLY_TYPED.values(), strict=True), 2):
        assert line.startswith(f"wrong.py:{number}: error: {said}")


def test_another_run_is_refused_unless_it_may_be_updated(folder: Path) -> None:
    asked = {"client": "offline", "generations": 1}
    evolinstruct.evolve("seeds.txt", "run", **asked)
    with pytest.raises(InputError, match="seed was 0, now 1"):
        evolinstruct.evolve("seeds.txt", "run", **asked, seed=1)
    assert evolinstruct.evolve("seeds.txt", "run", **asked, seed=1, update=True).exit_code == 0


def test_every_name_is_there_and_one_that_is_not_is_named() -> None:
    assert [name for name in evolinstruct.__all__ if not hasattr(evolinstruct, name)] == []
    with pytest.raises(AttributeError, match="module 'evolinstruct' has no attribute 'evolv'"):
        _ = evolinstruct.evolv


def test_both_forms_have_one_signature() -> None:
    for name in ("evolve", "score", "judge", "tune", "measure_diversity"):
        plain, awaited = getattr(evolinstruct, name), getattr(evolinstruct, f"{name}_async")
        assert plain.__name__ == name
        assert inspect.signature(plain) == inspect.signature(awaited)
        assert inspect.iscoroutinefunction(awaited)
        assert not inspect.iscoroutinefunction(plain)


def test_judge_makes_the_files_that_the_command_makes(folder: Path) -> None:
    rows = [{"instruction": f"Why is the sky {n}?", "output": f"Light, {n}."} for n in range(6)]
    for name, more in (("questions", ""), ("short", ""), ("long", " It is scattered by air.")):
        lines = [{**row, "output": row["output"] + more} for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    summary = evolinstruct.judge(
        "questions.jsonl", {"s": "short.jsonl", "l": Path("long.jsonl")}, "ours", client="offline"
    )
    assert (summary.exit_code, summary.verdicts) == (0, 6)
    line = "judge --questions questions.jsonl --contestant s=short.jsonl --contestant l=long.jsonl"
    assert command_line(f"{line} -o theirs --client offline").exit_code == 0
    names = sorted(path.name for path in (folder / "theirs").iterdir())
    assert sorted(path.name for path in (folder / "ours").iterdir()) == names
    for name in ("verdicts.jsonl", "texts.jsonl", "summary.json", "report.html"):
        assert (folder / "ours" / name).read_bytes() == (folder / "theirs" / name).read_bytes()
    counted = evolinstruct.recount_verdicts("ours")
    assert summary.results is not None
    assert counted.to_json() == summary.results.to_json()


def test_what_is_wrong_with_a_comparison_is_a_sentence() -> None:
    with pytest.raises(UsageError, match="at least two are compared"):
        evolinstruct.judge("seeds.txt", {"one": "seeds.txt"}, "ours", client="offline")
    with pytest.raises(UsageError, match="must be answers or instructions"):
        evolinstruct.judge("seeds.txt", {}, "ours", of="texts", client="offline")  # type: ignore[arg-type]
