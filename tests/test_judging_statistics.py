"""Statistics of verdicts against simulated contests whose truth is known."""

from __future__ import annotations

from random import Random

import pytest

from evolinstruct.agreement import agreement
from evolinstruct.judging.statistics import (
    length_controlled,
    noise,
    strengths,
    visible,
    win_rate,
)


def played(dice: Random, count: int, wins: float, ties: float) -> list[float]:
    """Return the points of so many questions of which a share is a tie, and the rest is won so."""
    return [0.5 if dice.random() < ties else float(dice.random() < wins) for _ in range(count)]


@pytest.mark.parametrize(
    ("questions", "points"), [(63, 12), (80, 11), (218, 7), (500, 4), (1_000, 3), (2_000, 2)]
)
def test_without_ties_the_noise_is_that_of_a_coin(questions: int, points: int) -> None:
    found = noise([0.0, 1.0] * (questions // 2) + [1.0] * (questions % 2))
    assert round(100 * found) == points


def test_ties_make_for_less_noise() -> None:
    assert noise([0.0, 1.0] * 20 + [0.5] * 60) < noise([0.0, 1.0] * 50) / 1.5


@pytest.mark.parametrize(("rate", "needed"), [(0.55, 783), (0.60, 194), (0.65, 85), (0.70, 47)])
def test_what_can_be_seen_is_what_the_usual_count_of_pairs_says(rate: float, needed: int) -> None:
    assert 0.5 + visible(needed) == pytest.approx(rate, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("count", [8, 20, 63, 218])
@pytest.mark.parametrize(("wins", "ties"), [(0.5, 0.3), (0.65, 0.2), (0.9, 0.05)])
def test_an_interval_holds_the_true_rate_as_often_as_it_says(
    count: int, wins: float, ties: float
) -> None:
    dice, truth, held = Random(count), 0.5 * ties + (1 - ties) * wins, 0
    for number in range(300):
        found = win_rate(played(dice, count, wins, ties), str(number))
        held += found.low <= truth <= found.high
    assert held / 300 > 0.90


def test_a_few_wins_are_no_proof_of_never_losing() -> None:
    found = win_rate([1.0, 1.0, 1.0], "three")
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.7


def test_a_judge_that_goes_by_length_alone_finds_no_difference_at_equal_lengths() -> None:
    dice = Random(1)
    longer = [dice.gauss(60, 100) for _ in range(400)]
    points = [float(each + dice.gauss(0, 40) > 0) for each in longer]
    raw, equal = win_rate(points, "raw"), length_controlled(points, longer)
    assert raw.low > 0.6
    assert equal is not None
    assert equal.low < 0.5 < equal.high


def test_a_difference_that_has_nothing_to_do_with_length_stays() -> None:
    dice = Random(2)
    points = played(dice, 400, wins=0.7, ties=0.2)
    equal = length_controlled(points, [dice.gauss(60, 100) for _ in points])
    assert equal is not None
    assert equal.low < 0.66 < equal.high
    assert equal.value == pytest.approx(sum(points) / 400, abs=0.04)


def test_too_few_questions_or_equal_lengths_tell_nothing_of_length() -> None:
    assert length_controlled([1.0] * 9, [float(each) for each in range(9)]) is None
    assert length_controlled([1.0, 0.0] * 20, [5.0] * 40) is None


def test_contestants_who_always_win_have_finite_rates() -> None:
    equal = length_controlled([1.0] * 30, [float(each) for each in range(30)])
    assert equal is not None
    assert 0.8 < equal.value < 1
    assert equal.low < equal.value


def test_strengths_are_in_the_order_of_the_truth_and_hold_it() -> None:
    dice, names = Random(3), ("a", "b", "c", "d")
    met = []
    for _ in range(200):
        pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
        chances = [1 / (1 + 2.0 ** (names.index(one) - names.index(other))) for one, other in pairs]
        met.append(
            {pair: float(dice.random() < won) for pair, won in zip(pairs, chances, strict=True)}
        )
    found = strengths(met, "key")
    assert sorted(found, key=lambda name: -found[name].value) == list(names)
    # Logits one, two and so on of log 2 apart, around zero.
    for place, name in enumerate(names):
        truth = 1 / (1 + 2.0 ** (place - 1.5))
        assert found[name].low < truth < found[name].high
        assert found[name].high - found[name].low < 0.15


def test_agreement_is_cohens_kappa() -> None:
    # Of fifty, both say yes to twenty and no to fifteen: 0.7 the same, half of it by chance.
    said = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = agreement(said)
    assert found is not None
    assert (found.things, found.same, found.kappa) == (50, 0.7, pytest.approx(0.4))
    assert agreement([]) is None
    alike = agreement([("tie", "tie")] * 3)
    assert alike is not None
    assert alike.kappa is None
