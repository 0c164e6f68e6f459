"""The scale: what is known of a few texts puts them where they belong, between fixed points."""

from __future__ import annotations

from itertools import combinations
from math import exp
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from evolinstruct.scoring.scale import Comparison, comparisons, fit, intervals

FIXED = {f"anchor {place}": float(place) for place in range(1, 11)}


def told(places: dict[str, float], names: list[str]) -> list[Comparison]:
    """Return what an infallible judge says of each two texts."""
    known = {**FIXED, **places}
    tiers = sorted({known[name] for name in names})
    return comparisons(
        tuple(tuple(name for name in names if known[name] == tier) for tier in tiers)
    )


def everyone(places: dict[str, float]) -> list[Comparison]:
    return told(places, [*FIXED, *places])


def test_an_order_says_of_each_two_texts_how_they_stand() -> None:
    assert comparisons((("a",), ("b", "c"))) == [
        Comparison("a", "b", 0.0),
        Comparison("a", "c", 0.0),
        Comparison("b", "c", 0.5),
    ]


def test_a_text_between_two_anchors_stands_between_them() -> None:
    for place in range(1, 10):
        found = fit(everyone({"text": place + 0.5}), FIXED)
        assert place < found["text"] < place + 1


def test_a_text_as_hard_as_an_anchor_stands_where_it_stands() -> None:
    for place in range(1, 11):
        assert abs(fit(everyone({"text": float(place)}), FIXED)["text"] - place) < 0.6


def test_what_is_always_hardest_or_easiest_stays_on_the_scale() -> None:
    found = fit(everyone({"hard": 99.0, "easy": -99.0}), FIXED)
    assert 9.5 < found["hard"] <= 11
    assert 0 <= found["easy"] < 1.5


def test_anchors_are_not_moved_and_not_among_what_is_found() -> None:
    assert set(fit(everyone({"text": 3.5}), FIXED)) == {"text"}
    assert fit(told({}, list(FIXED)), FIXED) == {}


@given(st.lists(st.integers(0, 44), min_size=2, max_size=8, unique=True))
def test_the_order_is_kept(places: list[int]) -> None:
    known = {f"text {place}": place / 4 for place in places}
    found = fit(everyone(known), FIXED)
    for one, other in combinations(sorted(known, key=known.__getitem__), 2):
        assert found[one] < found[other] + 0.01


@given(st.integers(2, 8), st.integers(0, 44))
def test_what_is_level_stands_level(number: int, place: int) -> None:
    found = fit(everyone({f"text {n}": place / 4 for n in range(number)}), FIXED)
    assert max(found.values()) - min(found.values()) < 0.01


def test_a_judge_that_says_one_thing_and_its_opposite_puts_both_in_the_same_place() -> None:
    both = [*everyone({"a": 4.5, "b": 6.5}), *everyone({"a": 6.5, "b": 4.5})]
    found = fit(both, FIXED)
    assert abs(found["a"] - found["b"]) < 0.01
    assert 4.5 < found["a"] < 6.5


def test_a_start_near_the_end_gives_the_same_places() -> None:
    found = everyone({"a": 2.5, "b": 7.5})
    cold = fit(found, FIXED)
    warm = fit(found, FIXED, cold)
    assert all(abs(cold[text] - warm[text]) < 0.001 for text in cold)


def covered(slope: float, lowest: float, highest: float) -> float:
    """Return the share of 200 places that lie in their intervals, of a judge that errs by a slope.

    It is asked about the eight anchors that are nearest, and says the same in the other order eight
    times in ten.
    """
    dice = Random(7)
    true = {f"text {n}": dice.uniform(lowest, highest) for n in range(200)}
    found = []
    for text, place in true.items():
        nearest = sorted(FIXED, key=lambda name: abs(FIXED[name] - place))
        for other in nearest[:8]:
            chance = 1 / (1 + exp(-slope * (place - FIXED[other])))
            first = dice.random() < chance
            second = first if dice.random() < 0.8 else dice.random() < chance
            found += [Comparison(text, other, float(said)) for said in (first, second)]
    spans = intervals(found, FIXED, fit(found, FIXED), 1)
    return sum(spans[text][0] <= place <= spans[text][1] for text, place in true.items()) / 200


def test_an_interval_covers_what_a_judge_of_known_errors_sees() -> None:
    assert 0.87 <= covered(1.5, 0.5, 10.5) <= 0.98


def test_an_interval_grows_where_a_judge_errs_more_than_the_model_says() -> None:
    assert covered(0.75, 2.0, 9.0) >= 0.83  # 0.79 by the information alone


def test_an_interval_covers_what_is_always_hardest_or_easiest() -> None:
    assert covered(1.5, 9.5, 10.5) >= 0.9  # 0.69 by the bootstrap alone


@given(st.lists(st.integers(0, 44), min_size=1, max_size=6, unique=True))
def test_an_interval_holds_the_place(places: list[int]) -> None:
    found = everyone({f"text {place}": place / 4 for place in places})
    known = fit(found, FIXED)
    for text, (low, high) in intervals(found, FIXED, known, 1).items():
        assert 0 <= low <= known[text] <= high <= 11


def test_more_opponents_make_a_smaller_interval() -> None:
    few = told({"text": 5.5}, ["text", "anchor 4", "anchor 7"])
    widths = []
    for found in (few, everyone({"text": 5.5})):
        low, high = intervals(found, FIXED, fit(found, FIXED), 1)["text"]
        widths.append(high - low)
    assert widths[0] > widths[1]
