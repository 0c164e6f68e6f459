"""Whatever shows instructions knows their scores: filters, sorts, and what a step gained."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.analysis.difficulty import Mean
from evolinstruct.analysis.measurement import RunStatistics, measure
from evolinstruct.analysis.runs import Run
from evolinstruct.records import Kept
from evolinstruct.report.story import tell_difficulty
from evolinstruct.scoring import text_digest
from tests.command_line import enter, evolinstruct
from tests.written import SEEDS, family_lines, score, seed, write_run

RIVER, TIDE, NILE, EMOJI, BELL = (seed(text).id for text in SEEDS)
LINES = [line for lines in family_lines() for line in lines]


def difficulty(line: Kept) -> float:
    """Return 1 to 5 for the seeds, 1.5 more for each generation, and 0.5 for one that fell."""
    if line.operation == "complicate_input":
        return 0.5
    return 1 + [RIVER, TIDE, NILE, EMOJI, BELL].index(line.seed_id) + 1.5 * line.generation


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a run whose difficulty is scored."""
    enter(tmp_path, monkeypatch)
    monkeypatch.setenv("COLUMNS", "200")
    score(write_run(tmp_path / "run"), difficulty)
    return tmp_path / "run"


def shown(line: str) -> list[str]:
    """Return the ids of the lines that a command shows, in their order."""
    done = evolinstruct(f"{line} --json")
    assert done.exit_code == 0, done.output
    return [json.loads(row)["id"] for row in done.stdout.splitlines()]


def ids(*places: tuple[int, str]) -> list[str]:
    """Return the ids of the lines of some generations and families."""
    by_place = {(line.generation, line.seed_id): line.id for line in LINES}
    return [by_place[place] for place in places]


# show


def test_lines_are_shown_by_their_scores(run: Path) -> None:
    assert shown("show run --min difficulty=3.5 --max difficulty=4.5") == ids(
        (0, EMOJI), (1, TIDE), (2, RIVER)
    )
    assert shown("show run --min difficulty=9") == []


def test_a_method_and_a_model_may_be_named(run: Path) -> None:
    score(run, lambda line: 9 if line.seed_id == NILE else None, "difficulty", "pairwise", "judge")
    score(run, lambda line: 2 if line.seed_id == NILE else None, "difficulty", "pairwise", "other")
    nile = ids((0, NILE), (2, NILE))
    assert shown("show run --min difficulty.pairwise=8") == nile
    assert shown("show run --max difficulty.pairwise@other=2") == nile
    assert shown("show run --max difficulty@other=2") == nile
    assert shown("show run --min difficulty=6") == ids((2, NILE))


def test_of_several_ways_that_with_most_scores_counts_and_then_the_usual_method(run: Path) -> None:
    score(run, lambda line: 9 if line.generation else None, "difficulty", "agreement-5")
    assert shown("show run --min difficulty=9") == []
    score(run, lambda _: 9, "difficulty", "paper")
    assert shown("show run --min difficulty=9") == []  # as many by ranking, which comes first
    assert len(shown("show run --min difficulty.paper=9")) == len(shown("show run"))
    assert shown("show run --min difficulty.agreement=9") == shown("show run -g 1-2")


def test_lines_are_sorted_by_their_scores_and_what_has_none_comes_last(run: Path) -> None:
    hardest = ids((2, NILE), (0, BELL), (0, EMOJI), (2, RIVER), (1, TIDE))
    assert shown("show run --sort difficulty --limit 5") == hardest
    easiest = ids((1, BELL), (0, RIVER), (0, TIDE))
    assert shown("show run --sort -difficulty --limit 3") == easiest
    score(run, lambda line: 1 if line.seed_id == TIDE else None, "quality", "rating")
    assert shown("show run --sort -quality")[:2] == ids((0, TIDE), (1, TIDE))
    assert len(shown("show run --sort quality")) == len(shown("show run"))


def test_words_are_a_measure_that_needs_no_score(run: Path) -> None:
    (run / "scores.jsonl").unlink()
    assert shown("show run --sort words --limit 1") == ids((2, RIVER))


def test_a_line_is_shown_with_its_scores(run: Path) -> None:
    score(run, lambda line: 7 if line.generation == 2 else None, "quality", "rating")
    said = evolinstruct("show run --operation increase_reasoning").stdout
    assert "difficulty 4 (3.5 to 4.5) · quality 7 (6.5 to 7.5)" in said.splitlines()[0]


def test_a_score_of_another_text_counts_nowhere(run: Path) -> None:
    (run / "scores.jsonl").unlink()
    score(run, difficulty, digest=lambda line: text_digest(f"{line.instruction} once"))
    assert shown("show run --min difficulty=0") == []
    assert "difficulty" not in evolinstruct("show run").stdout
    assert "Difficulty" not in evolinstruct("stats run").stdout


def test_a_score_of_instruction_and_answer_holds_for_both_together(run: Path) -> None:
    score(run, lambda _: 8, "quality", "rating", digest=lambda line: of_both(line, line.output))
    assert len(shown("show run --min quality=8")) == 10
    (run / "scores.jsonl").unlink()
    score(run, lambda _: 8, "quality", "rating", digest=lambda line: of_both(line, "Another."))
    assert shown("show run --min quality=8") == []


def of_both(line: Kept, answer: str | None) -> str:
    return text_digest(line.instruction, answer)


def test_what_was_rejected_has_no_score(run: Path) -> None:
    assert shown("show run --rejected --min difficulty=0") == []


def test_an_export_takes_the_same_filters(run: Path) -> None:
    done = evolinstruct("export run -o out --format alpaca --min difficulty=5 --json")
    assert json.loads(done.stdout)["made"] == [
        {"generation": 0, "operation": "seed", "rows": 1},
        {"generation": 2, "operation": "deepen", "rows": 1},
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            "show run --min quality=6",
            1,
            "run has no scores of quality; run `evolinstruct score run --by quality`.",
        ),
        (
            "show run --sort difficulty.paper",
            1,
            "run has no scores of difficulty by paper; run"
            " `evolinstruct score run --by difficulty --method paper`.",
        ),
        (
            "show run/generation-1.jsonl --min quality=6",
            1,
            "run/generation-1.jsonl has no scores of quality; run"
            " `evolinstruct score run --by quality`.",
        ),
        (
            "show alone.jsonl --min difficulty=6",
            1,
            "alone.jsonl has no scores of difficulty; run"
            " `evolinstruct score alone.jsonl -o . --by difficulty`.",
        ),
        (
            "show run --min dificulty=6",
            2,
            "unknown measure 'dificulty' (did you mean 'difficulty'?); there are difficulty,"
            " quality, solved, tags, and words.",
        ),
        ("show run --min difficulty", 2, "give a measure and a number, such as difficulty=6."),
        ("show run --sort a+b", 2, "'a+b' is not the name of a measure"),
        (
            "stats run --method paper",
            1,
            "run has no scores of difficulty by paper; run"
            " `evolinstruct score run --by difficulty --method paper`.",
        ),
    ],
)
def test_what_was_not_scored_is_told_with_the_command_that_scores_it(
    run: Path, words: str, code: int, said: str
) -> None:
    (run.parent / "alone.jsonl").write_bytes((run / "generation-0.jsonl").read_bytes())
    done = evolinstruct(words)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_a_measure_of_the_packs_own_is_known(run: Path) -> None:
    measures = run / "prompts" / "measures"
    measures.mkdir(exist_ok=True)
    (measures / "wit.txt").write_text("name: wit\nrange: 1-5\n---\nHow witty?\n{{instruction}}\n")
    assert "score run --by wit`" in evolinstruct("show run --min wit=2").stderr
    score(run, difficulty, "wit", "rating")
    assert shown("show run --min wit=6") == ids((2, NILE))


# trace


def test_a_trace_says_what_each_step_gained(run: Path) -> None:
    said = evolinstruct(f"trace run {BELL}").stdout.splitlines()
    titles = [line for line in said if "difficulty" in line]
    assert [title.split(" · ")[-1].removesuffix(" ◀").strip() for title in titles] == [
        "difficulty 5 (4.5 to 5.5)",
        "difficulty 0.5 (-4.5)",
    ]


# stats


def measured(run: Path) -> RunStatistics:
    return measure(Run(run))


def test_difficulty_is_told_by_generation_and_operation(run: Path) -> None:
    found = measured(run).to_json()
    assert found["difficulty"] == {
        "measure": "difficulty",
        "method": "ranking",
        "model": "",
        "pack": "general",
    }
    assert found["seeds"]["difficulty"]["mean"] == 3
    assert found["seeds"]["gain"] == {"count": 0, "mean": None, "low": None, "high": None}
    first, second = found["generations"]["1"], found["generations"]["2"]
    assert (first["difficulty"]["count"], first["difficulty"]["mean"]) == (3, 6.5 / 3)
    assert (first["gain"]["mean"], first["not_harder"]) == (-0.5, 1)
    assert (second["gain"]["mean"], second["rise"]["mean"], second["not_harder"]) == (2.25, 3, 0)
    means = {
        name: group["gain"] and group["gain"]["mean"] for name, group in found["operations"].items()
    }
    assert means == {
        "add_constraints": 1.5,
        "complicate_input": -4.5,
        "concretize": None,
        "deepen": 2.25,
        "in_breadth": None,
        "increase_reasoning": 1.5,
    }
    assert found["total"]["not_harder_share"] == 0.2


def test_a_point_costs_what_a_kept_instruction_does_divided_by_its_gain(run: Path) -> None:
    total = measured(run).total
    # a dollar for five kept instructions, each of which gained 0.6
    assert total.cost_per_point == pytest.approx(1 / 5 / 0.6)
    fallen = measured(run).operations["complicate_input"]
    assert fallen.cost_per_point is None


def test_a_run_without_scores_says_nothing_of_difficulty(run: Path) -> None:
    (run / "scores.jsonl").unlink()
    assert "ifficulty" not in evolinstruct("stats run").stdout
    found = json.loads(evolinstruct("stats run --json").stdout)["runs"][0]
    assert (found["difficulty"], found["total"]["difficulty"]) == (None, None)


def test_the_papers_own_means_stand_beside_its_method(run: Path) -> None:
    score(run, difficulty, "difficulty", "paper", "gpt")
    assert "paper's own means" not in evolinstruct("stats run").stdout
    said = " ".join(evolinstruct("stats run --method paper").stdout.split())
    assert "Difficulty by paper, judged by gpt." in said
    assert "Alpaca 3.00, ShareGPT 4.63, round 1 5.48, round 4 7.08." in said


def test_runs_side_by_side_say_how_each_was_scored(run: Path) -> None:
    score(write_run(run.parent / "other"), difficulty, "difficulty", "paper", "gpt")
    said = evolinstruct("stats run other").stdout
    assert "Difficulty: run by ranking and other by paper, judged by gpt." in said
    assert "It was found in different ways, whose figures do not compare." in said
    assert "do not compare" not in evolinstruct("stats run run").stdout


def test_the_table_and_the_csv_have_the_same_figures(run: Path) -> None:
    said = evolinstruct("stats run").stdout
    (deepen,) = re.findall(r"^deepen +6\.00|^deepen .*\+2\.25.*$", said, re.MULTILINE)
    assert "+2.25" in deepen
    rows = csv.DictReader(io.StringIO(evolinstruct("stats run --csv").stdout))
    by_name = {(row["by"], row["name"]): row for row in rows}
    assert by_name["operation", "deepen"]["gain_mean"] == "2.25"
    assert by_name["generation", "1"]["not_harder_share"] == str(1 / 3)


FAMILIES = st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=3), min_size=2, max_size=9)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=20))
def test_of_one_number_each_the_interval_is_the_usual_one(numbers: list[int]) -> None:
    mean = taken([[number] for number in numbers])
    half = 1.645 * statistics.stdev(numbers) / len(numbers) ** 0.5
    average = statistics.mean(numbers)
    assert (mean.mean, mean.low, mean.high) == (
        pytest.approx(average),
        pytest.approx(average - half, abs=1e-6),
        pytest.approx(average + half, abs=1e-6),
    )


@given(FAMILIES)
def test_saying_everything_twice_in_a_family_makes_nothing_surer(
    families: list[list[int]],
) -> None:
    once, twice = taken(families), taken([2 * family for family in families])
    assert once.low is not None
    assert twice.low == pytest.approx(once.low, abs=1e-6)
    assert twice.high == pytest.approx(once.high, abs=1e-6)


def test_one_family_has_a_mean_and_no_interval() -> None:
    mean = taken([[1, 3]])
    assert (mean.mean, mean.low, mean.high) == (2, None, None)


def taken(families: Sequence[Sequence[float]]) -> Mean:
    mean = Mean()
    for family in families:
        mean.add(family)
    return mean


# report


def test_the_report_says_by_how_much_and_how_surely(run: Path) -> None:
    said = tell_difficulty(measured(run), "")
    # the only family with both generations has no interval, so the rewrites tell
    assert "A rewrite is 0.60 points harder than its parent (-1.67 to +2.87)" in said
    assert "20.0% of the rewrites did not get harder" in said
