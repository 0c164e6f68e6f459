"""A preview evolves drawn seeds, and grows into the whole run without paying again."""

import json
from pathlib import Path

import pytest

from evolinstruct.analysis.preview import Extrapolation, extrapolate
from evolinstruct.analysis.runs import Run
from evolinstruct.errors import InputError, Interrupted
from evolinstruct.run.events import LineWritten
from evolinstruct.run.job import Job, prepare
from evolinstruct.settings import Layer, resolve
from tests.runs import carry_out, copied, data_files, finished, tasks, write_seeds


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return write_seeds(tmp_path / "seeds.jsonl", tasks(40))


def job(seeds: Path, out: Path, preview: int | None = None) -> Job:
    settings = resolve(Layer({"client": "offline", "generations": 2}))
    return prepare([str(seeds)], out, settings, preview=preview)


def previewed(seeds: Path, out: Path, number: int) -> Job:
    made = job(seeds, out, number)
    carry_out(made)
    return made


def ids(path: Path) -> list[str]:
    return [line.id for line in Run(path).instructions(0)]


@pytest.mark.slow
def test_a_preview_is_of_so_many_seeds_in_file_order_and_has_no_data_set(
    tmp_path: Path, seeds: Path
) -> None:
    previewed(seeds, tmp_path / "five", 5)
    previewed(seeds, tmp_path / "nine", 9)
    five, nine = (ids(tmp_path / name) for name in ("five", "nine"))
    every = ids(finished(40, generations=1))
    assert five == [name for name in nine if name in five]
    assert nine == [name for name in every if name in nine]
    assert (len(five), len(nine)) == (5, 9)
    assert not (tmp_path / "five" / "dataset.jsonl").exists()


@pytest.mark.slow
def test_a_preview_made_whole_pays_for_nothing_again_and_is_the_run_it_would_have_been(
    tmp_path: Path, seeds: Path
) -> None:
    paid = previewed(seeds, tmp_path / "run", 5).summary.calls
    previewed(seeds, tmp_path / "run", 9)
    whole = job(seeds, tmp_path / "run")
    carry_out(whole)
    assert data_files(tmp_path / "run") == data_files(finished(40, generations=2))
    assert sum(whole.summary.replayed.values()) >= sum(paid.values())
    assert Run(tmp_path / "run").state.preview_of is None


@pytest.mark.parametrize(
    "stop_after", [3, *(pytest.param(number, marks=pytest.mark.slow) for number in (0, 45))]
)
def test_a_preview_that_is_cut_off_while_it_grows_still_grows(
    tmp_path: Path, seeds: Path, stop_after: int
) -> None:
    previewed(seeds, tmp_path / "run", 5)
    growing = job(seeds, tmp_path / "run")
    settled = 0

    async def cut_off() -> None:
        nonlocal settled
        async for event in growing.events():
            settled += isinstance(event, LineWritten)
            if settled >= stop_after:
                growing.interrupt()

    import asyncio  # noqa: PLC0415

    with pytest.raises(Interrupted):
        asyncio.run(cut_off())
    carry_out(job(seeds, tmp_path / "run"))
    assert data_files(tmp_path / "run") == data_files(finished(40, generations=2))


def test_a_preview_again_makes_no_call(tmp_path: Path, seeds: Path) -> None:
    previewed(seeds, tmp_path / "run", 5)
    assert previewed(seeds, tmp_path / "run", 5).summary.calls == {}


def test_a_whole_run_is_no_place_for_a_preview(tmp_path: Path, seeds: Path) -> None:
    copied(tmp_path / "run", 40, generations=2)
    with pytest.raises(InputError, match="holds a whole run; look at it with `evolinstruct show"):
        job(seeds, tmp_path / "run", 5)


def test_a_preview_of_other_seeds_is_another_run(tmp_path: Path, seeds: Path) -> None:
    previewed(seeds, tmp_path / "run", 5)
    other = write_seeds(tmp_path / "other.jsonl", [{"instruction": "Something else."}])
    with pytest.raises(InputError, match=r"a run that differs: the seeds were 5, now 1\."):
        carry_out(job(other, tmp_path / "run"))


def test_the_extrapolation_is_the_rate_of_the_preview_for_all_seeds(
    tmp_path: Path, seeds: Path
) -> None:
    summary = previewed(seeds, tmp_path / "run", 8).summary
    state = json.loads((tmp_path / "run" / "run.json").read_text())
    tokens = sum(row["prompt_tokens"] + row["completion_tokens"] for row in state["usage"])
    calls = sum(summary.calls.values())
    assert extrapolate(Run(tmp_path / "run").state) == Extrapolation(
        seeds=40, drawn=8, calls=calls * 5, tokens=tokens * 5, cost=pytest.approx(0)
    )
