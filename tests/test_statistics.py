"""Statistics of a run: exact, stated once, and the same wherever they are shown."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct import analysis
from evolinstruct.analysis.measurement import RunStatistics, measure, rows
from evolinstruct.analysis.runs import Run
from evolinstruct.analysis.statistics import STATISTICS, GroupStatistics, Statistic, in_table
from evolinstruct.diversity.phrases import Distinctness, Phrases
from evolinstruct.quartiles import Band, Quartiles
from evolinstruct.records import Kept
from evolinstruct.report.story import tell
from evolinstruct.run.counts import Counts
from evolinstruct.text import number as write_number
from tests.command_line import enter, evolinstruct
from tests.written import SEEDS, family_lines, score, seed, write_run

NUMBERS = st.lists(st.integers(-50, 50), min_size=2)


@pytest.fixture
def measured(tmp_path: Path) -> RunStatistics:
    return measure(Run(write_run(tmp_path / "run")))


@given(NUMBERS)
def test_quartiles_of_counted_numbers_are_those_of_the_numbers(numbers: list[int]) -> None:
    found = Quartiles.of(Counter(numbers))
    assert found is not None
    assert (found.count, found.least, found.most) == (len(numbers), min(numbers), max(numbers))
    assert [found.lower, found.median, found.upper] == pytest.approx(
        statistics.quantiles(numbers, n=4, method="inclusive")
    )


def test_nothing_has_no_quartiles_and_no_band() -> None:
    assert (Quartiles.of({}), Band.of({}, (10, 20))) == (None, None)


def test_the_band_holds_growth_from_10_to_20_words() -> None:
    band = Band.of(Counter([9, 10, 20, 21, 40]), (10, 20))
    assert band == Band(below=1, within=2, above=2)
    assert band.outside == 0.6


def test_growth_is_held_against_what_the_pack_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    assert evolinstruct("evolve math -o run --prompts math --client offline -g 1 -q").exit_code == 0
    (run,) = json.loads(evolinstruct("stats run --json").stdout)["runs"]
    assert run["band"] == [10, 30]
    grown = measure(Run("run")).total.added
    outside = sum(count for words, count in grown.items() if not 10 <= words <= 30)
    assert run["total"]["words_added_band"]["outside"] == pytest.approx(outside / grown.total())


def counts_of(groups: Mapping[Any, GroupStatistics]) -> list[tuple[Any, Counts]]:
    return [(name, group.counts) for name, group in groups.items()]


def test_counts_are_kept_by_generation_and_operation_and_add_up(measured: RunStatistics) -> None:
    assert {
        name: (counts.pool, counts.kept, dict(counts.rejected), dict(counts.failed))
        for name, counts in counts_of(measured.generations)
    } == {
        1: (5, 3, {"unchanged": 1}, {"http_500": 1}),
        2: (5, 2, {"prompt_leaked": 1, "rewrite_unusable": 1}, {"http_500": 1}),
    }
    assert {name: counts.kept for name, counts in counts_of(measured.operations)} == {
        "add_constraints": 1,
        "complicate_input": 1,
        "concretize": 0,
        "deepen": 2,
        "in_breadth": 0,
        "increase_reasoning": 1,
    }
    total = measured.total.counts
    assert (total.pool, total.kept_share, measured.seeds.counts.kept) == (10, 0.5, 5)


def test_nothing_that_has_ended_has_no_share_that_was_kept(tmp_path: Path) -> None:
    assert Counts(1, 175).kept_share is None
    path = write_run(tmp_path / "empty", family_lines()[:1], usage=[])
    assert measure(Run(path)).to_json()["total"]["kept_share"] is None


def test_growth_is_that_of_the_plain_operations_and_the_others_stand_apart(
    measured: RunStatistics,
) -> None:
    total = measured.total
    # deepen by 13 and by 2, add_constraints by 3 letters of Chinese, increase_reasoning by 31
    assert total.added == Counter([13, 2, 1, 31])
    assert total.added_by_others == Counter([1])
    assert total.band == Band(below=2, within=1, above=1)


def test_tokens_and_cost_are_for_each_kept_instruction(measured: RunStatistics) -> None:
    assert (measured.total.tokens, measured.total.cost, measured.total.calls) == (900, 1.0, 6)
    first = measured.generations[1]
    assert (first.per_kept(first.tokens), first.per_kept(first.cost)) == (250, 0.25)
    purposes = {name: (group.calls, group.cost) for name, group in measured.purposes.items()}
    assert purposes == {"evolve": (4, 0.5), "answer": (2, 0.5)}


def test_tokens_of_a_cache_are_summed_where_a_service_reports_them(tmp_path: Path) -> None:
    row = {"generation": 1, "operation": "deepen", "purpose": "evolve", "calls": 2}
    usage = [{**row, "cached_tokens": 700}, {**row, "cached_tokens": None}]
    measured = measure(Run(write_run(tmp_path / "run", usage=usage)))
    assert measured.to_json()["total"]["cached_tokens"] == 700
    assert measured.to_json()["purposes"]["evolve"]["cached_tokens"] == 700
    plain = measure(Run(write_run(tmp_path / "plain", usage=[row])))
    assert plain.to_json()["total"]["cached_tokens"] is None


def test_an_unknown_price_is_never_a_sum(tmp_path: Path) -> None:
    row = {"generation": 1, "operation": "deepen", "purpose": "evolve", "calls": 2}
    usage = [{**row, "cost": 0.5}, {**row, "cost": None}]
    measured = measure(Run(write_run(tmp_path / "run", usage=usage)))
    assert (measured.total.cost, measured.total.calls) == (None, 4)


def test_an_unfinished_generation_says_what_it_has_yet_to_settle(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", generations=[], status="running")
    (path / "generation-2.jsonl").write_bytes(b"")
    assert measure(Run(path)).unfinished(2) == 2


def test_variety_counts_copies_whatever_their_case_and_distinct_phrases() -> None:
    variety = Phrases(10, seed=0)
    for text in ("a b a", "A  b a", "c"):
        variety.add(text)
    assert variety.measured() == Distinctness(
        texts=3, copies=pytest.approx(1 / 3), distinct=(3 / 7, 2 / 4, 1 / 2)
    )
    assert Phrases(10, seed=0).measured() is None


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(1, 9), st.integers(0, 3))
def test_a_sample_holds_all_copies_of_its_texts_and_is_the_same_in_any_order(
    numbers: list[int], size: int, seed: int
) -> None:
    one, other, both = (Phrases(size, seed) for _ in range(3))
    for number in numbers:
        one.add(f"text {number}")
    for number in reversed(numbers):
        (other if number % 2 else both).add(f"text {number}")
    assert one.measured() == (other + both).measured()
    found = one.measured()
    assert found is not None
    assert found.texts * (1 - found.copies) == pytest.approx(min(size, len(set(numbers))))


def difficulty(line: Kept) -> float:
    """Return a difficulty: seeds 1 to 5, each generation one and a half more, but for a breadth."""
    if line.operation == "complicate_input":
        return 0.5
    return 1 + [seed(text).id for text in SEEDS].index(line.seed_id) + 1.5 * line.generation


def test_rows_are_flat_and_say_the_same(measured: RunStatistics) -> None:
    head, *found = rows([measured])
    table = [dict(zip(head, row, strict=True)) for row in found]
    assert [(row["by"], row["name"]) for row in table[:4]] == [
        ("all", ""),
        ("generation", "0"),
        ("generation", "1"),
        ("generation", "2"),
    ]
    assert (table[0]["kept"], table[0]["rejected"], table[0]["words_added_most"]) == (5, 3, 31)
    rules = {row["name"]: row["rejected"] for row in table if row["by"] == "rule"}
    assert rules == {"prompt_leaked": 1, "rewrite_unusable": 1, "unchanged": 1}


# One statement of each statistic


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Shown]:
    """Return what tells the totals of two runs as terminal, report, JSON and CSV show them."""
    enter(tmp_path, monkeypatch)
    score(write_run(tmp_path / "run"), difficulty)
    score(write_run(tmp_path / "other", family_lines()[:2], usage=[]), difficulty)

    def show() -> Shown:
        printed = evolinstruct("stats run other").stdout.splitlines()
        rows = [re.split("  +", line[2:].strip()) for line in printed if line[:2] in ("≠ ", "  ")]
        story = tell([measure(Run("run")), measure(Run("other"))], ["run", "other"])
        page = re.findall(r'"row">(?:≠ )?([^<]*)</th><td>([^<]*)</td><td>([^<]*)</td>', story)
        runs = json.loads(evolinstruct("stats run other --json").stdout)["runs"]
        table = csv.DictReader(io.StringIO(evolinstruct("stats run other --csv").stdout))
        return Shown(
            terminal=first_of((name, tuple(cells)) for name, *cells in rows),
            report=first_of((name, (one, other)) for name, one, other in page),
            json=[run["total"] for run in runs],
            csv=[row for row in table if row["by"] == "all"],
        )

    return show


@dataclass(frozen=True)
class Shown:
    """What four places say of two runs: by name for people, by key for scripts."""

    terminal: dict[str, tuple[str, ...]]
    report: dict[str, tuple[str, ...]]
    json: list[dict[str, Any]]
    csv: list[dict[str, str]]


def first_of(found: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Return the first of each name: that of the whole runs."""
    return dict(reversed(list(found)))


def written(statistic: Statistic, value: Any) -> str:
    number = sum(value.values()) if isinstance(value, dict) else value
    return statistic.write(float(number) if number not in (None, "") else None)


def test_terminal_report_csv_and_json_say_the_same_of_the_same_statistics(
    shown: Callable[[], Shown],
) -> None:
    said = shown()
    for statistic in in_table("comparison"):
        nested: list[Any] = said.json
        for key in statistic.key.split("."):
            nested = [found[key] for found in nested]
        cells = said.terminal[statistic.label]
        assert cells == said.report[statistic.label]
        assert cells == tuple(written(statistic, value) for value in nested)
        assert cells == tuple(written(statistic, row[statistic.column]) for row in said.csv)
    for statistic in in_table("diversity"):
        assert said.terminal[statistic.label] == said.report[statistic.label]
        assert said.terminal[statistic.label][0] == statistic.write(
            float(said.csv[0][statistic.column])
        )


def test_a_new_statistic_is_one_row(
    shown: Callable[[], Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Statistic(
        key="unclear",
        label="comparison unclear",
        value=lambda group: 40 + group.counts.unclear,
        write=write_number,
        tables=frozenset({"json", "csv", "generations", "comparison"}),
    )
    monkeypatch.setattr(analysis.statistics, "STATISTICS", (*STATISTICS, row))
    said = shown()
    assert said.terminal["comparison unclear"] == ("41", "41")
    assert said.report["comparison unclear"] == ("41", "41")
    assert [total["unclear"] for total in said.json] == [41, 41]
    assert [total["unclear"] for total in said.csv] == ["41", "41"]
    assert "comparison unclear" in evolinstruct("stats run").stdout
