"""Which operation evolves which instruction depends on the run's seed and the place alone."""

from collections import Counter

from evolinstruct.draws import draw_operation, draw_order
from evolinstruct.records import child_id

EQUAL = dict.fromkeys(["a", "b", "c", "d", "e", "f"], 1.0)


def test_a_place_draws_the_same_operation_whatever_the_order_of_the_weights() -> None:
    backwards = dict(reversed(EQUAL.items()))
    places = [child_id(str(n), 1) for n in range(200)]
    drawn = [draw_operation(EQUAL, 7, place) for place in places]
    assert drawn == [draw_operation(backwards, 7, place) for place in places]
    assert drawn[:6] == ["f", "e", "a", "d", "d", "d"]


def test_another_seed_draws_otherwise() -> None:
    places = [child_id(str(n), 1) for n in range(200)]
    assert [draw_operation(EQUAL, 0, place) for place in places] != [
        draw_operation(EQUAL, 1, place) for place in places
    ]


def test_operations_occur_by_their_weights_within_three_sigma() -> None:
    weights = {"a": 1.0, "b": 3.0, "c": 0.0}
    count = 20_000
    drawn = Counter(draw_operation(weights, 0, child_id(str(n), 1)) for n in range(count))
    sigma = (count * 0.25 * 0.75) ** 0.5
    assert abs(drawn["a"] - count / 4) < 3 * sigma
    assert drawn["a"] + drawn["b"] == count


def test_an_order_holds_every_name_once_and_each_comes_first_equally_often() -> None:
    names = ["xml", "sql", "json", "csv"]
    orders = [draw_order(names, 0, child_id(str(n), 1)) for n in range(4_000)]
    assert all(sorted(order) == sorted(names) for order in orders)
    first = Counter(order[0] for order in orders)
    assert all(abs(first[name] - 1_000) < 3 * (4_000 * 0.25 * 0.75) ** 0.5 for name in names)
