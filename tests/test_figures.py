"""Figures of a run: exact quartiles, growth against its band, variety, tokens and cost."""

import statistics
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.analysis.diversity import Distinctness, Diversity
from evolinstruct.analysis.figure_rows import COLUMNS, rows
from evolinstruct.analysis.figures import Figures, measure
from evolinstruct.analysis.runs import Run
from evolinstruct.statistics import Band, Quartiles
from tests.written import write_run

NUMBERS = st.lists(st.integers(-50, 50), min_size=2)


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
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
    assert (Quartiles.of({}), Band.of({})) == (None, None)


def test_the_band_holds_growth_from_10_to_20_words() -> None:
    band = Band.of(Counter([9, 10, 20, 21, 40]))
    assert band == Band(below=1, within=2, above=2)
    assert band.left == 0.6


def test_counts_are_kept_by_generation_and_operation_and_add_up(figures: Figures) -> None:
    assert {
        name: (group.pool, group.kept, dict(group.rejected), dict(group.failed))
        for name, group in figures.generations.items()
    } == {
        1: (5, 3, {"unchanged": 1}, {"http_500": 1}),
        2: (5, 2, {"prompt_leaked": 1, "rewrite_unusable": 1}, {"http_500": 1}),
    }
    assert {name: group.kept for name, group in figures.operations.items()} == {
        "add_constraints": 1,
        "complicate_input": 1,
        "concretize": 0,
        "deepen": 2,
        "in_breadth": 0,
        "increase_reasoning": 1,
    }
    assert (figures.total.pool, figures.total.kept_share, figures.seeds.kept) == (10, 0.5, 5)


def test_growth_is_that_of_the_plain_operations_and_the_others_stand_apart(
    figures: Figures,
) -> None:
    total = figures.total
    # deepen by 13 and by 2, add_constraints by 3 letters, increase_reasoning by 31
    assert total.added == Counter([13, 2, 3, 31])
    assert total.added_apart == Counter([1])
    assert total.band == Band(below=2, within=1, above=1)


def test_tokens_and_cost_are_for_each_kept_instruction(figures: Figures) -> None:
    assert (figures.total.tokens, figures.total.cost, figures.total.calls) == (900, 1.0, 6)
    first = figures.generations[1]
    assert (first.per_kept(first.tokens), first.per_kept(first.cost)) == (250, 0.25)
    purposes = {name: (group.calls, group.cost) for name, group in figures.purposes.items()}
    assert purposes == {"evolve": (4, 0.5), "answer": (2, 0.5)}


def test_an_unknown_price_is_never_a_sum(tmp_path: Path) -> None:
    row = {"generation": 1, "operation": "deepen", "purpose": "evolve", "calls": 2}
    usage = [{**row, "cost": 0.5}, {**row, "cost": None}]
    figures = measure(Run(write_run(tmp_path / "run", usage=usage)))
    assert (figures.total.cost, figures.total.calls) == (None, 4)


def test_an_unfinished_generation_says_what_it_has_yet_to_settle(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run", generations=[], status="running")
    (path / "generation-2.jsonl").write_bytes(b"")
    assert measure(Run(path)).unfinished(2) == 2


def test_variety_counts_copies_whatever_their_case_and_distinct_phrases() -> None:
    variety = Diversity(10, seed=0)
    for text in ("a b a", "A  b a", "c"):
        variety.add(text)
    assert variety.measured() == Distinctness(
        texts=3, copies=pytest.approx(1 / 3), distinct=(3 / 7, 2 / 4, 1 / 2)
    )
    assert Diversity(10, seed=0).measured() is None


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(1, 9), st.integers(0, 3))
def test_a_sample_holds_all_copies_of_its_texts_and_is_the_same_in_any_order(
    numbers: list[int], size: int, seed: int
) -> None:
    one, other, both = (Diversity(size, seed) for _ in range(3))
    for number in numbers:
        one.add(f"text {number}")
    for number in reversed(numbers):
        (other if number % 2 else both).add(f"text {number}")
    assert one.measured() == (other + both).measured()
    found = one.measured()
    assert found is not None
    assert found.texts * (1 - found.copies) == pytest.approx(min(size, len(set(numbers))))


def test_rows_are_flat_and_say_the_same(figures: Figures) -> None:
    head, *found = rows([figures])
    table = [dict(zip(head, row, strict=True)) for row in found]
    assert head == list(COLUMNS)
    assert [(row["by"], row["name"]) for row in table[:4]] == [
        ("all", ""),
        ("generation", "0"),
        ("generation", "1"),
        ("generation", "2"),
    ]
    assert (table[0]["kept"], table[0]["rejected"], table[0]["words_added_most"]) == (5, 3, 31)
    rules = {row["name"]: row["rejected"] for row in table if row["by"] == "rule"}
    assert rules == {"prompt_leaked": 1, "rewrite_unusable": 1, "unchanged": 1}
