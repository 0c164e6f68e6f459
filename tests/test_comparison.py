"""Runs side by side: what chance explains is not marked, and what matters is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from evolinstruct.analysis.comparison import compare, compare_rules, exactly, roughly
from evolinstruct.analysis.difficulty import Difficulty
from evolinstruct.analysis.statistics import GroupStatistics
from evolinstruct.run.counts import Counts
from tests.command_line import enter, evolinstruct
from tests.written import family_lines, write_run


def group(kept: int, rejected: int, added: Counter[int] | None = None) -> GroupStatistics:
    counts = Counts(pool=kept + rejected, kept=kept, rejected=Counter({"unchanged": rejected}))
    return GroupStatistics(counts=counts, added=added or Counter())


def marked(*groups: GroupStatistics | None) -> set[str]:
    return {row.name for row in compare("comparison", groups) if row.matters}


def test_a_share_that_chance_explains_is_not_marked_and_one_beyond_it_is() -> None:
    assert marked(group(80, 20), group(84, 16)) == set()
    assert marked(group(800, 200), group(900, 100)) == {"kept", "kept share", "rejected"}
    assert [row.matters for row in compare_rules([group(80, 20), group(84, 16)])] == [False]
    assert [row.matters for row in compare_rules([group(80, 20), group(50, 50)])] == [True]


def test_runs_of_other_sizes_differ_in_their_pool_and_not_in_what_became_of_it() -> None:
    assert marked(group(80, 20), group(800, 200)) == {"pool"}


def test_a_median_is_marked_where_its_texts_are_many_enough_to_tell() -> None:
    few, many = Counter({14: 2, 18: 3, 22: 2}), Counter({14: 200, 18: 300, 22: 200})
    later = Counter({word + 2: count for word, count in many.items()})
    name = "words added, plain in-depth, median"
    assert name not in marked(group(7, 0, few), group(7, 0, Counter({16: 2, 20: 3, 24: 2})))
    assert name in marked(group(700, 0, many), group(700, 0, later))


def test_means_are_marked_where_their_intervals_do_not_meet() -> None:
    def scored(*values: float) -> GroupStatistics:
        difficulty = Difficulty()
        for value in values:
            difficulty.value.add([value])
        return GroupStatistics(difficulty=difficulty)

    assert marked(scored(4, 5, 6), scored(5, 6, 7)) == set()
    assert marked(scored(4, 5, 6), scored(8, 9, 10)) == {"difficulty, mean"}


def test_a_run_that_has_no_such_generation_does_not_differ_in_it() -> None:
    rows = [*compare("comparison", [group(80, 20), None])]
    assert {row.cells[1] for row in rows} == {"-"}
    assert not any(row.matters for row in rows)


def test_what_is_unknown_or_free_is_not_compared() -> None:
    free, paid = group(80, 20), group(80, 20)
    paid.cost = 2.0
    cells = {row.name: (row.cells, row.matters) for row in compare("comparison", [free, paid])}
    assert cells["cost per kept"] == (["-", "$0.03"], False)


def test_settings_differ_in_anything_and_plain_figures_from_a_tenth_on() -> None:
    assert exactly("seed", ["0", "1"]).matters
    assert not roughly("time", ["1:00", "1:05"], [60, 65]).matters
    assert roughly("time", ["1:00", "1:10"], [60, 70]).matters
    assert not roughly("time", ["1:00", "-"], [60, None]).matters


def test_three_runs_of_long_names_stand_side_by_side_at_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(tmp_path, monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"a-run-whose-name-is-long-{number}" for number in (1, 2, 3)]
    for name in names:
        write_run(tmp_path / name, family_lines()[:2])
    shown = evolinstruct(f"stats {' '.join(names)}").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("Side by side") == 1
    (cells, *_) = [line.split()[-3:] for line in shown.splitlines() if "kept share" in line]
    assert cells == ["60.0%"] * 3


def test_of_one_run_all_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)
    write_run(tmp_path / "run")
    lines = evolinstruct("stats run").stdout.splitlines()
    assert ["all", "seeds", "1", "2"] in [line.split() for line in lines]
    rows = lines[lines.index("By operation") :]
    assert rows[3].split()[:3] == ["all", "10", "5"]
